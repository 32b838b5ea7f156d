"""What waits for a decision by a state of its own, without a chain of steps: plan changes, schemes, operations, findings, …

A kind is a query and who acts in which state. The query gives, of those ids that wait (of all, where `$1` is NULL): `work`
(the id), `state`, `organisation` (whose turn it is), `about` (the organisation it is about), `authority` (of which the
superior is sought), `since`, `due_on`, `not_accounts`, `path` (behind the kind's link).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import asyncpg
from regulation.authorisation import deciders
from regulation.divisions import PROVINCE
from service_kit.database import driver
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing.duplicates.policy import competent
from registry.rosters.access import names_of
from registry.worklist.authorities import superior


class Waits(NamedTuple):
    """`act`: the row of the table of acts that says who does it; `status`: how the queues show it."""

    title: str
    act: str
    status: Literal["open", "returned"] = "open"

    @property
    def roles(self) -> tuple[Role, ...]:
        return deciders(self.act)


class Kind(NamedTuple):
    title: str
    link: str
    states: dict[str, Waits]
    query: str


_NOBODY = "'{}'::text[] AS not_accounts"
_WANTED = "($1::text[] IS NULL OR x.id = ANY($1::text[]))"
_SCHOOL = "JOIN organisations o ON o.code = x.school AND o.valid_to IS NULL"


def _sql(query: str) -> str:
    return query.format(nobody=_NOBODY, wanted=_WANTED, school=_SCHOOL, province=PROVINCE)


KINDS: dict[str, Kind] = {
    "plan_change": Kind(
        "招生计划调整",
        "/v1/enrolment-plan-changes/",
        {"waiting": Waits("主管部门审批", "registry.decide_plan_change")},
        _sql(
            """SELECT x.id AS work, x.state, o.authority AS organisation, x.school AS about, o.authority, x.asked_at AS since,
                   NULL::date AS due_on, {nobody}, x.id AS path
            FROM enrolment_plan_changes x {school} WHERE {wanted} AND x.state = 'waiting'"""
        ),
    ),
    "scheme": Kind(
        "民办招生方案",
        "/v1/admission-schemes/",
        {
            "waiting": Waits("主管部门审批", "registry.decide_scheme"),
            "returned": Waits("修改后重新报送", "registry.revise_scheme", "returned"),
        },
        _sql(
            """SELECT x.id AS work, x.state, CASE x.state WHEN 'waiting' THEN o.authority ELSE x.school END AS organisation,
                   x.school AS about, o.authority, coalesce(x.decided_at, x.submitted_at) AS since, NULL::date AS due_on,
                   {nobody}, x.id AS path
            FROM admission_schemes x {school} WHERE {wanted} AND x.state IN ('waiting', 'returned')"""
        ),
    ),
    "postponement": Kind(
        "延期报到",
        "/v1/admissions/postponements?state=waiting",
        {"waiting": Waits("主管部门批准", "registry.decide_postponement")},
        _sql(
            """SELECT x.id AS work, x.state, a.authority AS organisation, a.school AS about, a.authority,
                   x.asked_on::timestamp AT TIME ZONE 'Asia/Shanghai' AS since, NULL::date AS due_on, {nobody}, '' AS path
            FROM postponements x JOIN admissions a ON a.id = x.admission_id WHERE {wanted} AND x.state = 'waiting'"""
        ),
    ),
    "policy_filing": Kind(
        "政策参数备案",
        "/v1/policy/filings",
        {"waiting": Waits("省级备案审查", "registry.decide_policy_filing")},
        _sql(
            """SELECT x.value_id AS work, x.state, '{province}' AS organisation, x.division AS about,
                   '{province}' AS authority, x.filed_at AS since, NULL::date AS due_on, {nobody}, '' AS path
            FROM policy_filings x WHERE ($1::text[] IS NULL OR x.value_id = ANY($1::text[])) AND x.state = 'waiting'"""
        ),
    ),
    "working_days": Kind(
        "节假日安排",
        "/v1/policy/working-days",
        {"missing": Waits("发布年度节假日安排", "registry.publish_working_days")},
        _sql(
            """SELECT x.id AS work, x.state, '{province}' AS organisation, '{province}' AS about, '{province}' AS authority,
                   x.asked_at AS since, make_date(x.id::integer - 1, 12, 31) AS due_on, {nobody}, '?year=' || x.id AS path
            FROM working_day_years x WHERE {wanted} AND x.state = 'missing'"""
        ),
    ),
    "finding": Kind(
        "责令改正",
        "/v1/inspection-findings/",
        {
            "open": Waits("学校答复整改", "registry.answer_finding"),
            "returned": Waits("补充整改后重新答复", "registry.answer_finding", "returned"),
            "answered": Waits("主管部门审核整改", "registry.decide_finding"),
        },
        _sql(
            """SELECT x.id AS work, x.state, CASE x.state WHEN 'answered' THEN x.authority ELSE x.school END AS organisation,
                   x.school AS about, x.authority, x.raised_at AS since,
                   CASE WHEN x.state <> 'answered' THEN x.due_on END AS due_on, {nobody}, x.id AS path
            FROM inspection_findings x WHERE {wanted} AND x.state <> 'closed'"""
        ),
    ),
    "reorganisation": Kind(
        "学校撤并、区划调整",
        "/v1/reorganisations/",
        {"previewed": Waits("分管局长核准", "registry.decide_reorganisation")},
        _sql(
            """SELECT x.id AS work, x.state, x.approver AS organisation, x.organisation AS about, x.approver AS authority,
                   coalesce(x.previewed_at, x.created_at) AS since, NULL::date AS due_on,
                   ARRAY[x.created_account] AS not_accounts, x.id AS path
            FROM operations x WHERE {wanted} AND x.kind <> 'junior_intake' AND x.state = 'previewed'"""
        ),
    ),
    "junior_intake": Kind(
        "初中招生名单",
        "/v1/junior-intakes/",
        {"previewed": Waits("分管局长核准", "registry.decide_junior_intake")},
        _sql(
            """SELECT x.id AS work, x.state, x.approver AS organisation, x.organisation AS about, x.approver AS authority,
                   coalesce(x.previewed_at, x.created_at) AS since, NULL::date AS due_on,
                   ARRAY[x.created_account] AS not_accounts, x.id AS path
            FROM operations x WHERE {wanted} AND x.kind = 'junior_intake' AND x.state = 'previewed'"""
        ),
    ),
    "archive_handover": Kind(
        "纸质学籍档案移交",
        "/v1/archive-handovers/",
        {
            "to_hand_over": Waits("转出学校移交档案", "registry.hand_over_archives"),
            "to_receive": Waits("接收学校签收档案", "registry.receive_archives"),
        },
        _sql(
            """SELECT x.id AS work, x.state, o.code AS organisation,
                   CASE x.state WHEN 'to_receive' THEN x.from_school ELSE x.to_school END AS about, o.authority,
                   x.opened_at AS since, x.due_on, {nobody}, x.id AS path
            FROM archive_handovers x
            JOIN organisations o ON o.valid_to IS NULL
                AND o.code = CASE x.state WHEN 'to_receive' THEN x.to_school ELSE x.from_school END
            WHERE {wanted} AND x.state <> 'done'"""
        ),
    ),
    "redraw": Kind(
        "重新分班",
        "/v1/class-assignments/",
        {"waiting": Waits("主管部门审批", "registry.decide_redraw")},
        _sql(
            """SELECT x.id AS work, x.redraw_decision AS state, o.authority AS organisation, x.school AS about, o.authority,
                   x.redraw_asked_at AS since, NULL::date AS due_on, {nobody}, x.id AS path
            FROM class_assignments x {school} WHERE {wanted} AND x.redraw_decision = 'waiting'"""
        ),
    ),
}
"""Kinds whose work is one line, by the name that their trigger writes."""

DUPLICATE = "duplicate"
_HEARD = Waits("学校陈述意见", "registry.state_duplicate")
_DECIDED = Waits("主管部门处理", "registry.decide_duplicate")

# A pair concerns two schools, each of which speaks once, and the authority above both of them that decides.
_DUPLICATES = """
SELECT x.id AS work, x.found_at AS since, x.due_on, array_agg(DISTINCT p.school) AS schools,
       array_agg(DISTINCT p.authority) AS authorities,
       array(SELECT s.school FROM duplicate_statements s WHERE s.pair_id = x.id) AS heard
