"""An assignment from draft to application: fair, once, and for everybody to check (clauses 11, 17)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from classes_world import SOURCE, VALUE, ClassesWorld
from registry_world import OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, TEACHER, actor, codes
from regulation import assignment as fair
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Role
from shared_contracts.classes import (
    AssignmentRule,
    AssignmentState,
    CancelAssignment,
    GetPublishedAssignment,
    ListAssignments,
    PreviewAssignment,
    PublishedAssignment,
    PupilSetting,
)
from shared_contracts.decisions import Refused
from shared_contracts.records import GetJournal
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("17")]


def no(reply: Any, kind: str) -> Refused:
    assert isinstance(reply, Refused), reply
    assert reply.kind == kind, reply
    return reply


async def published(world: ClassesWorld, number: str) -> fair.Published:
    reply = await world.ask(GetPublishedAssignment(actor=ANONYMOUS, number=number))
    assert isinstance(reply, PublishedAssignment), reply
    return msgspec.json.decode(reply.document, type=fair.Published)


async def test_from_draft_to_classes(world: ClassesWorld) -> None:
    """Pupils with a record and pupils on their way, into even classes; what was published proves it."""
    on_the_way = await world.grade(10, 11)
    students = await world.students(9, 9)
    draft = await world.draft(1, 2, 3, who=REGISTRAR)
    assert (draft.state, draft.pupils, draft.placed, draft.findings) == (AssignmentState.DRAFT, 39, 0, ())
    assert draft.number == "FB-2026-2123010001-1-01"
    no(await world.ask(GetPublishedAssignment(actor=ANONYMOUS, number=draft.number)), "not_found")

    closed = await world.commit(draft)
    assert closed.state is AssignmentState.COMMITTED
    before = await published(world, closed.number)
    assert before.secret is None and not before.result
    assert all(good for _, good in fair.verify(before))

    world.clock.pass_(hours=24)
    drawn = await world.draw(closed)
    assert [one.size for one in drawn.balance] == [13, 13, 13]
    assert sorted(one.boys for one in drawn.balance) == [6, 6, 7]
    assert set((await world.classes_of(*on_the_way, *students)).values()) == {1}, "drawn is not applied"

    done = await world.apply(drawn)
    assert done.state is AssignmentState.APPLIED
    result = {pupil.pupil_id: pupil.class_no for pupil in await world.pupils(done)}
    assert await world.classes_of(*on_the_way, *students) == result
    after = await published(world, closed.number)
    assert all(good for _, good in fair.verify(after))
    assert (after.listing, after.list_sha256, after.commitment) == (
        before.listing,
        before.list_sha256,
        before.commitment,
    )
    assert (after.public_source, after.public_value) == (SOURCE, VALUE)

    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=students[0]))
    assert journal.intact
    assert journal.entries[-1].kind == "class_assigned"
    assert journal.entries[-1].content["assignment"] == done.number


async def test_what_is_published_names_nobody(world: ClassesWorld) -> None:
    ids = await world.grade(4, 4, name="罕见名字")
    drawn = await world.drawn()
    reply = await world.ask(GetPublishedAssignment(actor=ANONYMOUS, number=drawn.number))
    assert "罕见名字" not in reply.document
    people = await world.sql("SELECT person_id, birth_date FROM registrations")
    assert not any(text in reply.document for text in [*ids, *(row["person_id"] for row in people), "2020-03-05"])
    codes_ = {pupil.code for pupil in (await published(world, drawn.number)).listing.pupils}
    assert len(codes_) == 8 and all(len(code) == 9 for code in codes_)


async def test_who_gets_a_number_between_draw_and_application_is_moved_as_a_student(world: ClassesWorld) -> None:
    ids = await world.grade(6, 6)
    drawn = await world.drawn()
    await world.sql("UPDATE cases SET status = 'approved', step = NULL, due_on = NULL WHERE id = $1", ids[0])
    await world.number(ids[0])
    await world.apply(drawn)
    result = {pupil.pupil_id: pupil.class_no for pupil in await world.pupils(drawn)}
    assert await world.classes_of(*ids) == result


async def test_who_left_is_passed_over(world: ClassesWorld) -> None:
    ids = await world.grade(6, 6)
    drawn = await world.drawn()
    await world.sql("UPDATE registrations SET closed = true WHERE id = $1", ids[3])
    assert (await world.apply(drawn)).state is AssignmentState.APPLIED
    (gone,) = [pupil for pupil in await world.pupils(drawn) if pupil.gone]
    assert gone.pupil_id == ids[3]
    assert (await world.classes_of(ids[3])) == {ids[3]: 1}


# ---- once ----------------------------------------


async def test_nobody_draws_until_it_suits(world: ClassesWorld) -> None:
    """No second draw, no cancelling, no new assignment; with the authority's approval both stay on record."""
    await world.grade(6, 6)
    first = await world.drawn()
    no(await world.draw(first), "conflict")
    no(await world.draft(), "conflict")
    no(await world.act(CancelAssignment, first, PRINCIPAL, reason="不满意"), "conflict")
    no(await world.commit(first), "conflict")
    no(await world.decide_redraw(first), "conflict")
    no(await world.ask_redraw(first, REGISTRAR), "forbidden")
    await world.ask_redraw(first)
    (told,) = await world.events(WorkWaiting)
    assert (told.organisation, told.role, told.kind) == ("230102", Role.AUTHORITY_OFFICER, "redraw_asked")
    no(await world.decide_redraw(first, PRINCIPAL), "forbidden")
    no(await world.decide_redraw(first, actor(Role.AUTHORITY_OFFICER, "230202")), "not_found")
    waiting = await world.ask(ListAssignments(actor=OFFICER, redraws=True))
    assert [one.number for one in waiting.items] == [first.number]
    aside = await world.decide_redraw(first)
    assert (aside.state, aside.redraw.decision) == (AssignmentState.SET_ASIDE, "approved")
    no(await world.apply(first), "conflict")

    second = await world.drawn()
    assert second.replaces == first.number
    assert second.number.endswith("-02")
    for number in (first.number, second.number):
        assert all(good for _, good in fair.verify(await published(world, number)))
    document = (await world.ask(GetPublishedAssignment(actor=ANONYMOUS, number=first.number))).document
    history = msgspec.json.decode(document)["history"]
    assert (history["replaced_by"], history["redraw_decision"]) == (second.number, "approved")


