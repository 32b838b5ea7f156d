"""The columns of `cases` are what the pure function says, on a real PostgreSQL, whatever happened to the case."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import asyncpg
import pytest
import pytest_asyncio
from alembic.migration import MigrationContext
from alembic.operations import Operations
from casework import store
from casework.state import DecisionRow, opened, state
from casework.store import CaseConflict, Doing, NewCase
from casework.tables import create_case_tables
from casework_samples import CALENDAR, REGISTRATION, TRANSFER, actor, at
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from service_kit.migrate import async_url
from shared_contracts.actors import Role
from sqlalchemy.ext.asyncio import create_async_engine

pytestmark = pytest.mark.integration
OPENED = at("2026-09-01T09:00")
PARTIES = {"to_school": "A", "to_authority": "B", "from_school": "C", "from_authority": "D"}


@pytest_asyncio.fixture
async def url(service_env) -> str:
    """A database with the two tables: where the application's role finds it."""
    env = await service_env("registry", migrated=False)
    owner = create_async_engine(async_url(env["XUEJI_MIGRATION_DATABASE_URL"]))
    async with owner.begin() as tx:
        await tx.run_sync(
            lambda sync: create_case_tables(Operations(MigrationContext.configure(sync)), "registry", "x_")
        )
    await owner.dispose()
    return env["XUEJI_DATABASE_URL"]


@asynccontextmanager
async def transaction(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()


def doing(act: str, moment=OPENED, account: str = "a", **more) -> Doing:
    who = actor(Role.PRINCIPAL, "A", account=account)
    return Doing(act=act, actor=who, role="principal", at=moment, reason="原因", **more)


async def open_some(tx, kind, *ids: str) -> None:
    await store.open_cases(
        tx,
        kind,
        [NewCase(id=i, subject_id=f"s-{i}", parties=PARTIES, entered_by="e") for i in ids],
        standing=opened(kind, date(2026, 9, 1), CALENDAR),
        at=OPENED,
        prefix="x_",
    )


async def decide(tx, kind, act: Doing, *ids: str):
    locked = await store.lock_cases(tx, ids, "x_")
    pairs = [(case.id, case.standing) for case in locked]
    return await store.decide_cases(tx, kind, pairs, act, calendar=CALENDAR, prefix="x_")


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["approve", "approve", "approve", "return", "resubmit", "reject", "withdraw", "reroute"]),
        st.sampled_from(["to_school", "from_school", "from_authority"]),
        st.integers(0, 40),  # days until the next act
        st.sampled_from(["a", "b"]),
    ),
    max_size=12,
)


