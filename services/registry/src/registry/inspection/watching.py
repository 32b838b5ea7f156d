"""The system's own look at Article 48, once a day: what it can know by itself becomes an order to put right.

A school that does not put something right has one finding, however often it is found again; what is gone is said to be
gone, and the authority closes it (or, where another school's word ends it, the system). What is looked for stands in
`WATCHED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from regulation.divisions import PROVINCE
from regulation.mark import clause
from regulation.school_year import SCHOOL_YEAR_START, school_year
from service_kit.database import driver
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.inspection import FindingKind, FindingState
from shared_contracts.waiting import WorkWaiting

from registry.attendance import store as attendance
from registry.context import RegistryWork
from registry.enrolment.admission.reporting import late_registrations
from registry.handover import store as handover
from registry.inspection import store
from registry.inspection.policy import WORDS, Words
from registry.organisations import store as organisations
from registry.registration.policy import registration_year

SYSTEM = "system:registry"
DONE = "已全部完成，系统自动办结"
Source = Callable[[RegistryWork], Awaitable[Mapping[str, int]]]
"""Pupils by school that something is wrong with today."""


@clause("15.3", "48")
async def corrections_not_made(work: RegistryWork) -> Mapping[str, int]:
    """A mismatch with the public-security record that a school has left for longer than the parameter says."""
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    rows = await (await driver(work.tx)).fetch(
        """SELECT school, count(*) AS pupils FROM registrations
           WHERE correction IS NOT NULL AND registered_at IS NOT NULL AND NOT closed
             AND registered_at < $1::timestamptz - make_interval(days => $2) GROUP BY school""",
        work.now,
        parameters.quality_waiting_days,
    )
    return {row["school"]: row["pupils"] for row in rows}


@clause("13.1", "48")
async def records_not_made(work: RegistryWork) -> Mapping[str, int]:
    """Children who reported, and whose record was not handed in within the month."""
    return Counter(late.school for late in await late_registrations(work))


@clause("5.2", "48")
async def children_objected_to(work: RegistryWork) -> Mapping[str, int]:
    """Children whom the authority has placed this school year and whom the school would not have."""
    rows = await (await driver(work.tx)).fetch(
        """SELECT school, count(*) AS pupils FROM admissions
           WHERE objected_on IS NOT NULL AND school_year = $1 GROUP BY school""",
        registration_year(work.today),
    )
    return {row["school"]: row["pupils"] for row in rows}


@clause("22", "48")
async def records_of_fraud(work: RegistryWork) -> Mapping[str, int]:
    """Records cancelled since the school year began because they rested on fraud: whoever made them answers for it."""
    rows = await (await driver(work.tx)).fetch(
        """SELECT s.school, count(*) AS pupils FROM cancellations c
           JOIN journal j ON j.student_id = c.student_id AND j.seq = c.seq
           JOIN students s ON s.id = c.student_id
           WHERE c.ground = 'fraud' AND c.outcome = 'cancelled' AND j.legal_date >= $1 GROUP BY s.school""",
        SCHOOL_YEAR_START.in_year(school_year(work.today)),
    )
    return {row["school"]: row["pupils"] for row in rows}


@clause("24.6.1", "48")
async def seated_elsewhere(work: RegistryWork) -> Mapping[str, int]:
    """Pupils who were seen in a class this school year, at its last check, and whose record is at another school still."""
    return await attendance.elsewhere(work.tx, SCHOOL_YEAR_START.in_year(school_year(work.today)))


@clause("21.2", "48")
async def archives_not_passed(work: RegistryWork) -> Mapping[str, int]:
    """Paper archives that the new school has not confirmed in time, of the schools that owe them."""
    return await handover.overdue(work.tx, work.today)


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is looked for. `code`: its stable name; `words`: how it is put to the school; `source`: who knows.

    `ends_itself`: what is gone needs nobody's judgement: another school has confirmed it, so that the finding is closed.
    """

    kind: FindingKind
    code: str
    words: Words
    source: Source
    ends_itself: bool = False


ARCHIVE_NOT_PASSED = Watched(
    kind=FindingKind.ARCHIVE_NOT_PASSED,
    code="archive.not_passed",
    words=Words(
        "学籍转出后没有按期移交纸质学籍档案", "21.2", "将这些学生的纸质学籍档案移交接收学校，登记移交，并请接收学校签收"
    ),
    source=archives_not_passed,
    ends_itself=True,
)
SEATED_ELSEWHERE = Watched(
    kind=FindingKind.NOT_TRANSFERRED,
    code="attendance.elsewhere",
    words=Words(
        "接收学籍在其他学校的学生就读，没有办理转学手续", "24.6.1", "为这些学生申请转学，或者请其回学籍所在学校就读"
    ),
    source=seated_elsewhere,
)
WATCHED: tuple[Watched, ...] = (
    Watched(
        kind=FindingKind.NO_RECORD,
        code="record.late",
        words=Words("已报到一个月的学生没有建立学籍", "13.1", "立即为这些学生办理建籍"),
        source=records_not_made,
    ),
    Watched(
        kind=FindingKind.FALSE_DATA,
        code="record.fraud",
        words=Words("以虚假信息建立学籍，已被注销", "20.1", "查明原因和责任人，并说明整改措施"),
        source=records_of_fraud,
    ),
    Watched(
        kind=FindingKind.CHANGE_NOT_FILED,
        code="correction.overdue",
        words=Words("公安比对不符，长期没有更正", "15.3", "核对户口簿后申请更正"),
        source=corrections_not_made,
    ),
    Watched(
        kind=FindingKind.OTHER,
        code="admission.objection",
        words=Words("对安排入学的适龄儿童提出异议", "5.2", "接收这些儿童入学，并说明情况"),
        source=children_objected_to,
    ),
    SEATED_ELSEWHERE,
    ARCHIVE_NOT_PASSED,
)
BY_CODE: Mapping[str, Words] = {one.code: one.words for one in WATCHED}
_END_THEMSELVES = frozenset(one.code for one in WATCHED if one.ends_itself)


