"""A pupil of ours goes to a school of another province: prechecked, entered, approved by our school and authority."""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.authorisation import Target, check
from regulation.mark import clause
from shared_contracts.decisions import Decision, Outcome, Refused
from shared_contracts.holds import ChangeFacts, GetChangeFacts, Place
from shared_contracts.messages import word
from shared_contracts.outside_transfers import OpenOutward, PrecheckOutward
from shared_contracts.transfer import Step, TransferPrechecked, TransferView

from transfer.cases import acting, holding, opening, store
from transfer.cases.chain import chain, parameters_of, terms_of
from transfer.context import TransferWork
from transfer.outside import policy
from transfer.outside.authority import AUTHORITY
from transfer.outside.store import view
from transfer.rules import evidence
from transfer.rules.case import place_of
from transfer.rules.judge import Begun, still_in_school


@clause("24.1.3", "24.5.1")
async def precheck_outward(work: TransferWork, query: PrecheckOutward) -> TransferPrechecked | Refused:
    if no := check(query.actor, word(query), office()):
        return no
    looked = await look(work, policy.Asked(
        application=query.application, school=query.school, grade=query.grade, document=query.document
    ))  # fmt: skip
    if isinstance(looked, Refused):
        return looked
    facts, decision = looked
    there, here = query.school.authority, facts.pupil.school if facts.pupil else None
    names = (there, here.name, here.authority_name) if here else (there, "转出学校", "转出学校主管教育行政部门")
    kind = chain(work, AUTHORITY.acts, here.authority if here else "", "to")
    return TransferPrechecked(
        decision=decision,
        evidence=evidence.asked(query.application, policy.PAPERS),
        steps=opening.expected(work, kind, names),
        nearby=(),
    )


@clause("23", "24.5.1")
async def open_outward(work: TransferWork, command: OpenOutward) -> TransferView | Refused:
    """No seat of ours; the pupil is held as by every transfer."""
    actor, application = command.actor, command.application
    if no := check(actor, word(command), office()):
        return no
    if (there := await opening.opened_before(work, command, application.name)) is not None:
        return there
    asked = policy.Asked(
        application=application, school=command.school, grade=command.grade, document=command.document
    )  # fmt: skip
    looked = await look(work, asked)
    if isinstance(looked, Refused):
        return looked
    facts, decision = looked
    if decision.refused:
        return acting.refusal(decision.of(Outcome.REFUSE))
    pupil = facts.pupil
    assert pupil is not None and pupil.grade is not None
    granted = await holding.grant(
        work, command.transfer_id, pupil.student_id, actor.organisation, None, application.evidence
    )
    if isinstance(granted, Refused):
        return granted
    sides = opening.Sides(
        to_school=AUTHORITY.acts,
        to_authority=AUTHORITY.acts,
        from_school=pupil.school.code,
        from_authority=pupil.school.authority,
        stage=pupil.stage,
        outside=view("to", command.school, command.document),
    )
    transfer = await opening.put(work, command, pupil, sides, decision, seat=False)
    return await acting.told(work, actor, transfer)


def office() -> Target:
    """The office that acts for the other province."""
    return Target(authority=AUTHORITY.acts)


async def look(
    work: TransferWork,
    asked: policy.Asked,
    *,
    student_id: str | None = None,
    case_id: str | None = None,
    day: date | None = None,
) -> tuple[ChangeFacts, Decision] | Refused:
    """`day`: of the application, where that was another one."""
    application = asked.application
    facts = await _facts(
        work, name=application.name, number=application.number, student_id=student_id, place=place_of(application),
        case_id=case_id,
    )  # fmt: skip
    if isinstance(facts, Refused):
        return facts
    division = facts.pupil.school.division if facts.pupil else AUTHORITY.acts
    parameters = parameters_of(work, division)
    on = day or work.today
    decision = policy.judge_leaving(
        facts.pupil, asked, facts.covers, parameters, terms_of(work, parameters, on), on, entered_on=work.today
    )  # fmt: skip
    return facts, decision


@clause("24.5.1", "24.6.2")
async def approvable(work: TransferWork, transfer: store.Transfer, step: Step) -> store.Transfer | Refused:
    """What has to hold when our school or authority, or the other province's, approves: looked at anew."""
    assert transfer.outside is not None
    facts = await _facts(work, student_id=transfer.student_id, case_id=transfer.id)
    if isinstance(facts, Refused):
        return facts
    if ended := still_in_school(facts.pupil):
        return acting.refusal((ended,))
    begun = Begun(step=step, from_school=transfer.from_school, grade=transfer.grade, seat=False)
    parameters = parameters_of(work, transfer.from_authority)
    decision = policy.judge_leaving_again(facts.pupil, transfer.outside.school, parameters, work.today, begun)
    return acting.refusal(decision.of(Outcome.REFUSE)) if decision.refused else transfer


async def _facts(
    work: TransferWork,
    *,
    name: str = "",
    number: str = "",
    student_id: str | None = None,
    place: Place | None = None,
    case_id: str | None = None,
) -> ChangeFacts | Refused:
    """Of the pupil; whether the zone of the present school holds a place of this province, where one is given."""
    query = GetChangeFacts(
        actor=holding.SERVICE, name=name, number=number, student_id=student_id, case_id=case_id
    )  # fmt: skip
    facts = await holding.facts(work.deps, query)
    if isinstance(facts, Refused) or facts.pupil is None or place is None or place.division[:2] != policy.HERE:
        return facts
    pupil = facts.pupil
    own = msgspec.structs.replace(query, student_id=pupil.student_id, to_school=pupil.school.code, residence=place)
    return await holding.facts(work.deps, own)
