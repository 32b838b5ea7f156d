"""A child of another province whom a school expects: held, approved, registered, and every way on which it ends; with the
real identity (12, 19, 20.1, 23, 24.2.2, 24.5.1, 24.6.1, 24.6.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest
import pytest_asyncio
import registry_pupils as pupils
from registry.registration import enter
from registry_identity import Broken, registry_bus, running_identity
from registry_world import FAR_SCHOOL, OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, World, actor
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.holds import (
    ChangeApplied,
    ChangeFacts,
    ChangeFailed,
    ComingChild,
    ExpectArrival,
    GetChangeFacts,
    GrantHold,
    HoldGranted,
    Seat,
    SettleHold,
)
from shared_contracts.identity import ClaimPersons
from shared_contracts.outside_transfers import InwardApproved
from shared_contracts.registry import (
    EnterRegistration,
    PrecheckRegistration,
    RegistrationsClosed,
    WithdrawRegistration,
)
from shared_contracts.transfer import TransferEnded, TransferState

SERVICE = system("transfer")
OTHER_REGISTRAR = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
BORN = {1: "20200305", 3: "20180305"}


@pytest_asyncio.fixture
async def world(service_env: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """With identity on the bus; each school has a class of grade 1 and of grade 3."""
    monkeypatch.setenv("XUEJI_MATCHER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XUEJI_MATCHER_API_KEY", "nobody")
    env = await service_env("registry")
    async with running_identity(await service_env("identity")), registry_bus(env) as bus:
        made = World(env, bus)
        await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL, places=9_999)
        for school in (SCHOOL, OTHER_SCHOOL):
            for grade, born in BORN.items():
                day = date.fromisoformat(born)
                await made.admit(made.admission(school, grade=grade, birth_date=day), school=school)
        yield made
        await made.shut()


def child(serial: int = 0, grade: int = 3) -> ComingChild:
    born = BORN[grade]
    return ComingChild(
        name="王小明", sex="1", birth_date=date.fromisoformat(born), document_kind="1",
        document_number=pupils.resident(serial, born), area="330106",
    )  # fmt: skip


async def expect(world: World, case: str = "t-1", serial: int = 0, **changes: Any) -> Any:
    grade = changes.get("grade", 3)
    values: dict[str, Any] = {
        "command_id": world.id(), "actor": SERVICE, "case_id": case, "seq": 1, "organisation": SCHOOL.code, "grade": grade,
        "child": child(serial, grade), "seat": Seat(school=SCHOOL.code), **changes,
    }  # fmt: skip
    return await world.do(ExpectArrival(**values))


async def approve(world: World, case: str = "t-1", **changes: Any) -> None:
    values: dict[str, Any] = {
        "transfer_id": case, "seq": 5, "to_school": SCHOOL.code, "grade": 3, "over": False, "actor": "a",
        "number": "ZX2026", **changes,
    }  # fmt: skip
    await world.tell(InwardApproved(**values))


def entry(world: World, serial: int = 0, grade: int = 3, who: Any = REGISTRAR, **changes: Any) -> EnterRegistration:
    born = BORN.get(grade, BORN[3])
    form = {
        "grade": str(grade), "birth_date": born, "document_number": pupils.resident(serial, born),
        "school_code": who.organisation, **changes,
    }  # fmt: skip
    return EnterRegistration(
        command_id=world.id(), actor=who, registration_id=world.id("registration"), form=pupils.pupil(serial, **form)
    )


async def hold(world: World, case: str = "t-1") -> tuple[Any, ...]:
    (row,) = await world.sql(
        """SELECT h.state, h.seat_school, h.student_id, a.open, a.approved, a.registration_id
           FROM change_holds h LEFT JOIN expected_arrivals a USING (case_id) WHERE case_id = $1""",
        case,
    )
    return tuple(row)


async def room(world: World, grade: int = 3, serial: int | None = None, case: str | None = None) -> ChangeFacts:
    asked = GetChangeFacts(
        actor=SERVICE, to_school=SCHOOL.code, grade=grade, case_id=case,
        child=None if serial is None else child(serial, grade),
    )  # fmt: skip
    found = await world.ask(asked)
    assert isinstance(found, ChangeFacts), found
    return found


async def free(world: World, grade: int = 3) -> int:
    facts = await room(world, grade)
    assert facts.room is not None
    return facts.room.free


def against(reply: Any) -> list[str]:
    assert isinstance(reply, Refused), reply
    return [one.code for one in reply.findings if one.outcome is Outcome.REFUSE]


async def approved_by_all(world: World, registration: str) -> None:
    """The five approvals of a registration, its class teacher's first."""
    teacher = actor(Role.CLASS_TEACHER, SCHOOL.code, "teacher.three", ["3"])
    reply = await world.decide(registration, "class_teacher", teacher)
    assert not isinstance(reply, Refused), reply
    await world.decide(registration, "principal", PRINCIPAL)
    await world.print(registration)
    for step, who in (("guardian", REGISTRAR), ("school", PRINCIPAL), ("authority", OFFICER)):
        reply = await world.decide(registration, step, who)
        assert not isinstance(reply, Refused), reply


