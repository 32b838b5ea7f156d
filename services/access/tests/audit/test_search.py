"""Auditors find what their subtree did, newest first; a pupil with 10,000 entries costs a page no more than another."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from access.audit.search import page_statement
from audit_desk import CITY, COUNTY, NOW, OTHER_CITY, OTHER_COUNTY, OTHER_SCHOOL, PROVINCE, SCHOOL, Desk, auditor
from regulation.authorisation import Reach
from service_kit import paging
from shared_contracts.actors import Actor, Role
from shared_contracts.audit import AuditPage, SearchAudit
from shared_contracts.decisions import Refused

pytestmark = pytest.mark.integration

BUSY = "student-busy"
MANY, OTHERS = 10_000, 40_000


async def page(desk: Desk, of: str = PROVINCE, **query: Any) -> AuditPage:
    reply = await desk.ask(SearchAudit(actor=auditor(of), **query))
    assert isinstance(reply, AuditPage), reply
    return reply


def ids(found: AuditPage) -> list[str]:
    return [item.entry.id for item in found.items]


@pytest.mark.clause("45.1")
async def test_an_entry_says_who_did_what(audit_desk: Desk) -> None:
    sent = (await audit_desk.keep(1, purpose="核对监护人信息", reasons=("age.too_young",)))[0]
    item = (await page(audit_desk)).items[0]
    assert item.entry == sent
    assert (item.title, item.organisation_name, item.number) == ("查看学籍", "第一小学", 1)
    assert item.hash == (await audit_desk.value("SELECT hash FROM audit_entries")).hex()


async def test_an_act_that_the_table_forgot_keeps_its_word(audit_desk: Desk) -> None:
    await audit_desk.keep(act="registry.of_old", organisation="")
    item = (await page(audit_desk)).items[0]
    assert (item.title, item.organisation_name) == ("registry.of_old", "")


@pytest.mark.clause("3.1", "45.1")
@pytest.mark.parametrize(
    ("organisation", "seen"),
    [(PROVINCE, 4), (CITY, 3), (COUNTY, 1), (OTHER_COUNTY, 1), (OTHER_CITY, 0)],
)
async def test_an_auditor_sees_the_own_subtree(audit_desk: Desk, organisation: str, seen: int) -> None:
    for of in (SCHOOL, OTHER_SCHOOL, CITY, "2199999999"):
        await audit_desk.keep(organisation=of)
    assert len((await page(audit_desk, organisation)).items) == seen


async def test_a_school_that_moved_leaves_its_past_where_it_was(audit_desk: Desk) -> None:
    before = (await audit_desk.keep())[0]
    async with audit_desk.kit.db.transaction() as tx:
        from sqlalchemy import text

        await tx.execute(text("UPDATE organisation_replica SET authority = '230103' WHERE code = :s"), {"s": SCHOOL})
    after = (await audit_desk.keep())[0]
    assert ids(await page(audit_desk, COUNTY)) == [before.id]
    assert ids(await page(audit_desk, OTHER_COUNTY)) == [after.id]


@pytest.mark.parametrize("role", [r for r in Role if r not in (Role.AUDITOR, Role.SYSTEM)])
async def test_nobody_else_searches(audit_desk: Desk, role: Role) -> None:
    actor = Actor(account="a", name="", organisation=COUNTY, roles=(role,), scopes=("students:read",))
    reply = await audit_desk.ask(SearchAudit(actor=actor))
    assert isinstance(reply, Refused) and reply.kind == "forbidden"


async def test_filters(audit_desk: Desk) -> None:
    a = (await audit_desk.keep(account="a", objects=("x", "y")))[0]
    audit_desk.clock.move(timedelta(hours=1))
    b = (await audit_desk.keep(account="b", organisation=OTHER_SCHOOL, act="registry.students", objects=("y",)))[0]
    audit_desk.clock.move(timedelta(hours=1))
    c = (await audit_desk.keep(account="a", outcome="forbidden", objects=()))[0]
    noon = NOW + timedelta(hours=1)
    for query, expected in (
        ({}, [c, b, a]),
        ({"account": "a"}, [c, a]),
        ({"organisation": OTHER_SCHOOL}, [b]),
        ({"object_id": "y"}, [b, a]),
        ({"object_id": "x"}, [a]),
        ({"object_id": "nobody"}, []),
        ({"act": "registry.students"}, [b]),
        ({"outcome": "forbidden"}, [c]),
        ({"since": noon}, [c, b]),
        ({"since": noon + timedelta(microseconds=1)}, [c]),
        ({"until": noon}, [b, a]),
        ({"until": noon - timedelta(microseconds=1)}, [a]),
        ({"object_id": "y", "account": "a", "until": noon}, [a]),
    ):
        assert ids(await page(audit_desk, **query)) == [one.id for one in expected], query


@pytest.mark.parametrize("object_id", [None, "student-1"])
async def test_pages(audit_desk: Desk, object_id: str | None) -> None:
    sent = []
    for _ in range(4):
        sent += await audit_desk.keep(3)  # three of the same moment
        audit_desk.clock.move(timedelta(seconds=1))
    found, cursor = [], None
    while True:
        reply = await page(audit_desk, COUNTY, object_id=object_id, cursor=cursor, limit=5)
        found += ids(reply)
        if (cursor := reply.next_cursor) is None:
            break
    assert found == [one.id for one in reversed(sent)]


async def test_a_cursor_that_is_none(audit_desk: Desk) -> None:
    day = "2026-01-01"
    keys = (("a", "b", 1), (1,), (day, day, 1), (f"{day}T00:00+08:00", day, 2**63), ("0001-01-01T00:00+14:00", day, 1))
    for cursor in ("x", "長", *(paging.encode(*key) for key in keys)):
        reply = await audit_desk.ask(SearchAudit(actor=auditor(CITY), cursor=cursor))
        assert isinstance(reply, Refused) and reply.kind == "invalid", cursor


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
async def test_a_time_that_is_none(audit_desk: Desk, name: str, moment: str) -> None:
    reply = await audit_desk.ask(SearchAudit(actor=auditor(CITY), **{name: datetime.fromisoformat(moment)}))
    assert isinstance(reply, Refused) and reply.kind == "invalid"


# ---- a record with 10,000 entries -------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def busy(audit_desk: Desk) -> Desk:
    """50,000 entries, every fifth about one pupil; as many accounts as a county has."""
    connection = await asyncpg.connect(audit_desk.env["XUEJI_DATABASE_URL"])
    try:
        await connection.execute(
            """
            INSERT INTO audit_entries
            SELECT date '2026-11-01' + n / 2500, n % 2500 + 1, now(), 'e' || n,
                   timestamptz '2026-11-01' + n * interval '35 s',
                   'registry', 'registry.student', 'account-' || n % 300, '', '2123010001',
                   CASE WHEN n % 3 = 0 THEN '230102' ELSE '230103' END, '{registrar}', 'done', '{}',
                   ARRAY[CASE WHEN n % 5 = 0 THEN $1 ELSE 'student-' || n END], 1, '', '10.0.0.1', 's', '', '',
                   decode(repeat('00', 32), 'hex'), decode(repeat('00', 32), 'hex')
            FROM generate_series(0, $2 - 1) AS n
            """,
            BUSY, MANY + OTHERS,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO audit_objects SELECT objects[1], at, day, number FROM audit_entries ORDER BY at"
        )
    finally:
        await connection.close()
    owner = await asyncpg.connect(audit_desk.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        await owner.execute("VACUUM ANALYZE audit_entries, audit_objects")
    finally:
        await owner.close()
    return audit_desk


async def plan(desk: Desk, query: SearchAudit, bound: Reach, after: Any = None) -> dict[str, Any]:
    statement, values = page_statement(query, bound, after, 51)
    rows = await desk.rows(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", *values)
    return json.loads(rows[0][0])[0]["Plan"]  # type: ignore[no-any-return]


def nodes(plan: dict[str, Any]) -> list[str]:
    return [plan["Node Type"], *(name for child in plan.get("Plans", ()) for name in nodes(child))]


MIDDLE = (datetime.fromisoformat("2026-11-10T00:00:00+08:00"), datetime(2026, 11, 10).date(), 1)


QUESTIONS: list[tuple[dict[str, Any], Reach]] = [
    ({"object_id": BUSY}, Reach(everything=True)),
    ({"object_id": BUSY}, Reach(subtree=PROVINCE)),
    ({"object_id": BUSY}, Reach(subtree=COUNTY)),
    ({"object_id": "student-7"}, Reach(subtree=CITY)),
    ({}, Reach(subtree=CITY)),
    ({}, Reach(subtree=COUNTY)),
    ({"account": "account-7"}, Reach(subtree=CITY)),
    ({"organisation": SCHOOL}, Reach(subtree=COUNTY)),
    ({"act": "registry.student"}, Reach(subtree=COUNTY)),
    ({"outcome": "forbidden"}, Reach(subtree=CITY)),
]


@pytest.mark.clause("45.1")
async def test_a_page_reads_little(busy: Desk) -> None:
    """Buffers, not time: what a page touches does not grow with the log."""
    for query, bound in QUESTIONS:
        for after in (None, MIDDLE):
            found = await plan(busy, SearchAudit(actor=auditor(PROVINCE), **query), bound, after)
            touched = found["Shared Hit Blocks"] + found["Shared Read Blocks"]
            assert touched < 1000, (query, bound, touched, nodes(found))
            assert "Seq Scan" not in nodes(found), (query, bound)


async def test_the_busy_pupil_has_its_first_page(busy: Desk) -> None:
    found = await page(busy, CITY, object_id=BUSY)
    assert len(found.items) == 50 and found.next_cursor
    assert {item.entry.objects for item in found.items} == {(BUSY,)}
    moments = [item.entry.at for item in found.items]
    assert moments == sorted(moments, reverse=True)
