"""A child of another province comes to a school of ours: prechecked, opened, looked at again, registered.

There is no record to be asked: what is known of the child is what the application says, and what the other province confirms
with its papers. The registry finds out who the child is (`ExpectArrival`) and keeps it with the seat; nobody keeps a document
number here. When all have approved, the receiving school enters the registration in the usual way, and the case is done when
its record is there.
"""

from __future__ import annotations

import msgspec
from casework.state import day_of
from regulation.authorisation import Target, check
from regulation.findings import refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import cohort, grade_of_cohort, school_year_of_entry
from shared_contracts.decisions import Decision, Finding, Refused, refused
from shared_contracts.holds import ChangeApplied, ChangeFacts, ComingChild, GetChangeFacts, Pupil
from shared_contracts.messages import word
from shared_contracts.outside_transfers import OpenInward, OutsideSchool, PrecheckInward
from shared_contracts.transfer import Application, RetryTransfer, TransferPrechecked, TransferView

from transfer.cases import acting, holding, opening, store, telling
from transfer.cases.chain import chain, kind_of, parameters_of, terms_of
from transfer.cases.showing import shown
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.outside import arriving
from transfer.outside.authority import AUTHORITY
from transfer.outside.store import view
from transfer.private_places.entering import enter, intake_of, list_of
from transfer.rules import evidence
from transfer.rules.case import place_of

Looked = tuple[ChangeFacts, Decision, Parameters]


@clause("24.1.3", "24.5.1")
async def precheck_inward(work: TransferWork, query: PrecheckInward) -> TransferPrechecked | Refused:
    actor = query.actor
    if no := check(actor, word(query), Target(school=actor.organisation)):
        return no
    looked = await look(work, actor.organisation, query.application, query.child, query.school, query.grade)
    if isinstance(looked, Refused):
        return looked
    facts, decision, _ = looked
    assert facts.to is not None and facts.pupil is not None
    if listed := await list_of(work, facts):
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, listed))
    names = (facts.to.authority_name, query.school.name, query.school.authority)
    nearby = await opening.rooms(work, facts.to, facts.pupil, query.application, opening.NEARBY)
    return TransferPrechecked(
        decision=shown(decision),
        evidence=evidence.asked(query.application),
        steps=opening.expected(work, chain(work, facts.to.authority, AUTHORITY.acts, "from"), names),
        nearby=tuple(opening.as_nearby(one) for one in nearby),
    )


@clause("15.2", "23", "24.2.2", "24.5.1")
async def open_inward(work: TransferWork, command: OpenInward) -> TransferView | Refused:
    actor, application = command.actor, command.application
    if no := check(actor, word(command), Target(school=actor.organisation)):
        return no
    if (there := await opening.opened_before(work, command, command.child.name)) is not None:
        return there
    looked = await look(work, actor.organisation, application, command.child, command.school, command.grade)
    if isinstance(looked, Refused):
        return looked
    facts, decision, parameters = looked
    if no := opening.against(decision, command.exception):
        return no
    assert facts.pupil is not None and facts.to is not None
    waiting = await enter(work, command.transfer_id, facts)
    if isinstance(waiting, Refused):
        return waiting
    if waiting is not None:
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, waiting.finding))
    seat = None if waiting else opening.seat_for(facts)
    child = _numbered(command.child, application)
    granted = await holding.expect(
        work, command.transfer_id, child, command.grade, facts.to.code, seat, application.evidence
    )
    if isinstance(granted, Refused):
        return granted
    letter, former = arriving.number_kind(application.number), arriving.former_number(application.number)
    details = msgspec.structs.replace(
        opening.details_of(application), birth_date=command.child.birth_date, former_number=former
    )
    transfer = await opening.put(
        work,
        command,
        msgspec.structs.replace(facts.pupil, person_id=granted.person_id or ""),
        opening.Sides(
            to_school=facts.to.code,
            to_authority=facts.to.authority,
            from_school=AUTHORITY.acts,
            from_authority=AUTHORITY.acts,
            stage=opening.stage_in(facts.to, command.grade),
            outside=view("from", command.school, number_kind=letter),
        ),
        msgspec.structs.replace(decision, policy_version=parameters.version),
        exception=command.exception,
        seat=seat is not None,
        on_list=waiting is not None,
        details=details,
    )
    return await acting.told(work, actor, transfer)


