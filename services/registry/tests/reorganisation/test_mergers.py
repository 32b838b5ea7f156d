"""A school is merged into another: drafted, looked at, approved by somebody else, carried out (clauses 21.3, 44)."""

from __future__ import annotations

import pytest
from moving_world import (
    CITY_LEADER,
    COUNTY_LEADER,
    COUNTY_OFFICER,
    FIVE_FOUR,
    JUNIOR,
    NEIGHBOUR,
    OTHER_SCHOOL,
    SCHOOL,
    MovingWorld,
)
from registry.moving import store
from registry_world import PRINCIPAL, REGISTRAR, actor, codes
from service_kit.database import driver
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.classes import MovePupil
from shared_contracts.decisions import Refused
from shared_contracts.organisations import CloseOrganisation, GetOrganisation, ListVersions, OrganisationsChanged
from shared_contracts.records import GetJournal, GetStudent, RecordsPassed
from shared_contracts.reorganisation import Merging, ReorganisationEnded, UndoReorganisation

pytestmark = [pytest.mark.integration, pytest.mark.clause("21.3", "44")]
PLAN = Merging(ended=(OTHER_SCHOOL.code,), into=SCHOOL.code)
THERE = actor(Role.REGISTRAR, OTHER_SCHOOL.code)


async def test_everything_goes_into_the_other_school(world: MovingWorld, small_batches: None) -> None:
    here = await world.pupils(SCHOOL, 1, 1, 3)
    clash = await world.pupils(OTHER_SCHOOL, 1, 1, 12)
    free = await world.pupils(OTHER_SCHOOL, 2, 4, 5)
    classless = await world.pupils(OTHER_SCHOOL, None, None, 2)
    ended = await world.pupils(OTHER_SCHOOL, 6, 1, 4, state="cancelled")
    before = await world.records()
    drafted = await world.draft(PLAN)
    assert (drafted.state, drafted.approver) == ("drafted", "230100")
    seen = await world.preview(drafted.id)
    assert [(m.grade, m.class_no, m.pupils, m.to_class_no, m.number_changed) for m in seen.preview.classes] == [
        (1, 1, 12, 2, True),
        (2, 4, 5, 4, False),
        (None, None, 2, None, False),
    ]
    assert (seen.preview.in_school, seen.preview.ended, seen.preview.findings) == (19, 4, ())
    assert (await world.resolve(drafted.id)).state == "approved"
    assert await world.carried(drafted.id) == "done"

    await world.whole()
    assert await world.records() == before
    done = await world.look(drafted.id)
    assert (done.total, done.moved, done.report.whole, done.report.copies) == (23, 23, True, 23)
    moved = {row["id"] for row in await world.sql("SELECT id FROM students WHERE school = $1", SCHOOL.code)}
    assert moved == {*here, *clash, *free, *classless, *ended}
    shown = await world.ask(GetStudent(actor=REGISTRAR, student_id=clash[0]))
    assert (shown.grade, shown.class_no, shown.school) == (1, 2, SCHOOL.code)
    told = await world.ask(GetJournal(actor=REGISTRAR, student_id=clash[0]))
    entry = told.entries[-1]
    assert (told.intact, entry.kind, entry.clause, entry.actor) == (
        True, "custody_reorganised", "21.3", CITY_LEADER.account,
    )  # fmt: skip
    assert entry.content["before"] == {"school": OTHER_SCHOOL.code, "class_no": 1}
    assert entry.content["after"] == {"school": SCHOOL.code, "class_no": 2}
    kept = await world.ask(GetStudent(actor=COUNTY_OFFICER, student_id=clash[0]))
    assert kept.copy_as_of is None, "above both: the present"

    record = await world.ask(GetOrganisation(actor=REGISTRAR, code=OTHER_SCHOOL.code))
    assert record.closed and record.valid_to == world.clock.today()
    versions = await world.ask(ListVersions(actor=REGISTRAR, code=OTHER_SCHOOL.code))
    assert len(versions.versions) == 1, "the code stays as history"
    passed = await world.events(RecordsPassed)
    assert sum(len(event.records) for event in passed) == 23
    assert len({one.registration_id for event in passed for one in event.records}) == 23
    assert [e.ended for e in await world.events(ReorganisationEnded)] == [(OTHER_SCHOOL.code,)]
    assert any(one.closed for event in await world.events(OrganisationsChanged) for one in event.organisations)


