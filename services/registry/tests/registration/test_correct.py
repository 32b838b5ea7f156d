"""Returned registrations corrected and sent on their way again; registrations taken back."""

from __future__ import annotations

import msgspec
import pytest
import registry_pupils as pupils
from registry.registration.intake import form_context
from registry_world import OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, TEACHER, World, actor, codes
from shared_contracts.actors import Role
from shared_contracts.registry import CorrectRegistration, RegistrationsClosed, StepReached, WithdrawRegistration

pytestmark = pytest.mark.integration


async def returned(world: World, step: str = "class_teacher", **changes) -> str:
    """With a whole form, as a roster's row leaves it."""
    one = await world.one(**changes)
    entry = pupils.check().entry
    assert entry is not None
    blob = world.deps.cipher.seal_bytes(msgspec.json.encode(entry.form), form_context(one))
    await world.sql("UPDATE profiles SET form = $2 WHERE id = $1", one, blob)
    await world.bring_to(one, step)
    right = {"class_teacher": TEACHER, "school": PRINCIPAL, "authority": OFFICER}[step]
    await world.decide(one, step, right, "return", reason="请核对班级")
    return one


async def correct(world: World, one: str, changes: dict[str, str], who=REGISTRAR, version: int | None = None):
    if version is None:
        version = (await world.get(one)).version
    return await world.do(
        CorrectRegistration(command_id=world.id(), actor=who, registration_id=one, changes=changes, version=version)
    )


@pytest.mark.clause("15.1")
async def test_a_corrected_registration_begins_again(world):
    one = await returned(world, "authority")
    reply = await correct(world, one, {"class_no": "3", "phone": "13945009999"})
    assert (reply.state, reply.class_no) == ("entered", 3)
    assert reply.form["phone"] == "13945009999"
    assert [taken.decision for taken in reply.steps][-2:] == ["return", "resubmit"]
    (row,) = await world.sql(
        "SELECT r.sheet_printed_at, k.class_no FROM registrations r JOIN classes k ON k.id = r.class_id"
    )
    assert (row["sheet_printed_at"], row["class_no"]) == (None, 3)
    told = (await world.events(StepReached))[-1]
    assert (told.state, told.role) == ("entered", "class_teacher")
    await world.bring_to(one, "done")
    assert (await world.get(one)).state == "authority_approved"


@pytest.mark.clause("15.1")
async def test_the_sheet_of_a_corrected_registration_is_printed_anew(world):
    one = await returned(world, "school")
    await correct(world, one, {"class_no": "2"})
    await world.decide(one, "class_teacher", TEACHER)
    await world.decide(one, "principal", PRINCIPAL)
    assert codes(await world.decide(one, "guardian", REGISTRAR)) == ["registration.sheet_not_printed"]


@pytest.mark.clause("40")
@pytest.mark.parametrize(
    "field", ["name", "sex", "birth_date", "document_kind", "document_number", "member1_document_number"]
)
async def test_who_the_child_is_cannot_be_corrected_here(world, field):
    one = await returned(world)
    reply = await correct(world, one, {field: "别的"})
    assert reply.kind == "refused"
    assert "撤回" in reply.detail
    assert (await world.get(one)).state == "returned"


@pytest.mark.clause("3.5", "20.2")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phone": "12"}, "phone"),
        ({"grade": "7"}, "grade"),
        ({"grade": "5"}, "age.grade_mismatch"),
        ({"hat": "x"}, "form.unknown_field"),
    ],
)
async def test_a_correction_is_checked_like_an_entry(world, changes, code):
    one = await returned(world)
    before = await world.get(one)
    reply = await correct(world, one, changes)
    assert reply.kind == "refused"
    assert any(code in finding.code or code in finding.fields for finding in reply.findings)
    assert await world.get(one) == before


async def test_a_correction_needs_the_present_version(world):
    one = await returned(world)
    assert (await correct(world, one, {}, version=0)).kind == "conflict"


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (TEACHER, "forbidden"),
        (OFFICER, "forbidden"),
        (actor(Role.REGISTRAR, OTHER_SCHOOL.code), "not_found"),
    ],
)
async def test_only_the_school_s_registrar_corrects(world, who, kind):
    one = await returned(world)
    assert (await correct(world, one, {"class_no": "2"}, who)).kind == kind


async def test_what_was_not_returned_is_not_corrected(world):
    one = await world.one()
    reply = await correct(world, one, {"class_no": "2"})
    assert (reply.kind, codes(reply)) == ("conflict", ["case.not_returned"])


# ---- withdrawing --------------------------------------------------------------------------------------------


async def withdraw(world: World, one: str, reason: str = "重复录入", who=REGISTRAR):
    return await world.do(WithdrawRegistration(command_id=world.id(), actor=who, registration_id=one, reason=reason))


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("step", ["class_teacher", "principal", "guardian", "school", "authority"])
async def test_the_school_takes_back_what_is_not_approved(world, step):
    one = await world.one()
    await world.bring_to(one, step)
    reply = await withdraw(world, one)
    assert (reply.state, reply.waits_for) == ("withdrawn", None)
    (closed,) = await world.events(RegistrationsClosed)
    assert (closed.reason, closed.closed[0].person_id) == ("withdrawn", reply.person_id)


async def test_an_approved_registration_is_not_taken_back(world):
    one = await world.one()
    await world.bring_to(one, "done")
    reply = await withdraw(world, one)
    assert (reply.kind, codes(reply)) == ("conflict", ["case.ended"])


async def test_a_returned_registration_may_be_taken_back(world):
    assert (await withdraw(world, await returned(world))).state == "withdrawn"


@pytest.mark.parametrize(
    ("reason", "who", "kind"),
    [
        (" ", REGISTRAR, "invalid"),
        ("重复", PRINCIPAL, "forbidden"),
        ("重复", OFFICER, "forbidden"),
        ("重复", actor(Role.REGISTRAR, OTHER_SCHOOL.code), "not_found"),
    ],
)
async def test_taking_back_needs_a_reason_and_the_registrar(world, reason, who, kind):
    one = await world.one()
    assert (await withdraw(world, one, reason, who)).kind == kind
    assert (await world.get(one)).state == "entered"