async def look(
    work: TransferWork,
    school: str,
    application: Application,
    child: ComingChild,
    outside: OutsideSchool,
    grade: int,
) -> Looked | Refused:
    """The facts, with the child as the application says it, and what the law says of them."""
    pupil = arriving.as_pupil(child.name, child.birth_date, application, outside, grade, at=AUTHORITY.acts)
    facts = await _facts(work, school, application, pupil, child=_numbered(child, application))
    if isinstance(facts, Refused):
        return facts
    if facts.to is None:
        return refused("not_found", opening.NO_SCHOOL)
    parameters = parameters_of(work, facts.to.division)
    intake = await intake_of(work, facts.to, grade)
    given = arriving.Given(application=application, school=outside, child=child)
    decision = arriving.judge_coming(
        facts, given, parameters, terms_of(work, parameters, work.today), work.today, intake
    )
    return facts, decision, parameters


@clause("15.2", "20.1")
def _numbered(child: ComingChild, application: Application) -> ComingChild:
    """With the temporary number of the other province, which identity alone keeps: by it one person is found, never two."""
    return msgspec.structs.replace(child, former_number=arriving.temporary_number(application.number))


async def look_again(
    work: TransferWork, found: Transfer, application: Application, school: str | None = None
) -> Looked | Refused:
    """For a correction, as of the day of the application: the child, its school and its grade are what they were. `school`:
    where it is sent to instead."""
    assert found.outside is not None
    facts = await facts_of(work, found, school or found.to_school, application)
    if isinstance(facts, Refused):
        return facts
    if facts.to is None:
        return refused("not_found", opening.NO_SCHOOL)
    parameters, day = parameters_of(work, facts.to.division), day_of(found.opened_at)
    intake = await intake_of(work, facts.to, grade_now(work, found), case_id=found.id)
    given = arriving.Given(application=application, school=found.outside.school, child=None)
    return (
        facts,
        arriving.judge_coming(facts, given, parameters, terms_of(work, parameters, day), day, intake),
        parameters,
    )


async def facts_of(
    work: TransferWork, found: Transfer, school: str, application: Application | None = None
) -> ChangeFacts | Refused:
    """Of today, for this school; the child as it was applied for, in the grade of today."""
    assert found.outside is not None
    said = application or opening.application_of(work, found)
    born = store.details(work.deps.cipher, found).birth_date
    assert born is not None
    pupil = arriving.as_pupil(
        found.name, born, said, found.outside.school, grade_now(work, found), at=found.from_school
    )  # fmt: skip
    return await _facts(work, school, said, pupil, case_id=found.id)


@clause("24.6.2")
def grade_now(work: TransferWork, found: Transfer) -> int:
    """Promoted there as here: who came to be applied for in July is a grade further in September, and so is the seat."""
    then, now = day_of(found.opened_at), work.today
    year = school_year_of_entry(then.year, then.month)
    return grade_of_cohort(cohort(found.grade, year), school_year_of_entry(now.year, now.month))


def details_again(work: TransferWork, found: Transfer, application: Application) -> store.Details:
    """A correction says nothing of who the child is."""
    before = store.details(work.deps.cipher, found)
    return msgspec.structs.replace(
        opening.details_of(application), birth_date=before.birth_date, former_number=before.former_number
    )


async def _facts(
    work: TransferWork,
    school: str,
    application: Application,
    pupil: Pupil,
    *,
    child: ComingChild | None = None,
    case_id: str | None = None,
) -> ChangeFacts | Refused:
    query = GetChangeFacts(
        actor=holding.SERVICE,
        to_school=school,
        grade=pupil.grade,
        residence=place_of(application),
        case_id=case_id,
        child=child,
    )
    facts = await holding.facts(work.deps, query)
    return facts if isinstance(facts, Refused) else msgspec.structs.replace(facts, pupil=pupil)


@clause("15.3", "24.5.1")
async def registered(work: TransferWork, found: Transfer, event: ChangeApplied) -> None:
    """The record is there. A number of another kind than the other province has given is for somebody to look at; a case
    that had expired or was given up while the registration was on its way is done all the same."""
    if found.student_id or found.outcome not in ("moving", "attention", "expired", "given_up"):
        return
    assert found.outside is not None
    differs = arriving.other_number(found.outside.number_kind, event.number_kind)
    found = await store.change(
        work.tx,
        found.id,
        work.now,
        student_id=event.student_id,
        outcome="moved" if differs is None else "attention",
        class_no=event.class_no,
        completed_on=event.applied_on if differs is None else None,
        problem=() if differs is None else (differs,),
    )
    await telling.stands(work, kind_of(work, found), found)


@clause("15.3")
def may_settle(command: RetryTransfer) -> Finding | None:
    """Of a case whose record is there: that the number was looked at, in writing, and nothing else."""
    if command.override and not command.give_up and command.reason.strip():
        return None
    message = "学籍已经建立，只需核实外省学籍号与本省发放的学籍号不一致的原因"
    cure = "核实后选择“以本省比对结果为准”并写明原因；证件信息有误的，先在“学籍信息更正”中办理"
    return refuse("15.3", "number.look_at_it", message, cure=cure, fields=("override", "reason"))
