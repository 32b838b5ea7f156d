"""The first day (Article 10) and the month to hand in the record (13.1): reports, postponements, no-shows, late records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import reach
from regulation.mark import clause
from service_kit import paging
from service_kit.database import driver, fetch_all, fetch_one, insert_rows
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.admission import (
    AskPostponement,
    DecidePostponement,
    ListPostponements,
    PostponementPage,
    PostponementView,
    RecordReports,
    ReportsRecorded,
)
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.enrolment.admission import policy, store, views
from registry.enrolment.admission.tables import admissions as a
from registry.enrolment.admission.tables import postponements as t
from registry.enrolment.children.tables import children as c
from registry.rosters.access import names_of

MOST = 500
NO_POSTPONEMENT = "没有这项延期申请，或者它不属于您管理的范围。"


# ---- reporting (报到) --------------------------------------------------------------------------------------------------


@clause("10.1", "13.1")
async def record_reports(work: RegistryWork, command: RecordReports) -> ReportsRecorded | Refused:
    """All of them or none; who has reported before keeps the first day. Late is better than never: no window."""
    ids = list(dict.fromkeys(command.admission_ids))
    if not 0 < len(ids) <= MOST:
        return refused("invalid", f"一次登记1至{MOST}名学生报到。")
    rows = await store.lock(work.tx, ids)
    known = {row["id"]: row for row in rows}
    for one in ids:
        if no := views.against(command.actor, word(command), known.get(one)):
            return no
    ended = [row for row in rows if row["state"] != "open"]
    if ended:
        return refused("conflict", f"有{len(ended)}项入学安排已撤销，不能登记报到。请刷新后重新选择。")
    todo = [row for row in rows if row["reported_on"] is None]
    found = [f for row in todo if (f := policy.report_fault(command.reported_on, row["admitted_on"], work.today))]
    if found:
        return refused("refused", f"{found[0].message}。请{found[0].cure}。", *found[:20])
    await store.change(
        work.tx,
        [row["id"] for row in todo],
        reported_on=command.reported_on,
        reported_by=command.actor.account,
    )
    return ReportsRecorded(recorded=len(todo), already=len(rows) - len(todo))


# ---- postponements (延期报到) --------------------------------------------------------------------------------------------


@clause("10.1")
async def ask_postponement(work: RegistryWork, command: AskPostponement) -> PostponementView | Refused:
    """Within the principle it is granted with the asking; beyond it waits for the authority."""
    locked = await store.lock(work.tx, [command.admission_id])
    row = locked[0] if locked else None
    if no := views.against(command.actor, word(command), row):
        return no
    assert row is not None
    if row["state"] != "open" or row["reported_on"] is not None:
        return refused("conflict", "这名学生已经报到，或入学安排已撤销，不能再办理延期。")
    if await _waiting(work.tx, row["id"]):
        return refused("conflict", "这名学生的延期申请正在等待主管教育行政部门批准。")
    parameters = work.deps.policy.parameters(row["county"], work.today)
    found = policy.postponement(command.asked_on, command.until, row["report_to"], work.today, parameters)
    no_ = [finding for finding in found if finding.outcome is Outcome.REFUSE]
    if no_:
        return refused("refused", f"{no_[0].message}。请{no_[0].cure}。", *no_)
    override = any(finding.outcome is Outcome.NEEDS_OVERRIDE for finding in found)
    await insert_rows(
        work.tx,
        t,
        [
            {
                "id": command.postponement_id,
                "admission_id": row["id"],
                "asked_on": command.asked_on,
                "until": command.until,
                "reason": command.reason,
                "state": "waiting" if override else "granted",
                "findings": msgspec.to_builtins(found),
                "account": command.actor.account,
                "decided_by": None if override else command.actor.name,
                "decided_on": None if override else work.today,
            }
        ],
    )
    if override:
        work.emit(_to_decide(row, command.postponement_id), row["id"])
    else:
        await store.change(work.tx, [row["id"]], postponed_until=command.until)
    return await _view(work, command.postponement_id)


def _to_decide(row: RowMapping, postponement_id: str) -> WorkWaiting:
    return WorkWaiting(
        organisation=row["authority"],
        role=Role.AUTHORITY_OFFICER,
        kind="postponement_waits",
        title="延期报到申请待批准",
        detail="有{count}项延期报到申请超过一般期限，请决定并写明原因。",
        link="/v1/admissions/postponements?state=waiting",
        due_on=row["report_to"],
    )


@clause("10.1")
async def decide_postponement(work: RegistryWork, command: DecidePostponement) -> PostponementView | Refused:
    """一般不超过两周: the authority alone goes beyond, with its reason."""
    found = await _get(work.tx, command.postponement_id)
    if no := views.against(command.actor, word(command), found, NO_POSTPONEMENT):
        return no
    assert found is not None
    admission = (await store.lock(work.tx, [found["admission_id"]]))[0]
    row = await fetch_one(work.tx, sa.select(t).where(t.c.id == found["id"]).with_for_update())
    assert row is not None
    if command.version is not None and command.version != row["version"]:
        return refused("conflict", "这项延期申请在您查看之后有变化。请刷新后再办理。")
    if row["state"] != "waiting":
        return refused("conflict", "这项延期申请已经办结。")
    if command.decision == "approve" and (admission["state"] != "open" or admission["reported_on"] is not None):
        return refused("conflict", "这名学生已经报到，或入学安排已撤销，不需要再批准延期。")
    granted = command.decision == "approve"
    await work.tx.execute(
        sa.update(t)
        .where(t.c.id == row["id"])
        .values(
            state="granted" if granted else "refused",
            decided_by=command.actor.name,
            decided_on=work.today,
            decision_reason=command.reason,
            version=t.c.version + 1,
        )
    )
    if granted:
        await store.change(work.tx, [admission["id"]], postponed_until=row["until"])
    return await _view(work, row["id"])


async def list_postponements(work: RegistryWork, query: ListPostponements) -> PostponementPage | Refused:
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    limit = paging.size(query.limit)
    statement = _SHOWN.where(views.scope(seen))
    if query.state is not None:
        statement = statement.where(t.c.state == query.state)
    if after:
        statement = statement.where(t.c.id > str(after[0]))
    rows = list(await fetch_all(work.tx, statement.order_by(t.c.id).limit(limit + 1)))
    items, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    names = await names_of(work.tx, {row["school"] for row in items})
    return PostponementPage(items=tuple(views.postponement(row, names) for row in items), next_cursor=cursor)


_SHOWN = (
    sa.select(t, a.c.school, a.c.authority, a.c.county, c.c.name)
    .join_from(t, a, a.c.id == t.c.admission_id)
    .join(c, c.c.id == a.c.child_id)
)


async def _get(tx: AsyncConnection, postponement_id: str) -> RowMapping | None:
    return await fetch_one(tx, _SHOWN.where(t.c.id == postponement_id))


async def _view(work: RegistryWork, postponement_id: str) -> PostponementView:
    row = await _get(work.tx, postponement_id)
    assert row is not None
    return views.postponement(row, await names_of(work.tx, {row["school"]}))


async def _waiting(tx: AsyncConnection, admission_id: str) -> bool:
    return bool(
        await (await driver(tx)).fetchval(
            "SELECT 1 FROM postponements WHERE admission_id = $1 AND state = 'waiting'", admission_id
        )
    )


# ---- late records (13.1) -----------------------------------------------------------------------------------------------


async def late_days(work: RegistryWork) -> list[date]:
    """Reporting days whose month is over. The month is the province's alone: nobody below sets another."""
    months = work.deps.policy.parameters("230000", work.today).registration_months
    days = await store.reporting_days(work.tx, work.today)
    return [day for day in days if policy.late_record(day, months, work.deps.calendar, work.today)]