FROM duplicate_pairs x
CROSS JOIN LATERAL (
    SELECT coalesce(s.school, r.school) AS school, coalesce(s.keeper, o.authority, r.authority, '') AS authority
    FROM unnest(ARRAY[x.a, x.b]) AS q(id)
    LEFT JOIN students s USING (id) LEFT JOIN registrations r USING (id)
    LEFT JOIN LATERAL (
        SELECT authority FROM organisations WHERE code = coalesce(s.school, r.school) ORDER BY valid_from DESC LIMIT 1
    ) o ON true
) p
WHERE x.state = 'open' AND ($1::text[] IS NULL OR x.id = ANY($1::text[])) AND p.school IS NOT NULL
GROUP BY x.id
"""


async def lines(tx: AsyncConnection, kind: str, ids: Sequence[str]) -> dict[str, tuple[CaseStands, ...]]:
    """The lines of each; what waits for nobody any more is left out."""
    if kind == DUPLICATE:
        return await _duplicates(tx, ids)
    told = KINDS[kind]
    rows = await (await driver(tx)).fetch(told.query, list(ids))
    names = await names_of(tx, {row["about"] for row in rows})
    return {row["work"]: (_line(kind, row, names.get(row["about"], row["about"])),) for row in rows}


async def open_ids(tx: AsyncConnection, kind: str) -> list[str]:
    """All that wait now."""
    query = _DUPLICATES if kind == DUPLICATE else KINDS[kind].query
    return [row["work"] for row in await (await driver(tx)).fetch(query, None)]


def _line(kind: str, row: asyncpg.Record, about: str) -> CaseStands:
    told = KINDS[kind]
    waits = told.states[row["state"]]
    return _said(
        kind,
        told.title,
        waits,
        case_id=f"{kind}:{row['work']}",
        subject=f"{about}：{told.title}",
        link=told.link + row["path"],
        since=row["since"],
        step=row["state"],
        organisation=row["organisation"],
        not_accounts=tuple(row["not_accounts"]),
        due_on=row["due_on"],
        superior=superior(row["organisation"], row["authority"]),
    )


def _said(kind: str, title: str, waits: Waits, **values: Any) -> CaseStands:
    return CaseStands(
        kind=kind, kind_title=title, number="", version=0, status=waits.status, step_title=waits.title, roles=waits.roles,
        **values,
    )  # fmt: skip


async def _duplicates(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[CaseStands, ...]]:
    rows = await (await driver(tx)).fetch(_DUPLICATES, list(ids))
    names = await names_of(tx, {school for row in rows for school in row["schools"]})
    title = "疑似重复学籍"
    found = {}
    for row in rows:
        authorities = row["authorities"]
        decider = competent(authorities[0], authorities[-1])
        alike: dict[str, Any] = {
            "link": f"/v1/duplicates/{row['work']}",
            "since": row["since"],
            "due_on": row["due_on"],
        }
        schools = tuple(
            _said(
                DUPLICATE, title, _HEARD, case_id=f"{DUPLICATE}:{row['work']}:{school}", step="statement",
                subject=f"{names.get(school, school)}：{title}", organisation=school, superior=decider, **alike,
            )
            for school in row["schools"] if school not in row["heard"]
        )  # fmt: skip
        about = "、".join(names.get(school, school) for school in row["schools"])
        decision = _said(
            DUPLICATE, title, _DECIDED, case_id=f"{DUPLICATE}:{row['work']}", step="decision", subject=f"{about}：{title}",
            organisation=decider, superior=superior(decider, decider), **alike,
        )  # fmt: skip
        found[row["work"]] = (*schools, decision)
    return found
