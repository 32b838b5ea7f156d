"""What carries a secret: passwords, tokens and seeds travel over core NATS alone, are kept nowhere and not shown."""

from __future__ import annotations

from typing import ClassVar

from shared_contracts.messages import Command, Message


class Secret(Message, frozen=True, kw_only=True, gc=False):
    """Something shown once: it does not show itself in a traceback."""


class SecretCommand(Command, frozen=True, kw_only=True, gc=False):
    """Carries a secret, or is answered with one: neither the command nor its reply is kept, and it does not show itself."""

    kept: ClassVar[bool] = False
