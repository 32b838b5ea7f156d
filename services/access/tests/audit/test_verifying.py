"""Whatever is done to the log behind its back is found, with the day and the number of the entry."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from access.audit import search
from access.audit.chain import FIELDS, Signer, day_root, day_seed, entry_hash, key_from_jwk
from access.audit.verifying import MOST_FAULTS, DayCheck, signature_faults, verify
from audit_desk import PROVINCE, SCHOOL, Desk, auditor
from shared_contracts.actors import Actor, Role
from shared_contracts.audit import AuditVerified, VerifyAudit
from shared_contracts.decisions import Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1")]

FIRST, SECOND, TODAY = date(2026, 11, 24), date(2026, 11, 25), date(2026, 11, 26)


async def three_days(desk: Desk) -> None:
    """Five entries on each of three days; the first two are signed."""
    for day in (FIRST, SECOND, TODAY):
        desk.clock.to(f"{day}T10:00:00+08:00")
        await desk.close()
        for n in range(5):
            await desk.keep(1, objects=(f"student-{n}", f"person-{n}"))
    assert await desk.value("SELECT count(*) FROM audit_days") == 2


async def proof(desk: Desk, since: date = FIRST, until: date = TODAY) -> AuditVerified:
    reply = await desk.ask(VerifyAudit(actor=auditor(PROVINCE), since=since, until=until))
    assert isinstance(reply, AuditVerified), reply
    return reply


async def faults(desk: Desk) -> dict[int, tuple[str, ...]]:
    found = await proof(desk)
    assert found.intact == (not any(day.faults for day in found.days))
    return {day.day.day: day.faults for day in found.days if day.faults}


async def test_an_intact_log_is_proved(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    found = await proof(audit_desk)
    assert (found.intact, found.entries) == (True, 15)
    assert [(day.day, day.entries, day.signed) for day in found.days] == [
        (FIRST, 5, True), (SECOND, 5, True), (TODAY, 5, False),
    ]  # fmt: skip
    roots = [row["root"].hex() for row in await audit_desk.rows("SELECT root FROM audit_days ORDER BY day")]
    assert [day.root for day in found.days] == [*roots, ""]
    assert found.keys == {"keys": [audit_desk.signer.jwk]}


async def test_an_empty_log_and_days_outside_it_say_nothing(audit_desk: Desk) -> None:
    assert (await proof(audit_desk)).days == ()
    await three_days(audit_desk)
    found = await proof(audit_desk, date(2026, 1, 1), date(2026, 11, 23))
    assert (found.intact, found.days) == (True, ())


CHANGES = {
    "act": "'registry.students'", "account": "'somebody'", "outcome": "'forbidden'", "objects": "'{other}'",
    "at": "at - interval '1 hour'", "address": "''", "name": "'王五'", "organisation": "'2123010002'",
    "authority": "'230103'", "purpose": "'x'", "count": "count - 1", "roles": "'{auditor}'", "id": "'x'",
    "kept_at": "now()", "service": "'identity'", "session": "''", "operation": "''", "trace_id": "''",
    "reasons": "'{x}'",
}  # fmt: skip


@pytest.mark.parametrize("column", [name for name in FIELDS if name not in ("day", "number")])
async def test_a_changed_entry(audit_desk: Desk, column: str) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute(f"UPDATE audit_entries SET {column} = {CHANGES[column]} WHERE day = $1 AND number = 3", FIRST)
    assert (await faults(audit_desk))[24][0] == "第3号的内容与其校验值不符"


async def test_a_changed_entry_with_its_hash_made_anew(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await rehash(sql, FIRST, 3, account="somebody")
    assert (await faults(audit_desk)) == {24: ("第4号与前一条不衔接",)}


async def test_a_changed_entry_with_all_hashes_after_it_made_anew(audit_desk: Desk) -> None:
    """Whoever can compute hashes cannot sign."""
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await rehash(sql, FIRST, 3, account="somebody", to_the_end=True)
    assert (await faults(audit_desk)) == {24: ("最后一条记录与当日签名的根不符",)}


async def test_a_root_made_anew_needs_a_signature(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        last = await rehash(sql, FIRST, 3, account="somebody", to_the_end=True)
        root = day_root(FIRST, 5, last, b"\0" * 32)
        await sql.execute("UPDATE audit_days SET root = $2 WHERE day = $1", FIRST, root)
    assert (await faults(audit_desk)) == {24: ("签名无效",), 25: ("与前一日的根不衔接",)}


async def test_a_forged_signature(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    forger = Signer(b"f" * 32)
    async with audit_desk.tampering() as sql:
        root = await sql.fetchval("SELECT root FROM audit_days WHERE day = $1", SECOND)
        await sql.execute("UPDATE audit_days SET signature = $2 WHERE day = $1", SECOND, forger.sign(root))
    assert (await faults(audit_desk)) == {25: ("签名无效",)}
    async with audit_desk.tampering() as sql:
        await sql.execute("UPDATE audit_days SET key_id = $2 WHERE day = $1", SECOND, forger.key_id)
    assert (await faults(audit_desk)) == {25: (f"签名密钥{forger.key_id}不是所给的公钥，无法核对",)}


@pytest.mark.parametrize(
    ("numbers", "said"),
    [((3,), "缺少第3号"), ((1,), "缺少第1号"), ((2, 3, 4), "缺少第2号至第4号"), ((5,), "缺少第5号"),
     ((4, 5), "缺少第4号至第5号"), ((1, 2, 3, 4, 5), "缺少第1号至第5号")],
)  # fmt: skip
async def test_removed_entries_of_a_signed_day(audit_desk: Desk, numbers: tuple[int, ...], said: str) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute(
            "DELETE FROM audit_entries WHERE day = $1 AND number = ANY($2::bigint[])", FIRST, list(numbers)
        )
    assert (await faults(audit_desk)) == {24: (said,)}


async def test_a_removed_entry_of_today(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute("DELETE FROM audit_entries WHERE day = $1 AND number = 2", TODAY)
    assert (await faults(audit_desk)) == {26: ("缺少第2号",)}


async def test_a_removed_entry_whose_gap_was_closed(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute("DELETE FROM audit_entries WHERE day = $1 AND number = 2", FIRST)
        await sql.execute("UPDATE audit_entries SET number = number - 1 WHERE day = $1 AND number > 2", FIRST)
    assert (await faults(audit_desk))[24][:2] == ("第2号与前一条不衔接", "第2号的内容与其校验值不符")
    assert "缺少第5号" in (await faults(audit_desk))[24]


async def test_swapped_entries(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        for old, new in ((2, 99), (4, 2), (99, 4)):
            await sql.execute("UPDATE audit_entries SET number = $3 WHERE day = $1 AND number = $2", FIRST, old, new)
    said = (await faults(audit_desk))[24]
    assert {
        "第2号的内容与其校验值不符",
        "第4号的内容与其校验值不符",
        "第3号与前一条不衔接",
        "第5号与前一条不衔接",
    } <= set(said)


async def test_an_added_entry(audit_desk: Desk) -> None:
    """With a hash that fits: only the signature tells."""
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        row = await sql.fetchrow(
            f"SELECT {', '.join(FIELDS)}, hash FROM audit_entries WHERE day = $1 AND number = 5", FIRST
        )
        values = dict(row) | {"number": 6, "id": "invented"}
        previous = values.pop("hash")
        await insert(sql, values, previous)
    assert (await faults(audit_desk))[24][0] == "第6号及以后的记录是签名之后加入的"


async def test_an_entry_that_the_search_does_not_find(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute("DELETE FROM audit_objects WHERE day = $1 AND number = 4 AND object_id = 'person-3'", FIRST)
    assert (await faults(audit_desk)) == {24: ("第4号未列入按对象查询的索引",)}


async def remove_day(sql: Any, day: date) -> None:
    await sql.execute("DELETE FROM audit_days WHERE day = $1", day)


async def remove_all_of_day(sql: Any, day: date) -> None:
    await remove_day(sql, day)
    await sql.execute("DELETE FROM audit_entries WHERE day = $1", day)


@pytest.mark.parametrize("remove", [remove_day, remove_all_of_day])
@pytest.mark.parametrize(
    ("day", "where", "said"),
    [
        (FIRST, 25, "此前的日签名缺失"),
        (SECOND, 26, "此前缺少2026-11-25的日签名"),
        (TODAY, 26, "当日已结束而没有签名"),
    ],
)
async def test_a_removed_day(
    audit_desk: Desk, remove: Callable[..., Awaitable[None]], day: date, where: int, said: str
) -> None:
    await three_days(audit_desk)
    audit_desk.clock.to("2026-11-27T10:00:00+08:00")
    await audit_desk.close()
    async with audit_desk.tampering() as sql:
        await remove(sql, day)
    assert said in (await faults(audit_desk))[where]


async def test_a_day_may_wait_ten_minutes_for_its_signature(audit_desk: Desk) -> None:
    await audit_desk.keep()
    audit_desk.clock.to("2026-11-25T00:10:00+08:00")
    assert not await faults(audit_desk)
    audit_desk.clock.to("2026-11-25T00:10:01+08:00")
    assert await faults(audit_desk) == {24: ("当日已结束而没有签名",)}


async def test_a_former_key_is_vouched_for_by_a_later_signature(audit_desk: Desk) -> None:
    await three_days(audit_desk)
    async with audit_desk.kit.db.transaction() as tx:
        from access.audit import store

        days = await store.signed_days(tx)
    new = Signer(b"n" * 32)
    last = days[1]
    from msgspec.structs import replace

    renewed = [days[0], replace(last, key_id=new.key_id, signature=new.sign(last.root))]
    keys = {new.key_id: key_from_jwk(new.jwk)}
    assert signature_faults(renewed, keys) == {FIRST: [], SECOND: []}
    assert signature_faults(days, keys)[FIRST] == [f"签名密钥{audit_desk.signer.key_id}不是所给的公钥，无法核对"]
    broken = [days[0], replace(renewed[1], signature=b"\0" * 64)]
    found = signature_faults(broken, keys)
    assert found[SECOND] == ["签名无效"] and len(found[FIRST]) == 1


async def test_more_than_one_question_may_compute(audit_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await three_days(audit_desk)
    monkeypatch.setattr(search, "MOST_VERIFIED", 14)
    reply = await audit_desk.ask(VerifyAudit(actor=auditor(PROVINCE), since=FIRST, until=TODAY))
    assert isinstance(reply, Refused) and reply.kind == "too_large" and "共有15条" in reply.detail
    monkeypatch.setattr(search, "MOST_VERIFIED", 15)
    assert (await proof(audit_desk)).intact


async def test_who_may_ask(audit_desk: Desk) -> None:
    registrar = Actor(account="r", name="", organisation=SCHOOL, roles=(Role.REGISTRAR,))
    reply = await audit_desk.ask(VerifyAudit(actor=registrar, since=FIRST, until=TODAY))
    assert isinstance(reply, Refused) and reply.kind == "forbidden"
    reply = await audit_desk.ask(VerifyAudit(actor=auditor(PROVINCE), since=TODAY, until=FIRST))
    assert isinstance(reply, Refused) and reply.kind == "invalid"


async def test_rows_are_streamed(audit_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from access.audit import verifying

    monkeypatch.setattr(verifying, "FETCH", 10)
    await audit_desk.keep(35)
    told: list[tuple[date, int]] = []
    async with audit_desk.kit.db.transaction() as tx:
        await verify(tx, None, None, {}, audit_desk.clock.now(), lambda day, entries: told.append((day, entries)))
    assert told == [(FIRST, 10), (FIRST, 20), (FIRST, 30), (FIRST, 35)]


def test_a_day_with_many_faults_tells_how_many() -> None:
    check = DayCheck(FIRST)
    for _ in range(MOST_FAULTS + 3):
        check.fault("x")
    assert check.faults == ("x",) * MOST_FAULTS + ("另有3处未逐条列出",)


async def rehash(sql: Any, day: date, number: int, *, to_the_end: bool = False, **changes: Any) -> bytes:
    """Change an entry and compute its hash anew, those after it too where told. Returns the last hash."""
    query = f"SELECT {', '.join(FIELDS)} FROM audit_entries WHERE day = $1 AND number >= $2 ORDER BY number"
    previous = await sql.fetchval("SELECT hash FROM audit_entries WHERE day = $1 AND number = $2", day, number - 1)
    previous = previous or day_seed(day)
    for row in await sql.fetch(query, day, number):
        values = dict(row) | (changes if row["number"] == number else {})
        digest = entry_hash(previous, values.values())
        sets = "account = $3, previous = $4, hash = $5"
        await sql.execute(
            f"UPDATE audit_entries SET {sets} WHERE day = $1 AND number = $2",
            day, row["number"], values["account"], previous, digest,
        )  # fmt: skip
        previous = digest
        if not to_the_end:
            break
    return previous


async def insert(sql: Any, values: dict[str, Any], previous: bytes) -> None:
    row = {**values, "previous": previous, "hash": entry_hash(previous, values.values())}
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await sql.execute(f"INSERT INTO audit_entries ({', '.join(row)}) VALUES ({marks})", *row.values())
