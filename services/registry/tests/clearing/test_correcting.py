"""Correcting key fields by a case, and keeping the rest up to date (21.1, 40)."""

from __future__ import annotations

import asyncio
import json
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from clearing_world import CITY_OFFICER, OFFICER, OTHER_REGISTRAR, PROVINCE_OFFICER, ClearingWorld
from registry_world import OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, actor, codes
from regulation.documents import check_digit
from service_kit.bus import Unavailable
from shared_contracts.actors import Role
from shared_contracts.clearing import (
    CorrectionApproved,
    CorrectionState,
    GetCorrection,
    ListCorrections,
    OpenCorrection,
    PrecheckCorrection,
    ResubmitCorrection,
    StudentCorrected,
    UpdateProfile,
    WithdrawCorrection,
)
from shared_contracts.decisions import Refused
from shared_contracts.identity import KeyFields, MaskedMember, Member
from shared_contracts.organisations import ChangeSupervision
from shared_contracts.records import GetJournal, GetStudent, GetStudentForm

pytestmark = pytest.mark.integration


async def ask(world: ClearingWorld, student: str, who: Any = REGISTRAR, **more: Any) -> Any:
    papers = more.pop("evidence", None)
    reason = more.pop("reason", "户口簿姓名有误，公安机关已更正")
    correction_id = more.pop("correction_id", None) or world.id("correction")
    return await world.do(
        OpenCorrection(
            command_id=world.id(),
            actor=who,
            correction_id=correction_id,
            student_id=student,
            values=KeyFields(**(more or {"name": "王晓明"})),
            reason=reason,
            evidence=(await world.paper(who),) if papers is None else papers,
        )
    )


async def decide(world: ClearingWorld, correction: str, step: str, decision: str = "approve", **more: Any) -> Any:
    return await world.decide_correction(correction, step, decision, **more)


async def approved(world: ClearingWorld, student: str, **more: Any) -> Any:
    found = await ask(world, student, **more)
    assert not isinstance(found, Refused), found
    assert not isinstance(await decide(world, found.id, "principal"), Refused)
    done = await decide(world, found.id, "authority")
    assert not isinstance(done, Refused), done
    return done


async def state(world: ClearingWorld, correction: str) -> Any:
    return await world.ask(GetCorrection(actor=OFFICER, correction_id=correction))


@pytest.mark.clause("40", "21.1")
async def test_the_whole_way_of_a_correction(world: ClearingWorld) -> None:
    student = await world.registered()
    opened = await ask(world, student)
    assert (opened.state, opened.fields, opened.before.name, opened.after.name) == (
        "waits_for_principal", ("name",), "王小明", "王晓明",
    )  # fmt: skip
    done = await decide(world, opened.id, "principal")
    assert done.state == "waits_for_authority"
    done = await decide(world, opened.id, "authority")
    assert done.state == "applying"
    assert (await world.student(student))["name"] == "王小明"  # not before identity has changed the person
    await world.carry()
    row = await world.student(student)
    assert (row["name"], row["birth_date"], row["version"]) == ("王晓明", date(2020, 3, 5), 2)
    found = await state(world, opened.id)
    assert (found.state, len(found.evidence)) == ("applied", 1)
    (person,) = await world.identity_sql("SELECT * FROM persons")
    assert (person["name"], person["former_names"]) == ("王晓明", ["王小明"])
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=student))
    assert [entry.kind for entry in journal.entries] == ["registered", "evidence_filed", "corrected"]
    assert journal.entries[-1].content["before"] == {"name": "王小明"}
    assert journal.intact
    assert await world.sql("SELECT name FROM former_names WHERE name = '王小明'")
    assert len(await world.events(StudentCorrected)) == 1
    then = await world.ask(GetStudent(actor=REGISTRAR, student_id=student))
    assert then.name == "王晓明"


@pytest.mark.clause("40", "15.2")
async def test_document_numbers_stay_with_identity(world: ClearingWorld) -> None:
    number, right = world.document(), world.document()
    student = await world.registered(document_number=number)
    done = await approved(world, student, document_number=right)
    assert done.after.masked_document != done.before.masked_document
    await world.carry()
    assert (await world.student(student))["masked_document"] == done.after.masked_document
    for table in ("corrections", "outbox", "commands", "journal", "case_decisions"):
        text = str([dict(row) for row in await world.sql(f"SELECT * FROM {table}")])
        assert right not in text, table
        assert number not in text, table


