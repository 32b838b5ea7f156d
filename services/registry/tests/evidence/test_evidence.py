"""Uploading, scanning, attaching and filing, on a real database, with a scanner in a process of its own."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import asyncpg
import pytest
from evidence_desk import PDF, VIRUS, attach, keep, look, see, student
from kit_clamd import ClamdProcess
from registry.evidence import store
from registry_world import CITY, OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, TEACHER, World, actor, codes
from service_kit.files import FileMissing
from service_kit.scanning import Clamd
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.evidence import (
    MOST_BYTES,
    EvidenceGiven,
    EvidenceKind,
    EvidenceView,
    GetEvidence,
    GetEvidenceFile,
    ListEvidence,
    ScanState,
)
from shared_contracts.files import FileRef
from shared_contracts.records import GetJournal
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration
OTHER = actor(Role.REGISTRAR, OTHER_SCHOOL.code)


@pytest.mark.clause("14")
async def test_a_file_is_kept_and_is_what_its_bytes_say(world: World) -> None:
    kept = await keep(world)
    assert isinstance(kept, EvidenceView)
    assert (kept.media_type, kept.size, kept.scan, kept.attached_to) == ("application/pdf", len(PDF), "unscanned", None)
    found = await world.ask(GetEvidenceFile(actor=PRINCIPAL, evidence_id=kept.id))
    assert await world.deps.files.read(found.file.id) == PDF
    page = await world.ask(ListEvidence(actor=PRINCIPAL))
    assert [item.id for item in page.items] == [kept.id]
    assert (await world.ask(ListEvidence(actor=OTHER))).items == ()


@pytest.mark.clause("14")
@pytest.mark.parametrize(
    "content", [b"", b"MZ program", PDF.removesuffix(b"%%EOF"), b"%PDF-" + bytes(MOST_BYTES) + b"%%EOF"]
)
async def test_what_is_no_whole_scan_is_refused(world: World, content: bytes) -> None:
    reply = await keep(world, content)
    assert codes(reply) == ["evidence.content"]
    assert reply.findings[0].fields == ("file",)
    assert await world.sql("SELECT 1 FROM evidence") == []


async def test_a_file_that_has_not_come_is_refused(world: World) -> None:
    nowhere = FileRef(id="nothing", name="x.pdf", size=10, sha256="", media_type="application/pdf")
    assert (await keep(world, file=nowhere)).kind == "invalid"


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("who", "may"),
    [
        (REGISTRAR, True),
        (PRINCIPAL, True),
        (OFFICER, True),
        (TEACHER, False),
        (actor(Role.AUDITOR, CITY), False),
        (actor(Role.OPERATOR), False),
    ],
)
async def test_who_may_upload(world: World, who: Actor, may: bool) -> None:
    assert isinstance(await keep(world, who=who), EvidenceView) == may


@pytest.mark.clause("3.1")
async def test_who_sees_a_school_s_file(world: World) -> None:
    kept = await keep(world)
    for who, may in [
        (PRINCIPAL, True),
        (OFFICER, True),
        (actor(Role.LEADER, CITY), True),
        (actor(Role.AUTHORITY_OFFICER, "230202"), False),
        (OTHER, False),
        (TEACHER, False),
    ]:
        for query in (GetEvidence, GetEvidenceFile):
            reply = await world.ask(query(actor=who, evidence_id=kept.id))
            assert isinstance(reply, Refused) != may, (who, query)


# ---- viruses ----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
async def test_a_scanned_file_is_clean(scanned: World) -> None:
    kept = await keep(scanned)
    assert kept.scan is ScanState.CLEAN
    assert len(await attach(scanned, kept.id)) == 1


@pytest.mark.clause("45.3")
async def test_a_virus_is_refused_and_goes_into_quarantine(scanned: World) -> None:
    reply = await keep(scanned, VIRUS)
    assert codes(reply) == ["evidence.infected"]
    (row,) = await scanned.sql("SELECT * FROM evidence")
    assert (row["scan"], row["signature"], row["account"]) == ("infected", "Eicar-Test-Signature", REGISTRAR.account)
    assert await scanned.deps.files.read(row["file_id"]) == VIRUS
    assert codes(await scanned.ask(GetEvidenceFile(actor=REGISTRAR, evidence_id=row["id"]))) == ["evidence.infected"]
    assert codes(await attach(scanned, row["id"])) == ["evidence.infected"]
    again = await keep(scanned, VIRUS, evidence_id=row["id"])
    assert codes(again) == ["evidence.infected"]
    assert len(await scanned.sql("SELECT 1 FROM evidence")) == 1


@pytest.mark.clause("45.3")
async def test_while_the_scanner_is_away_a_file_waits(scanned: World, clamd: ClamdProcess) -> None:
    clamd.stop()
    clean, virus = await keep(scanned), await keep(scanned, VIRUS)
    assert (clean.scan, virus.scan) == ("pending", "pending")
    assert codes(await attach(scanned, clean.id)) == ["evidence.pending"]
    assert (await scanned.ask(GetEvidenceFile(actor=REGISTRAR, evidence_id=clean.id))).kind == "conflict"
    assert not await look(scanned)  # a minute has not passed
    scanned.clock.pass_(minutes=2)
    assert await look(scanned)  # still away
    assert (await see(scanned, clean.id)).scan is ScanState.PENDING
    clamd.start()
    scanned.clock.pass_(minutes=2)
    assert await look(scanned)
    assert await look(scanned)
    assert not await look(scanned)
    assert (await see(scanned, clean.id)).scan is ScanState.CLEAN
    assert (await see(scanned, virus.id)).scan is ScanState.INFECTED
    assert len(await attach(scanned, clean.id)) == 1
    assert codes(await attach(scanned, virus.id)) == ["evidence.infected"]
    (told,) = await scanned.events(WorkWaiting)
    assert (told.organisation, told.role, told.kind) == (REGISTRAR.organisation, "registrar", "evidence_infected")


@pytest.mark.clause("45.3")
async def test_what_came_before_the_scanner_did_is_looked_at(world: World, clamd: ClamdProcess) -> None:
    virus = await keep(world, VIRUS)
    assert virus.scan is ScanState.UNSCANNED
    await attach(world, virus.id)
    world.deps = dataclasses.replace(world.deps, scanner=Clamd(clamd.address, seconds=60))
    assert await look(world)
    assert codes(await world.ask(GetEvidenceFile(actor=REGISTRAR, evidence_id=virus.id))) == ["evidence.infected"]


async def test_what_waits_is_told_that_there_is_no_scanner_any_more(scanned: World, clamd: ClamdProcess) -> None:
    clamd.stop()
    kept = await keep(scanned)
    scanned.deps = dataclasses.replace(scanned.deps, scanner=None)
    assert await look(scanned)
    assert (await see(scanned, kept.id)).scan is ScanState.UNSCANNED
    assert not await look(scanned)


# ---- attaching --------------------------------------------------------------------------------------------------------


@pytest.mark.clause("14")
async def test_files_are_attached_in_order_with_their_kinds(world: World) -> None:
    one, two = await keep(world), await keep(world)
    given = (EvidenceGiven(evidence_id=two.id, kind=EvidenceKind.HOUSEHOLD_REGISTER), one.id)
    attached = await attach(world, *given)
    assert [(e.id, e.kind) for e in attached] == [(two.id, "household_register"), (one.id, "other")]
    assert await attach(world, *given) is not None  # again: nothing changes
    async with world.db.transaction() as tx:
        assert [e.id for e in await store.of(tx, "correction:1")] == [two.id, one.id]
        assert await store.of(tx, "correction:2") == ()
    assert codes(await attach(world, one.id, to="correction:2")) == ["evidence.attached"]
    page = await world.ask(ListEvidence(actor=REGISTRAR, attached_to=""))
    assert page.items == ()


@pytest.mark.clause("14")
async def test_another_s_file_is_no_evidence_and_nothing_is_half_attached(world: World) -> None:
    mine, other = await keep(world), await keep(world, who=OTHER)
    reply = await attach(world, mine.id, other.id, "nobody")
    assert codes(reply) == ["evidence.missing", "evidence.missing"]
    assert (await see(world, mine.id)).attached_to is None
    assert codes(await attach(world, mine.id, mine.id)) == ["evidence.twice"]
    assert await attach(world) == ()


@pytest.mark.clause("14")
async def test_one_file_is_given_to_two_cases_at_once(world: World) -> None:
    kept = await keep(world)
    replies = await asyncio.gather(*(attach(world, kept.id, to=f"correction:{n}") for n in range(5)))
    assert sum(not isinstance(reply, Refused) for reply in replies) == 1


@pytest.mark.clause("14", "3.1")
async def test_a_school_sees_what_its_authority_gave_to_its_case(world: World) -> None:
    kept = await keep(world, who=OFFICER)
    assert isinstance(await see(world, kept.id), Refused)
    await attach(world, kept.id, who=OFFICER, school=REGISTRAR.organisation)
    assert isinstance(await see(world, kept.id), EvidenceView)
    assert isinstance(await see(world, kept.id, OTHER), Refused)


# ---- filing -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("14", "21.1")
async def test_what_a_case_was_given_is_filed_in_the_record(world: World) -> None:
    one, kept = await student(world), await keep(world)
    await attach(world, kept.id)
    for _ in range(2):  # twice is once
        async with world.db.unit(world.deps) as work:
            await store.file_for(work, "correction:1", [one], on=work.today, actor=OFFICER)
    history = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert history.intact
    assert [entry.kind for entry in history.entries] == ["registered", "evidence_filed"]
    assert history.entries[1].content["evidence"] == [{"id": kept.id, "kind": "other", "sha256": kept.sha256}]
    found = await world.ask(GetEvidenceFile(actor=OFFICER, evidence_id=kept.id))
    assert found.student_ids == (one,)


# ---- what is not needed -----------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
async def test_an_upload_that_nothing_was_made_of_goes_after_a_month(world: World) -> None:
    used, unused = await keep(world), await keep(world)
    await attach(world, used.id)
    world.clock.pass_(days=30)
    assert not await look(world)
    world.clock.pass_(seconds=1)
    assert await look(world)
    assert not await look(world)
    assert isinstance(await see(world, unused.id), Refused)
    found = await world.ask(GetEvidenceFile(actor=REGISTRAR, evidence_id=used.id))
    assert await world.deps.files.read(found.file.id) == PDF
    kept_files = [path for path in Path(world.env["XUEJI_FILES_DIR"]).rglob("*") if path.is_file()]
    assert len(kept_files) == 1


@pytest.mark.clause("45.3")
async def test_a_kill_between_content_and_row_loses_nothing(world: World) -> None:
    await keep(world)
    (row,) = await world.sql("SELECT file_id FROM evidence")
    world.clock.pass_(days=31)
    await world.deps.files.delete(row["file_id"])  # where a kill would have left it
    with pytest.raises(FileMissing):
        await world.deps.files.read(row["file_id"])
    assert await look(world)
    assert await world.sql("SELECT 1 FROM evidence") == []


@pytest.mark.parametrize(
    "statement",
    ["UPDATE evidence SET sha256 = ''", "UPDATE evidence SET organisation = 'x'", "DELETE FROM evidence_filings",
     "UPDATE evidence_filings SET filed_on = now()"],
)  # fmt: skip
async def test_the_application_s_role_cannot(world: World, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)


async def test_pages_come_newest_first_and_a_wrong_cursor_is_refused(world: World) -> None:
    ids = []
    for _ in range(3):
        ids.append((await keep(world)).id)
        world.clock.pass_(minutes=1)
    first = await world.ask(ListEvidence(actor=REGISTRAR, limit=2))
    rest = await world.ask(ListEvidence(actor=REGISTRAR, limit=2, cursor=first.next_cursor))
    assert [item.id for item in (*first.items, *rest.items)] == ids[::-1]
    for cursor in ("x", "WyJhIiwiYiJd", "WyIyMDI2LTAxLTAxIiwiYiJd"):
        assert (await world.ask(ListEvidence(actor=REGISTRAR, cursor=cursor))).kind == "invalid"