async def test_taken_back_while_nothing_else_has_happened(world: MovingWorld, small_batches: None) -> None:
    await world.pupils(SCHOOL, 1, 1, 3)
    ids = await world.pupils(OTHER_SCHOOL, 1, 1, 12)
    await world.pupils(OTHER_SCHOOL, 6, 1, 2, state="cancelled")
    query = "SELECT id, school, stage, state, live FROM students ORDER BY id"
    members = "SELECT student_id, class_id, joined_on FROM class_memberships WHERE left_on IS NULL ORDER BY 1"
    before, classes = await world.sql(query), await world.sql(members)
    id_ = await world.approved(PLAN)
    assert await world.carried(id_) == "done"
    undo = UndoReorganisation(command_id=new_id(), actor=CITY_LEADER, reorganisation_id=id_, reason="文件撤销")
    assert (await world.do(undo)).state == "undoing"
    assert await world.carried(id_) == "undone"
    await world.whole()
    assert (await world.sql(query), await world.sql(members)) == (before, classes)
    told = await world.ask(GetJournal(actor=THERE, student_id=ids[0]))
    assert [entry.kind for entry in told.entries] == ["registered", "custody_reorganised", "move_undone"]
    assert not (await world.ask(GetOrganisation(actor=REGISTRAR, code=OTHER_SCHOOL.code))).closed
    assert (await world.look(id_)).report.whole


async def test_not_taken_back_once_something_else_has_happened(world: MovingWorld) -> None:
    ids = await world.pupils(OTHER_SCHOOL, 1, 1, 3)
    id_ = await world.approved(PLAN)
    assert await world.carried(id_) == "done"
    await world.sql("UPDATE class_memberships SET left_on = '2026-09-20' WHERE student_id = $1", ids[0])
    undo = UndoReorganisation(command_id=new_id(), actor=CITY_LEADER, reorganisation_id=id_, reason="文件撤销")
    no = await world.do(undo)
    assert codes(no) == ["operation.changed_since"]
    assert (await world.look(id_)).state == "done"


async def test_what_stands_in_the_way_is_said(world: MovingWorld) -> None:
    await world.pupils(OTHER_SCHOOL, 1, 1, 1)
    drafted = await world.draft(PLAN)
    await world.admit(world.admission(OTHER_SCHOOL), school=OTHER_SCHOOL)
    seen = await world.preview(drafted.id)
    assert [(f.code, f.clause) for f in seen.preview.findings] == [("reorganisation.registrations", "13.2")]
    no = await world.resolve(drafted.id)
    assert codes(no) == ["reorganisation.registrations"]
    for plan, wanted in (
        (Merging(ended=(SCHOOL.code,), into=SCHOOL.code), "reorganisation.into_itself"),
        (Merging(ended=(), into=SCHOOL.code), "reorganisation.nothing"),
        (Merging(ended=("2123010099",), into=SCHOOL.code), "reorganisation.no_such_school"),
        (Merging(ended=(OTHER_SCHOOL.code,) * 2, into=SCHOOL.code), "reorganisation.twice"),
        (Merging(ended=(NEIGHBOUR.code,), into=SCHOOL.code), "reorganisation.out_of_reach"),
        (Merging(ended=(OTHER_SCHOOL.code,), into=JUNIOR.code), "reorganisation.no_such_grade"),
    ):
        drafted = await world.draft(plan)
        found = (await world.preview(drafted.id)).preview.findings
        assert wanted in [finding.code for finding in found], wanted
        assert all(finding.clause and finding.cure for finding in found)


async def test_two_persons_and_the_superior_authority(world: MovingWorld) -> None:
    drafted = await world.draft(PLAN)
    await world.preview(drafted.id)
    for who, kind in ((COUNTY_OFFICER, "forbidden"), (COUNTY_LEADER, "not_found"), (REGISTRAR, "forbidden")):
        no = await world.resolve(drafted.id, who)
        assert isinstance(no, Refused) and no.kind == kind, who
    both = actor(Role.LEADER, "230100", COUNTY_OFFICER.account)
    assert codes(await world.resolve(drafted.id, both)) == ["operation.same_person"]


