"""A pupil goes to a school of another province: the record is closed here and kept by the province office (21.2, 24.5.1).

What is left: the read-only copy of the school, the journal's entry that says where the pupil is, and the whole record under
the province office, which hands the archive package over. The student number stays the pupil's, and so does the claim on the
person: one person has one record, here or elsewhere.
"""

from __future__ import annotations

from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.decisions import Finding
from shared_contracts.outside_transfers import OutwardApproved
from shared_contracts.records import CustodyPassed, StudentState
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.holds import applying, policy, store
from registry.organisations import store as organisations
from registry.records import custody, kinds, views
from registry.study_places import store as study_places

TRANSFERRED_OUT = "transferred_out"


@clause("21.2", "24.5.1")
async def outward_approved(work: RegistryWork, event: OutwardApproved) -> None:
    """All in the transaction of the event that asks for it, or what stands in the way is told to the case."""
    await organisations.share(work.tx, [event.from_school])
    hold = await store.of_case(work.tx, event.transfer_id, lock=True)
    if hold is not None and hold["state"] == "applied":
        return  # told already
    row = await views.row_of(work.tx, event.student_id, lock=True)
    found: tuple[Finding, ...] = ()
    if hold is None or row is None:
        found = (policy.no_record(),)
    else:
        found = policy.cannot_apply(
            held=hold["state"] == "held",
            live=row["live"],
            at=row["school"],
            expected=event.from_school,
            target_open=True,
            has_grade=True,
            frozen=await store.frozen(work.tx, [event.from_school]),
        )
    if found or row is None:
        applying.fail(work, event.transfer_id, found)
        return
    await _leave(work, event, row)


async def _leave(work: RegistryWork, event: OutwardApproved, row: RowMapping) -> None:
    before = {name: row[name] for name in ("school", "state", "grade", "class_no")}
    after = {"school": PROVINCE, "state": str(StudentState.TRANSFERRED_OUT), "grade": None, "class_no": None}
    content = {
        "transfer": event.transfer_id,
        "number": event.number,
        "from_school": row["school"],
        "outside": {"division": event.division, "school": event.school},
        **kinds.changed(before, after),
    }
    passing = custody.Passing(
        student_id=event.student_id,
        school=PROVINCE,
        stage=row["stage"],
        class_id=None,
        keeper=PROVINCE,
        content=content,
    )
    await study_places.end_with_the_record(work.tx, event.student_id, work.today)
    await custody.pass_records(
        work, [passing], kind=TRANSFERRED_OUT, clause_id="24.5.1", on=work.today, actor=event.actor
    )  # fmt: skip
    await (await driver(work.tx)).execute(
        "UPDATE students SET state = $2, live = false WHERE id = $1", event.student_id, after["state"]
    )
    await store.gone_outside(
        work.tx, event.student_id, event.transfer_id, work.today, division=event.division, school=event.school
    )
    work.emit(
        CustodyPassed(
            registration_id=event.student_id,
            person_id=row["person_id"],
            from_school=row["school"],
            to_school=PROVINCE,
        ),
        event.student_id,
    )
    await applying.done(
        work, event.transfer_id, event.seq, event.student_id, school=PROVINCE, grade=row["grade"] or event.grade
    )  # fmt: skip