FATHER, MOTHER, RIGHT = "230102198001011236", "230102198202022341", "230102198303033456"


def guardian(slot: int, number: str, kind: str = "1") -> Member:
    return Member(slot=slot, document_kind=kind, document_number=number and number[:17] + check_digit(number[:17]))


async def with_family(world: ClearingWorld) -> str:
    student = await world.registered(members=(guardian(1, FATHER), guardian(2, MOTHER)))
    await world.fill_form(
        student, member1_name="王父", member1_document_kind="1", member2_name="李母", member2_document_kind="1"
    )
    return student


@pytest.mark.clause("40", "14", "20.1")
async def test_a_guardians_document_goes_the_same_way(world: ClearingWorld) -> None:
    """Evidence, two persons, identity; the record says that it changed, never which number."""
    student = await with_family(world)
    right = guardian(1, RIGHT)
    assert "correction.evidence_missing" in codes(await ask(world, student, members=(right,), evidence=()))
    opened = await ask(world, student, members=(right,))
    assert (opened.fields, opened.before.members[0].masked_document) == (("member1_document",), "23**************36")
    assert opened.after.members == (
        MaskedMember(slot=1, document_kind="1", masked_document=f"23**************{right.document_number[-2:]}"),
    )
    assert opened.after.name == opened.before.name
    assert (await decide(world, opened.id, "principal", who=REGISTRAR)).kind == "forbidden"
    await decide(world, opened.id, "principal")
    await decide(world, opened.id, "authority")
    (person,) = await world.identity_sql("SELECT id, members FROM persons")
    assert world.identity.vault.open_members(person["id"], person["members"])[0] == guardian(1, FATHER)
    await world.sql("DELETE FROM duplicate_arrivals")
    await world.carry()
    (person,) = await world.identity_sql("SELECT id, members FROM persons")
    assert world.identity.vault.open_members(person["id"], person["members"]) == (right, guardian(2, MOTHER))
    (row,) = await world.sql("SELECT masked_members::text AS masks FROM registrations")
    assert json.loads(row["masks"]) == [[1, f"23**************{right.document_number[-2:]}"]]
    assert (await state(world, opened.id)).state == "applied"
    assert [r["record_ids"] for r in await world.sql("SELECT record_ids FROM duplicate_arrivals")] == [[student]]
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=student))
    last = journal.entries[-1]
    assert (last.kind, last.content["fields"]) == ("corrected", ["member1_document"])
    assert (last.content["before"], last.content["after"], journal.intact) == ({}, {}, True)
    for table in ("corrections", "outbox", "commands", "journal", "case_decisions"):
        text = str([dict(row) for row in await world.sql(f"SELECT * FROM {table}")])
        assert right.document_number not in text, table
    then = await world.ask(GetStudent(actor=REGISTRAR, student_id=student, as_of=world.clock.today()))
    assert then.name == "王小明"


@pytest.mark.clause("40", "14")
async def test_a_guardians_document_is_taken_away_or_given(world: ClearingWorld) -> None:
    student = await with_family(world)
    await approved(world, student, members=(guardian(2, "", ""),))
    await world.carry()
    (row,) = await world.sql("SELECT masked_members::text AS masks FROM registrations")
    assert json.loads(row["masks"]) == [[1, "23**************11"]]
    form = await world.form(student)
    assert "member2_document_kind" not in form
    assert form["member1_document_kind"] == "1"
    await approved(world, student, members=(Member(slot=2, document_kind="A", document_number="E12345678"),))
    await world.carry()
    assert (await world.form(student))["member2_document_kind"] == "A"
    (person,) = await world.identity_sql("SELECT id, members FROM persons")
    assert [m.slot for m in world.identity.vault.open_members(person["id"], person["members"])] == [1, 2]


