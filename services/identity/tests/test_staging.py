from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from identity import sweeping
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import DropIntake, FindPersons, Member, PersonEntry

pytestmark = pytest.mark.integration


async def test_staging_makes_nobody_and_shows_masks(desk: Desk, people: People) -> None:
    father = people.number("230102", people.entry().birth_date.replace(year=1988), "1")
    entry = people.entry(7, members=(Member(slot=1, document_kind="1", document_number=f" {father.lower()} "),))
    _, reply = await desk.stage([entry])
    (row,) = reply.rows
    assert row.row == 7
    assert row.masked_document == entry.document_number[:2] + "*" * 14 + entry.document_number[-2:]
    assert row.masked_members == ((1, father[:2] + "*" * 14 + father[-2:]),)
    assert (row.holder, row.likely, row.findings) == (None, (), ())
    assert await desk.value("SELECT count(*) FROM persons") == 0
    assert await desk.value("SELECT count(*) FROM record_claims") == 0


async def test_the_waiting_room_holds_nothing_readable(desk: Desk, people: People) -> None:
    entry = people.entry()
    await desk.stage([entry])
    (sealed,) = [row["sealed"] for row in await desk.rows("SELECT sealed FROM intake_rows")]
    assert entry.name.encode() not in sealed
    assert entry.document_number.encode() not in sealed


async def test_a_row_staged_again_is_replaced(desk: Desk, people: People) -> None:
    first, second = people.entry(1), people.entry(1)
    intake, _ = await desk.stage([first])
    await desk.stage([second], intake=intake)
    assert await desk.value("SELECT count(*) FROM intake_rows") == 1
    reply = await desk.claim(intake, [1])
    assert reply.claims[0].masked_document[-2:] == second.document_number[-2:]
    assert await desk.value("SELECT name FROM persons") == second.name


@pytest.mark.clause("20.1")
@pytest.mark.clause("15.2")
async def test_the_same_document_is_refused_with_its_holder(desk: Desk, people: People) -> None:
    entry = people.entry()
    (claimed,) = await desk.enter([entry])
    changed = msgspec.structs.replace(entry, document_number=f"{entry.document_number[:6]} {entry.document_number[6:]}")
    _, reply = await desk.stage([changed], school=OTHER_SCHOOL)
    holder = reply.rows[0].holder
    assert (holder.person_id, holder.registration_id, holder.school) == (
        claimed.person_id,
        claimed.registration_id,
        SCHOOL,
    )
    assert reply.rows[0].likely == ()  # the holder himself is no likely duplicate


@pytest.mark.clause("20.1")
async def test_a_card_entered_under_another_kind_is_still_the_same_card(desk: Desk, people: People) -> None:
    entry = people.entry()
    await desk.enter([entry])
    _, reply = await desk.stage([msgspec.structs.replace(entry, document_kind="Z")], school=OTHER_SCHOOL)
    assert reply.rows[0].holder.school == SCHOOL


@pytest.mark.clause("20.1")
async def test_likely_duplicates_are_reported_and_stop_nothing(desk: Desk, people: People) -> None:
    entry = people.entry(name="王小明", sex="1")
    (claimed,) = await desk.enter([entry])
    passport = msgspec.structs.replace(entry, name="王晓明", document_kind="A", document_number="E12345678")
    unrelated = people.entry(2, name="李大华", birth_date=entry.birth_date)
    intake, reply = await desk.stage([passport, unrelated], school=OTHER_SCHOOL)
    (likely,) = reply.rows[0].likely
    assert (likely.person_id, likely.name, likely.school) == (claimed.person_id, "王小明", SCHOOL)
    assert likely.reasons[0].startswith("姓名同音")
    assert entry.document_number not in str(msgspec.to_builtins(likely))
    assert reply.rows[1].likely == ()
    assert (await desk.claim(intake, [1], school=OTHER_SCHOOL)).claims[0].person_id


@pytest.mark.clause("40")
async def test_a_wrong_birth_date_is_a_finding(desk: Desk, people: People) -> None:
    entry = people.entry()
    wrong = msgspec.structs.replace(entry, birth_date=entry.birth_date + timedelta(days=1))
    intake, reply = await desk.stage([wrong])
    assert [finding.code for finding in reply.rows[0].findings] == ["document.birth_date_differs"]
    claims = (await desk.claim(intake, [1])).claims
    assert claims[0].person_id is None
    assert claims[0].findings == reply.rows[0].findings
    assert await desk.value("SELECT count(*) FROM persons") == 0


@pytest.mark.parametrize(
    ("actor", "may"),
    [
        (system("registry"), True),
        (REGISTRAR, True),
        (msgspec.structs.replace(REGISTRAR, organisation=OTHER_SCHOOL), False),
        (msgspec.structs.replace(REGISTRAR, roles=(Role.CLASS_TEACHER,)), False),
    ],
)
async def test_who_may_stage_claim_and_drop(desk: Desk, people: People, actor: Actor, may: bool) -> None:
    intake, reply = await desk.stage([people.entry()], actor=actor)
    assert isinstance(reply, Refused) is not may
    if not may:
        assert reply.kind == "forbidden"
        intake, _ = await desk.stage([people.entry()])
    claimed = await desk.claim(intake, [1], actor=actor)
    assert isinstance(claimed, Refused) is not may
    dropped = await desk.send(DropIntake(command_id=new_id(), actor=actor, intake_id=intake))
    assert isinstance(dropped, Refused) is not may
    assert await desk.value("SELECT count(*) FROM intake_rows") == (0 if may else 1)


