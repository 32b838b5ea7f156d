"""Confirmation sheets of a roster: for whom, one file a class, printed anew, and who was shown the full numbers."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from roster_desk import REGISTRAR, RosterDesk, StandIn
from service_kit.files import FileMissing
from service_kit.ids import new_id
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import RevealDocuments
from shared_contracts.registry import GetRosterFile, PrintSheets, RosterFile, RosterView

pytestmark = pytest.mark.integration
Make = Callable[..., bytes]
Class = Callable[[int], list[dict[str, Any]]]


@pytest.fixture
async def roster(desk: RosterDesk, workbook: Make, class_of: Class) -> str:
    """Twelve pupils in two classes, in approval."""
    roster_id = await desk.upload(workbook(class_of(12)))
    await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    return roster_id


async def ask_for_sheets(desk: RosterDesk, roster_id: str) -> Any:
    return await desk.send(PrintSheets(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id))


async def printed(desk: RosterDesk, roster_id: str) -> tuple[RosterFile, ...]:
    async with desk.working(), asyncio.timeout(120):
        while True:
            view = await desk.view(roster_id)
            if view.sheets_state == "ready":
                return tuple(f for f in view.files if f.kind == "confirmation_sheets")
            await asyncio.sleep(0.03)


async def texts(desk: RosterDesk, file: RosterFile) -> list[str]:
    pdf = pypdf.PdfReader(io.BytesIO(await desk.deps.files.read(file.file.id)))
    return ["".join(page.extract_text().split()) for page in pdf.pages]


@pytest.mark.clause("15.1")
async def test_sheets_come_after_the_principals_check(desk: RosterDesk, roster: str) -> None:
    reply = await ask_for_sheets(desk, roster)
    assert isinstance(reply, Refused)
    assert reply.kind == "conflict"
    await desk.do("UPDATE cases SET step = 'guardian'")
    assert isinstance(await ask_for_sheets(desk, roster), RosterView)


@pytest.mark.clause("15.1", "45.1")
async def test_one_file_a_class_with_full_numbers(
    desk: RosterDesk, identity: StandIn, roster: str, class_of: Class
) -> None:
    await desk.do("UPDATE cases SET step = 'guardian'")
    asked = await ask_for_sheets(desk, roster)
    assert asked.sheets_state == "printing"
    files = await printed(desk, roster)
    assert [(f.label, f.name) for f in files] == [
        ("一年级1班，10名学生", "学生基本信息确认表-一年级1班.pdf"),
        ("一年级2班，2名学生", "学生基本信息确认表-一年级2班.pdf"),
    ]
    pages = [page for file in files for page in await texts(desk, file)]
    assert len(pages) == 12
    for page, form in zip(pages, class_of(12), strict=True):
        assert form["name"] in page
        assert form["document_number"] in page
        assert form["member1_document_number"] in page
    asked_for = [c for c in identity.commands if isinstance(c, RevealDocuments)]
    assert [(len(c.person_ids), c.actor.account) for c in asked_for] == [(10, "r1"), (2, "r1")]
    assert all("确认表" in c.purpose for c in asked_for)
    assert await desk.all("SELECT 1 FROM registrations WHERE sheet_printed_at IS NULL") == []


@pytest.mark.clause("45.1")
async def test_a_sheet_that_is_fetched_is_a_look_at_each_pupil_on_it(desk: RosterDesk, roster: str) -> None:
    await desk.do("UPDATE cases SET step = 'guardian'")
    await ask_for_sheets(desk, roster)
    first, second = await printed(desk, roster)
    desk.notebook.published.clear()
    for file, pupils in ((first, 10), (second, 2)):
        fetched = await desk.ask(GetRosterFile(actor=REGISTRAR, roster_id=roster, file_id=file.file.id))
        assert fetched.file == file.file
        entry = desk.notebook.published.pop()
        rows = await desk.all(f"SELECT id FROM registrations WHERE class_no = {1 if pupils == 10 else 2}")
        assert set(entry.objects) == {row["id"] for row in rows} | {roster, file.file.id}
        assert len(rows) == pupils
        assert entry.objects[pupils:] == (roster, file.file.id)  # the pupils come first
    desk.notebook.away = True
    refusal = await desk.ask(GetRosterFile(actor=REGISTRAR, roster_id=roster, file_id=first.file.id))
    assert isinstance(refusal, Refused)
    assert refusal.kind == "unavailable"


async def test_only_those_who_wait_for_the_signature(desk: RosterDesk, roster: str) -> None:
    await desk.do(
        "UPDATE cases SET step = 'guardian' WHERE id IN (SELECT id FROM registrations WHERE \"row\" IN (3, 5))"
    )
    await ask_for_sheets(desk, roster)
    (file,) = await printed(desk, roster)
    assert file.label == "一年级1班，2名学生"
    assert len(await desk.all("SELECT 1 FROM registrations WHERE sheet_printed_at IS NOT NULL")) == 2


async def test_printed_again_the_new_sheets_replace_the_old(desk: RosterDesk, roster: str) -> None:
    await desk.do("UPDATE cases SET step = 'guardian'")
    await ask_for_sheets(desk, roster)
    first = await printed(desk, roster)
    await desk.do("UPDATE cases SET step = 'school' WHERE id IN (SELECT id FROM registrations WHERE class_no = 2)")
    await ask_for_sheets(desk, roster)
    second = await printed(desk, roster)
    assert [f.label for f in second] == ["一年级2班，2名学生", "一年级1班，10名学生"]
    assert second[0] == first[1]  # signed meanwhile: its sheets stay
    with pytest.raises(FileMissing):
        await desk.deps.files.read(first[0].file.id)
    assert len(await texts(desk, second[1])) == 10


async def test_asked_twice_it_is_one_printing(desk: RosterDesk, identity: StandIn, roster: str) -> None:
    await desk.do("UPDATE cases SET step = 'guardian'")
    await ask_for_sheets(desk, roster)
    await ask_for_sheets(desk, roster)
    await printed(desk, roster)
    assert len([c for c in identity.commands if isinstance(c, RevealDocuments)]) == 2


async def test_sheets_without_numbers_where_identity_shows_none(
    desk: RosterDesk, identity: StandIn, roster: str, class_of: Class
) -> None:
    await desk.do("UPDATE cases SET step = 'guardian'")
    identity.refusal = refused("forbidden", "不可以")
    await ask_for_sheets(desk, roster)
    files = await printed(desk, roster)
    page = (await texts(desk, files[0]))[0]
    assert class_of(1)[0]["name"] in page
    assert class_of(1)[0]["document_number"] not in page
