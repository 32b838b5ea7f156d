"""An export as people see it."""

from __future__ import annotations

import msgspec
from casework.state import DecisionRow
from casework.store import history
from service_kit.database import driver
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import ExportState, ExportStep, ExportView

from access.context import AccessWork
from access.exports import policy, store
from access.exports.store import Export
from access.exports.tables import PREFIX

NOT_FOUND = "没有这个导出申请，或者它不属于您管理的范围。"


async def full(work: AccessWork, export_id: str) -> ExportView:
    """With its acts, as it stands inside this transaction."""
    export = await store.get(work.tx, export_id, work.now)
    if export is None:
        raise LookupError(export_id)
    return view(export, tuple(await history(await driver(work.tx), export_id, PREFIX)))


def view(export: Export, acts: tuple[DecisionRow, ...] = ()) -> ExportView:
    return ExportView(
        id=export.id,
        number=export.number,
        state=export.state,
        state_title=policy.STATE_TITLES[export.state],
        organisation=export.organisation,
        organisation_name=export.organisation_name,
        authority=export.authority,
        authority_name=export.authority_name,
        request=export.request,
        requested_by=export.account_name,
        requested_at=export.created_at,
        rows=export.rows,
        version=export.version,
        sensitive=policy.sensitive(export.request.fields),
        approval_document=export.document,
        steps=tuple(
            ExportStep(
                decision=act.decision,
                account_name=act.account_name,
                role=act.role,
                organisation=act.organisation,
                decided_at=act.decided_at,
                reason=act.reason,
            )
            for act in acts
        ),
        due_on=export.standing.due_on if export.state is ExportState.WAITING else None,
        made_at=export.made_at,
        sha256=export.file.sha256 if export.file else None,
        downloaded_at=export.downloaded_at,
        available_until=export.available_until,
        problem=export.problem,
    )


def listed(export: Export) -> ExportView:
    """Without its acts, and without the paper's name: that is for whoever opens it."""
    return msgspec.structs.replace(view(export), approval_document=None)


def changed_meanwhile(export: Export) -> Refused:
    """409 with the present state, for whoever acted on an older one."""
    title = policy.STATE_TITLES[export.state]
    return refused("conflict", f"申请已被更改，当前状态：{title}（版本{export.version}）。请刷新后再办理。")