@pytest.mark.clause("40", "14")
async def test_each_wrong_document_of_a_guardian_is_said_and_opens_nothing(world: ClearingWorld) -> None:
    student = await with_family(world)
    own = world.document()
    alone = await world.registered(name="李强", document_number=own)
    for code, given in {
        "correction.changes_nothing": (guardian(1, FATHER),),
        "document.check_digit": (Member(slot=1, document_kind="1", document_number=RIGHT[:17] + "0"),),
        "document.length": (Member(slot=1, document_kind="1", document_number="12"),),
        "person.member1_document_kind": (Member(slot=1, document_kind="", document_number=RIGHT),),
        "person.members": (guardian(1, RIGHT), guardian(1, RIGHT)),
        "person.member1_document_number": (guardian(1, MOTHER),),
    }.items():
        found = await ask(world, student, members=given)
        assert code in codes(found), (code, found)
        assert all(f.cure for f in found.findings if f.outcome == "refuse")
    nobody = await ask(world, alone, members=(guardian(1, RIGHT),))
    assert "correction.no_such_member" in codes(nobody)
    pupils_own = await ask(world, alone, members=(Member(slot=1, document_kind="1", document_number=own),))
    assert "person.member1_document_number" in codes(pupils_own)
    assert not await world.sql("SELECT 1 FROM corrections")
    checked = await world.ask(
        PrecheckCorrection(actor=REGISTRAR, student_id=student, values=KeyFields(members=(guardian(1, RIGHT),)))
    )
    assert not checked.decision.refused


@pytest.mark.clause("40")
async def test_the_database_lets_no_guardians_document_change_without_a_case(world: ClearingWorld) -> None:
    student = await with_family(world)
    app = await asyncpg.connect(world.env["XUEJI_DATABASE_URL"])
    try:
        with pytest.raises(asyncpg.RestrictViolationError):
            await app.execute("UPDATE registrations SET masked_members = '[]' WHERE id = $1", student)
    finally:
        await app.close()


@pytest.mark.clause("40")
async def test_what_is_wrong_is_said_and_opens_nothing(world: ClearingWorld) -> None:
    student = await world.registered()
    taken = world.document()
    await world.registered(OTHER_SCHOOL, name="李强", document_number=taken)
    wrong_day = world.document(date(2020, 3, 6))
    for code, values in {
        "correction.changes_nothing": {"name": "王小明"},
        "correction.document_taken": {"document_number": taken},
        "correction.evidence_missing": {"name": "王晓明", "evidence": ()},
    }.items():
        assert code in codes(await ask(world, student, **values)), code
    birth = await ask(world, student, document_number=wrong_day)
    assert {"40"} <= {f.clause for f in birth.findings} or "birth" in str(codes(birth))
    assert (await ask(world, student, reason=" ")).kind == "invalid"
    assert (await ask(world, "nobody")).kind == "not_found"
    assert (await ask(world, student, OTHER_REGISTRAR)).kind == "not_found"
    assert (await ask(world, student, PRINCIPAL)).kind == "forbidden"
    world.bus.away = Unavailable("nobody there")
    assert (await ask(world, student)).kind == "unavailable"
    world.bus.away = None
    assert not await world.sql("SELECT 1 FROM corrections")
    assert not await world.identity_sql("SELECT 1 FROM staged_corrections WHERE expires_at IS NULL")
    checked = await world.ask(
        PrecheckCorrection(actor=REGISTRAR, student_id=student, values=KeyFields(document_number=taken))
    )
    assert checked.decision.refused
    fine = await world.ask(PrecheckCorrection(actor=REGISTRAR, student_id=student, values=KeyFields(name="王晓明")))
    assert not fine.decision.refused
    assert "correction.already_open" not in str(msgspec.to_builtins(fine))


