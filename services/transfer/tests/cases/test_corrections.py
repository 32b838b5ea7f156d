"""What a returned case may change, and what the law of its own day says of it (24.1.3, 24.5.1, 24.6.2, 24.6.4)."""

from __future__ import annotations

from typing import Any

import pytest
from moving_world import FIVE_FOUR
from registry_world import actor
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import Place
from shared_contracts.transfer import (
    RerouteTransfer,
    ResubmitTransfer,
    Step,
    TrackTransfer,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, REGISTRAR, RELEASING, TransferWorld

pytestmark = pytest.mark.integration

ELSEWHERE = Place(division="230102", address="道里区经纬街9号")
TO_SUMMER = 313
"""Days from 10 September 2026, when the world stands, to 20 July 2027."""


async def pupils(world: TransferWorld, here: int = 2) -> list[str]:
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    return await world.registry.pupils(RELEASING, 3, 1, here)


async def returned_at(world: TransferWorld, student: str, step: Step, *asks: str) -> TransferView:
    opened = await world.open(student)
    for earlier in list(Step)[: list(Step).index(step)]:
        await world.decide(opened.id, earlier)
    reply = await world.decide(opened.id, step, "return", reason="请更正", asks=asks or ("phone",))
    assert isinstance(reply, TransferView), reply
    return reply


async def corrected(
    world: TransferWorld, case: TransferView, student: str, taken_off: tuple[str, ...] = (), **changes: Any
) -> Any:
    return await world.do(
        ResubmitTransfer(
            command_id=world.id("command"),
            actor=REGISTRAR,
            transfer_id=case.id,
            application=world.application(student, **changes),
            version=case.version,
            taken_off=taken_off,
        )
    )


@pytest.mark.clause("24.5.1")
async def test_what_nobody_has_approved_yet_may_be_corrected(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY, "residence")
    on = await corrected(world, case, one, residence=ELSEWHERE)
    assert (on.state, on.waits_for, on.residence) == (TransferState.OPEN, Step.RECEIVING_AUTHORITY, ELSEWHERE)
    assert on.due_on is not None


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", [Step.RELEASING_SCHOOL, Step.RELEASING_AUTHORITY])
async def test_nothing_is_changed_behind_an_approval(world: TransferWorld, step: Step) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, step)
    refused = await corrected(world, case, one, residence=ELSEWHERE)
    assert isinstance(refused, Refused)
    assert [(f.code, f.fields) for f in refused.findings] == [("correction.already_judged", ("residence",))]
    on = await corrected(world, case, one, phone="13804510002")
    assert (on.state, on.waits_for) == (TransferState.OPEN, step)


