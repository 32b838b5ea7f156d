"""Who has to know where an export stands: the leaders it waits for, and whoever asked for it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from casework.kinds import CaseKind
from casework.state import Standing
from casework.turns import turn
from regulation.authorisation import act
from regulation.divisions import chain
from regulation.mark import clause
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.exports import ExportsStand, ExportStands

from access.context import AccessWork
from access.exports.store import Export

REQUEST = "access.request_export"


@clause("45.2")
def tell(
    work: AccessWork,
    export: Export,
    stands: Literal["waits", "returned", "rejected", "ready", "failed"],
    reason: str = "",
) -> None:
    """Emit it with this unit of work; notifications finds the words."""
    work.emit(
        ExportStands(
            export_id=export.id,
            number=export.number,
            stands=stands,
            organisation=export.organisation,
            organisation_name=export.organisation_name,
            authority=export.authority,
            role=asking_role(export),
            revision=export.revision,
            reason=reason,
        ),
        export.id,
    )


@clause("45.2")
def stands(work: AccessWork, export: Export, kind: CaseKind, now: Standing, since: datetime | None = None) -> None:
    """Where the request stands after an act, for work queues: the authority's leaders, or whoever asked, and nobody else.
    `since`: when that act was, where it is not this one."""
    parties = {"organisation": export.organisation, "authority": export.authority}
    whose = turn(kind, now, parties, export.account)
    above = chain(export.authority)[:-1]
    work.emit(
        ExportsStand(
            cases=(
                CaseStands(
                    case_id=f"export:{export.id}",
                    kind=kind.name,
                    kind_title=kind.title,
                    number=export.number,
                    subject=f"{export.organisation_name}：导出学籍信息",
                    link=f"/v1/exports/{export.id}",
                    version=now.version,
                    status=now.status,
                    since=since or work.now,
                    step=whose.step if whose else None,
                    step_title=whose.title if whose else "",
                    organisation=whose.organisation if whose else None,
                    roles=whose.roles if whose else (),
                    not_accounts=whose.not_accounts if whose else (),
                    due_on=now.due_on,
                    provisional=now.provisional,
                    superior=above[-1] if above else "",
                    only_accounts=(export.account,) if now.status == "returned" else (),
                ),
            )
        ),
        export.id,
    )


def asking_role(export: Export) -> Role:
    """In which of its roles the account may ask for exports: people with that role are told in the organisation."""
    return next(role for role in act(REQUEST).roles if role.value in export.roles)
