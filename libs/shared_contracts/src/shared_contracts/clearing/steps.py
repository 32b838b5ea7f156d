"""What the rooms of clearing share: acts on a case, the answer to a precheck."""

from __future__ import annotations

from typing import Literal

from shared_contracts.decisions import Decision
from shared_contracts.messages import Message, Moment

CaseDecision = Literal["approve", "reject", "return"]


class Step(Message, frozen=True, kw_only=True, gc=False):
    """One act on a case (办理经过). `decision`: approve, reject, return, resubmit, withdraw, reroute."""

    step: str
    decision: str
    account_name: str
    organisation: str
    decided_at: Moment
    reason: str = ""


class ClearingChecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.clearing_checked"):
    """The answer to a precheck: the same rules, nothing opened."""

    decision: Decision