HELD = ("held", SCHOOL.code, None, True, False, None)


@pytest.mark.integration
@pytest.mark.clause("19", "24.5.1", "24.6.1")
async def test_expected_approved_registered_and_the_case_is_told(world: World) -> None:
    before = await free(world)
    granted = await expect(world)
    assert isinstance(granted, HoldGranted), granted
    assert granted.person_id and granted.seat == Seat(school=SCHOOL.code)
    assert await hold(world) == HELD
    assert await free(world) == before - 1
    await approve(world)
    entered = await world.do(entry(world))
    assert not isinstance(entered, Refused), entered
    assert "admission.transfer" in [one.code for one in entered.decision.findings]
    assert await hold(world) == ("held", None, None, True, True, entered.id)
    assert await free(world) == before - 1, "the place is counted once: in its class now"
    await approved_by_all(world, entered.id)
    await world.number(entered.id)
    await world.number(entered.id)
    assert await hold(world) == ("applied", None, entered.id, False, True, entered.id)
    (told,) = await world.events(ChangeApplied)
    assert (told.case_id, told.student_id, told.school, told.grade) == ("t-1", entered.id, SCHOOL.code, 3)
    assert (told.class_no, told.number_kind, told.applied_on) == (1, "G", world.clock.today())
    assert await free(world) == before - 1
    (first,) = await world.sql("SELECT content FROM journal WHERE student_id = $1", entered.id)
    assert first["content"]["transfer"] == "t-1"
    (went,) = await world.sql("SELECT went_to, went_cohort FROM change_holds")
    assert tuple(went) == (SCHOOL.code, 2024)


@pytest.mark.integration
@pytest.mark.clause("4.1", "4.3", "24.6.1")
async def test_who_comes_into_the_entry_grade_is_no_new_pupil(world: World) -> None:
    """In November, without a window and without a place of the plan; somebody else in that grade is asked for both."""
    world.clock.pass_(days=70)
    assert "enrolment.outside_window" in against(await world.do(entry(world, grade=1, enrolled_month="202611")))
    await expect(world, grade=1)
    assert "enrolment.outside_window" in against(await world.do(entry(world, grade=1, enrolled_month="202611")))
    await approve(world, grade=1)
    other = await world.do(entry(world, 7, grade=1, enrolled_month="202611"))
    assert "enrolment.outside_window" in against(other)
    form = entry(world, grade=1, enrolled_month="202611")
    looked = await world.ask(PrecheckRegistration(actor=REGISTRAR, form=form.form))
    assert not looked.decision.refused, looked
    entered = await world.do(form)
    assert not isinstance(entered, Refused), entered
    (row,) = await world.sql("SELECT kind FROM registrations WHERE id = $1", entered.id)
    assert row["kind"] == "supplementary"


@pytest.mark.integration
@pytest.mark.clause("24.6.1", "24.6.2")
async def test_nobody_registers_the_child_before_its_time_elsewhere_or_in_another_grade(world: World) -> None:
    await expect(world)
    assert against(await world.do(entry(world))) == ["transfer.not_approved"]
    await approve(world)
    assert against(await world.do(entry(world, who=OTHER_REGISTRAR))) == ["transfer.elsewhere"]
    two = entry(world, grade=4, birth_date=BORN[3], document_number=pupils.resident(0, BORN[3]))
    assert "transfer.other_grade" in against(await world.do(two))
    assert await hold(world) == ("held", SCHOOL.code, None, True, True, None)