class Late(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A child who reported and whose record was not handed in within the month."""

    admission_id: str
    child_id: str
    school: str
    authority: str
    reported_on: date


@clause("13.1")
async def late_registrations(work: RegistryWork) -> list[Late]:
    """All of them, by school: for the regular inspection (48). Empty where everything was handed in."""
    rows = await (await driver(work.tx)).fetch(
        f"""SELECT a.id AS admission_id, a.child_id, a.school, a.authority, a.reported_on FROM admissions a
            WHERE a.state = 'open' AND a.reported_on = ANY($1::date[])
              AND NOT EXISTS (SELECT FROM registrations r WHERE {store.HANDED_IN})
            ORDER BY a.school, a.reported_on, a.id""",  # noqa: S608 - a constant
        await late_days(work),
    )
    return [Late(**row) for row in rows]


@clause("5.2")
async def school_objections(work: RegistryWork, county: str, school_year: int) -> list[tuple[str, Finding]]:
    """(admission, finding) of every objection of a school to a child placed by this county: for the inspection (48)."""
    rows: Sequence[Any] = await (await driver(work.tx)).fetch(
        """SELECT id, school, objected_on, objection FROM admissions
           WHERE county = $1 AND school_year = $2 AND objected_on IS NOT NULL ORDER BY objected_on, id""",
        county,
        school_year,
    )
    names = await names_of(work.tx, {row["school"] for row in rows})
    return [
        (
            row["id"],
            policy.refused_child(names.get(row["school"], row["school"]), row["objected_on"], row["objection"]),
        )
        for row in rows
    ]


COMMANDS: dict[type[Command], CommandHandler] = {
    RecordReports: record_reports,
    AskPostponement: ask_postponement,
    DecidePostponement: decide_postponement,
}
QUERIES: dict[type[Query], QueryHandler] = {ListPostponements: list_postponements}