@pytest.mark.clause("24.1.3")
async def test_papers_that_were_given_need_not_be_brought_again(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    assert isinstance(await corrected(world, case, one), TransferView)
    again = await world.decide(
        case.id, Step.RECEIVING_AUTHORITY, "return", reason="证件不清", asks=("evidence.residence",)
    )
    better = await world.papers(EvidenceKind.RESIDENCE_PERMIT)
    on = await corrected(world, again, one, evidence=better)
    assert on.state is TransferState.OPEN
    attached = await world.registry.sql("SELECT id FROM evidence WHERE attached_to = $1", f"transfer:{case.id}")
    assert better[0].evidence_id in {row["id"] for row in attached}


@pytest.mark.clause("24.5.1")
async def test_a_correction_is_of_the_same_pupil(world: TransferWorld) -> None:
    one, other, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    refused = await corrected(world, case, other)
    assert isinstance(refused, Refused)
    assert [f.code for f in refused.findings] == ["transfer.other_pupil"]


@pytest.mark.clause("24.6.4")
async def test_in_the_summer_what_was_begun_goes_on_and_nothing_new_is_taken(world: TransferWorld) -> None:
    one, other, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    world.clock.pass_(days=TO_SUMMER)
    new = await world.open(other)
    assert isinstance(new, Refused)
    assert "freeze.on" in {f.code for f in new.findings}
    on = await corrected(world, case, one)
    assert isinstance(on, TransferView), on
    assert isinstance(await world.decide(case.id, Step.RECEIVING_AUTHORITY), TransferView)


@pytest.mark.clause("24.6.2")
async def test_who_is_promoted_meanwhile_arrives_in_the_next_grade(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RELEASING_SCHOOL)
    world.clock.pass_(days=TO_SUMMER + 45)
    await world.registry.sql("UPDATE classes SET grade = grade + 1")
    assert isinstance(await corrected(world, case, one), TransferView)
    await world.decide(case.id, Step.RELEASING_SCHOOL)
    last = await world.decide(case.id, Step.RELEASING_AUTHORITY)
    assert isinstance(last, TransferView), last
    await world.carry()
    done = await world.seen(case.id, OFFICER)
    assert done.state is TransferState.COMPLETED
    (row,) = await world.registry.sql(
        "SELECT s.school, k.grade FROM students s JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL "
        "JOIN classes k ON k.id = m.class_id WHERE s.id = $1",
        one,
    )
    assert tuple(row) == (RECEIVING.code, 4)


@pytest.mark.clause("24.6.3")
async def test_a_correction_is_told_as_the_schools_and_not_as_the_step_that_asked_for_it(world: TransferWorld) -> None:
    """By the parties' timeline, and to the guardian."""
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    await corrected(world, case, one)
    taken = WithdrawTransfer(command_id=world.id("command"), actor=REGISTRAR, transfer_id=case.id, reason="不转了")
    view = await world.do(taken)
    phone = world.application(one).phone
    follow = TrackTransfer(command_id=world.id(), actor=ANONYMOUS, number=case.number, digits=phone[-4:])
    told = (await world.do(follow)).transfer
    titles = ["转入学校主管部门核准", "转入学校", "转入学校"]
    assert [act.step_title for act in view.timeline] == titles
    assert [step.title for step in told.steps] == titles
    assert [step.decision_title for step in told.steps] == ["退回补正", "补正后重新提交", "撤回"]


# ---- papers -------------------------------------------------------------------------------------------------------------


async def given(world: TransferWorld, case: TransferView) -> list[tuple[str, str]]:
    """The papers of the application, as the receiving side sees them."""
    seen = await world.seen(case.id)
    return [(one.evidence_id, one.kind) for one in seen.evidence]


@pytest.mark.clause("24.1.3", "24.5.1")
async def test_a_correction_adds_papers_and_takes_off_those_it_names(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    ((first, kind),) = await given(world, case)
    permit, more = await world.papers(EvidenceKind.RESIDENCE_PERMIT, EvidenceKind.RESIDENCE)
    assert isinstance(await corrected(world, case, one, evidence=(permit, more)), TransferView)
    added = [(permit.evidence_id, "residence_permit"), (more.evidence_id, "residence")]
    assert await given(world, case) == [(first, kind), *added]

    again = await world.decide(case.id, Step.RECEIVING_AUTHORITY, "return", reason="更换", asks=("evidence.residence",))
    renamed = EvidenceGiven(evidence_id=permit.evidence_id, kind=EvidenceKind.RESIDENCE)
    reply = await corrected(world, again, one, (first, more.evidence_id), evidence=(renamed,))
    assert isinstance(reply, TransferView), reply
    assert await given(world, case) == [(permit.evidence_id, "residence")]
    rows = await world.sql(
        "SELECT details FROM case_decisions WHERE case_id = $1 AND decision = 'resubmit' ORDER BY seq", case.id
    )
    assert [row["details"] for row in rows] == [
        {"added": [permit.evidence_id, more.evidence_id]},
        {"added": [permit.evidence_id], "taken_off": [first, more.evidence_id]},
    ]


@pytest.mark.clause("24.1.3", "24.5.1")
async def test_what_is_wrong_with_a_change_of_papers_is_said_and_nothing_is_changed(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    before = await given(world, case)
    ((first, _),) = before
    same = (EvidenceGiven(evidence_id=first, kind=EvidenceKind.RESIDENCE),)
    many = await world.papers(*[EvidenceKind.RESIDENCE] * 20)
    strangers = await world.papers(EvidenceKind.RESIDENCE, organisation=RELEASING.code)
    for taken_off, evidence, code in (
        (("nobody-s",), (), "correction.no_such_paper"),
        ((first,), same, "correction.both"),
        ((first,), (), "evidence.missing"),
        ((), many, "correction.too_many"),
        ((), strangers, ""),
    ):
        refused = await corrected(world, case, one, taken_off, evidence=evidence)
        assert isinstance(refused, Refused), code
        if code:
            (found, *_) = [one for one in refused.findings if one.code == code]
            assert found.cure and found.fields
    assert await given(world, case) == before
    assert isinstance(await corrected(world, case, one, (first,), evidence=many), TransferView), "twenty fit"


@pytest.mark.clause("24.5.1")
async def test_behind_an_approval_papers_are_added_and_none_is_taken_away(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RELEASING_SCHOOL)
    ((first, kind),) = await given(world, case)
    renamed = (EvidenceGiven(evidence_id=first, kind=EvidenceKind.RESIDENCE_PERMIT),)
    for taken_off, evidence, field in (((first,), (), "taken_off"), ((), renamed, "evidence")):
        refused = await corrected(world, case, one, taken_off, evidence=evidence)
        assert isinstance(refused, Refused) and refused.findings[0].code == "correction.already_judged"
        assert refused.findings[0].fields == (field,), "the one that has to be put right"
    (more,) = await world.papers(EvidenceKind.RESIDENCE_PERMIT)
    assert isinstance(await corrected(world, case, one, evidence=(more,)), TransferView)
    assert await given(world, case) == [(first, kind), (more.evidence_id, more.kind)]


@pytest.mark.clause("24.5.2")
async def test_the_school_that_it_was_sent_to_adds_to_what_the_first_one_gave(world: TransferWorld) -> None:
    """The first school's papers stay with the case: they are not the new school's to give again."""
    await world.registry.pupils(FIVE_FOUR, 3, 1, 10)
    await world.registry.pupils(RECEIVING, 3, 1, 45)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    opened = await world.open(one, exception="全家迁居")
    sent = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=opened.id, school=FIVE_FOUR.code, reason="该校已满"
    )
    assert isinstance(await world.do(sent), TransferView)
    returned = await world.decide(opened.id, Step.RECEIVING_AUTHORITY, "return", reason="请补充", asks=("phone",))
    more = await world.papers(EvidenceKind.RESIDENCE_PERMIT, organisation=FIVE_FOUR.code)
    reply = await world.do(
        ResubmitTransfer(
            command_id=world.id(), actor=actor(Role.REGISTRAR, FIVE_FOUR.code), transfer_id=opened.id,
            application=world.application(one, evidence=more), version=returned.version, exception="全家迁居",
        )
    )  # fmt: skip
    assert isinstance(reply, TransferView), reply
    assert len(reply.evidence) == 2


@pytest.mark.clause("3.1")
async def test_papers_are_named_to_the_receiving_side_alone(world: TransferWorld) -> None:
    one, *_ = await pupils(world)
    case = await returned_at(world, one, Step.RECEIVING_AUTHORITY)
    assert len(await given(world, case)) == 1
    assert (await world.seen(case.id, OFFICER)).evidence != ()
    assert (await world.seen(case.id, PRINCIPAL)).evidence == ()
