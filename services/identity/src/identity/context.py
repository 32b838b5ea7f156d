"""What the service builds once and hands to every handler and worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from service_kit.work import Work

from identity.matcher import Matcher
from identity.settings import MatcherSettings
from identity.vault import Vault


@dataclass(frozen=True, slots=True)
class Identity:
    """`wake_matching`: called after a commit that left something to ask the matcher about."""

    settings: MatcherSettings
    vault: Vault
    matcher: Matcher
    wake_matching: Callable[[], None]


IdentityWork = Work[Identity]
