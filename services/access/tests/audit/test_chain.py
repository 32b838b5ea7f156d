"""The chain is kept by the database, goes on in order, and closes day by day."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta

import asyncpg
import pytest
from access.audit.chain import BEGINNING, FIELDS, day_root, day_seed, entry_hash, key_from_jwk, signed_by
from access.audit.keeping import LONGEST_ID
from audit_desk import CITY, COUNTY, PROVINCE, SCHOOL, Desk, make_desk
from shared_contracts.actors import Role

pytestmark = pytest.mark.integration

TODAY = date(2026, 11, 24)
KEPT = ("audit_entries", "audit_objects", "audit_days", "audit_totals", "audit_incidents")


@pytest.mark.clause("45.1")
@pytest.mark.parametrize("table", KEPT)
@pytest.mark.parametrize("change", ["UPDATE {} SET day = day", "DELETE FROM {}", "TRUNCATE {}"])
async def test_nobody_changes_what_is_kept(audit_desk: Desk, table: str, change: str) -> None:
    await audit_desk.keep()
    statement = change.format(table)
    if table == "audit_incidents":
        statement = statement.replace("SET day = day", "SET title = title")
    app = await asyncpg.connect(audit_desk.env["XUEJI_DATABASE_URL"])
    owner = await asyncpg.connect(audit_desk.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(statement)
    finally:
        await app.close()
        await owner.close()


@pytest.mark.clause("45.1")
@pytest.mark.parametrize("column", ["kind", "account", '"window"', "organisation", "authority", "raised_at"])
async def test_an_alert_keeps_what_it_is_about(audit_desk: Desk, column: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit_desk.rows(f"UPDATE audit_alerts SET {column} = {column}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await audit_desk.rows("DELETE FROM audit_alerts")


@pytest.mark.clause("45.1")
async def test_entries_go_on_with_the_chain_in_their_order(audit_desk: Desk) -> None:
    first = await audit_desk.keep(3)
    audit_desk.clock.move(timedelta(minutes=5))
    second = await audit_desk.keep(2, purpose="核对")
    rows = await audit_desk.rows(f"SELECT {', '.join(FIELDS)}, previous, hash FROM audit_entries ORDER BY number")
    assert [row["id"] for row in rows] == [one.id for one in (*first, *second)]
    assert [(row["day"], row["number"]) for row in rows] == [(TODAY, n) for n in range(1, 6)]
    previous = day_seed(TODAY)
    for row in rows:
        assert row["previous"] == previous
        assert row["hash"] == entry_hash(previous, tuple(row)[:-2])
        previous = row["hash"]
    assert rows[-1]["purpose"] == "核对"


async def test_every_field_is_under_the_hash(audit_desk: Desk) -> None:
    await audit_desk.keep()
    row = (await audit_desk.rows(f"SELECT {', '.join(FIELDS)} FROM audit_entries"))[0]
    stored = {
        r["column_name"]
        for r in await audit_desk.rows(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'audit_entries'"
        )
    }
    assert set(FIELDS) == stored - {"previous", "hash"}
    right = entry_hash(day_seed(TODAY), tuple(row))
    for at in range(len(FIELDS)):
        values = list(row)
        value = values[at]
        if isinstance(value, datetime):
            values[at] = value + timedelta(microseconds=1)
        elif isinstance(value, date):
            values[at] = value + timedelta(days=1)
        elif isinstance(value, list):
            values[at] = [*value, ""]
        else:
            values[at] = value + (1 if isinstance(value, int) else "x")
        assert entry_hash(day_seed(TODAY), values) != right, FIELDS[at]


async def test_an_entry_sent_twice_is_kept_once(audit_desk: Desk) -> None:
    entry = audit_desk.entry()
    await audit_desk.take([entry, entry])
    await audit_desk.take([entry, audit_desk.entry()])
    assert await audit_desk.value("SELECT count(*) FROM audit_entries") == 2
    assert await audit_desk.value("SELECT max(number) FROM audit_entries") == 2


async def test_a_batch_is_few_statements(audit_desk: Desk) -> None:
    from service_kit.database import ROUND_TRIPS

    async def trips(count: int) -> float:
        before = ROUND_TRIPS._value.get()
        await audit_desk.keep(count)
        return ROUND_TRIPS._value.get() - before

    await trips(1)
    assert await trips(200) == await trips(2) <= 10


async def test_several_copies_make_one_chain(audit_desk: Desk) -> None:
    other = make_desk(audit_desk.env, audit_desk.admin_url)
    try:
        await asyncio.gather(*(desk.keep(7) for _ in range(6) for desk in (audit_desk, other)))
    finally:
        await other.shut()
    rows = await audit_desk.rows("SELECT number, previous, hash FROM audit_entries ORDER BY number")
    assert [row["number"] for row in rows] == list(range(1, 85))
    assert [row["previous"] for row in rows] == [day_seed(TODAY), *(row["hash"] for row in rows[:-1])]


@pytest.mark.clause("45.1")
async def test_nothing_that_was_sent_can_keep_an_entry_out(audit_desk: Desk) -> None:
    nasty = audit_desk.entry(
        objects=("\0", "长" * 5000, "'; --"), purpose="\0" * 9000, account="x" * 900, outcome="名册损坏"
    )
    await audit_desk.take([audit_desk.entry(), nasty])
    row = (await audit_desk.rows("SELECT * FROM audit_entries WHERE number = 2"))[0]
    assert row["objects"] == ["\ufffd", "长" * LONGEST_ID, "'; --"]
    assert (len(row["account"]), row["outcome"]) == (LONGEST_ID, "failed")


@pytest.mark.parametrize(
    ("organisation", "authority"),
    [
        (SCHOOL, COUNTY),
        (COUNTY, COUNTY),
        (CITY, CITY),
        ("2199999999", PROVINCE),
        ("", PROVINCE),
        ("220100", PROVINCE),
        ("x", PROVINCE),
    ],
)
async def test_the_authority_of_that_time_is_kept(audit_desk: Desk, organisation: str, authority: str) -> None:
    await audit_desk.keep(organisation=organisation)
    assert await audit_desk.value("SELECT authority FROM audit_entries") == authority


@pytest.mark.clause("45.1")
async def test_ended_days_are_signed_also_those_without_entries(audit_desk: Desk) -> None:
    await audit_desk.keep(2)
    assert await audit_desk.close() == 0, "today has not ended"
    audit_desk.clock.to("2026-11-27T00:00:01+08:00")
    assert await audit_desk.close() == 3
    assert await audit_desk.close() == 0
    days = await audit_desk.rows("SELECT * FROM audit_days ORDER BY day")
    assert [(row["day"].day, row["entries"]) for row in days] == [(24, 2), (25, 0), (26, 0)]
    key = key_from_jwk(audit_desk.signer.jwk)
    previous = BEGINNING
    last = await audit_desk.value("SELECT hash FROM audit_entries ORDER BY number DESC LIMIT 1")
    for row in days:
        root = day_root(row["day"], row["entries"], last if row["entries"] else day_seed(row["day"]), previous)
        assert (row["root"], row["previous"], row["key_id"]) == (root, previous, audit_desk.signer.key_id)
        assert signed_by(key, root, row["signature"])
        assert not signed_by(key, day_seed(row["day"]), row["signature"])
        previous = root


async def test_the_day_ends_at_midnight_in_china(audit_desk: Desk) -> None:
    audit_desk.clock.to("2026-11-24T23:59:59+08:00")
    await audit_desk.keep()
    assert await audit_desk.close() == 0
    audit_desk.clock.to("2026-11-25T00:00:00+08:00")
    assert await audit_desk.close() == 1
    await audit_desk.keep()
    assert [row["day"].day for row in await audit_desk.rows("SELECT day FROM audit_entries ORDER BY day")] == [24, 25]


async def test_a_closed_day_is_not_reopened_by_a_clock_that_is_behind(audit_desk: Desk) -> None:
    await audit_desk.keep()
    audit_desk.clock.to("2026-11-25T00:00:01+08:00")
    await audit_desk.close()
    audit_desk.clock.to("2026-11-24T23:59:59+08:00")
    await audit_desk.keep()
    assert await audit_desk.value("SELECT max(day) FROM audit_entries") == date(2026, 11, 25)


async def test_two_copies_close_a_day_once(audit_desk: Desk) -> None:
    await audit_desk.keep()
    other = make_desk(audit_desk.env, audit_desk.admin_url)
    audit_desk.clock.to("2026-11-26T08:00:00+08:00")
    other.clock.to("2026-11-26T08:00:00+08:00")
    try:
        assert sum(await asyncio.gather(audit_desk.close(), other.close())) == 2
    finally:
        await other.shut()


async def test_sums_of_a_closed_day(audit_desk: Desk) -> None:
    await audit_desk.keep(3)
    await audit_desk.keep(2, act="identity.reveal_documents", purpose="核对", objects=("a", "b"))
    await audit_desk.keep(2, act="registry.roster_rows", objects=("a", "b", "roster"))
    await audit_desk.keep(1, outcome="forbidden", objects=(), account="wang", roles=(Role.PRINCIPAL,))
    audit_desk.clock.move(timedelta(days=1))
    await audit_desk.close()
    rows = await audit_desk.rows(
        "SELECT act, outcome, purpose, entries, pupils FROM audit_totals ORDER BY act, outcome"
    )
    assert [tuple(row) for row in rows] == [
        ("identity.reveal_documents", "done", "核对", 2, 4),
        ("registry.roster_rows", "done", "", 2, 4),
        ("registry.student", "done", "", 3, 3),
        ("registry.student", "forbidden", "", 1, 0),
    ]
