"""Applications (clauses 6, 7, 9) as they come in, and a private school's list of applicants (8)."""

from __future__ import annotations

from typing import Any

import msgspec
from casework.state import opened
from casework.store import NewCase, open_cases
from regulation.authorisation import Target, check, is_school
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.database import driver, insert_rows
from service_kit.work import CommandHandler
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    AdmitPrivately,
    ApplicationView,
    ApplyAsMigrant,
    ApplyForDeferral,
    ApplyInternationally,
    PrivateAdmissions,
    PrivateApplicant,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.messages import Command, word

from registry.context import RegistryWork
from registry.enrolment.admission import deciding, entering, policy, seats
from registry.enrolment.admission.acts import refusal, season
from registry.enrolment.admission.chains import TITLES, chain
from registry.enrolment.admission.tables import applications as t
from registry.enrolment.children import policy as lists
from registry.enrolment.children import store as children
from registry.enrolment.children.handlers import NO_CHILD
from registry.enrolment.children.policy import enrolment_year
from registry.enrolment.schemes import store as schemes
from registry.evidence import store as evidence
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts

MOST = 500
NO_SCHOOL = "您的学校已撤销或不存在。请联系主管教育行政部门。"


@clause("6")
async def apply_for_deferral(work: RegistryWork, command: ApplyForDeferral) -> ApplicationView | Refused:
    """A school of the child's own county receives it: its principal, then the county."""
    school = await _own_school(work, command.actor, word(command))
    if isinstance(school, Refused):
        return school
    row = (await children.lock(work.tx, [command.child_id])).get(command.child_id)
    if row is None or row["county"] not in (school.authority, school.division):
        return refused("not_found", NO_CHILD)
    if row["state"] == "left" or row["school_year"] > enrolment_year(work.today):
        return refused("conflict", "这名儿童已移出名单，或已批准延缓入学。")
    kinds = [one.kind for one in command.evidence]
    household = row["origin"] == "household" and row["stage"] == Stage.PRIMARY
    if no := refusal(policy.deferral_faults(school, command.cause, command.institution, kinds, household)):
        return no
    return await _open(
        work,
        command.actor,
        command.application_id,
        "deferral",
        child_id=row["id"],
        county=row["county"],
        school=school.code,
        authority=row["county"],
        stage=row["stage"],
        content={"cause": command.cause, "reason": command.reason, "institution": command.institution},
        papers=command.evidence,
    )


@clause("7")
async def apply_as_migrant(work: RegistryWork, command: ApplyAsMigrant) -> ApplicationView | Refused:
    """Two kinds of papers, both of them, and no other can be handed in."""
    actor, county = command.actor, command.actor.organisation
    if no := check(actor, word(command), Target(authority=county)):
        return no
    found = [*policy.migrant_papers([one.kind for one in command.evidence])]
    if (fault := lists.county_fault(county)) is not None:
        found.append(fault)
    if no := refusal(found):
        return no
    stage, year = Stage(command.stage), enrolment_year(work.today)
    entered = await entering.enter(
        work,
        [command.child],
        act=command.command_id,
        organisation=county,
        county=county,
        school_year=year,
        stage=stage,
    )
    if isinstance(entered, Refused):
        return entered
    one = entered[0]
    here = policy.migrant_household(command.child.division, one.standing.listed_by or "", county)
    if no := refusal((*one.findings, here)):
        return no
    await entering.put(work, entered, county=county, school_year=year, origin="migrant", stage=stage)
    child = entering.child_id(one, stage)
    return await _open(
        work,
        actor,
        command.application_id,
        "migrant",
        child_id=child,
        county=county,
        school=None,
        authority=county,
        stage=stage,
        content={"division": command.child.division},
        papers=command.evidence,
    )


@clause("9")
async def apply_internationally(work: RegistryWork, command: ApplyInternationally) -> ApplicationView | Refused:
    """A qualified school, a foreign document: the school agrees, then its authority."""
    school = await _own_school(work, command.actor, word(command))
    if isinstance(school, Refused):
        return school
    kinds = [one.kind for one in command.evidence]
    found = [*policy.international_faults(school, command.child.document_kind, kinds)]
    if no := refusal(found):
        return no
    stage, year = Stage(command.stage), enrolment_year(work.today)
    if stage not in school.stages:
        return refused("invalid", f"本校没有{stage.zh}学段。请核对学段。")
    entered = await entering.enter(
        work,
        [command.child],
        act=command.command_id,
        organisation=school.code,
        county=school.division,
        school_year=year,
        stage=stage,
    )
    if isinstance(entered, Refused):
        return entered
    if no := refusal(entered[0].findings):
        return no
    await entering.put(work, entered, county=school.division, school_year=year, origin="international", stage=stage)
    return await _open(
        work,
        command.actor,
        command.application_id,
        "international",
        child_id=entering.child_id(entered[0], stage),
        county=school.division,
        school=school.code,
        authority=school.authority,
        stage=stage,
        content={},
        papers=command.evidence,
    )


