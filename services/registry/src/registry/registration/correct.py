"""Correcting a returned registration and sending it on its way again; taking one back."""

from __future__ import annotations

import msgspec
from casework.rules import may_resubmit, may_withdraw
from casework.store import Doing, decide_cases
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.actors import Role
from shared_contracts.decisions import Decision, Refused, refused
from shared_contracts.registry import CorrectRegistration, RegistrationView, WithdrawRegistration

from registry.classes import draws
from registry.context import RegistryWork
from registry.enrolment.plans import store as plans
from registry.organisations.facts import SchoolFacts
from registry.records.store import Klass, class_id, make_classes
from registry.registration import access, judging, queries, steps, store
from registry.registration.chain import chain
from registry.registration.decide import changed_meanwhile, close, open_school, sees
from registry.registration.intake import announce, form_context
from registry.registration.judging import Judged
from registry.registration.situation import registration_year
from registry.registration.store import Waiting
from registry.worklist.changes import registrations_changed

WHO = frozenset({"name", "sex", "birth_date", "document_kind", "document_number"})
"""Fields that say who the child is: identity has matched them to a person already (clause 40)."""


@clause("15.1", "40")
async def correct_registration(work: RegistryWork, command: CorrectRegistration) -> RegistrationView | Refused:
    """The whole form is checked anew, the rules are asked anew, the sheet has to be printed and signed anew."""
    registration = await store.lock(work.tx, command.registration_id)
    if registration is None or not sees(command.actor, registration):
        return refused("not_found", access.NOT_FOUND)
    if command.version != registration.version:
        return changed_meanwhile(registration)
    school = await open_school(work, registration.school)
    if isinstance(school, Refused):
        return school
    kind = chain(work.deps.policy.parameters(school.division, work.today).approval_working_days)
    against = may_resubmit(kind, registration.standing, command.actor, registration.parties)
    if against:
        return steps.refusal(against)
    fixed = sorted(key for key in command.changes if key in WHO or key.endswith("_document_number"))
    if fixed:
        detail = f"不能在这里更改：{'、'.join(fixed)}。姓名、性别、出生日期或证件有误的，请撤回本条并重新录入。"
        return refused("refused", detail)
    if "class_no" in command.changes and (number := await draws.list_of(work.tx, registration.id)):
        detail = f"班级由一键分班（{number}）决定，不能在这里更改。确需调班的，由学校主管校长在“班级与分班”办理。"
        return refused("refused", detail)
    decision = await _correct(work, school, registration, command.changes)
    if decision is not None:
        return refused("refused", f"有{len(decision.findings)}处不符合要求，没有更改。", *decision.findings)
    doing = Doing(act="resubmit", actor=command.actor, role=Role.REGISTRAR, at=work.now)
    cases = [(registration.id, registration.standing)]
    await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    await announce(work, school, registration.roster_id, 1, registration.roster_id or registration.id)
    return await queries.view(work, registration.id)


@clause("15.1")
async def withdraw_registration(work: RegistryWork, command: WithdrawRegistration) -> RegistrationView | Refused:
    """Until the authority has approved, the school may take a registration back; the person is free again then."""
    registration = await store.lock(work.tx, command.registration_id)
    if registration is None or not sees(command.actor, registration):
        return refused("not_found", access.NOT_FOUND)
    school = await open_school(work, registration.school)
    if isinstance(school, Refused):
        return school
    kind = chain(work.deps.policy.parameters(school.division, work.today).approval_working_days)
    against = may_withdraw(kind, registration.standing, command.actor, registration.parties, command.reason)
    if against:
        return steps.refusal(against)
    doing = Doing(act="withdraw", actor=command.actor, role=Role.REGISTRAR, at=work.now, reason=command.reason)
    cases = [(registration.id, registration.standing)]
    await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    await close(work, registration, "withdrawn")
    await registrations_changed(work, [registration.roster_id or registration.id])
    return await queries.view(work, registration.id)


async def _correct(
    work: RegistryWork, school: SchoolFacts, registration: Waiting, changes: dict[str, str]
) -> Decision | None:
    """Write the corrected form; or what stands against it, and nothing is written."""
    # The class may have been drawn or changed since the form was filled in (clause 17): it is not taken back here.
    held = {"class_no": str(registration.class_no)}
    form = await queries.read_form(work, registration.id) | held | changes
    applied_on = await store.applied_on(work.tx, registration.id)
    judged = await judging.judge(work, school, form, documents_on_file=True, applied_on=applied_on)
    if judged.entry is None or judged.facts is None or judged.decision.refused:
        return judged.decision
    judged = await _with_place(work, school, registration, judged)
    entry, facts, decision = judged.entry, judged.facts, judged.decision
    assert entry is not None and facts is not None
    if decision.refused:
        return decision
    year = registration_year(work.today)
    klass = Klass(entry.grade, entry.class_no)
    await make_classes(work.tx, school, [klass], year)
    (decision_id,) = await store.put_decisions(work.tx, [decision])
    values = {
        "overseas": entry.overseas,
        "disability": entry.disability,
        "placement": entry.placement,
        "kind": facts.kind,
        "grade": entry.grade,
        "class_no": entry.class_no,
        "class_id": class_id(school, klass, year),
        "enrolled_month": entry.enrolled_month,
        "decision_id": decision_id,
    }
    blob = work.deps.cipher.seal_bytes(msgspec.json.encode(entry.form), form_context(registration.id))
    await store.correct(work.tx, registration.id, values, blob)
    return None


async def _with_place(work: RegistryWork, school: SchoolFacts, registration: Waiting, judged: Judged) -> Judged:
    """The rules on person and place. A registration has its place already, unless it goes to another stage or becomes
    one of a new pupil: then it needs one as everybody else, counted under the plan's lock (clause 4.3).

    The plan is locked after the case here: whoever admits locks plans first, but only cases that are new.
    """
    facts = judged.facts
    assert facts is not None
    kind, grade, year = await store.seat_of(work.tx, registration.id)
    seated = (kind, school.stage_of(grade), year) == ("new", facts.stage, facts.school_year)
    judged = await judging.with_person(work, judged, registration.person_id, seated=seated)
    assert judged.facts is not None and judged.facts.person is not None
    if seated or facts.kind != "new" or facts.stage is None or judged.facts.person.admission_id is not None:
        return judged
    plan = await plans.hold(work.tx, school.code, facts.school_year, facts.stage)
    if plan is None or not await plans.free(work.tx, plan):
        return judging.without_place(judged)
    return judged
