"""Who may do and see what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from roster_desk import (
    CITY_OFFICER,
    OFFICER,
    OTHER_OFFICER,
    OTHER_REGISTRAR,
    PRINCIPAL,
    REGISTRAR,
    TEACHER,
    RosterDesk,
)
from service_kit import paging
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.registry import (
    CancelRoster,
    ConfirmRoster,
    FileRef,
    GetRoster,
    GetTemplate,
    ListRosterRows,
    ListRosters,
    OpenRoster,
    PrintSheets,
    RosterView,
    RowState,
    Template,
)

pytestmark = pytest.mark.integration
Pupil = Callable[..., dict[str, Any]]
Make = Callable[..., bytes]
NOBODY = Actor(account="x", name="接口", organisation="2123010001", roles=(Role.INTEGRATION_CLIENT,))
FILE = FileRef(id="f", name="名册.xlsx", size=10, sha256="0" * 64, media_type="x")


@pytest.fixture
async def roster(desk: RosterDesk, workbook: Make, pupil: Pupil) -> str:
    """Checked: a good row in class 1-1, one in class 1-2, and a refused one."""
    rows = [pupil(1, name="王一"), pupil(2, name="王二", class_no="2"), pupil(3, sex="x")]
    roster_id = await desk.upload(workbook(rows))
    await desk.work(roster_id, "checked")
    return roster_id


@pytest.mark.parametrize("actor", [PRINCIPAL, TEACHER, OFFICER, NOBODY])
async def test_only_registrars_of_schools_open_rosters(desk: RosterDesk, actor: Actor) -> None:
    reply = await desk.send(OpenRoster(command_id=new_id(), actor=actor, roster_id=new_id(), file=FILE))
    assert isinstance(reply, Refused)
    assert reply.kind == "forbidden"
    nowhere = msgspec.structs.replace(REGISTRAR, organisation="2199999999")
    reply = await desk.send(OpenRoster(command_id=new_id(), actor=nowhere, roster_id=new_id(), file=FILE))
    assert isinstance(reply, Refused)


async def test_opening_again(desk: RosterDesk, workbook: Make, pupil: Pupil) -> None:
    roster_id = new_id()
    first = await desk.send(OpenRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id, file=FILE))
    again = await desk.send(OpenRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id, file=FILE))
    assert first == again
    other = msgspec.structs.replace(FILE, sha256="1" * 64)
    for actor, file in ((REGISTRAR, other), (OTHER_REGISTRAR, FILE)):
        reply = await desk.send(OpenRoster(command_id=new_id(), actor=actor, roster_id=roster_id, file=file))
        assert isinstance(reply, Refused)
        assert reply.kind == "conflict"


async def test_a_file_that_is_too_large_is_refused_at_once(desk: RosterDesk) -> None:
    for size, refused in ((32 * 1024**2, False), (32 * 1024**2 + 1, True)):
        file = msgspec.structs.replace(FILE, size=size)
        reply = await desk.send(OpenRoster(command_id=new_id(), actor=REGISTRAR, roster_id=new_id(), file=file))
        assert (isinstance(reply, Refused) and reply.kind == "too_large") == refused


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("actor", "kind"),
    [
        (PRINCIPAL, "forbidden"),
        (TEACHER, "forbidden"),
        (OFFICER, "forbidden"),
        (OTHER_REGISTRAR, "not_found"),
        (OTHER_OFFICER, "forbidden"),
        (NOBODY, "forbidden"),
    ],
)
async def test_others_do_nothing_with_it(desk: RosterDesk, roster: str, actor: Actor, kind: str) -> None:
    for command in (ConfirmRoster, CancelRoster, PrintSheets):
        reply = await desk.send(command(command_id=new_id(), actor=actor, roster_id=roster))
        assert isinstance(reply, Refused), command
        assert reply.kind == kind


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("actor", [REGISTRAR, PRINCIPAL, TEACHER, OFFICER, CITY_OFFICER])
async def test_who_sees_it(desk: RosterDesk, roster: str, actor: Actor) -> None:
    assert isinstance(await desk.ask(GetRoster(actor=actor, roster_id=roster)), RosterView)
    page = await desk.ask(ListRosters(actor=actor))
    assert [view.id for view in page.items] == [roster]


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("actor", [OTHER_REGISTRAR, OTHER_OFFICER, NOBODY])
async def test_who_does_not_see_it(desk: RosterDesk, roster: str, actor: Actor) -> None:
    for query in (GetRoster(actor=actor, roster_id=roster), ListRosterRows(actor=actor, roster_id=roster)):
        reply = await desk.ask(query)
        assert isinstance(reply, Refused)
        assert reply.kind == ("forbidden" if actor is NOBODY else "not_found")
    page = await desk.ask(ListRosters(actor=actor))
    assert isinstance(page, Refused) or page.items == ()
    assert isinstance(await desk.ask(ListRosters(actor=OFFICER, school="2123010009")), Refused)


@pytest.mark.clause("45.3")
async def test_files_are_for_registrars_and_principals(desk: RosterDesk, roster: str) -> None:
    """The refused rows and the sheets hold document numbers in full."""
    offered = {a.account: len((await desk.view(roster, a)).files) for a in (REGISTRAR, PRINCIPAL, TEACHER, OFFICER)}
    assert offered == {"r1": 1, "p1": 1, "t1": 0, "o1": 0}
    page = await desk.ask(ListRosters(actor=OFFICER))
    assert page.items[0].files == ()


async def test_a_class_teacher_sees_the_rows_of_his_classes(desk: RosterDesk, roster: str) -> None:
    assert list(await desk.rows(roster, REGISTRAR)) == [2, 3, 4]
    assert list(await desk.rows(roster, OFFICER)) == [2, 3, 4]
    assert list(await desk.rows(roster, TEACHER)) == [2]
    whole_grade = msgspec.structs.replace(TEACHER, classes=("1",))
    assert list(await desk.rows(roster, whole_grade)) == [2, 3]


async def test_rows_by_state_and_page(desk: RosterDesk, roster: str) -> None:
    refused = await desk.ask(ListRosterRows(actor=REGISTRAR, roster_id=roster, state=RowState.REFUSED))
    assert [row.row for row in refused.items] == [4]
    seen, cursor = [], None
    while True:
        page = await desk.ask(ListRosterRows(actor=REGISTRAR, roster_id=roster, cursor=cursor, limit=1))
        seen += [row.row for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [2, 3, 4]
    for query in (ListRosterRows, ListRosters):
        more = {"roster_id": roster} if query is ListRosterRows else {}
        for made_up in ("?", paging.encode("yesterday", "a"), paging.encode("0001-01-01T00:00:00+14:00", "a")):
            assert isinstance(await desk.ask(query(actor=REGISTRAR, cursor=made_up, **more)), Refused)


async def test_rosters_by_page_newest_first(desk: RosterDesk) -> None:
    from datetime import timedelta

    ids = []
    for n in range(3):
        file = msgspec.structs.replace(FILE, id=f"f{n}")
        roster_id = new_id()
        await desk.send(OpenRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id, file=file))
        ids.append(roster_id)
        desk.clock.move(timedelta(seconds=n))  # two of them at the same moment
    seen: list[str] = []
    cursor = None
    while True:
        page = await desk.ask(ListRosters(actor=REGISTRAR, cursor=cursor, limit=1))
        seen += [view.id for view in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [ids[2], *sorted(ids[:2], reverse=True)], "of the same moment, by their ids"


async def test_confirmation_asks_for_the_state_that_was_seen(desk: RosterDesk, roster: str) -> None:
    view = await desk.view(roster)
    stale = await desk.confirm(roster, version=view.version - 1)
    assert isinstance(stale, Refused)
    assert stale.kind == "conflict"
    assert isinstance(await desk.confirm(roster, version=view.version), RosterView)
    assert isinstance(await desk.confirm(roster), RosterView)  # twice is once
    cancelled = await desk.send(CancelRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster))
    assert isinstance(cancelled, Refused)
    assert cancelled.kind == "conflict"


async def test_not_yet_checked_is_not_confirmed(desk: RosterDesk, workbook: Make, pupil: Pupil) -> None:
    roster_id = await desk.upload(workbook([pupil()]))
    reply = await desk.confirm(roster_id)
    assert isinstance(reply, Refused)
    assert reply.kind == "conflict"


async def test_the_template_is_the_schools_own(desk: RosterDesk) -> None:
    reply = await desk.ask(GetTemplate(actor=REGISTRAR))
    assert isinstance(reply, Template)
    assert reply.name.endswith("2123010001.xlsx")
    assert reply.content.startswith(b"PK")
    paper = await desk.ask(GetTemplate(actor=PRINCIPAL, form="paper"))
    assert paper.content.startswith(b"%PDF")
    assert isinstance(await desk.ask(GetTemplate(actor=OFFICER)), Refused)
