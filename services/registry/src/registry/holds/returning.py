"""Who had left for another province comes back: the record that there is is opened again (15.2, 15.4, 21.2, 24.5.1).

One person, one record, one number: nobody registers the pupil anew. The province office has kept the record; the school that
takes the pupil keeps it from now on, in the class that the seat was held in.
"""

from __future__ import annotations

from regulation.divisions import PROVINCE
from regulation.mark import clause
from regulation.school_year import cohort
from shared_contracts.outside_transfers import InwardApproved
from shared_contracts.records import CustodyPassed, StudentState

from registry.context import RegistryWork
from registry.holds import applying, arrivals, policy, store
from registry.organisations.facts import SchoolFacts
from registry.records import custody, kinds, views
from registry.records.store import class_key
from registry.registration.policy import registration_year

RETURNED = "returned"


@clause("15.2", "21.2", "24.5.1")
async def come_back(
    work: RegistryWork, event: InwardApproved, student_id: str, school: SchoolFacts, grade: int
) -> None:
    """All in the transaction of the event that asks for it, with the grade and the hold locked; or what stands in the way is
    told to the case."""
    row = await views.row_of(work.tx, student_id, lock=True)
    if row is None or row["state"] != StudentState.TRANSFERRED_OUT:
        applying.fail(work, event.transfer_id, (policy.no_record(),))
        return
    stage = school.stage_of(grade)
    assert stage is not None
    class_no = await applying.class_with_room(work, school, grade, over=event.over)
    if class_no is None:
        standard = work.deps.policy.parameters(school.division, work.today).class_size(stage)
        applying.fail(work, event.transfer_id, (policy.no_class_left(standard),))
        return
    year_of = cohort(grade, registration_year(work.today))
    before = {name: row[name] for name in ("school", "state", "stage", "grade", "class_no", "placement")}
    after = {
        "school": school.code, "state": str(StudentState.IN_SCHOOL), "stage": str(stage), "grade": grade,
        "class_no": class_no, "placement": event.placement or row["placement"],
    }  # fmt: skip
    passing = custody.Passing(
        student_id=student_id,
        school=school.code,
        stage=stage,
        class_id=class_key(school.code, stage, year_of, class_no),
        learning=True,
        placement=event.placement or None,
        content={
            "transfer": event.transfer_id,
            "number": event.number,
            "from_school": row["school"],
            "to_school": school.code,
            **kinds.changed(before, after),
        },
    )
    await custody.pass_records(
        work, [passing], kind=RETURNED, clause_id="24.5.1", on=work.today, actor=event.actor
    )  # fmt: skip
    work.emit(
        CustodyPassed(
            registration_id=student_id, person_id=row["person_id"], from_school=PROVINCE, to_school=school.code
        ),
        student_id,
    )
    await arrivals.close(work, event.transfer_id)
    await store.whose(work.tx, event.transfer_id, student_id)
    await applying.done(
        work, event.transfer_id, event.seq, student_id, school=school.code, grade=grade, class_no=class_no,
        went=(school.code, year_of), number_kind=row["number_kind"],
    )  # fmt: skip
