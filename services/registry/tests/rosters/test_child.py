"""The child process on real files: what it answers, what it is not given, and that its death is told."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pypdf
import pytest
from registry.organisations.facts import SchoolFacts
from registry.registration.situation import Enrolment
from registry.rosters import frames, jobs
from registry.rosters.child import ChildDied, child
from registry.rosters.frames import CheckedRow, CheckOrder, Chunk, Opened, Page, PrintOrder, ReturnOrder, Unreadable
from registry.rosters.workbook import Sheet, read
from regulation.parameters import Parameters
from regulation.school_year import Stage
from shared_contracts.decisions import Finding, Outcome

DAY = date(2026, 9, 10)
ENROLMENT = {Stage.PRIMARY: Enrolment(places=9_999, scheme=True)}
Pupil = Callable[..., dict[str, Any]]
Make = Callable[..., bytes]


@pytest.fixture
def order(school: SchoolFacts) -> CheckOrder:
    parameters = Parameters.for_(school.division, DAY)
    return CheckOrder(school=school, today=DAY, school_year=2026, parameters=parameters, enrolment=ENROLMENT, chunk=3)


@contextlib.contextmanager
def calls() -> Iterator[Counter[str]]:
    """What this process calls meanwhile, by module, in threads that begin meanwhile too."""
    made: Counter[str] = Counter()

    def note(frame: FrameType, event: str, called: Any) -> None:
        if event == "call":
            made[frame.f_globals.get("__name__", "")] += 1
        elif event == "c_call":
            made[str(getattr(called, "__module__", ""))] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield made
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def of_ours(made: Counter[str]) -> set[str]:
    """Modules that have to do with a file: ours, and those that open one."""
    return {name for name in made if name.partition(".")[0] in {"registry", "regulation", "python_calamine", "zipfile"}}


async def run_check(order: CheckOrder, content: bytes) -> list[Opened | Unreadable | Chunk]:
    replies: list[Opened | Unreadable | Chunk] = []
    async with child("check") as process:
        await process.send(frames.encode(order))
        await process.send(content)
        process.close()
        while (frame := await process.receive()) is not None:
            replies.append(frames.decode_check_reply(frame))
    return replies


async def test_rows_come_in_chunks_with_what_was_found(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    pupils = [pupil(n, name=f"王{'一二三四五六七'[n]}") for n in range(7)]
    pupils[2] = pupil(2, sex="x")
    opened, *chunks = await run_check(order, workbook(pupils, extra={"备注": "x"}))
    assert isinstance(opened, Opened)
    assert (opened.rows, [n.code for n in opened.notes]) == (7, ["workbook.extra_columns"])
    rows = [[row.row for row in chunk.rows] for chunk in chunks if isinstance(chunk, Chunk)]
    assert rows == [[2, 3, 4], [5, 6, 7], [8]]
    first = chunks[0]
    assert isinstance(first, Chunk)
    assert [row.entry is not None for row in first.rows] == [True, True, False]
    assert first.rows[0].findings == ()
    assert [f.facts["cell"] for f in first.rows[2].findings] == ["C4"]


async def test_it_goes_on_after_the_rows_that_are_known(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    content = workbook([pupil(n % 5, name=f"王{'一二三四五六七'[n]}") for n in range(7)])
    whole = await run_check(order, content)
    rest = await run_check(msgspec.structs.replace(order, after_row=4), content)
    assert rest[1:] == whole[2:]  # the same chunks, and still a duplicate of the rows it did not report
    last = rest[-1]
    assert isinstance(last, Chunk)
    assert [f.code for f in last.rows[0].findings] == ["roster.duplicate_in_file"]


async def test_an_unreadable_file_is_an_answer(order: CheckOrder) -> None:
    (reply,) = await run_check(order, b"no workbook")
    assert isinstance(reply, Unreadable)
    assert reply.code == "workbook.not_a_workbook"


@pytest.mark.clause("20.2")
async def test_the_rules_of_registration_are_asked(
    order: CheckOrder, workbook: Make, pupil: Pupil, resident: Callable[..., str]
) -> None:
    """Born on 31 August 2020: six on the day that counts; a day later: too young."""
    rows = [
        pupil(document_number=resident(0, born), birth_date=born, name=name)
        for born, name in (("20200831", "王一"), ("20200901", "王二"))
    ]
    _, chunk = await run_check(order, workbook(rows))
    assert isinstance(chunk, Chunk)
    assert [row.entry is not None for row in chunk.rows] == [True, False]
    assert [(f.code, f.clause) for f in chunk.rows[1].findings] == [("age.under_entry", "20.2")]


@pytest.mark.clause("20.1")
async def test_the_same_document_twice_refuses_the_later_row(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    rows = [pupil(1, name="王一"), pupil(2, name="王二"), pupil(1, name="王三")]
    _, chunk = await run_check(order, workbook(rows))
    assert isinstance(chunk, Chunk)
    assert [row.entry is not None for row in chunk.rows] == [True, True, False]
    (finding,) = chunk.rows[2].findings
    assert (finding.code, finding.clause, finding.outcome) == ("roster.duplicate_in_file", "20.1", Outcome.REFUSE)
    assert "第4行与第2行" in finding.message


@pytest.mark.clause("39")
async def test_a_refused_row_is_nobodys_duplicate_and_likeness_is_only_noted(
    order: CheckOrder, workbook: Make, pupil: Pupil
) -> None:
    rows = [pupil(1, name="王一", sex="x"), pupil(1, name="王一"), pupil(2, name="王一")]
    _, chunk = await run_check(order, workbook(rows))
    assert isinstance(chunk, Chunk)
    assert [row.entry is not None for row in chunk.rows] == [False, True, True]
    assert [[f.code for f in row.findings] for row in chunk.rows[1:]] == [[], ["roster.alike_in_file"]]


async def test_pupils_without_a_number_are_nobodys_duplicate(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    rows = [pupil(name=name, document_kind="Z", document_number=None) for name in ("王一", "王二")]
    _, chunk = await run_check(order, workbook(rows))
    assert isinstance(chunk, Chunk)
    assert all(row.entry for row in chunk.rows)


async def test_returned_and_printed(workbook: Make, pupil: Pupil, school: SchoolFacts) -> None:
    fault = Finding(code="a", outcome=Outcome.REFUSE, message="不对", fields=("name",))
    async with child("returned") as process:
        await process.send(frames.encode(ReturnOrder(findings={3: (fault,)})))
        await process.send(workbook([pupil(1), pupil(2)]))
        process.close()
        again = read(await process.answer())
        assert await process.receive() is None
    assert isinstance(again, Sheet)
    assert len(again.rows) == 1
    page = Page(registration_id="0198f3c2-0000-7000-8000-000000000001", form={"name": "王䶮"}, documents={})
    async with child("sheets") as process:
        for pages in ((page, page), (page,), ()):
            class_order = PrintOrder(school=school.name, class_title="一年级1班", printed_on=DAY, pages=pages)
            await process.send(frames.encode(class_order))
            pdf = pypdf.PdfReader(io.BytesIO(await process.answer()))
            assert len(pdf.pages) == max(len(pages), 1)
        process.close()
        assert await process.receive() is None


async def test_the_child_is_given_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUEJI_FIELD_KEYS", "k1:secret")
    async with child("check") as process:
        environ = Path(f"/proc/{process._process.pid}/environ").read_bytes()
    assert b"XUEJI" not in environ
    assert b"PATH=" in environ


async def test_a_killed_child_is_told(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    async with child("check") as process:
        await process.send(frames.encode(order))
        os.kill(process._process.pid, signal.SIGKILL)
        with pytest.raises(ChildDied):
            await process.receive()


async def test_a_child_that_fails_is_told_and_says_nothing() -> None:
    async with child("check") as process:
        await process.send(b"no order")
        with pytest.raises(ChildDied, match="70"):
            await process.receive()


async def test_a_child_ends_with_its_block(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    content = workbook([pupil(n % 500, name="王" * (2 + n % 3)) for n in range(400)])
    async with child("check") as process:
        await process.send(frames.encode(msgspec.structs.replace(order, chunk=1)))
        await process.send(content)
        assert await process.receive()
        pid = process._process.pid
    assert not Path(f"/proc/{pid}").exists()


async def test_the_work_is_done_outside_the_service(order: CheckOrder, workbook: Make, pupil: Pupil) -> None:
    """Of a file the service's own process only sends the bytes and decodes the results, chunk by chunk: it opens no workbook
    and looks at no row, whose reading and rules are the child's. What runs where is looked at, since how much CPU it takes is
    the machine's affair."""
    content = workbook([pupil(n % 500, name="王小明") for n in range(3000)])
    with calls() as made:
        replies = await run_check(msgspec.structs.replace(order, chunk=500), content)
    assert sum(len(reply.rows) for reply in replies if isinstance(reply, Chunk)) == 3000
    assert of_ours(made) == {"registry.rosters.child"}
    # The same job in this very process would be seen.
    source = io.BytesIO()
    for frame in (frames.encode(order), workbook([pupil(1)])):
        frames.write_frame(source, frame)
    source.seek(0)
    with calls() as made:
        jobs.check(source, io.BytesIO())
    assert of_ours(made) >= {"registry.rosters.workbook", "registry.rosters.rows", "registry.form.check", "zipfile"}


def test_types_cross_the_pipe_unchanged(order: CheckOrder) -> None:
    assert msgspec.msgpack.decode(frames.encode(order), type=CheckOrder) == order
    row = CheckedRow(row=2, entry=None, name="王", masked_document="2*")
    assert frames.decode_check_reply(frames.encode(Chunk(rows=(row,)))) == Chunk(rows=(row,))


async def test_a_file_that_wants_too_much_memory_ends_the_child_alone(
    order: CheckOrder, workbook: Make, pupil: Pupil, change: Make, read_part: Make
) -> None:
    """A value at ZZ99999 makes the parser ask for two gigabytes."""
    content = workbook([pupil()])
    far = b'<row><c r="ZZ99999"><v>1</v></c></row></sheetData>'
    xml = read_part(content, "xl/worksheets/sheet1.xml").replace(b"</sheetData>", far)
    with pytest.raises(ChildDied):
        await run_check(order, change(content, {"xl/worksheets/sheet1.xml": xml}))
