"""Asking for an export: precheck, request, correction, taking back."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from casework.rules import may_resubmit, may_withdraw
from casework.state import opened
from casework.store import Doing, NewCase, decide_cases, open_cases
from regulation import authorisation
from regulation.authorisation import Target, is_school, target_of
from regulation.findings import decide
from regulation.mark import clause
from regulation.parameters import Parameters
from service_kit import organisations
from service_kit.bus import BusError
from service_kit.database import driver
from shared_contracts.actors import Actor
from shared_contracts.decisions import Decision, Outcome, Refused, refused
from shared_contracts.exports import (
    CancelExport,
    CountExportRows,
    ExportPrechecked,
    ExportRequest,
    ExportView,
    PrecheckExport,
    RequestExport,
    ResubmitExport,
)
from shared_contracts.messages import word
from shared_contracts.organisations import OrganisationChanged

from access.context import AccessWork
from access.exports import policy, store, views
from access.exports.store import Export
from access.exports.tables import PREFIX
from access.exports.telling import stands, tell

REFUSED = "导出申请不符合规定。"
SELECTION = frozenset({"export.selection"})
COUNTING = 15.0
"""Seconds that the registry may take to count a province."""


class Checked(NamedTuple):
    """A request after all rules. `request`: with the recipient's name; `by`: the organisation that asks."""

    request: ExportRequest
    decision: Decision
    rows: int | None
    by: OrganisationChanged
    parameters: Parameters


@clause("45.2")
async def precheck_export(work: AccessWork, query: PrecheckExport) -> ExportPrechecked | Refused:
    """The same rules, opening nothing."""
    checked = await _check(work, query.actor, word(query), query.request)
    if isinstance(checked, Refused):
        return checked
    return ExportPrechecked(decision=checked.decision, rows=checked.rows)


@clause("45.2")
async def request_export(work: AccessWork, command: RequestExport) -> ExportView | Refused:
    actor = command.actor
    checked = await _check(work, actor, word(command), command.request)
    if isinstance(checked, Refused):
        return checked
    if checked.decision.refused:
        return _refusal(checked.decision)
    by = checked.by
    authority = by.code if not is_school(by.code) else by.authority or ""
    supervisor = await organisations.find(work.tx, authority)
    if supervisor is None or supervisor.closed:
        return refused("conflict", "还不知道您单位的主管教育行政部门，暂不能受理。请稍后重试或联系主管部门。")
    opened_now = await store.open_export(
        work.tx,
        {
            "id": command.export_id,
            "number": await store.next_number(work.tx, work.today.year),
            "organisation": by.code,
            "organisation_name": by.name,
            "authority": authority,
            "authority_name": supervisor.name,
            "account": actor.account,
            "account_name": actor.name,
            "roles": [role.value for role in actor.roles],
            "approval_days": checked.parameters.approval_working_days,
            "created_at": work.now,
            "revision": 0,
            "file_gone": False,
            **_content(checked),
        },
    )
    if not opened_now:
        return refused("conflict", "这个编号的申请已经存在。请刷新后查看。")
    kind = policy.chain(checked.parameters.approval_working_days)
    case = NewCase(
        id=command.export_id,
        subject_id=command.export_id,
        parties={"organisation": by.code, "authority": authority},
        entered_by=actor.account,
    )
    connection = await driver(work.tx)
    start = opened(kind, work.today, work.deps.calendar)
    await open_cases(connection, kind, [case], standing=start, at=work.now, prefix=PREFIX)
    await _waits(work, command.export_id)
    return await views.full(work, command.export_id)


@clause("45.2")
async def resubmit_export(work: AccessWork, command: ResubmitExport) -> ExportView | Refused:
    """The corrected request is checked as a new one is; an earlier paper approved another request and goes."""
    export = await own(work, command.actor, command.export_id, word(command))
    if isinstance(export, Refused):
        return export
    kind, parties = policy.chain(export.approval_days), {"organisation": export.organisation}
    if found := may_resubmit(kind, export.standing, command.actor, parties):
        return refused("conflict", found[0].message + "。", *found)
    checked = await _check(work, command.actor, "access.request_export", command.request)
    if isinstance(checked, Refused):
        return checked
    if checked.decision.refused:
        return _refusal(checked.decision)
    doing = Doing(
        act="resubmit", actor=command.actor, role=deciding_role_of(command.actor, kind.entrant_roles), at=work.now
    )
    connection, case = await driver(work.tx), [(export.id, export.standing)]
    await decide_cases(connection, kind, case, doing, calendar=work.deps.calendar, prefix=PREFIX)
    await store.change(work.tx, export.id, document=None, **_content(checked))
    await _waits(work, export.id)
    return await views.full(work, export.id)


