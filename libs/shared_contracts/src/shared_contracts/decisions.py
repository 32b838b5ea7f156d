"""Findings, decisions and refusals: how a rule says what it saw, on the bus and over HTTP (RFC 9457)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec


class Outcome(StrEnum):
    PASS = "pass"  # noqa: S105 - an outcome, no password
    REFUSE = "refuse"
    NEEDS_OVERRIDE = "needs_override"
    NOTE = "note"


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one rule found.

    `clause`: the clause of the regulation (`"20.2"`), or None where the form or the system itself asks.
    `message`: Chinese, for the person who sees it. `cure`: Chinese, what would make it possible.
    `facts`: what the rule looked at; personal values masked. `fields`: keys of the national form's columns at fault.
    `code`: a stable name for programs, `"age.too_young"`.
    """

    code: str
    outcome: Outcome
    message: str
    clause: str | None = None
    cure: str | None = None
    facts: dict[str, Any] = {}
    fields: tuple[str, ...] = ()


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All findings of one question, passes too, and the version of the policy parameters that was used."""

    findings: tuple[Finding, ...]
    policy_version: str = ""

    @property
    def refused(self) -> bool:
        return any(f.outcome is Outcome.REFUSE for f in self.findings)

    @property
    def needs_override(self) -> bool:
        return not self.refused and any(f.outcome is Outcome.NEEDS_OVERRIDE for f in self.findings)

    def of(self, *outcomes: Outcome) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.outcome in outcomes)


RefusalKind = Literal[
    "refused",  # a rule says no -> 409
    "invalid",  # the input cannot be read or has a bad value -> 422
    "forbidden",  # the actor may not do this -> 403
    "not_found",  # -> 404
    "conflict",  # changed meanwhile, or not possible in this state -> 409
    "too_large",  # -> 413
    "unavailable",  # try later -> 503
]


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="refused", omit_defaults=True):
    """The reply of a command or query that is not carried out. `detail` is Chinese and says how to go on."""

    kind: RefusalKind
    detail: str
    findings: tuple[Finding, ...] = ()


def refused(kind: RefusalKind, detail: str, *findings: Finding) -> Refused:
    return Refused(kind=kind, detail=detail, findings=findings)
