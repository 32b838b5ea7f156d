"""What people may do with an operation of any kind: decide, cancel, resume, take back. Its kind says who they are."""

from __future__ import annotations

from collections.abc import Sequence

from regulation.authorisation import Target, check
from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.moving import store

MISSING = "没有这项办理，或者它不属于您管理的范围。"
LONGEST_REASON = 500


async def seen(
    work: RegistryWork, message: Command | Query, operation_id: str, kinds: Sequence[str], *, lock: bool = False,
    approver: bool = False, version: int | None = None,
) -> RowMapping | Refused:  # fmt: skip
    """The operation, if the actor may do this with it. `approver`: it is the approving authority's act."""
    actor: Actor = message.actor
    row = await store.get(work.tx, operation_id, lock=lock)
    if row is None or row["kind"] not in kinds:
        return refused("not_found", MISSING)
    target = Target(authority=row["approver"] if approver else row["organisation"])
    if no := check(actor, word(message), target, state=row["state"], missing=MISSING):
        return no
    if version is not None and version != row["version"]:
        return refused("conflict", "这项办理在您查看之后有变化。请刷新后再办理。")
    return row


def reason_fault(reason: str, *, needed: bool) -> Refused | None:
    text = reason.strip()
    if needed and not text:
        return refused("invalid", "请填写原因。")
    if len(text) > LONGEST_REASON or any(not (c.isprintable() or c == "\n") for c in text):
        return refused("invalid", f"原因过长（最多{LONGEST_REASON}字）或含有不可见的字符。")
    return None


@clause("16", "21.3", "44")
async def decide(
    work: RegistryWork, row: RowMapping, actor: Actor, decision: str, reason: str, findings: Sequence[Finding]
) -> Refused | None:
    """By somebody else than whoever drew it up. `findings`: what was seen at the last look."""
    if actor.account == row["created_account"]:
        found = refuse("44", "operation.same_person", "拟订和核准不能由同一人办理", cure="由另一位分管领导核准")
        return refused("refused", "拟订和核准不能由同一人办理。请由另一位分管领导核准。", found)
    against = [finding for finding in findings if finding.outcome is Outcome.REFUSE]
    if decision == "approve" and against:
        return refused("refused", f"还有{len(against)}处不符合要求，不能核准。", *against[:100])
    principle = any(finding.outcome is Outcome.NEEDS_OVERRIDE for finding in findings)
    if no := reason_fault(reason, needed=decision == "reject" or principle):
        return no
    await store.change(
        work.tx,
        row["id"],
        state="approved" if decision == "approve" else "rejected",
        decided_account=actor.account,
        decided_by=actor.name,
        decided_at=work.now,
        reason=reason.strip(),
        retry_at=None,
        failures=0,
    )
    return None


async def cancel(work: RegistryWork, row: RowMapping, reason: str) -> Refused | None:
    if no := reason_fault(reason, needed=True):
        return no
    await store.change(work.tx, row["id"], state="cancelled", reason=reason.strip())
    return None


async def resume(work: RegistryWork, row: RowMapping) -> None:
    """Go on where it stopped: from the beginning, in the middle, or on the way back."""
    state = "undoing" if row["undone_account"] else "running" if row["step"] else "approved"
    await store.change(work.tx, row["id"], state=state, findings=[], failures=0, retry_at=None)


async def undo(work: RegistryWork, row: RowMapping, actor: Actor, reason: str) -> Refused | None:
    """The worker looks once more before it begins; what stands in the way now is said at once."""
    if no := reason_fault(reason, needed=True):
        return no
    if changed := await store.changed_since(work.tx, row["id"]):
        message = f"有{changed}名学生办理后又有学籍变动"
        found = refuse(
            "21.1", "operation.changed_since", message, cure="不能整体撤回；个别学生通过转学办理", records=changed
        )
        return refused("refused", f"{message}，不能整体撤回。", found)
    await store.change(
        work.tx, row["id"], state="undoing", step="undo", undone_account=actor.account, reason=reason.strip(),
        findings=[], failures=0, retry_at=None,
    )  # fmt: skip
    return None
