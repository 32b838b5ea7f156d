"""Full numbers are shown with a purpose to whoever may see them, and each showing is recorded (clause 45.1)."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People, TheMatcher, number
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.identity import Member, RevealDocuments

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1")]


async def test_showing_full_numbers_is_recorded(desk: Desk, matcher: TheMatcher, people: People) -> None:
    father = people.number("230102", date(1988, 5, 6), "1")
    entries = [people.entry(1, members=(Member(slot=2, document_kind="1", document_number=father),)), people.entry(2)]
    matcher.knows(entries)
    claimed = await number(desk, entries[:1]) + await desk.enter(entries[1:])
    ids = tuple(item.person_id or "" for item in claimed)
    command = RevealDocuments(command_id=new_id(), actor=REGISTRAR, person_ids=ids, purpose=" 打印确认单 ")
    reply = await desk.send(command)
    first, second = reply.persons
    assert (first.person_id, first.document_number) == (ids[0], entries[0].document_number)
    assert first.student_number == "G" + entries[0].document_number
    assert first.members == ((2, father),)
    assert (second.document_number, second.student_number) == (entries[1].document_number, None)
    (row,) = await desk.rows("SELECT account, organisation, roles, purpose, person_ids, at FROM reveals")
    assert dict(row) == {
        "account": "r1",
        "organisation": SCHOOL,
        "roles": ["registrar"],
        "purpose": "打印确认单",
        "person_ids": list(ids),
        "at": desk.clock.now(),
    }


async def test_a_repeated_showing_is_one_showing(desk: Desk, people: People) -> None:
    """The same command of the same actor again (an answer was lost): the first reply, which is kept sealed."""
    claimed = await desk.enter(people.entries(1))
    ids = (claimed[0].person_id or "",)
    command = RevealDocuments(command_id="c", actor=REGISTRAR, person_ids=ids, purpose="打印确认单")
    first, second = await desk.send(command), await desk.send(command)
    assert first == second
    assert await desk.value("SELECT count(*) FROM reveals") == 1
    other = msgspec.structs.replace(command, actor=msgspec.structs.replace(REGISTRAR, account="r2"))
    assert isinstance(await desk.send(other), Refused)  # somebody else's command id shows nothing


async def test_what_is_not_shown_is_not_recorded(desk: Desk, people: People) -> None:
    claimed = await desk.enter(people.entries(1))
    ids = (claimed[0].person_id or "",)

    async def reveal(**changes: Any) -> Any:
        values = {"command_id": new_id(), "actor": REGISTRAR, "person_ids": ids, "purpose": "打印确认单"} | changes
        return await desk.send(RevealDocuments(**values))

    for changes, kind in (
        ({"purpose": "看"}, "invalid"),
        ({"actor": msgspec.structs.replace(REGISTRAR, organisation=OTHER_SCHOOL)}, "forbidden"),
        ({"actor": msgspec.structs.replace(REGISTRAR, roles=(Role.CLASS_TEACHER,))}, "forbidden"),
        ({"person_ids": (*ids, "nobody")}, "not_found"),
        ({"person_ids": ids * 501}, "too_large"),
    ):
        reply = await reveal(**changes)
        assert isinstance(reply, Refused), changes
        assert reply.kind == kind
    assert await desk.value("SELECT count(*) FROM reveals") == 0
