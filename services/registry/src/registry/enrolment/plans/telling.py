"""Who is told what of plans: the school of its places, the authority above of what is filed, each of what waits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from regulation.school_year import Stage
from shared_contracts.actors import Role
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork

LINK = "/v1/enrolment-plans"
CHANGES = "/v1/enrolment-plan-changes"


def plans_set(work: RegistryWork, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        stage = Stage(row["stage"]).zh
        for role in (Role.PRINCIPAL, Role.REGISTRAR):
            work.emit(
                WorkWaiting(
                    organisation=row["school"],
                    role=role,
                    kind="plan_set",
                    title=f"{row['school_year']}年{stage}招生计划已下达",
                    detail=f"{row['classes']}个班，{row['places']}个学位。需要调整的，请向主管教育行政部门申请。",
                    link=f"{LINK}/{row['id']}",
                ),
                row["id"],
            )
    filed = Counter((row["filed_with"], row["school_year"]) for row in rows if row["filed_with"] != row["authority"])
    for (authority, year), count in filed.items():
        work.emit(
            WorkWaiting(
                organisation=authority,
                role=Role.AUTHORITY_OFFICER,
                kind="plan_filed",
                title=f"{{count}}项{year}年招生计划报送备案",
                detail="计划自备案起生效；与规定不符的，请在备案列表中退回并说明原因。",
                link=f"{LINK}?filed=true&school_year={year}",
                count=count,
            ),
            authority,
        )


def returned(work: RegistryWork, row: Mapping[str, Any], reason: str) -> None:
    stage = Stage(row["stage"]).zh
    title = f"{row['school_year']}年{stage}招生计划被备案机关退回"
    for organisation, role in ((row["authority"], Role.AUTHORITY_OFFICER), (row["school"], Role.PRINCIPAL)):
        detail = f"原因：{reason}。重新下达之前不再占用新的学位；已录取、已建籍的不受影响。"
        work.emit(
            WorkWaiting(
                organisation=organisation,
                role=role,
                kind="plan_returned",
                title=title,
                detail=detail,
                link=f"{LINK}/{row['id']}",
            ),
            row["id"],
        )


def change_asked(work: RegistryWork, authority: str, school_name: str) -> None:
    work.emit(
        WorkWaiting(
            organisation=authority,
            role=Role.AUTHORITY_OFFICER,
            kind="plan_change_asked",
            title="{count}项招生计划调整申请待审批",
            detail=f"最近一项来自{school_name}。",
            link=f"{CHANGES}?state=waiting",
        ),
        authority,
    )


def change_decided(work: RegistryWork, change_id: str, school: str, approved: bool, detail: str) -> None:
    for role in (Role.PRINCIPAL, Role.REGISTRAR):
        work.emit(
            WorkWaiting(
                organisation=school,
                role=role,
                kind="plan_change_decided",
                title="招生计划调整申请已批准" if approved else "招生计划调整申请未获批准",
                detail=detail,
                link=f"{CHANGES}/{change_id}",
            ),
            change_id,
        )