async def test_nobody_changes_pupils_of_a_school_that_is_being_merged(world: MovingWorld) -> None:
    ids = await world.pupils(OTHER_SCHOOL, 1, 1, 2)
    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'another', now())", OTHER_SCHOOL.code)
    from registry.records.custody import pass_custody
    from registry.records.store import Klass
    from service_kit.commands import refusal_of

    async def change() -> None:
        async with world.db.unit(world.deps) as work:
            await pass_custody(work, ids[0], SCHOOL, Klass(1, 1), actor=REGISTRAR, on=world.clock.today())

    with pytest.raises(Exception, match="正在办理") as caught:
        await change()
    no = refusal_of(caught.value)
    assert no is not None and no.kind == "conflict" and OTHER_SCHOOL.code in no.detail
    with pytest.raises(Exception, match="正在办理"):
        await world.admit(world.admission(OTHER_SCHOOL), school=OTHER_SCHOOL)
    id_ = await world.approved(PLAN)
    assert await world.carried(id_) == "failed"
    assert [f.code for f in (await world.look(id_)).findings] == ["reorganisation.in_hand"]
    assert len(await world.sql("SELECT FROM frozen_schools")) == 1


async def test_a_school_of_another_system(world: MovingWorld) -> None:
    """Grade 6 of a 6-3 school has no place in a 5-4 primary school (24.6.2)."""
    await world.pupils(OTHER_SCHOOL, 6, 1, 2)
    drafted = await world.draft(Merging(ended=(OTHER_SCHOOL.code,), into=FIVE_FOUR.code))
    found = (await world.preview(drafted.id)).preview.findings
    assert [finding.code for finding in found] == ["reorganisation.no_such_grade"]


async def test_who_would_change_such_a_pupil_is_told_why(world: MovingWorld) -> None:
    """What the trigger says is the command's answer, and nothing of the command is left."""
    one = await world.one()
    await world.bring_to(one, "done")
    await world.number(one)
    await world.pupils(SCHOOL, 1, 2, 1)
    command = MovePupil(
        command_id=new_id(),
        actor=PRINCIPAL,
        move_id=new_id(),
        pupil_id=one,
        class_id=world.key(SCHOOL, 1, 2),
        reason="家长申请",
    )
    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'another', now())", SCHOOL.code)
    no = await world.do(command)
    assert isinstance(no, Refused) and no.kind == "conflict" and "正在办理撤并" in no.detail
    assert await world.sql("SELECT FROM class_moves") == []
    await world.sql("DELETE FROM frozen_schools")
    assert not isinstance(await world.do(command), Refused), "the same command, once it may"


NEW_ROWS = {
    "students": """INSERT INTO students SELECT (jsonb_populate_record(s, jsonb_build_object(
                       'id', 'new-' || s.id, 'person_id', 'new-' || s.id, 'student_number', 'L' || s.id))).*
                   FROM students s WHERE s.id = ANY($1::text[])""",
    "class_memberships": """INSERT INTO class_memberships (student_id, joined_on, class_id, left_on)
                            SELECT student_id, joined_on + 9, class_id, joined_on + 9 FROM class_memberships
                            WHERE student_id = ANY($1::text[])""",
    "journal": """INSERT INTO journal SELECT student_id, seq + 1, 'corrected', clause, legal_date, recorded_at, actor,
                      content, salt, digest, hash, hash FROM journal WHERE student_id = ANY($1::text[])""",
}
"""Statements that write a row for each of these pupils at once."""