@clause("45.2")
async def cancel_export(work: AccessWork, command: CancelExport) -> ExportView | Refused:
    """Before it is approved; afterwards the file expires by itself, or is fetched."""
    export = await own(work, command.actor, command.export_id, word(command))
    if isinstance(export, Refused):
        return export
    kind, parties = policy.chain(export.approval_days), {"organisation": export.organisation}
    if found := may_withdraw(kind, export.standing, command.actor, parties, command.reason):
        return refused("conflict", found[0].message + "。", *found)
    role = deciding_role_of(command.actor, kind.entrant_roles)
    doing = Doing(act="withdraw", actor=command.actor, role=role, at=work.now, reason=command.reason)
    connection, case = await driver(work.tx), [(export.id, export.standing)]
    (after,) = await decide_cases(connection, kind, case, doing, calendar=work.deps.calendar, prefix=PREFIX)
    stands(work, export, kind, after)
    return await views.full(work, export.id)


async def _waits(work: AccessWork, export_id: str) -> None:
    export = await store.lock(work.tx, export_id, work.now)
    assert export is not None, "it was written in this transaction"
    tell(work, export, "waits")
    stands(work, export, policy.chain(export.approval_days), export.standing)


async def own(work: AccessWork, actor: Actor, export_id: str, act: str) -> Export | Refused:
    """An export of the actor's own, under lock: of this account, asked for in the organisation it still belongs to."""
    export = await store.lock(work.tx, export_id, work.now)
    if export is None or export.organisation != actor.organisation:
        return authorisation.absent(actor, act, views.NOT_FOUND)
    if no := authorisation.check(actor, act, Target(account=export.account), missing=views.NOT_FOUND):
        return no
    return export


def deciding_role_of(actor: Actor, roles: tuple[Any, ...]) -> str:
    return next((role.value for role in roles if role in actor.roles), "")


async def _check(work: AccessWork, actor: Actor, act: str, request: ExportRequest) -> Checked | Refused:
    """May the actor export this selection, and is the request as the rules want it. Rows are counted by the registry."""
    of = request.selection.organisation
    selected = await organisations.find(work.tx, of)
    target = target_of(of, selected.authority) if selected is not None else Target()
    if no := authorisation.check(actor, act, target, missing="没有这个学校或教育行政部门，或者它不属于您管理的范围。"):
        return no
    by = await organisations.find(work.tx, actor.organisation)
    if by is None or by.closed:
        return refused("conflict", "您所在的单位已撤销或尚未同步，暂不能申请导出。请稍后重试。")
    recipient, known = request.recipient, False
    if recipient.kind == "inside" and recipient.code:
        inside = await organisations.find(work.tx, recipient.code)
        if inside is not None and not inside.closed:
            recipient, known = msgspec.structs.replace(recipient, name=inside.name), True
    tidy = msgspec.structs.replace(recipient, name=recipient.name.strip())
    request = msgspec.structs.replace(request, recipient=tidy, purpose=request.purpose.strip())
    parameters = work.deps.policy.parameters(by.division, work.today)
    facts = policy.Facts(
        today=work.today,
        max_days=parameters.export_max_days,
        max_rows=parameters.export_max_rows,
        rows=None,
        recipient_known=known,
    )
    found = policy.findings(request, facts)
    if not any(f.code in SELECTION and f.outcome is Outcome.REFUSE for f in found):
        rows = await _count(work, actor, request)
        if isinstance(rows, Refused):
            return rows
        facts = msgspec.structs.replace(facts, rows=rows)
        found = policy.findings(request, facts)
    return Checked(request, decide(found, policy_version=parameters.version), facts.rows, by, parameters)


async def _count(work: AccessWork, actor: Actor, request: ExportRequest) -> int | Refused:
    try:
        reply = await work.deps.bus.ask(CountExportRows(actor=actor, selection=request.selection), timeout=COUNTING)
    except BusError:
        return refused("unavailable", "暂时无法统计所选范围的学生人数，没有受理。请稍后用相同的请求重试。")
    return reply if isinstance(reply, Refused) else int(reply.rows)


def _content(checked: Checked) -> dict[str, Any]:
    return {
        "request": msgspec.to_builtins(checked.request),
        "rows": checked.rows or 0,
        "row_cap": checked.parameters.export_max_rows,
        "expires_at": policy.expires_at(checked.request),
    }


def _refusal(decision: Decision) -> Refused:
    no = decision.of(Outcome.REFUSE)
    detail = "；".join(finding.message for finding in no)
    return refused("refused", f"{REFUSED}{detail}。", *decision.findings)