@given(ACTS, st.sampled_from([REGISTRATION, TRANSFER]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_equal_the_pure_function(url, acts, kind):
    asyncio.run(_columns_equal(url, acts, kind))


class Undo(Exception):
    pass


async def _columns_equal(url: str, acts, kind) -> None:
    with contextlib.suppress(Undo):
        async with transaction(url) as tx:
            await open_some(tx, kind, "case")
            rows: list[DecisionRow] = []
            moment = OPENED
            for act, party, days, account in acts:
                moment += timedelta(days=days)
                details = {"parties": {party: f"new-{len(rows)}"}} if act == "reroute" else {}
                if kind is REGISTRATION and act == "reroute":
                    continue
                before = (await store.lock_cases(tx, ["case"], "x_"))[0].standing
                try:
                    await decide(tx, kind, doing(act, moment, account, details=details), "case")
                except ValueError:
                    continue  # impossible there: neither of the two may do it
                rows.append(
                    DecisionRow(
                        seq=before.version + 1, step=before.step, decision=act, account=account, account_name="某人",
                        role="principal", organisation="A", decided_at=moment, reason="原因", details=details,
                    )
                )  # fmt: skip
            said = state(kind, OPENED, rows, today=moment.date(), calendar=CALENDAR, parties=PARTIES)
            locked = (await store.lock_cases(tx, ["case"], "x_"))[0]
            assert locked.standing == said.standing
            assert locked.parties == said.parties
            stored = await store.history(tx, "case", "x_")
            assert [(r.seq, r.step, r.decision, r.account, r.details) for r in stored] == [
                (r.seq, r.step, r.decision, r.account, r.details) for r in rows
            ]
            again = state(kind, OPENED, stored, today=moment.date(), calendar=CALENDAR, parties=PARTIES)
            assert again.standing == said.standing
            raise Undo


async def test_many_cases_move_in_one_statement(url):
    async with transaction(url) as tx:
        counts = []
        for size in (1, 1, 1500):  # the driver asks for types it meets the first time
            ids = [f"case-{len(counts)}-{n:04d}" for n in range(size)]
            sent: list[str] = []
            with tx.query_logger(lambda record, sent=sent: sent.append(record.query)):
                await open_some(tx, REGISTRATION, *ids)
                after = await decide(tx, REGISTRATION, doing("approve"), *ids)
            await asyncio.sleep(0)  # the driver tells its loggers a little later
            counts.append(len(sent))
            assert [standing.step for standing in after] == ["principal"] * size
            written = "SELECT count(*) FROM x_case_decisions WHERE case_id = ANY($1::text[])"
            assert await tx.fetchval(written, ids) == size
        assert counts[1:] == [3, 3]


async def test_opening_a_case_again_leaves_it_where_it_is(url):
    async with transaction(url) as tx:
        await open_some(tx, REGISTRATION, "one")
        await decide(tx, REGISTRATION, doing("approve"), "one")
        await open_some(tx, REGISTRATION, "one", "two")
        steps = {case.id: case.standing.step for case in await store.lock_cases(tx, ["one", "two"], "x_")}
    assert steps == {"one": "principal", "two": "class_teacher"}


async def test_a_case_that_moved_meanwhile_is_a_conflict_and_nothing_is_written(url):
    async with transaction(url) as tx:
        await open_some(tx, REGISTRATION, "one", "two")
        stale = [(case.id, case.standing) for case in await store.lock_cases(tx, ["one", "two"], "x_")]
        await decide(tx, REGISTRATION, doing("approve"), "two")
    with pytest.raises(CaseConflict):
        async with transaction(url) as tx:
            await store.decide_cases(tx, REGISTRATION, stale, doing("approve"), calendar=CALENDAR, prefix="x_")
    async with transaction(url) as tx:
        assert [len(await store.history(tx, case, "x_")) for case in ("one", "two")] == [0, 1]


async def test_two_bulk_acts_at_once_do_not_lock_each_other_out(url):
    ids = [f"case-{n:03d}" for n in range(200)]
    async with transaction(url) as tx:
        await open_some(tx, REGISTRATION, *ids)

    async def approve(order: list[str]) -> None:
        async with transaction(url) as tx:
            await decide(tx, REGISTRATION, doing("approve"), *order)

    await asyncio.wait_for(asyncio.gather(approve(ids), approve(ids[::-1])), 60)
    async with transaction(url) as tx:
        assert {case.standing.version for case in await store.lock_cases(tx, ids, "x_")} == {2}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE x_case_decisions SET reason = 'anders'",
        "DELETE FROM x_case_decisions",
        "TRUNCATE x_case_decisions",
        "DELETE FROM x_cases",
        "UPDATE x_cases SET entered_by = 'anders'",
        "UPDATE x_cases SET opened_at = now()",
    ],
)
async def test_the_application_cannot_rewrite_what_was_decided(url, statement):
    async with transaction(url) as tx:
        await open_some(tx, REGISTRATION, "one")
        await decide(tx, REGISTRATION, doing("approve"), "one")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with transaction(url) as tx:
            await tx.execute(statement)


async def test_a_decision_that_needs_a_reason_is_not_stored_without_one(url):
    async with transaction(url) as tx:
        await open_some(tx, REGISTRATION, "one")
    with pytest.raises(asyncpg.CheckViolationError):
        async with transaction(url) as tx:
            bare = Doing(act="reject", actor=actor(Role.PRINCIPAL, "A"), role="principal", at=OPENED)
            await decide(tx, REGISTRATION, bare, "one")