@pytest.mark.clause("40", "45.3")
async def test_each_step_by_its_own_people(world: ClearingWorld) -> None:
    student = await world.registered()
    opened = await ask(world, student)
    assert "correction.already_open" in codes(await ask(world, student, name="王大明"))
    assert (await decide(world, opened.id, "authority")).kind == "conflict"  # too early
    assert (await decide(world, opened.id, "principal", who=REGISTRAR)).kind == "forbidden"
    other = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    assert (await decide(world, opened.id, "principal", who=other)).kind == "not_found"
    both = actor(Role.PRINCIPAL, SCHOOL.code, REGISTRAR.account)
    assert "case.same_person" in codes(await decide(world, opened.id, "principal", who=both))
    assert (await decide(world, opened.id, "principal", version=9)).kind == "conflict"
    await decide(world, opened.id, "principal")
    city = actor(Role.AUTHORITY_OFFICER, "230100")
    assert (await decide(world, opened.id, "authority", who=city)).kind == "not_found"
    page = await world.ask(ListCorrections(actor=OFFICER, state=CorrectionState.AUTHORITY))
    assert [one.id for one in page.items] == [opened.id]
    assert (await world.ask(ListCorrections(actor=OFFICER, state=CorrectionState.PRINCIPAL))).items == ()
    assert (await world.ask(ListCorrections(actor=OTHER_REGISTRAR))).items == ()


@pytest.mark.clause("40")
async def test_returned_put_right_and_withdrawn(world: ClearingWorld) -> None:
    student = await world.registered()
    opened = await ask(world, student)
    returned = await decide(world, opened.id, "principal", "return", reason="材料不清")
    assert returned.state == "returned"

    async def again(**more: Any) -> Any:
        values = {"version": returned.version, "evidence": ()} | more
        return await world.do(
            ResubmitCorrection(
                command_id=world.id(), actor=REGISTRAR, correction_id=opened.id, values=KeyFields(name="王晓鸣"),
                reason="已更换材料", **values,
            )
        )  # fmt: skip

    assert (await again(version=99)).kind == "conflict"
    sent = await again()
    assert (sent.state, sent.after.name) == ("waits_for_principal", "王晓鸣")
    await world.carry()
    rows = await world.identity_sql("SELECT staging_id FROM staged_corrections WHERE expires_at IS NULL")
    assert len(rows) == 1  # what it proposed before is forgotten
    gone = await world.do(
        WithdrawCorrection(command_id=world.id(), actor=REGISTRAR, correction_id=opened.id, reason="家长撤回")
    )
    assert gone.state == "withdrawn"
    await world.carry()
    assert not await world.identity_sql("SELECT 1 FROM staged_corrections")
    rejected = await ask(world, student)
    await decide(world, rejected.id, "principal", "reject", reason="不属实")
    assert (await state(world, rejected.id)).state == "rejected"
    assert (await world.student(student))["name"] == "王小明"


@pytest.mark.clause("40", "15.2")
async def test_what_became_impossible_is_said(world: ClearingWorld) -> None:
    student = await world.registered()
    right = world.document()
    done = await approved(world, student, document_number=right)
    await world.registered(OTHER_SCHOOL, name="李强", document_number=right)  # taken this moment
    await world.carry()
    found = await state(world, done.id)
    assert (found.state, "另一名学生" in (found.problem or "")) == ("failed", True)
    assert (await ask(world, student)).state == "waits_for_principal"  # and another may be asked for


@pytest.mark.clause("40")
async def test_told_twice_and_late(world: ClearingWorld) -> None:
    student = await world.registered()
    done = await approved(world, student)
    for _, event in await world.waiting("registry"):
        await world.identity_told(event)
    (answer,) = [event for _, event in await world.waiting("identity")]
    await world.tell(answer)
    await world.tell(answer)
    assert (await world.kinds(student)).count("corrected") == 1
    assert (await state(world, done.id)).state == "applied"


@pytest.mark.clause("22", "40")
async def test_correction_and_cancellation_at_once(world: ClearingWorld) -> None:
    """Whatever the order: a cancelled record is not corrected, and a correction under way ends with its record."""
    for round_ in range(4):
        student = await world.registered(name=f"王小{'一二三四'[round_]}")
        opened = await ask(world, student, name="王晓明")
        await decide(world, opened.id, "principal")
        proposed = await world.propose(student)
        replies = await asyncio.gather(
            world.decide_cancellation(proposed.id), decide(world, opened.id, "authority"), return_exceptions=True
        )
        assert not any(isinstance(reply, BaseException) for reply in replies), replies
        await world.carry()
        row, correction = await world.student(student), await state(world, opened.id)
        if row["live"]:
            assert correction.state == "applied"
            assert row["name"] == "王晓明"
        else:
            assert correction.state == "withdrawn"
            assert row["name"] != "王晓明"
        assert not await world.identity_sql("SELECT 1 FROM staged_corrections")