@pytest.mark.integration
@pytest.mark.clause("24.4")
async def test_whoever_comes_from_special_education_is_registered_as_mainstreamed(world: World) -> None:
    await expect(world)
    await approve(world, placement="mainstreamed")
    assert "transfer.other_placement" in against(await world.do(entry(world)))
    entered = await world.do(entry(world, mainstreamed="1", disability="2"))
    assert not isinstance(entered, Refused), entered
    assert await hold(world) == ("held", None, None, True, True, entered.id)


@pytest.mark.integration
@pytest.mark.clause("23")
async def test_two_schools_cannot_expect_the_same_child(world: World) -> None:
    replies = await asyncio.gather(
        expect(world, "t-1"),
        expect(world, "t-2", organisation=OTHER_SCHOOL.code, seat=Seat(school=OTHER_SCHOOL.code)),
    )
    won = [one for one in replies if isinstance(one, HoldGranted)]
    (lost,) = [one for one in replies if isinstance(one, Refused)]
    assert len(won) == 1
    assert lost.findings[0].code == "arrival.expected"
    assert len(await world.sql("SELECT FROM change_holds")) == 1
    found = (await room(world, serial=0)).said
    assert found is not None and found.code == "arrival.expected"
    assert (await room(world, serial=0, case=won[0].case_id)).said is None
    assert (await room(world, serial=3)).said is None


@pytest.mark.integration
@pytest.mark.clause("15.2", "20.1")
async def test_who_has_a_record_here_is_not_expected(world: World) -> None:
    entered = await world.do(entry(world))
    assert not isinstance(entered, Refused), entered
    found = (await room(world, serial=0)).said
    assert found is not None and found.code == "arrival.registered"
    assert (await expect(world)).findings[0].code == "arrival.registered"
    await approved_by_all(world, entered.id)
    await world.number(entered.id)
    assert (await expect(world)).findings[0].code == "arrival.registered"
    wrong = ComingChild(
        name="王小明",
        sex="1",
        birth_date=date(2018, 3, 5),
        document_kind="1",
        document_number="230102201803050010",
        area="330106",
    )
    assert (await expect(world, child=wrong)).findings[0].code == "arrival.document"
    assert await world.sql("SELECT FROM change_holds") == []


@pytest.mark.integration
@pytest.mark.clause("24.2.2")
async def test_the_last_place_is_one_child_s(world: World) -> None:
    day = date.fromisoformat(BORN[3])
    await world.admit(*[world.admission(grade=3, birth_date=day) for _ in range(await free(world) - 1)])
    replies = await asyncio.gather(*(expect(world, f"t-{n}", n) for n in range(4)))
    assert sum(isinstance(one, HoldGranted) for one in replies) == 1
    assert {one.findings[0].code for one in replies if isinstance(one, Refused)} == {"seat.none_left"}
    over = await expect(world, "t-9", 9, seat=Seat(school=SCHOOL.code, over=True))
    assert isinstance(over, HoldGranted)
    assert isinstance(await expect(world, "t-10", 10, seat=None), HoldGranted), "without a place the authority looks"


@pytest.mark.integration
@pytest.mark.clause("24.5.1", "24.5.2")
async def test_a_case_that_ends_gives_the_place_and_the_child_back(world: World) -> None:
    before = await free(world)
    await expect(world)
    ended = TransferEnded(transfer_id="t-1", seq=9, student_id="", state=TransferState.WITHDRAWN)
    await world.tell(ended)
    await world.tell(ended)
    assert await hold(world) == ("released", None, None, False, False, None)
    assert await free(world) == before
    await approve(world)
    (failed,) = await world.events(ChangeFailed)
    assert failed.case_id == "t-1"
    assert isinstance(await expect(world, "t-2"), HoldGranted)
    assert (await expect(world, "t-1", 1, seq=8)).kind == "refused", "an older word than the one that let it go"
    assert (await expect(world, "t-1", 0, seq=11)).findings[0].code == "arrival.expected"
    assert isinstance(await expect(world, "t-1", 1, seq=12), HoldGranted), "asked for again after it was interrupted"


