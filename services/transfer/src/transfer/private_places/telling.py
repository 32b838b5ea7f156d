"""What work queues hear: a ratio that waits for its authority, a closed list that waits for its draw."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from regulation.school_year import Stage, grade_name
from service_kit import organisations
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands, CaseStatus
from shared_contracts.transfer import TransfersStand

from transfer.context import TransferWork
from transfer.private_places import store, views
from transfer.private_places.store import Row

_RATIO: dict[str, CaseStatus] = {"proposed": "open", "approved": "approved", "rejected": "rejected"}


async def ratio_stands(work: TransferWork, row: Row) -> None:
    """`row`: of `store.ratio`."""
    view = views.ratio_view(row)
    await _told(
        work,
        row["authority"],
        CaseStands(
            case_id=view.id,
            kind="private_ratio",
            kind_title="民办学校可转入比例",
            number=f"{view.school}-{view.school_year}-{view.stage}",
            subject=f"{view.school_name}{view.school_year}学年{Stage(view.stage).zh}可转入比例{view.ratio}",
            link=f"/v1/transfer-ratios/{view.id}",
            version=view.version,
            status=_RATIO[view.state],
            since=work.now,
            step="authority",
            step_title="主管部门审批",
            organisation=row["authority"],
            roles=(Role.AUTHORITY_OFFICER,),
            not_accounts=(row["account"],),
        ),
    )


async def round_stands(work: TransferWork, round_id: str) -> None:
    """A closed list with more applicants than places waits for the authority's draw."""
    row = await store.round_(work.tx, round_id)
    assert row is not None
    await _told(
        work,
        row["authority"],
        CaseStands(
            case_id=row["id"],
            kind="private_lottery",
            kind_title="民办学校转入随机录取",
            number=row["number"],
            subject=f"{row['school_name']}{grade_name(row['grade'])}转入随机录取",
            link=f"/v1/transfer-rounds/{row['id']}",
            version=row["version"],
            status="open" if row["state"] == "closed" else "approved",
            since=work.now,
            step="draw",
            step_title="公开数值公布后抽签",
            organisation=row["authority"],
            roles=(Role.AUTHORITY_OFFICER,),
        ),
    )


async def _told(work: TransferWork, authority: str | None, case: CaseStands) -> None:
    """Nobody has to act on what is not open any more."""
    found = await organisations.find(work.tx, authority or "")
    changes: dict[str, Any] = {"superior": (found.authority if found else None) or ""}
    if case.status != "open":
        changes |= {"step": None, "step_title": "", "organisation": None, "roles": (), "not_accounts": ()}
    work.emit(TransfersStand(cases=(replace(case, **changes),)), case.case_id)