async def test_a_redraw_that_was_not_approved_changes_nothing_and_is_not_asked_again(world: ClassesWorld) -> None:
    await world.grade(6, 6)
    drawn = await world.drawn()
    await world.ask_redraw(drawn)
    kept = await world.decide_redraw(drawn, decision="reject")
    assert (kept.state, kept.redraw.decision) == (AssignmentState.DRAWN, "rejected")
    no(await world.ask_redraw(drawn), "conflict")
    no(await world.draft(), "conflict")
    assert (await world.apply(drawn)).state is AssignmentState.APPLIED


async def test_one_assignment_of_a_grade_at_a_time(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    draft = await world.draft()
    no(await world.draft(), "conflict")
    gone = await world.act(CancelAssignment, draft, REGISTRAR, reason="班数有变")
    assert gone.state is AssignmentState.CANCELLED
    again = await world.draft()
    assert again.number.endswith("-02") and again.replaces is None


async def test_a_closed_list_is_cancelled_only_while_nobody_can_know_the_value(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    closed = await world.committed()
    world.clock.pass_(hours=23, minutes=59)
    cancelled = await world.act(CancelAssignment, closed, PRINCIPAL, reason="名单有误")
    assert cancelled.state is AssignmentState.CANCELLED
    assert (await published(world, closed.number)).commitment == closed.commitment, "what was published stays"
    other = await world.committed()
    world.clock.pass_(hours=24)
    reply = await world.act(CancelAssignment, other, PRINCIPAL, reason="名单有误")
    assert codes(reply) == ["assignment.too_late"]


@pytest.mark.parametrize(("hours", "allowed"), [(23.9, False), (24, True)])
async def test_the_public_value_is_named_a_day_beforehand(world: ClassesWorld, hours: float, allowed: bool) -> None:
    await world.grade(3, 3)
    draft = await world.draft()
    reply = await world.commit(draft, public_at=world.clock.now() + timedelta(hours=hours))
    if allowed:
        assert reply.state is AssignmentState.COMMITTED
    else:
        assert codes(reply) == ["assignment.public_too_early"]


async def test_nothing_is_drawn_before_the_value_is_public(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    closed = await world.committed()
    world.clock.pass_(hours=23, minutes=59)
    assert codes(await world.draw(closed)) == ["assignment.too_early"]
    world.clock.pass_(minutes=1)
    assert (await world.draw(closed)).state is AssignmentState.DRAWN


async def test_another_public_value_gives_other_classes(world: ClassesWorld) -> None:
    await world.grade(20, 20)
    drawn = await world.drawn()
    file = await published(world, drawn.number)
    assert file.secret
    other = fair.assign(file.listing, fair.seed_of(file.secret, file.list_sha256, VALUE + "1"))
    assert other != {one.code: one.class_no for one in file.result}


async def test_the_secret_lies_sealed_until_the_draw(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    closed = await world.committed()
    world.clock.pass_(hours=24)
    ((sealed,),) = await world.sql("SELECT secret FROM class_assignments")
    await world.draw(closed)
    secret = (await published(world, closed.number)).secret
    assert secret and secret.encode() not in sealed and bytes.fromhex(secret) not in sealed


# ---- the list ----------------------------------------


async def test_the_list_is_closed_as_it_was_looked_at(world: ClassesWorld) -> None:
    """Whoever came or left meanwhile is seen before, not after."""
    ids = await world.grade(3, 3)
    draft = await world.draft()
    (late,) = await world.grade(1, 0)
    reply = no(await world.commit(draft), "conflict")
    assert "新增1名、减少0名" in reply.detail
    renewed = await world.revise(draft)
    assert renewed.pupils == 7
    await world.sql("UPDATE registrations SET closed = true WHERE id = $1", ids[0])
    assert "新增0名、减少1名" in no(await world.commit(renewed), "conflict").detail
    renewed = await world.revise(renewed)
    no(await world.commit(draft), "conflict")  # an older version
    closed = await world.commit(renewed)
    assert closed.pupils == 6
    assert late in {pupil.pupil_id for pupil in await world.pupils(closed)}


async def test_codes_stay_when_the_draft_is_revised(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    draft = await world.draft()
    before = {pupil.pupil_id: pupil.code for pupil in await world.pupils(draft)}
    renewed = await world.revise(draft)
    assert {pupil.pupil_id: pupil.code for pupil in await world.pupils(renewed)} == before


async def test_mainstreamed_pupils_are_placed_by_hand_and_nobody_else(world: ClassesWorld) -> None:
    ids = await world.grade(5, 5)
    (placed,) = await world.grade(1, 0, placement="mainstreamed", disability="2")
    draft = await world.draft()
    refused_ = await world.revise(draft, pupils=(PupilSetting(pupil_id=ids[0], place_in=1),))
    assert codes(refused_) == ["assignment.must_be_drawn"]
    no(await world.revise(draft, pupils=(PupilSetting(pupil_id=placed, place_in=7),)), "invalid")
    revised = await world.revise(draft, pupils=(PupilSetting(pupil_id=placed, place_in=2),))
    assert (revised.pupils, revised.placed) == (10, 1)
    closed = await world.commit(revised)
    world.clock.pass_(hours=24)
    drawn = await world.draw(closed)
    assert sorted(one.size for one in drawn.balance) == [5, 6]
    await world.apply(drawn)
    assert await world.classes_of(placed) == {placed: 2}
    file = await published(world, drawn.number)
    assert len(file.result) == 10


async def test_mainstreamed_pupils_may_be_drawn_too(world: ClassesWorld) -> None:
    await world.grade(5, 5)
    await world.grade(1, 0, placement="mainstreamed", disability="2")
    assert (await world.draft()).pupils == 11


async def test_siblings_and_who_must_be_apart(world: ClassesWorld) -> None:
    ids = await world.grade(10, 10)
    draft = await world.draft()
    rules = (
        AssignmentRule(kind="together", pupils=(ids[0], ids[1]), reason="双胞胎，家长申请"),
        AssignmentRule(kind="apart", pupils=(ids[2], ids[3]), reason="家长申请分开"),
    )
    revised = await world.revise(draft, rules=rules)
    assert revised.rules == rules
    closed = await world.commit(revised)
    world.clock.pass_(hours=24)
    drawn = await world.draw(closed)
    where = {pupil.pupil_id: pupil.class_no for pupil in await world.pupils(drawn)}
    assert where[ids[0]] == where[ids[1]]
    assert where[ids[2]] != where[ids[3]]
    reply = await world.ask(GetPublishedAssignment(actor=ANONYMOUS, number=drawn.number))
    assert "双胞胎" not in reply.document, "reasons are the school's"


async def test_rules_that_cannot_hold_are_named_with_the_pupils(world: ClassesWorld) -> None:
    ids = [*await world.grade(1, 0, name="张三"), *await world.grade(1, 0, name="李四"), *await world.grade(8, 8)]
    draft = await world.draft()
    rules = (
        AssignmentRule(kind="together", pupils=(ids[0], ids[1]), reason="双胞胎，家长申请"),
        AssignmentRule(kind="apart", pupils=(ids[1], ids[0]), reason="家长申请分开"),
    )
    revised = await world.revise(draft, rules=rules)
    (found,) = revised.findings
    assert found.code == "assignment.rules"
    assert "张三" in found.message and "李四" in found.message
    assert codes(await world.commit(revised)) == ["assignment.rules"]
    dry = await world.ask(PreviewAssignment(actor=REGISTRAR, assignment_id=draft.id))
    assert not dry.classes and [one.code for one in dry.findings] == ["assignment.rules"]


@pytest.mark.clause("11")
@pytest.mark.parametrize(("pupils", "classes", "fits"), [(90, 2, True), (91, 2, False), (91, 3, True)])
async def test_no_class_is_planned_above_the_standard(
    world: ClassesWorld, pupils: int, classes: int, fits: bool
) -> None:
    await world.grade(pupils, 0)
    draft = await world.draft(*range(1, classes + 1))
    assert (not draft.findings) == fits
    reply = await world.commit(draft)
    if fits:
        assert reply.state is AssignmentState.COMMITTED
    else:
        assert codes(reply) == ["assignment.too_few_classes"]
        assert reply.findings[0].clause == "11"


@pytest.mark.clause("11")
async def test_whoever_came_after_the_closing_does_not_push_a_class_over(world: ClassesWorld) -> None:
    await world.grade(45, 45)
    drawn = await world.drawn()
    late = (await world.grade(0, 1, class_no=2))[0]
    reply = await world.apply(drawn)
    assert codes(reply) == ["class.full"]
    assert set((await world.classes_of(late)).values()) == {2}
    await world.sql("UPDATE registrations SET closed = true WHERE id = $1", late)
    assert (await world.apply(drawn)).state is AssignmentState.APPLIED


@pytest.mark.clause("34.2")
@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ({"level": "A"}, ""),
        ({"level": "95"}, "assignment.level"),
        ({"level": "第一名"}, "assignment.level"),
        ({"home": "二道街片区"}, ""),
        ({"home": "98.5"}, "assignment.home"),
        ({"home": "第3名"}, "assignment.home"),
        ({"home": "长" * 21}, "assignment.home"),
    ],
)
async def test_a_score_fits_into_no_attribute(world: ClassesWorld, setting: dict[str, str], fault: str) -> None:
    ids = await world.grade(3, 3)
    draft = await world.draft(attributes=("home", "level"))
    reply = await world.revise(draft, pupils=(PupilSetting(pupil_id=ids[0], **setting),))
    if fault:
        assert codes(reply) == [fault]
    else:
        (pupil,) = [one for one in await world.pupils(reply) if one.pupil_id == ids[0]]
        assert setting.items() <= pupil.attributes.items()


async def test_a_dry_run_shows_the_balance_and_nobody(world: ClassesWorld) -> None:
    ids = await world.grade(12, 12)
    draft = await world.draft(attributes=("level",))
    levels = tuple(PupilSetting(pupil_id=one, level="AB"[n % 2]) for n, one in enumerate(ids))
    draft = await world.revise(draft, pupils=levels)
    dry = await world.ask(PreviewAssignment(actor=REGISTRAR, assignment_id=draft.id))
    assert [(one.size, one.boys, one.girls) for one in dry.classes] == [(12, 6, 6), (12, 6, 6)]
    assert all(one.attributes == {"level": {"A": 6, "B": 6}} for one in dry.classes)
    assert not any(pupil.class_no for pupil in await world.pupils(draft))


async def test_the_form_s_way_of_attending_is_balanced(world: ClassesWorld) -> None:
    form = {"name": "王小明", "grade": "1", "class_no": "1"}
    ids = await world.grade(8, 0)
    from registry.registration.intake import form_context

    for n, one in enumerate(ids):
        blob = world.deps.cipher.seal_bytes(msgspec.json.encode(form | {"boarding": str(1 + n % 2)}), form_context(one))
        await world.sql("UPDATE profiles SET form = $2 WHERE id = $1", one, blob)
    draft = await world.draft(attributes=("boarding",))
    dry = await world.ask(PreviewAssignment(actor=REGISTRAR, assignment_id=draft.id))
    assert all(one.attributes == {"boarding": {"1": 2, "2": 2}} for one in dry.classes)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (("apart", 1, "家长申请"), "assignment.rule_pupils"),
        (("apart", 2, "无"), "assignment.rule_reason"),
        (("together", 5, "家长申请"), "assignment.rule_too_large"),
        (("together", 4, "四胞胎登记"), ""),
    ],
)
async def test_a_rule_has_pupils_and_a_reason(world: ClassesWorld, rule: tuple[Any, int, str], fault: str) -> None:
    ids = await world.grade(6, 6)
    draft = await world.draft()
    kind, size, reason = rule
    reply = await world.revise(draft, rules=(AssignmentRule(kind=kind, pupils=tuple(ids[:size]), reason=reason),))
    assert (codes(reply) == [fault]) if fault else not isinstance(reply, Refused)


async def test_more_rules_than_anybody_reads_are_refused(world: ClassesWorld) -> None:
    ids = await world.grade(6, 6)
    draft = await world.draft()
    rule = AssignmentRule(kind="apart", pupils=(ids[0], ids[1]), reason="家长申请")
    assert not isinstance(await world.revise(draft, rules=(rule,) * 60), Refused)
    assert codes(await world.revise(await world.look(draft), rules=(rule,) * 61)) == ["assignment.rule_too_many"]


@pytest.mark.parametrize("classes", [(0, 1), (1, 1), (100,), tuple(range(1, 42))])
async def test_classes_are_numbers_of_their_own(world: ClassesWorld, classes: tuple[int, ...]) -> None:
    await world.grade(3, 3)
    no(await world.draft(*classes), "invalid")


async def test_a_grade_without_pupils_and_a_grade_the_school_lacks(world: ClassesWorld) -> None:
    no(await world.draft(), "refused")
    no(await world.draft(grade=7), "refused")


# ---- who ----------------------------------------


async def test_the_school_prepares_and_its_principal_decides(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    no(await world.draft(who=TEACHER), "forbidden")
    no(await world.draft(who=OFFICER), "forbidden")
    draft = await world.draft(who=REGISTRAR)
    no(await world.commit(draft, who=REGISTRAR), "forbidden")
    closed = await world.commit(draft)
    world.clock.pass_(hours=24)
    no(await world.draw(closed, who=REGISTRAR), "forbidden")
    stranger = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    no(await world.draw(closed, who=stranger), "not_found")
    no(await world.look(closed, stranger), "not_found")
    drawn = await world.draw(closed)
    no(await world.apply(drawn, who=stranger), "not_found")
    assert (await world.look(drawn, OFFICER)).state is AssignmentState.DRAWN


# ---- the database says so too ----------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE class_assignments SET listing = '{}'",
        "UPDATE class_assignments SET secret = 'x'",
        "UPDATE class_assignments SET commitment = 'x'",
        "UPDATE class_assignments SET public_source = 'another'",
        "UPDATE class_assignments SET public_at = committed_at + interval '1 minute'",
        "UPDATE class_assignments SET seed = 'x'",
        "UPDATE class_assignments SET public_value = 'x'",
        "UPDATE class_assignments SET state = 'draft'",
        "UPDATE class_assignments SET state = 'committed'",
        "UPDATE class_assignments SET state = 'cancelled', cancelled_reason = 'x'",
        "UPDATE class_assignment_pupils SET class_no = 1",
        "DELETE FROM class_assignment_pupils",
        "DELETE FROM class_assignment_rules",
        "INSERT INTO class_assignment_rules SELECT id, 9, 'apart', '{a,b}', 'x' FROM class_assignments",
        "DELETE FROM class_assignments",
        "UPDATE class_assignments SET number = 'x'",
    ],
)
async def test_a_drawn_assignment_cannot_be_changed_in_the_database(world: ClassesWorld, statement: str) -> None:
    ids = await world.grade(3, 3)
    draft = await world.draft()
    rule = AssignmentRule(kind="apart", pupils=(ids[0], ids[1]), reason="家长申请分开")
    closed = await world.commit(await world.revise(draft, rules=(rule,)))
    world.clock.pass_(hours=24)
    await world.draw(closed)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await world.owned(statement)


async def test_sizes_of_what_was_drawn_differ_by_one(world: ClassesWorld) -> None:
    await world.grade(23, 18)
    drawn = await world.drawn(1, 2, 3, 4)
    numbers = Counter(pupil.class_no for pupil in await world.pupils(drawn))
    assert sorted(numbers.values()) == [10, 10, 10, 11]