@pytest.mark.integration
@pytest.mark.clause("15.2", "20.1")
async def test_what_was_interrupted_under_the_same_case_is_not_another_child_s(world: World) -> None:
    """The school corrects what it sends while the first attempt is not settled yet: the newest word counts, all of it."""
    first = await expect(world)
    second = await expect(world, serial=1, seq=2, seat=None)
    assert isinstance(first, HoldGranted) and isinstance(second, HoldGranted)
    assert second.person_id != first.person_id
    assert (second.seq, second.seat) == (2, None)
    assert await hold(world) == ("held", None, None, True, False, None)
    assert (await expect(world, serial=0, seq=1)).person_id == second.person_id, "an older word changes nothing"
    assert isinstance(await expect(world, "t-2", 0), HoldGranted), "the first child is free"
    assert (await expect(world, "t-3", 1)).findings[0].code == "arrival.expected"
    await approve(world)
    assert (await expect(world, serial=2, seq=9)).person_id == second.person_id, "what is approved stays"


@pytest.mark.integration
@pytest.mark.clause("24.5.2")
async def test_a_re_routing_takes_the_place_and_the_child_along(world: World) -> None:
    before = await free(world)
    await expect(world)
    again = GrantHold(
        command_id=world.id(), actor=SERVICE, case_id="t-1", kind="transfer", seq=2, student_id=None,
        organisation=OTHER_SCHOOL.code, seat=Seat(school=OTHER_SCHOOL.code),
    )  # fmt: skip
    granted = await world.do(again)
    assert isinstance(granted, HoldGranted) and granted.seat == Seat(school=OTHER_SCHOOL.code)
    assert await free(world) == before
    await approve(world, to_school=OTHER_SCHOOL.code)
    assert against(await world.do(entry(world))) == ["transfer.elsewhere"]
    assert not isinstance(await world.do(entry(world, who=OTHER_REGISTRAR)), Refused)


@pytest.mark.integration
@pytest.mark.clause("24.2.2", "24.5.1")
async def test_a_registration_that_comes_to_nothing_leaves_the_place_held(world: World) -> None:
    before = await free(world)
    await expect(world)
    await approve(world)
    entered = await world.do(entry(world))
    withdraw = WithdrawRegistration(command_id="w", actor=REGISTRAR, registration_id=entered.id, reason="录错班级")
    assert (await world.do(withdraw)).state == "withdrawn"
    assert await hold(world) == ("held", SCHOOL.code, None, True, True, None)
    assert await free(world) == before - 1


@pytest.mark.integration
@pytest.mark.clause("24.6.1")
async def test_what_expires_while_the_registration_is_on_its_way_is_carried_out_all_the_same(world: World) -> None:
    await expect(world)
    await approve(world)
    entered = await world.do(entry(world))
    await world.tell(TransferEnded(transfer_id="t-1", seq=9, student_id="", state=TransferState.EXPIRED))
    assert (await hold(world))[0] == "released"
    await approved_by_all(world, entered.id)
    await world.number(entered.id)
    assert await hold(world) == ("applied", None, entered.id, False, False, entered.id)
    assert len(await world.events(ChangeApplied)) == 1


@pytest.mark.integration
@pytest.mark.clause("24.6.1")
async def test_what_expires_between_the_look_and_the_entry_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await expect(world)
    await approve(world)
    claim = enter._claim

    async def slow(*given: Any) -> Any:
        claimed = await claim(*given)
        await world.tell(TransferEnded(transfer_id="t-1", seq=9, student_id="", state=TransferState.EXPIRED))
        return claimed

    monkeypatch.setattr(enter, "_claim", slow)
    assert against(await world.do(entry(world))) == ["transfer.ended"]
    assert (await world.sql("SELECT count(*) AS n FROM registrations WHERE name = '王小明' AND NOT closed"))[0][
        "n"
    ] == 4
    assert await world.sql("SELECT FROM pending_entries") == []


@pytest.mark.integration
@pytest.mark.clause("24.6.1")
async def test_a_child_whom_another_school_comes_to_expect_before_the_entry_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = enter._claim

    async def slow(*given: Any) -> Any:
        assert isinstance(await expect(world), HoldGranted)
        return await claim(*given)

    monkeypatch.setattr(enter, "_claim", slow)
    assert against(await world.do(entry(world, who=OTHER_REGISTRAR))) == ["transfer.elsewhere"]
    assert await world.sql("SELECT FROM pending_entries") == []
    assert await hold(world) == HELD
    (closed,) = await world.events(RegistrationsClosed)
    assert closed.reason == "withdrawn", "identity lets go of the child"