@pytest.mark.clause("3.1", "40", "44")
async def test_it_follows_its_school_to_another_authority(world: ClearingWorld) -> None:
    student = await world.registered()
    opened = await ask(world, student)
    await decide(world, opened.id, "principal")
    proposed = await world.propose(student)
    await world.do(
        ChangeSupervision(
            command_id=world.id(), actor=PROVINCE_OFFICER, code=SCHOOL.code, authority="230100", division="230102",
            reason="直管", effective_from=world.clock.today(),
        )
    )  # fmt: skip
    assert (await decide(world, opened.id, "authority")).kind == "not_found"
    done = await decide(world, opened.id, "authority", who=CITY_OFFICER)
    assert done.state == "applying"
    refused = await world.decide_cancellation(proposed.id)  # the former authority ends no record any more
    assert "cancel.not_supervisor" in codes(refused)


@pytest.mark.clause("40")
async def test_a_birth_date_never_changes(world: ClearingWorld) -> None:
    student = await world.registered()
    assert not hasattr(KeyFields(), "birth_date")
    for table in ("students", "registrations"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.sql(f"UPDATE {table} SET birth_date = birth_date + 1 WHERE id = $1", student)
    owner = await asyncpg.connect(world.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        for table in ("students", "registrations"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(f"UPDATE {table} SET birth_date = birth_date + 1")
    finally:
        await owner.close()
    assert len(await world.events(CorrectionApproved)) == 0


# ---- the rest of the form -------------------------------------------------------------------------------------------


async def update(world: ClearingWorld, student: str, changes: dict[str, str], **more: Any) -> Any:
    values = {"actor": REGISTRAR, "version": (await world.student(student))["version"]} | more
    return await world.do(UpdateProfile(command_id=world.id(), student_id=student, changes=changes, **values))


@pytest.mark.clause("21.1", "40", "41")
async def test_plain_fields_are_updated_with_an_entry(world: ClearingWorld) -> None:
    student = await world.registered()
    done = await update(world, student, {"phone": "13845678901", "current_address": "哈尔滨市道里区中央大街1号"})
    assert done.version == 2
    (entry,) = await world.sql("SELECT content::text AS content FROM journal WHERE kind = 'form_updated'")
    assert "phone" in entry["content"]
    assert "13845678901" not in entry["content"]
    unchanged = await update(world, student, {"phone": "13845678901"})
    assert unchanged.version == 2
    for key in ("name", "birth_date", "grade", "document_number", "school_code", "class_no", "disability"):
        refused = await update(world, student, {key: "1"})
        assert isinstance(refused, Refused), key
        assert refused.findings[0].fields == (key,)
    assert isinstance(await update(world, student, {"nonsense": "1"}), Refused)
    assert isinstance(await update(world, student, {"phone": "abc"}), Refused)
    assert (await update(world, student, {})).kind == "invalid"
    assert (await update(world, student, {"phone": "1"}, version=1)).kind == "conflict"
    assert (await update(world, student, {"phone": "1"}, actor=OTHER_REGISTRAR)).kind == "not_found"
    assert (await update(world, student, {"phone": "1"}, actor=PRINCIPAL)).kind == "forbidden"


@pytest.mark.clause("14", "21.1", "40")
async def test_the_form_of_an_earlier_day_says_what_was_corrected_since(world: ClearingWorld) -> None:
    student = await world.registered(members=(guardian(1, FATHER),))
    registered = await form_on(world, student)
    day = world.clock.today()
    world.clock.pass_(days=3)
    await approved(world, student, name="王晓明")
    await world.carry()
    await update(world, student, {"phone": "13845678901"})
    assert await form_on(world, student) == registered | {"name": "王晓明", "phone": "13845678901"}
    assert await form_on(world, student, day) == await form_on(world, student, day + timedelta(days=2)) == registered


async def form_on(world: ClearingWorld, student: str, day: date | None = None) -> dict[str, str]:
    reply = await world.ask(GetStudentForm(actor=REGISTRAR, student_id=student, as_of=day))
    return {item.key: item.value for item in reply.items if item.value}
