"""From the ratio to the seat: nobody without an approved ratio, everybody on one list, the draw once, the rest sent on."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy.exc
from lottery_world import FIVE_FOUR, OFFICER, PRINCIPAL, PRIVATE, REGISTRAR, VALUE, LotteryWorld, ready
from registry_world import AUTHORITY, CITY, OTHER_SCHOOL, SCHOOL, actor
from regulation import lottery
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import GrantHold
from shared_contracts.private_places import (
    DrawRound,
    GetPrivatePlaces,
    GetRatio,
    ListApplicants,
    ListRatios,
    ListRounds,
    RatioState,
    RoundState,
    RoundView,
)
from shared_contracts.transfer import (
    PrecheckTransfer,
    RerouteTransfer,
    Step,
    TransfersStand,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer_world import Broken

pytestmark = pytest.mark.integration
SECOND = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "daoli.second")


async def withdraw(world: LotteryWorld, transfer_id: str) -> Any:
    command = WithdrawTransfer(
        command_id=world.id(), actor=REGISTRAR, transfer_id=transfer_id, reason="不转了", by_guardian=True
    )
    return await world.do(command)


async def reroute(world: LotteryWorld, transfer_id: str, school: str = FIVE_FOUR.code) -> Any:
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=transfer_id, school=school, reason="随机录取未录取，就近统筹"
    )
    return await world.do(command)


async def precheck(world: LotteryWorld, student: str) -> set[str]:
    papers = await world.papers(EvidenceKind.RESIDENCE, organisation=PRIVATE.code)
    query = PrecheckTransfer(actor=REGISTRAR, application=world.application(student, evidence=papers))
    return {one.code for one in (await world.ask(query)).decision.findings}


# ---- the ratio -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
async def test_a_ratio_is_proposed_by_the_school_and_approved_by_its_authority(world: LotteryWorld) -> None:
    proposed = await world.propose(1, 9)
    assert (proposed.ratio, proposed.most, proposed.years, proposed.state) == ("1/9", "1/9", 6, RatioState.PROPOSED)
    assert isinstance(await world.propose(1, 10), Refused)  # one at a time
    (waiting,) = (await world.events(TransfersStand))[-1].cases
    assert (waiting.organisation, waiting.kind, waiting.not_accounts) == (
        AUTHORITY,
        "private_ratio",
        (PRINCIPAL.account,),
    )
    approved = await world.approve(proposed.id)
    assert (approved.state, approved.in_force) == (RatioState.APPROVED, True)
    (done,) = (await world.events(TransfersStand))[-1].cases
    assert (done.status, done.organisation, done.version) == ("approved", None, waiting.version + 1)
    second = await world.approve((await world.propose(1, 12)).id)
    rejected = await world.approve((await world.propose(1, 20)).id, decision="reject", reason="过低")
    page = await world.ask(ListRatios(actor=PRINCIPAL))
    assert {(one.id, one.in_force) for one in page.items} == {
        (proposed.id, False), (second.id, True), (rejected.id, False),
    }  # fmt: skip


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(("above", "below"), [(1, 8), (11112, 100000), (0, 9), (1, 0), (-1, 9)])
async def test_a_ratio_above_the_clause_is_not_even_proposed(world: LotteryWorld, above: int, below: int) -> None:
    refused = await world.propose(above, below)
    assert isinstance(refused, Refused), refused
    assert await world.sql("SELECT id FROM private_ratios") == []


@pytest.mark.clause("24.5.3")
async def test_who_may_not_propose_or_decide(world: LotteryWorld) -> None:
    public = await world.propose(who=actor(Role.PRINCIPAL, SCHOOL.code))
    assert isinstance(public, Refused) and public.findings[0].code == "ratio.not_private"
    assert isinstance(await world.propose(who=REGISTRAR), Refused)
    proposed = await world.propose()
    for who in (PRINCIPAL, REGISTRAR, actor(Role.AUTHORITY_OFFICER, CITY), actor(Role.LEADER, AUTHORITY)):
        assert isinstance(await world.approve(proposed.id, who), Refused), who
    both = actor(Role.AUTHORITY_OFFICER, AUTHORITY, PRINCIPAL.account)
    same = await world.approve(proposed.id, both)
    assert isinstance(same, Refused) and same.findings[0].code == "ratio.same_person"
    assert isinstance(await world.approve(proposed.id, decision="reject"), Refused)  # without a reason
    approved = await world.approve(proposed.id)
    assert approved.state is RatioState.APPROVED
    assert isinstance(await world.approve(proposed.id, SECOND), Refused)  # once
    stranger = await world.ask(GetRatio(actor=actor(Role.PRINCIPAL, OTHER_SCHOOL.code), ratio_id=proposed.id))
    assert isinstance(stranger, Refused) and stranger.kind == "not_found"


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE private_ratios SET state = 'proposed', decided_at = NULL, decided_account = NULL",
        "UPDATE private_ratios SET denominator = 2",
        "DELETE FROM private_ratios",
        "INSERT INTO private_ratios SELECT 'x', school, 2027, stage, years, 1, 8, 'proposed', '', 'a', 'b', now()"
        " FROM private_ratios",
    ],
)
async def test_the_database_keeps_what_was_approved(world: LotteryWorld, statement: str) -> None:
    await world.ratio()
    with pytest.raises((asyncpg.PostgresError, sqlalchemy.exc.DBAPIError)):
        await world.sql(statement)


@pytest.mark.clause("24.5.3")
@pytest.mark.clause("24.3.1")
async def test_places_of_each_grade_and_why_there_are_none(world: LotteryWorld) -> None:
    await world.plan(places=58, pupils=40)
    none = await world.ask(GetPrivatePlaces(actor=PRINCIPAL, school=PRIVATE.code))
    assert "还没有获得批准" in none.because and all(one.transferable == 0 for one in none.grades)
    await world.ratio()
    found = await world.ask(GetPrivatePlaces(actor=OFFICER, school=PRIVATE.code))
    (third,) = [one for one in found.grades if one.grade == 3]
    assert (third.plan, third.pupils, third.free, third.taken, third.ratio, third.transferable) == (
        58, 40, 18, 0, "1/9", 2,
    )  # fmt: skip
    assert [one.grade for one in found.grades] == [1, 2, 3, 4, 5, 6] and found.because == ""
    public = await world.ask(GetPrivatePlaces(actor=OFFICER, school=SCHOOL.code))
    assert public.grades == () and "公办" in public.because
    stranger = await world.ask(GetPrivatePlaces(actor=actor(Role.PRINCIPAL, SCHOOL.code), school=PRIVATE.code))
    assert isinstance(stranger, Refused)


# ---- the list ------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
@pytest.mark.clause("24.5.4")
async def test_nobody_applies_without_a_ratio_nor_without_a_list(world: LotteryWorld) -> None:
    await world.plan(places=58, pupils=40)
    (student,) = await world.registry.pupils(SCHOOL, 3, 1, 1)
    no_ratio = await world.apply(student)
    assert isinstance(no_ratio, Refused) and "ratio.not_approved" in {one.code for one in no_ratio.findings}
    early = await world.round()
    assert isinstance(early, Refused) and early.findings[0].code == "ratio.not_approved"
    await world.ratio()
    no_list = await world.apply(student)
    assert isinstance(no_list, Refused) and no_list.findings[0].code == "round.none" and no_list.findings[0].cure
    assert await precheck(world, student) >= {"round.none"}
    assert await world.holds() == []
    opened = await world.round()
    assert opened.state is RoundState.OPEN
    assert "round.waits" in await precheck(world, student)
    case = await world.apply(student)
    assert (case.state, case.seat, case.due_on) == (TransferState.OPEN, False, None)
    assert "round.waits" in {one.code for one in case.findings}
    assert await world.holds() == [(case.id, "held", None)]


@pytest.mark.clause("24.5.4")
async def test_who_may_open_a_list_and_when(world: LotteryWorld) -> None:
    await world.plan(places=58, pupils=40)
    await world.ratio()
    for who in (PRINCIPAL, actor(Role.AUTHORITY_OFFICER, CITY), actor(Role.AUTHORITY_OFFICER, "230103")):
        assert isinstance(await world.round(who), Refused), who
    assert isinstance(await world.round(grade=8), Refused)
    assert isinstance(await world.round(school=SCHOOL.code), Refused)
    assert isinstance(await world.round(grade=4), Refused)  # no plan, no places
    short = await world.round(closes_on=world.clock.today())
    assert isinstance(short, Refused) and short.findings[0].fields == ("closes_on",)
    soon = await world.round(public_at=world.public_at() - timedelta(days=1))
    assert isinstance(soon, Refused) and soon.findings[0].fields == ("public_at",)
    opened = await world.round()
    assert opened.number == f"YH-2026-1-{PRIVATE.code}-3-01"
    assert isinstance(await world.round(), Refused)  # one at a time
    file = lottery.read(await world.published(opened.number))
    assert file.listing is None and file.secret is None and file.notice.commitment == opened.commitment
    assert all(good for _, good in lottery.verify(file))


@pytest.mark.clause("24.5.4")
async def test_nobody_comes_onto_a_list_that_is_over(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 1)
    world.clock.pass_(days=3)  # its last day
    assert await world.close() == 0
    (last, late) = await world.registry.pupils(OTHER_SCHOOL, 3, 1, 2)
    assert isinstance(await world.apply(last), TransferView)
    world.clock.pass_(days=1)
    refused = await world.apply(late)  # the worker has not looked yet
    assert isinstance(refused, Refused) and refused.findings[0].code == "round.none"
    assert await world.close() == 1
    assert (await world.look(opened.id)).applicants == 2


@pytest.mark.clause("24.5.4")
@pytest.mark.clause("24.3.1")
async def test_nobody_gets_a_place_by_a_signature_while_the_list_decides(world: LotteryWorld) -> None:
    _, (case, *_) = await ready(world)
    for override in (False, True):
        reply = await world.decide(case.id, Step.RECEIVING_AUTHORITY, override=override, reason="同意")
        assert isinstance(reply, Refused) and reply.findings[0].code == "round.undecided", reply
    assert await world.seats() == set()


# ---- as many places as applicants ----------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.4")
async def test_with_places_for_all_nothing_is_drawn(world: LotteryWorld, tmp_path: Path) -> None:
    opened, cases = await ready(world, 2)
    await world.over()
    closed = await world.look(opened.id)
    assert (closed.state, closed.lottery, closed.places, closed.winners) == (RoundState.DECIDED, False, 2, 2)
    await world.settle()
    assert await world.seats() == {case.id for case in cases}
    done = await world.look(opened.id)
    assert (done.state, done.settled) == (RoundState.SETTLED, 2)
    assert all(good for _, good in lottery.verify(lottery.read(await world.published(opened.number))))
    seen = await world.seen(cases[0].id, REGISTRAR)
    assert seen.seat and seen.due_on is not None and seen.findings[-1].code == "round.won"
    last = await world.through(cases[0].id)
    assert last.state is TransferState.MOVING, last
    await world.carry()
    moved = await world.seen(cases[0].id, REGISTRAR)
    assert moved.state is TransferState.COMPLETED
    # The year's ratio is used up: what the two have taken counts, whether they have come already or not.
    places = await world.ask(GetPrivatePlaces(actor=OFFICER, school=PRIVATE.code))
    (third,) = [one for one in places.grades if one.grade == 3]
    assert (third.pupils, third.held, third.free, third.taken, third.transferable) == (41, 1, 16, 2, 0)
    again = await world.round()
    assert isinstance(again, Refused) and again.findings[0].code == "round.no_places"
    late = await world.apply((await world.registry.pupils(SCHOOL, 3, 1, 1))[0])
    assert isinstance(late, Refused) and "ratio.used_up" in {one.code for one in late.findings}


@pytest.mark.clause("24.5.4")
async def test_a_list_with_nobody_on_it_is_done(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 0)
    await world.over()
    await world.settle(problems=True)
    done = await world.look(opened.id)
    assert (done.state, done.applicants, done.lottery) == (RoundState.SETTLED, 0, False)


# ---- the draw ------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.2")
@pytest.mark.clause("24.5.4")
async def test_more_applicants_than_places_are_drawn_and_the_rest_sent_on(world: LotteryWorld, tmp_path: Path) -> None:
    opened, cases = await ready(world, 5)
    await world.registry.pupils(FIVE_FOUR, 3, 1, 10)
    await world.over()
    closed = await world.look(opened.id)
    assert (closed.state, closed.lottery, closed.places, closed.applicants) == (RoundState.CLOSED, True, 2, 5)
    (waiting,) = (await world.events(TransfersStand))[-1].cases
    assert (waiting.kind, waiting.organisation, waiting.status) == ("private_lottery", AUTHORITY, "open")
    listed = lottery.read(await world.published(opened.number))
    assert listed.listing is not None and len(listed.listing.applicants) == 5 and listed.secret is None
    early = await world.draw(opened.id)
    assert isinstance(early, Refused) and early.findings[0].code == "round.too_early"
    world.clock.pass_(days=2)
    for who in (PRINCIPAL, REGISTRAR, actor(Role.AUTHORITY_OFFICER, CITY), actor(Role.LEADER, AUTHORITY)):
        assert isinstance(await world.draw(opened.id, who=who), Refused), who
    drawn = await world.draw(opened.id)
    assert (drawn.state, drawn.winners, drawn.public_value) == (RoundState.DECIDED, 2, VALUE)
    assert (await world.events(TransfersStand))[-1].cases[0].status == "approved"
    file = lottery.read(await world.published(opened.number))
    assert all(good for _, good in lottery.verify(file)) and len(lottery.verify(file)) == 9
    assert file.listing == listed.listing and file.list_sha256 == listed.list_sha256
    again = await world.draw(opened.id, "01 02 03 04")
    assert isinstance(again, Refused) and again.kind == "conflict"

    await world.settle()
    listed_now = await world.listed(opened.id)
    winners = {key for key, one in listed_now.items() if one.outcome == "won"}
    assert {listed_now[key].code for key in winners} == set(file.winners)
    assert await world.seats() == winners and len(winners) == 2
    assert sorted(one.rank for one in listed_now.values()) == [1, 2, 3, 4, 5]
    assert (await world.look(opened.id)).state is RoundState.SETTLED

    losers = [case for case in cases if case.id not in winners]
    lost = await world.seen(losers[0].id, OFFICER)
    assert (lost.state, lost.seat, lost.waits_for) == (TransferState.OPEN, False, Step.RECEIVING_AUTHORITY)
    assert lost.due_on is not None and lost.findings[-1].code == "round.lost" and "reroute" in lost.may
    for override in (False, True):
        no = await world.decide(losers[0].id, Step.RECEIVING_AUTHORITY, override=override, reason="照顾")
        assert isinstance(no, Refused) and no.findings[0].code == "round.not_won"
    sent = await reroute(world, losers[0].id)
    assert isinstance(sent, TransferView) and (sent.to_school, sent.seat) == (FIVE_FOUR.code, True), sent
    last = await world.through(losers[0].id)
    assert isinstance(last, TransferView) and last.state is TransferState.MOVING, last
    won = await world.through(next(iter(winners)))
    assert won.state is TransferState.MOVING
    await world.carry()
    await world.registry.whole()


@pytest.mark.clause("24.5.4")
async def test_the_published_file_names_nobody(world: LotteryWorld) -> None:
    opened, cases = await ready(world, 3)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    text = await world.published(opened.number)
    for case in cases:
        for word in (case.name, case.id, case.number, case.student_id):
            assert word not in text


@pytest.mark.clause("24.5.4")
async def test_who_goes_back_in_time_makes_room_and_later_nobody_gains_by_it(world: LotteryWorld) -> None:
    opened, cases = await ready(world, 6)
    await withdraw(world, cases[0].id)  # while it is open: not on the list
    await world.over()
    assert (await world.look(opened.id)).applicants == 5
    await withdraw(world, cases[1].id)  # before the public value is known
    world.clock.pass_(days=2)
    await withdraw(world, cases[2].id)  # after: counted as if the case were there
    drawn = await world.draw(opened.id)
    file = lottery.read(await world.published(opened.number))
    listed = await world.listed(opened.id)
    assert file.left == (listed[cases[1].id].code,) and drawn.left == 1
    assert listed[cases[0].id].outcome == listed[cases[1].id].outcome == "left"
    assert listed[cases[2].id].outcome in ("won", "lost")
    assert all(good for _, good in lottery.verify(file))
    await world.settle()
    won = {key for key, one in listed.items() if one.outcome == "won"}
    assert len(won) == 2 and await world.seats() == won - {cases[2].id}
    assert (await world.look(opened.id)).state is RoundState.SETTLED


@pytest.mark.clause("24.5.4")
async def test_so_many_go_back_that_nothing_is_left_to_draw(world: LotteryWorld) -> None:
    opened, cases = await ready(world, 3)
    await world.over()
    await withdraw(world, cases[0].id)
    world.clock.pass_(days=2)
    assert (await world.draw(opened.id)).winners == 2
    assert all(good for _, good in lottery.verify(lottery.read(await world.published(opened.number))))


@pytest.mark.clause("24.5.4")
async def test_of_two_draws_at_once_one_counts(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 5)
    await world.over()
    world.clock.pass_(days=2)
    replies = await asyncio.gather(*(world.draw(opened.id, f"{n:02} {n:02}") for n in range(1, 4)))
    assert [isinstance(reply, RoundView) for reply in replies].count(True) == 1
    assert all(good for _, good in lottery.verify(lottery.read(await world.published(opened.number))))


@pytest.mark.clause("24.5.4")
async def test_a_draw_that_was_not_heard_of_is_the_same_when_it_is_asked_for_again(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 5)
    await world.over()
    world.clock.pass_(days=2)
    command = DrawRound(command_id=world.id(), actor=OFFICER, round_id=opened.id, public_value=VALUE)
    assert await world.do(command) == await world.do(command)


@pytest.mark.clause("24.5.4")
async def test_a_winner_whose_place_is_gone_waits_and_is_said(world: LotteryWorld) -> None:
    """Pupils came in otherwise: the registry counts under lock, and nobody is sent on instead of the winner."""
    opened, _ = await ready(world, 5)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    for class_no in (1, 2):
        await world.registry.pupils(PRIVATE, 3, class_no, 25)
    await world.settle()
    listed = await world.listed(opened.id)
    stuck = [one for one in listed.values() if one.problem]
    assert {one.outcome for one in stuck} == {"won"} and len(stuck) == 2 and await world.seats() == set()
    assert (await world.look(opened.id)).state is RoundState.DECIDED
    await world.registry.sql("UPDATE students SET live = false, state = 'graduated' WHERE school = $1", PRIVATE.code)
    await world.settle(problems=True)
    assert len(await world.seats()) == 2
    assert (await world.look(opened.id)).state is RoundState.SETTLED


@pytest.mark.clause("24.5.4")
async def test_the_registry_is_away_at_the_closing_and_at_the_seats(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 2)
    world.clock.pass_(days=4)
    world.between.away = True
    with pytest.raises(Exception, match="away"):
        await world.close()
    assert (await world.look(opened.id)).state is RoundState.OPEN
    world.between.away = False
    assert await world.close() == 1
    world.between.away = True
    await world.settle()
    assert await world.seats() == set()
    world.between.away = False
    await world.settle(problems=True)
    assert len(await world.seats()) == 2


# ---- who sees what -------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.4")
async def test_rounds_and_names_are_the_schools_and_its_authorities(world: LotteryWorld) -> None:
    opened, _ = await ready(world, 3)
    for who in (PRINCIPAL, REGISTRAR, OFFICER, actor(Role.AUTHORITY_OFFICER, CITY)):
        page = await world.ask(ListRounds(actor=who))
        assert [one.id for one in page.items] == [opened.id]
        assert len((await world.ask(ListApplicants(actor=who, round_id=opened.id))).items) == 3
    for who in (actor(Role.PRINCIPAL, SCHOOL.code), actor(Role.AUTHORITY_OFFICER, "230103")):
        assert (await world.ask(ListRounds(actor=who))).items == ()
        assert isinstance(await world.look(opened.id, who), Refused)
        assert isinstance(await world.ask(ListApplicants(actor=who, round_id=opened.id)), Refused)
    assert isinstance(await world.ask(ListApplicants(actor=actor(Role.LEADER, AUTHORITY), round_id=opened.id)), Refused)


@pytest.mark.clause("24.5.4")
async def test_pages_follow_one_another(world: LotteryWorld) -> None:
    opened, cases = await ready(world, 5)
    found: list[str] = []
    cursor = None
    while True:
        page = await world.ask(ListApplicants(actor=REGISTRAR, round_id=opened.id, cursor=cursor, limit=2))
        found += [one.transfer_id for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert sorted(found) == sorted(case.id for case in cases)
    for query in (ListRounds(actor=OFFICER, cursor="x"), ListRatios(actor=OFFICER, cursor="x")):
        assert isinstance(await world.ask(query), Refused)


@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE private_rounds SET commitment = 'x'",
        "UPDATE private_rounds SET secret = 'x'",
        "UPDATE private_rounds SET public_at = public_at + interval '1 day'",
        "UPDATE private_rounds SET listing = '{}'",
        "UPDATE private_rounds SET list_sha256 = 'x'",
        "UPDATE private_rounds SET winners = winners || 'X'::text",
        "UPDATE private_rounds SET seed = 'x'",
        "UPDATE private_rounds SET public_value = 'x'",
        "UPDATE private_applications SET outcome = 'won' WHERE outcome = 'lost'",
        "UPDATE private_applications SET listed = false",
        "UPDATE private_applications SET code = 'X'",
        "INSERT INTO private_applications SELECT round_id, 'x', 'X', entered_at FROM private_applications LIMIT 1",
        "DELETE FROM private_applications",
        "DELETE FROM private_rounds",
    ],
)
async def test_the_database_keeps_what_was_closed_and_drawn(world: LotteryWorld, statement: str) -> None:
    opened, _ = await ready(world, 5)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    with pytest.raises((asyncpg.PostgresError, sqlalchemy.exc.DBAPIError)):
        await world.sql(statement)


# ---- killed --------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.4")
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_while_a_seat_is_asked_for(world: LotteryWorld, when: str) -> None:
    """In this process, between the two services; `test_kills` does the same to a real one."""
    opened, _ = await ready(world, 5)
    await world.over()
    world.clock.pass_(days=2)
    await world.draw(opened.id)
    getattr(world.between, when)[GrantHold] = Broken()
    with pytest.raises(Broken):
        await world.settle()
    await world.settle()
    listed = await world.listed(opened.id)
    assert await world.seats() == {key for key, one in listed.items() if one.outcome == "won"}
    assert (await world.look(opened.id)).state is RoundState.SETTLED