@pytest.mark.integration
@pytest.mark.clause("20.1", "24.6.1")
async def test_a_case_that_began_in_the_moment_of_a_registration_is_told_at_its_approval(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither has seen the other: the case does not wait for a registration that cannot come."""
    claim = enter._claim

    async def slow(*given: Any) -> Any:
        assert isinstance(await expect(world), HoldGranted)
        return await claim(*given)

    async def unseen(*_: Any) -> bool:
        return False

    with monkeypatch.context() as patched:
        patched.setattr(enter, "_claim", slow)
        patched.setattr(enter.arrivals, "elsewhere", unseen)
        entered = await world.do(entry(world, who=OTHER_REGISTRAR))
    assert not isinstance(entered, Refused), entered
    await approve(world)
    (failed,) = await world.events(ChangeFailed)
    assert [one.code for one in failed.findings] == ["arrival.registered"]
    assert await hold(world) == HELD
    withdraw = WithdrawRegistration(
        command_id="w", actor=OTHER_REGISTRAR, registration_id=entered.id, reason="办理转学"
    )
    assert (await world.do(withdraw)).state == "withdrawn"
    await approve(world, seq=6)
    assert (await hold(world))[4] is True, "once more, after the other was withdrawn"


@pytest.mark.integration
@pytest.mark.clause("24.6.1")
async def test_the_registration_of_the_case_is_not_in_its_own_way(world: World) -> None:
    await expect(world)
    await approve(world)
    entered = await world.do(entry(world))
    await approve(world, seq=6)
    assert await world.events(ChangeFailed) == []
    assert await hold(world) == ("held", None, None, True, True, entered.id)


@pytest.mark.integration
@pytest.mark.clause("24.6.1")
async def test_an_entry_left_behind_is_not_carried_through_once_another_school_expects_the_child(world: World) -> None:
    world.deps.bus.before[ClaimPersons] = Broken()
    command = entry(world, who=OTHER_REGISTRAR)
    with pytest.raises(Broken):
        await world.do(command)
    assert isinstance(await expect(world), HoldGranted)
    world.clock.pass_(minutes=5)
    found = await enter._abandoned(world.kit)
    assert found == command.registration_id
    await enter._resume(world.kit, world.deps, found)
    assert await world.sql("SELECT FROM registrations WHERE id = $1", command.registration_id) == []
    assert await world.sql("SELECT FROM pending_entries") == []
    assert await hold(world) == HELD


@pytest.mark.integration
@pytest.mark.clause("15.2")
async def test_a_kill_between_the_claim_and_the_registration_is_carried_through(world: World) -> None:
    await expect(world)
    await approve(world)
    world.deps.bus.after[ClaimPersons] = Broken()
    command = entry(world)
    with pytest.raises(Broken):
        await world.do(command)
    assert await hold(world) == ("held", SCHOOL.code, None, True, True, None)
    world.clock.pass_(minutes=5)
    found = await enter._abandoned(world.kit)
    assert found == command.registration_id
    await enter._resume(world.kit, world.deps, found)
    assert await hold(world) == ("held", None, None, True, True, command.registration_id)


@pytest.mark.integration
@pytest.mark.clause("23", "24.2.2")
@pytest.mark.parametrize("keep", [True, False])
async def test_what_was_interrupted_is_settled(world: World, keep: bool) -> None:
    before = await free(world)
    await expect(world)
    settle = SettleHold(
        command_id=world.id(), actor=SERVICE, case_id="t-1", seq=3, keep=keep,
        seat=Seat(school=SCHOOL.code) if keep else None,
    )  # fmt: skip
    told = await world.do(settle)
    assert told.seat == settle.seat
    assert await hold(world) == (HELD if keep else ("released", None, None, False, False, None))
    assert await free(world) == before - keep
    never = SettleHold(command_id=world.id(), actor=SERVICE, case_id="t-5", seq=4, keep=False)
    await world.do(never)
    assert (await expect(world, "t-5", 5)).kind == "refused", "the word that there is no such case came first"


@pytest.mark.integration
@pytest.mark.clause("45.1")
async def test_no_document_number_is_kept(world: World) -> None:
    await expect(world)
    number = pupils.resident(0, BORN[3])
    for table in ("change_holds", "expected_arrivals", "outbox", "commands"):
        if not await world.sql("SELECT FROM pg_tables WHERE tablename = $1", table):
            continue
        for row in await world.sql(f'SELECT t::text AS line FROM "{table}" t'):
            assert number not in row["line"], table
            assert number.encode().hex() not in row["line"], table
    assert number not in repr(child())
