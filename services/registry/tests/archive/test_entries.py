"""Entries, evidence and the six sections on a real database: chained, sealed, never changed, as of any day."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import asyncpg
import msgspec
import pytest
from archive_desk import (
    ALL,
    AWARD,
    EXAM,
    SANCTION,
    VACCINATION,
    add,
    archive,
    file,
    item,
    move,
    student,
    supersede,
    upload,
)
from registry_world import (
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    TEACHER,
    TODAY,
    World,
    actor,
    codes,
)
from shared_contracts.actors import Actor, Role
from shared_contracts.archive import ArchiveEntryView, EntriesAdded, EvidenceFiled
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven, EvidenceKind, GetEvidence

pytestmark = pytest.mark.integration
THERE = actor(Role.REGISTRAR, FAR_SCHOOL.code)
replace = msgspec.structs.replace


@pytest.mark.clause("14", "21.1", "34.1", "35", "36", "38")
async def test_the_six_sections(world: World) -> None:
    one = await student(world)
    kept = await upload(world)
    await file(world, one, kept.id)
    added = await add(world, *(item(one, entry) for entry in ALL))
    assert isinstance(added, EntriesAdded)
    shown = await archive(world, one)
    assert shown.intact
    assert shown.form
    assert [entry.title for entry in shown.journal] == ["建立学籍", "证明材料归档", *["补充档案内容"] * 8]
    assert [(one.evidence.id, one.evidence.kind, one.filed_on) for one in shown.evidence] == [
        (kept.id, "household_register", TODAY)
    ]
    assert [entry.entry for entry in shown.entries] == list(ALL)
    assert [entry.section for entry in shown.entries] == [3, 3, 4, 4, 4, 5, 5, 6]
    assert {entry.recorded_by for entry in shown.entries} == {REGISTRAR.name}


@pytest.mark.clause("45.3")
async def test_what_entries_say_is_sealed_and_the_journal_has_a_digest_alone(world: World) -> None:
    one = await student(world)
    await add(world, item(one, SANCTION))
    (row,) = await world.sql("SELECT sealed FROM archive_entries")
    (entry,) = await world.sql("SELECT content::text FROM journal WHERE seq = 2")
    assert "旷课".encode() not in row["sealed"]
    assert "旷课" not in entry["content"]


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("who", "writes", "reads"),
    [
        (REGISTRAR, True, True),
        (PRINCIPAL, True, True),
        (TEACHER, True, True),
        (actor(Role.CLASS_TEACHER, classes=["1-02"]), False, False),
        (OFFICER, False, True),
        (actor(Role.LEADER, CITY), False, True),
        (actor(Role.AUTHORITY_OFFICER, "230202"), False, False),
        (actor(Role.REGISTRAR, OTHER_SCHOOL.code), False, False),
        (actor(Role.AUDITOR, CITY), False, False),
    ],
)
async def test_who_writes_and_who_reads(world: World, who: Actor, writes: bool, reads: bool) -> None:
    one = await student(world)
    assert isinstance(await add(world, item(one), who=who), EntriesAdded) == writes
    assert isinstance(await archive(world, one, who), Refused) != reads


@pytest.mark.clause("14")
async def test_many_at_once_are_all_kept_or_none(world: World) -> None:
    ids = [await student(world) for _ in range(3)]
    good = [item(one, entry) for one in ids for entry in ALL]
    bad = [
        *good,
        item(ids[0], on=TODAY + timedelta(days=1)),
        item("nobody"),
        item(ids[1], replace(EXAM, result="第1名")),
    ]
    reply = await add(world, *bad)
    assert codes(reply) == ["archive.day", "archive.no_student", "archive.ranking"]
    assert [finding.fields for finding in reply.findings] == [
        ("items[24].on",),
        ("items[25].student_id",),
        ("items[26].entry.result",),
    ]
    assert all(finding.cure for finding in reply.findings)
    assert await world.sql("SELECT 1 FROM archive_entries") == []
    assert len((await add(world, *good)).ids) == 24
    for one in ids:
        assert (await archive(world, one)).intact


async def test_the_same_command_twice_is_once(world: World) -> None:
    one = await student(world)
    first = await add(world, item(one), command_id="c-1")
    assert await add(world, item(one), command_id="c-1") == first
    assert len(await world.sql("SELECT 1 FROM archive_entries")) == 1


@pytest.mark.clause("21.1")
async def test_many_writers_at_once_make_one_chain(world: World) -> None:
    ids = [await student(world) for _ in range(2)]
    await asyncio.gather(*(add(world, *(item(one) for one in order)) for order in (ids, ids[::-1]) * 3))
    for one in ids:
        shown = await archive(world, one)
        assert (len(shown.entries), shown.intact) == (6, True)


@pytest.mark.clause("14")
async def test_a_hundred_cost_no_more_statements_than_two(world: World) -> None:
    one = await student(world)
    counts = []
    for number in (2, 100):
        from registry.app import SERVICE
        from shared_contracts.archive import AddArchiveEntries

        command = AddArchiveEntries(command_id=world.id("c"), actor=REGISTRAR, items=(item(one),) * number)
        async with world.db.unit(world.deps) as work:
            raw = (await work.tx.get_raw_connection()).driver_connection
            sent: list[str] = []
            with raw.query_logger(lambda record, sent=sent: sent.append(record.query)):
                await SERVICE.commands[AddArchiveEntries](work, command)
                await asyncio.sleep(0)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 10


# ---- saying it right ---------------------------------------------------------------------------------------------


@pytest.mark.clause("14", "21.1")
async def test_a_wrong_entry_stays_beside_the_right_one(world: World) -> None:
    one = await student(world)
    (wrong,) = (await add(world, item(one))).ids
    right = await supersede(world, wrong, replace(AWARD, title="市级优秀少先队员"))
    assert isinstance(right, ArchiveEntryView)
    shown = await archive(world, one)
    assert shown.intact
    assert [(e.id, e.superseded_by, e.supersedes) for e in shown.entries] == [
        (wrong, right.id, None),
        (right.id, None, wrong),
    ]
    assert shown.entries[1].reason == "证书名称录入有误"
    again = await supersede(world, wrong, AWARD)
    assert (again.kind, codes(again)) == ("conflict", ["archive.superseded"])
    assert codes(await supersede(world, right.id, VACCINATION)) == ["archive.kind"]
    assert codes(await supersede(world, right.id, AWARD, reason="")) == ["archive.reason"]
    assert codes(await supersede(world, right.id, AWARD, on=date(2010, 1, 1))) == ["archive.day"]
    assert (await supersede(world, "nothing", AWARD)).kind == "not_found"
    assert (await supersede(world, right.id, AWARD, who=OFFICER)).kind == "forbidden"


@pytest.mark.clause("21.1")
async def test_two_who_say_it_right_at_once(world: World) -> None:
    one = await student(world)
    (wrong,) = (await add(world, item(one))).ids
    replies = await asyncio.gather(*(supersede(world, wrong, replace(AWARD, title=f"奖{n}")) for n in range(4)))
    assert sum(isinstance(reply, ArchiveEntryView) for reply in replies) == 1


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM archive_entries",
        "UPDATE archive_entries SET sealed = ''",
        "UPDATE archive_entries SET happened_on = '2020-01-01'",
        "TRUNCATE archive_entries",
    ],
)
async def test_the_application_s_role_cannot(world: World, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)


# ---- evidence ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("14")
async def test_an_entry_has_its_papers(world: World) -> None:
    one, kept = await student(world), await upload(world)
    given = (EvidenceGiven(evidence_id=kept.id, kind=EvidenceKind.AWARD),)
    await add(world, item(one, evidence=given))
    shown = await archive(world, one)
    assert shown.entries[0].evidence == (kept.id,)
    assert [e.evidence.id for e in shown.evidence] == [kept.id]
    assert shown.intact
    assert codes(await add(world, item(one, evidence=given))) == ["evidence.attached"]
    assert len(await world.sql("SELECT 1 FROM archive_entries")) == 1


@pytest.mark.clause("14")
async def test_a_school_files_papers_itself(world: World) -> None:
    one, kept = await student(world), await upload(world)
    filed = await file(world, one, kept.id)
    assert isinstance(filed, EvidenceFiled)
    assert codes(await file(world, one, kept.id)) == ["evidence.attached"]
    assert codes(await file(world, one, "nobody")) == ["evidence.missing"]
    other = await upload(world)
    assert codes(await file(world, one, other.id, on=TODAY + timedelta(days=1))) == ["archive.day"]
    assert (await file(world, "nobody", other.id)).kind == "not_found"
    assert (await file(world, one, other.id, who=OFFICER)).kind == "forbidden"


# ---- as of a day -------------------------------------------------------------------------------------------------


@pytest.mark.clause("21.1", "44")
async def test_an_archive_as_of_a_day_has_nothing_of_later(world: World) -> None:
    one = await student(world)
    await add(world, item(one))
    world.clock.pass_(days=10)
    later, kept = world.clock.today(), await upload(world)
    await add(world, item(one, SANCTION, later))
    await file(world, one, kept.id)
    then = await archive(world, one, as_of=later - timedelta(days=1))
    assert [entry.entry for entry in then.entries] == [AWARD]
    assert (then.evidence, then.form, len(then.journal)) == ((), (await archive(world, one)).form, 2)
    assert then.form
    assert (then.student.as_of, then.intact) == (later - timedelta(days=1), True)
    now = await archive(world, one, as_of=later)
    assert (len(now.entries), len(now.evidence)) == (2, 1)
    assert (await archive(world, one, as_of=TODAY - timedelta(days=1))).kind == "not_found"
    assert (await archive(world, one, as_of=later + timedelta(days=1))).kind == "invalid"


@pytest.mark.clause("14")
async def test_what_is_known_of_before_school_makes_no_record_of_then(world: World) -> None:
    one = await student(world)
    await add(world, item(one, VACCINATION, date(2021, 5, 1)))
    assert (await archive(world, one, as_of=date(2022, 1, 1))).kind == "not_found"
    assert len((await archive(world, one, as_of=TODAY)).entries) == 1


@pytest.mark.clause("21.2")
async def test_a_former_school_keeps_the_archive_as_of_the_move_and_changes_nothing(world: World) -> None:
    one, kept = await student(world), await upload(world)
    await file(world, one, kept.id)
    (mine,) = (await add(world, item(one))).ids
    before = await archive(world, one)
    world.clock.pass_(days=10)
    left = world.clock.today()
    await move(world, one)
    theirs = await upload(world, who=THERE)
    await add(world, item(one, SANCTION, left), who=THERE)
    await supersede(world, mine, replace(AWARD, title="改正后的奖"), who=THERE)
    await file(world, one, theirs.id, who=THERE)
    copy = await archive(world, one)
    assert (copy.copy_as_of, copy.student.school) == (left, REGISTRAR.organisation)
    assert (copy.entries, copy.evidence, copy.intact) == (before.entries, before.evidence, True)
    assert copy.form == before.form
    assert await archive(world, one, as_of=TODAY) is not None
    assert (await add(world, item(one))).kind == "not_found"
    assert (await supersede(world, mine, AWARD)).kind == "not_found"
    now = await archive(world, one, THERE)
    assert (len(now.entries), len(now.evidence), now.intact) == (3, 2, True)
    assert not isinstance(await world.ask(GetEvidence(actor=THERE, evidence_id=kept.id)), Refused)
    assert isinstance(await world.ask(GetEvidence(actor=REGISTRAR, evidence_id=theirs.id)), Refused)


# ---- tampering ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE archive_entries SET sealed = (SELECT sealed FROM archive_entries ORDER BY id DESC LIMIT 1)",
        "UPDATE archive_entries SET digest = '\\x00'",
        "UPDATE evidence SET sha256 = 'x'",
    ],
)
async def test_what_somebody_changed_in_the_database_is_seen(world: World, statement: str) -> None:
    one, kept = await student(world), await upload(world)
    await file(world, one, kept.id)
    await add(world, item(one), item(one, SANCTION))
    assert (await archive(world, one)).intact
    owner = await asyncpg.connect(world.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        await owner.execute(statement)
    finally:
        await owner.close()
    assert not (await archive(world, one)).intact