async def test_an_intake_belongs_to_one_school(desk: Desk, people: People) -> None:
    intake, _ = await desk.stage([people.entry()])
    _, reply = await desk.stage([people.entry()], intake=intake, school=OTHER_SCHOOL)
    assert isinstance(reply, Refused)
    assert reply.kind == "conflict"
    reply = await desk.claim(intake, [1], school=OTHER_SCHOOL)
    assert isinstance(reply, Refused)
    assert reply.kind == "conflict"


@pytest.mark.parametrize(
    ("rows", "kind"),
    [([], "invalid"), ([1, 1], "invalid"), ([-1], "invalid"), ([2**31], "invalid"), (list(range(501)), "too_large")],
)
async def test_bad_chunks_are_refused(desk: Desk, people: People, rows: list[int], kind: str) -> None:
    one = people.entry()
    _, reply = await desk.stage([msgspec.structs.replace(one, row=row) for row in rows])
    assert isinstance(reply, Refused)
    assert reply.kind == kind
    reply = await desk.claim(new_id(), rows)
    assert isinstance(reply, Refused)
    assert reply.kind == kind


async def test_dropping_forgets_and_may_be_repeated(desk: Desk, people: People) -> None:
    intake, _ = await desk.stage(people.entries(3))
    for _ in range(2):
        await desk.send(DropIntake(command_id=new_id(), actor=REGISTRAR, intake_id=intake))
    assert await desk.value("SELECT count(*) FROM intakes") == 0
    assert await desk.value("SELECT count(*) FROM intake_rows") == 0
    reply = await desk.claim(intake, [1, 2])
    assert isinstance(reply, Refused)
    assert "等候区" in reply.detail


async def test_dropping_while_rows_arrive_leaves_none(desk: Desk, people: People) -> None:
    """What is staged at that instant is either dropped with the rest or makes the intake anew; no row is orphaned."""
    for _ in range(10):
        intake, _ = await desk.stage(people.entries(2))
        await asyncio.gather(
            desk.stage(people.entries(40), intake=intake),
            desk.send(DropIntake(command_id=new_id(), actor=REGISTRAR, intake_id=intake)),
            desk.stage(people.entries(40), intake=intake),
        )
        orphans = "SELECT count(*) FROM intake_rows WHERE intake_id NOT IN (SELECT intake_id FROM intakes)"
        assert await desk.value(orphans) == 0


async def test_expired_intakes_are_swept_and_others_stay(desk: Desk, people: People) -> None:
    old, _ = await desk.stage([people.entry()])
    desk.clock.move(timedelta(days=7))
    fresh, _ = await desk.stage([people.entry()])
    assert await sweeping.sweep(desk.kit) == 0  # to the second: not expired yet
    desk.clock.move(timedelta(seconds=1))
    assert await sweeping.sweep(desk.kit) == 1
    assert [row["intake_id"] for row in await desk.rows("SELECT intake_id FROM intakes")] == [fresh]
    assert await desk.value("SELECT count(*) FROM intake_rows WHERE intake_id = $1", old) == 0


async def test_nobody_waits_longer_than_thirty_days(desk: Desk, people: People) -> None:
    from shared_contracts.identity import StagePersons

    command = StagePersons(
        command_id=new_id(),
        actor=REGISTRAR,
        intake_id="i",
        school=SCHOOL,
        rows=(people.entry(),),
        expires_at=desk.clock.now() + timedelta(days=4000),
    )
    await desk.send(command)
    assert await desk.value("SELECT expires_at FROM intakes") == desk.clock.now() + timedelta(days=30)


async def test_finding_by_every_kind_of_number(desk: Desk, people: People) -> None:
    card = people.entry(1)
    taiwan = people.entry(2, document_kind="8", document_number="12345678")
    claimed = await desk.enter([card, taiwan])

    async def find(number: str, actor: Actor = REGISTRAR) -> Any:
        return await desk.ask(FindPersons(actor=actor, number=number))

    assert (await find(card.document_number.lower())).person_ids == (claimed[0].person_id,)
    assert (await find(" 1234-5678 ")).person_ids == (claimed[1].person_id,)
    for nobody in ("", "12345679", "G" + card.document_number, "%", "王小明"):
        assert (await find(nobody)).person_ids == ()
    refused = await find("12345678", msgspec.structs.replace(REGISTRAR, roles=(Role.OPERATOR,)))
    assert isinstance(refused, Refused)


def test_entries_are_right_by_themselves(people: People) -> None:
    from identity import policy
    from identity_support import NOW

    made: list[PersonEntry] = people.entries(200)
    assert all(policy.faults(entry, NOW.date()) == () for entry in made)
    assert len({entry.document_number for entry in made}) == 200
