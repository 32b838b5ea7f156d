"""Records that end and begin again: what becomes of the claim, the numbers and the requests."""

from __future__ import annotations

import pytest
from identity import clearing
from identity.requests import Lane
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People, TheMatcher, number, run
from shared_contracts.clearing import Ground, RecordCancelled, RecordReinstating
from shared_contracts.identity import Claimed, ClaimRestored, FindPersons, NumbersUpgraded, VerificationChanged


def _cancelled(who: Claimed, school: str = SCHOOL) -> RecordCancelled:
    return RecordCancelled(
        student_id=who.registration_id, person_id=who.person_id or "", school=school, ground=Ground.FRAUD
    )


def _reinstating(who: Claimed, school: str = SCHOOL) -> RecordReinstating:
    return RecordReinstating(student_id=who.registration_id, person_id=who.person_id or "", school=school)


@pytest.mark.integration
@pytest.mark.clause("22", "15.2", "15.4")
async def test_a_cancelled_person_is_registered_rightly_elsewhere(
    desk: Desk, people: People, matcher: TheMatcher
) -> None:
    entry = people.entry()
    matcher.knows([entry])
    (who,) = await number(desk, [entry])
    before = await desk.rows("SELECT number_index, kind FROM student_numbers")
    await desk.take(_cancelled(who))
    await desk.take(_cancelled(who))  # told again
    assert await desk.value("SELECT reason FROM released_claims") == "fraud"
    reply = await desk.ask(FindPersons(actor=REGISTRAR, number=entry.document_number))
    assert reply.person_ids == (who.person_id,)
    (again,) = await number(desk, [entry], school=OTHER_SCHOOL)
    assert again.person_id == who.person_id
    assert await desk.rows("SELECT number_index, kind FROM student_numbers") == before
    await desk.take(_reinstating(who))
    (answer,) = await desk.events(ClaimRestored)
    assert not answer.restored
    assert await desk.value("SELECT registration_id FROM record_claims") == again.registration_id


@pytest.mark.integration
@pytest.mark.clause("22", "15.3")
async def test_reinstated_as_before_and_asked_about_again(desk: Desk, people: People, matcher: TheMatcher) -> None:
    entry = people.entry()
    (who,) = await number(desk, [entry])
    with pytest.raises(clearing.OutOfOrder):  # the end has not come yet
        await desk.take(_reinstating(who))
    await desk.take(_cancelled(who))
    assert await desk.value("SELECT count(*) FROM number_requests") == 0
    await desk.take(_reinstating(who))
    (answer,) = await desk.events(ClaimRestored)
    assert answer.restored
    (claim,) = await desk.rows("SELECT * FROM record_claims")
    assert (claim["registration_id"], claim["school"]) == (who.registration_id, SCHOOL)
    matcher.knows([entry])
    assert await run(desk, Lane.AGAIN) == 1
    assert len(await desk.events(NumbersUpgraded)) == 1
    assert await desk.events(VerificationChanged) == []