@clause("4.1", "4.3", "8")
async def admit_privately(work: RegistryWork, command: AdmitPrivately) -> PrivateAdmissions | Refused:
    """All applicants or none: nobody is chosen among them. A dry run says the same and makes nobody known."""
    school = await _own_school(work, command.actor, word(command))
    if isinstance(school, Refused):
        return school
    if not 0 < len(command.applicants) <= MOST:
        return refused("invalid", f"一次提交1至{MOST}名学生。")
    stage, year = Stage(command.stage), enrolment_year(work.today)
    scheme = await schemes.approved(work.tx, school.code, year)
    if no := refusal(policy.private_faults(school, stage, scheme)) or season(work, school.division):
        return no
    entered = await entering.enter(
        work,
        command.applicants,
        act=command.command_id,
        organisation=school.code,
        county=school.division,
        school_year=year,
        stage=stage,
        make=not command.dry_run,
    )
    if isinstance(entered, Refused):
        return entered
    held = (await seats.hold(work, [school.code], year, stage))[school.code]
    room = policy.private_room(len(entered), held.free)
    if no := refusal([room]):
        return no
    bad = [one for one in entered if one.refused]
    if bad and not command.dry_run:
        found = [finding for one in bad for finding in one.findings]
        return refused(
            "refused", f"有{len(bad)}名学生不符合要求，没有录取任何人。请按提示改正后重新提交。", *found[:100]
        )
    made: dict[int, str] = {}
    if not command.dry_run:
        done = await _admit_all(work, command, school, entered, year, stage)
        if isinstance(done, Refused):
            return done
        made = done
    items = tuple(
        PrivateApplicant(
            row=one.read.row,
            name=one.read.name,
            masked_document=one.read.masked,
            admission_id=made.get(one.read.row),
            findings=one.findings,
        )
        for one in entered
    )
    return PrivateAdmissions(done=not command.dry_run, places=len(entered), free=held.free or 0, items=items)


async def _admit_all(
    work: RegistryWork,
    command: AdmitPrivately,
    school: SchoolFacts,
    entered: list[entering.Entered],
    year: int,
    stage: Stage,
) -> dict[int, str] | Refused:
    await entering.put(work, entered, county=school.division, school_year=year, origin="private", stage=stage)
    ids = {entering.child_id(one, stage): one for one in entered}
    rows = await children.lock(work.tx, list(ids))
    new = [
        seats.new(
            work,
            child_id=child,
            person_id=one.person_id,
            county=rows[child]["county"],
            school=school,
            school_year=year,
            stage=stage,
            way="private",
            actor=command.actor,
            act=command.command_id,
        )
        for child, one in ids.items()
    ]
    made = await seats.admit(work, new)
    if len(made) < len(new):
        return refused("conflict", "有学生刚刚被其他学校录取或安排。请重新检查后提交。")
    await children.set_state(work.tx, list(ids), "placed", school_year=year)
    return {ids[one.child_id].read.row: one.id for one in new}


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _own_school(work: RegistryWork, actor: Actor, act: str) -> SchoolFacts | Refused:
    if no := check(actor, act, Target(school=actor.organisation)):
        return no
    school = await organisations.school(work.tx, actor.organisation) if is_school(actor.organisation) else None
    return school or refused("conflict", NO_SCHOOL)


async def _open(
    work: RegistryWork,
    actor: Actor,
    application_id: str,
    kind: str,
    *,
    child_id: str,
    county: str,
    school: str | None,
    authority: str,
    stage: str,
    content: dict[str, Any],
    papers: tuple[EvidenceGiven, ...],
) -> ApplicationView | Refused:
    """The case and what it is about. One open application of a kind a child."""
    if await deciding.open_of(work.tx, child_id, kind):
        return refused("conflict", f"这名儿童已有办理中的{TITLES[kind]}申请。请等它办结后再办理。")
    files = await evidence.attach(work, papers, to=f"{kind}:{application_id}", actor=actor, school=school)
    if isinstance(files, Refused):
        return files
    made = await insert_rows(
        work.tx,
        t,
        [
            {
                "id": application_id,
                "kind": kind,
                "child_id": child_id,
                "county": county,
                "school": school,
                "authority": authority,
                "school_year": enrolment_year(work.today),
                "stage": stage,
                "content": content,
                "evidence": msgspec.to_builtins(papers),
                "asked_on": work.today,
            }
        ],
        on_conflict="(id) DO NOTHING",
        returning=("id",),
    )
    if not made:
        return refused("conflict", "这个编号已用于另一项申请。请重新提交。")
    case = chain(kind, work.deps.policy.parameters(county, work.today).approval_working_days)
    parties = {"authority": authority} | ({"school": school} if school else {})
    await open_cases(
        await driver(work.tx),
        case,
        [NewCase(id=application_id, subject_id=child_id, parties=parties, entered_by=actor.account)],
        standing=opened(case, work.today, work.deps.calendar),
        at=work.now,
    )
    deciding.tell(work, kind, application_id, case.first, parties)
    return await deciding.one(work, application_id)


COMMANDS: dict[type[Command], CommandHandler] = {
    ApplyForDeferral: apply_for_deferral,
    ApplyAsMigrant: apply_as_migrant,
    ApplyInternationally: apply_internationally,
    AdmitPrivately: admit_privately,
}