@pytest.mark.parametrize("table", NEW_ROWS)
async def test_a_batch_with_one_frozen_pupil_is_refused_as_a_whole(world: MovingWorld, table: str) -> None:
    """The triggers look at a statement's rows together: one among many is enough, and the operation itself may."""
    free = await world.pupils(SCHOOL, 1, 1, 3)
    frozen = await world.pupils(OTHER_SCHOOL, 1, 1, 1)
    count = f"SELECT count(*) AS n FROM {table}"
    before = (await world.sql(count))[0]["n"]

    async def write(operation: str = "") -> None:
        async with world.db.transaction() as tx:
            connection = await driver(tx)
            await store.act_as(tx, operation)
            await connection.execute(NEW_ROWS[table], [*free, *frozen])

    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'another', now())", OTHER_SCHOOL.code)
    with pytest.raises(Exception, match="正在办理撤并"):
        await write()
    await world.sql("DELETE FROM frozen_schools")
    if table != "students":  # a new record cannot wait yet
        await world.sql(
            """INSERT INTO record_moves (operation_id, student_id, from_school, from_stage, from_state, from_live,
                                         to_school, to_stage)
               VALUES ('another', $1, $2, 'primary', 'in_school', true, $3, 'primary')""",
            frozen[0], OTHER_SCHOOL.code, SCHOOL.code,
        )  # fmt: skip
        with pytest.raises(Exception, match="正在随学校撤并"):
            await write()
    assert (await world.sql(count))[0]["n"] == before
    await write("another")
    assert (await world.sql(count))[0]["n"] == before + 4


async def test_nobody_is_registered_at_a_frozen_school(world: MovingWorld) -> None:
    """One row for the frozen school among those of another: none is written."""
    await world.sql("INSERT INTO frozen_schools VALUES ($1, 'another', now())", OTHER_SCHOOL.code)
    insert = """INSERT INTO registrations (id, person_id, school, authority, name, sex, birth_date, document_kind,
                    masked_document, overseas, disability, placement, kind, school_year, grade, class_no, class_id,
                    enrolled_month, decision_id)
                SELECT 'r' || n, 'p' || n, school, '230102', '张三', '1', date '2019-03-01', '1', '', '00', '0',
                       'ordinary', 'new', 2026, 1, 1, 'k', '202609', 'd'
                FROM unnest($1::text[]) WITH ORDINALITY AS s(school, n)"""
    with pytest.raises(Exception, match="正在办理撤并"):
        await world.sql(insert, [SCHOOL.code, OTHER_SCHOOL.code])
    await world.sql(insert, [SCHOOL.code, SCHOOL.code])
    assert [row["id"] for row in await world.sql("SELECT id FROM registrations ORDER BY id")] == ["r1", "r2"]


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("way", ["comes", "comes from another province", "without a place", "leaves"])
async def test_a_school_does_not_end_while_a_pupil_is_to_come_or_to_leave(world: MovingWorld, way: str) -> None:
    await world.pupils(SCHOOL, 1, 1, 3)
    (leaving, *_) = await world.pupils(OTHER_SCHOOL, 1, 1, 3)
    (coming,) = await world.pupils(FIVE_FOUR, 1, 1, 1)
    expects = way in ("comes from another province", "without a place")
    at = OTHER_SCHOOL.code if way in ("comes", "comes from another province") else None
    await world.sql(
        """INSERT INTO change_holds (case_id, kind, seq, state, student_id, expects, seat_school, seat_cohort, since)
           VALUES ('t-1', 'transfer', 1, 'held', $1, $2, $3, CASE WHEN $3::text IS NULL THEN NULL ELSE 2026 END, $4)""",
        None if expects else leaving if way == "leaves" else coming,
        expects,
        at,
        world.clock.now(),
    )
    if expects:
        await world.sql(
            "INSERT INTO expected_arrivals (case_id, person_id, school, cohort) VALUES ('t-1', 'p-1', $1, 2026)",
            OTHER_SCHOOL.code,
        )
    drafted = await world.draft(PLAN)
    seen = await world.preview(drafted.id)
    assert [finding.code for finding in seen.preview.findings] == ["reorganisation.transfers"]
    assert (await organisations_closed(world))[0] == "organisation.has_transfers"
    await world.sql("UPDATE change_holds SET state = 'released', seat_school = NULL, seat_cohort = NULL")
    await world.sql("UPDATE expected_arrivals SET open = false")
    seen = await world.preview(drafted.id)
    assert seen.preview.findings == ()
    assert "organisation.has_transfers" not in await organisations_closed(world)


async def organisations_closed(world: MovingWorld) -> list[str]:
    """What stands against closing the school by hand, transfers first."""
    on = world.clock.today()
    command = CloseOrganisation(command_id=new_id(), actor=COUNTY_OFFICER, code=OTHER_SCHOOL.code, effective_from=on)
    reply = await world.do(command)
    assert isinstance(reply, Refused), reply
    return sorted((finding.code for finding in reply.findings), reverse=True)