async def look(work: RegistryWork) -> bool:
    """Whether this was the day's look: the first of the service's copies does it, the others see that it is done."""
    if not await store.begin_day(work.tx, work.today, work.now):
        return False
    there = await store.system_findings(work.tx)  # locked before anything is counted: whoever ends one counts as well
    found: dict[tuple[str, str, str], tuple[int, str]] = {}
    for one in WATCHED:
        for school, pupils in (await one.source(work)).items():
            found[school, one.kind, one.code] = pupils, f"{one.words.title}（{pupils}名学生）"
    await _settle(work, found, there)
    return True


async def look_at(work: RegistryWork, one: Watched, school: str) -> None:
    """The same at once, for one school and one thing that somebody has just brought up."""
    there = await store.system_findings(work.tx, school, one.code)
    pupils = (await one.source(work)).get(school, 0)
    found = {(school, one.kind.value, one.code): (pupils, f"{one.words.title}（{pupils}名学生）")} if pupils else {}
    await _settle(work, found, there)


async def _settle(
    work: RegistryWork, found: Mapping[tuple[str, str, str], tuple[int, str]], there: Sequence[asyncpg.Record]
) -> None:
    """What is new is raised; of what is `there` already it is noted that it is more, less or gone."""
    known = {(row["school"], row["kind"], row["code"]): row for row in there}
    await _raise(work, {key: value for key, value in found.items() if key not in known})
    for key, row in known.items():
        pupils, detail = found.get(key, (0, ""))
        if pupils != row["records"]:
            await store.change_finding(work.tx, row["id"], records=pupils, **({"detail": detail} if detail else {}))
            act = "found_again" if pupils else "gone"
            await store.note(work.tx, [row["id"]], act, account=SYSTEM, name="系统", at=work.now, text=detail)
        if not pupils and row["code"] in _END_THEMSELVES:
            await _close(work, row)


@clause("48")
async def _close(work: RegistryWork, finding: asyncpg.Record) -> None:
    """Whatever state it is in: what had to be done is done, and somebody else has said so."""
    await store.change_finding(work.tx, finding["id"], state=FindingState.CLOSED)
    await store.note(work.tx, [finding["id"]], "closed", account=SYSTEM, name="系统", at=work.now, text=DONE)
    title = f"整改已办结：{BY_CODE[finding['code']].title}"
    work.emit(
        WorkWaiting(
            organisation=finding["school"],
            role=Role.PRINCIPAL,
            kind="finding_closed",
            title=title,
            detail=f"{DONE}。",
            link=f"/v1/inspection-findings?school={finding['school']}",
        ),
        finding["school"],
    )


async def _raise(work: RegistryWork, new: Mapping[tuple[str, str, str], tuple[int, str]]) -> None:
    rows = []
    for (school, kind, code), (pupils, detail) in sorted(new.items()):
        facts = await organisations.school(work.tx, school)
        if facts is None:  # closed: whoever has its pupils now answers for them
            continue
        days = work.deps.policy.parameters(facts.division, work.today).rectification_working_days
        due_on = work.deps.calendar.add_working_days(work.today, days).date
        clock = {"clock_from": work.today, "clock_days": days}
        rows.append(_row(work, school, facts.authority, kind, code, pupils, detail, due_on) | clock)
        work.emit(ordered(school, FindingKind(kind), due_on), school)
    made = await store.add_findings(work.tx, rows)
    await store.note(work.tx, made, "raised", account=SYSTEM, name="系统", at=work.now)


def _row(
    work: RegistryWork, school: str, authority: str, kind: str, code: str, pupils: int, detail: str, due_on: Any
) -> dict[str, Any]:
    return {
        "id": new_id(),
        "school": school,
        "authority": authority,
        "kind": kind,
        "code": code,
        "detail": detail,
        "records": pupils,
        "source": "system",
        "raised_at": work.now,
        "due_on": due_on,
    }


def ordered(school: str, kind: FindingKind, due_on: Any) -> WorkWaiting:
    """What the school is told of an order."""
    return WorkWaiting(
        organisation=school,
        role=Role.PRINCIPAL,
        kind="finding_raised",
        title=f"责令改正：{WORDS[kind].title}",
        detail=f"请{WORDS[kind].cure}，并在期限前答复。",
        link=f"/v1/inspection-findings?school={school}",
        due_on=due_on,
    )
