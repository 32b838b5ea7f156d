"""Opening a case, and looking beforehand whether one could be opened: the same rules for both (24.1 to 24.6)."""

from __future__ import annotations

import hashlib
from datetime import date

import msgspec
from casework.kinds import CaseKind
from casework.state import opened
from casework.store import NewCase, open_cases
from regulation.authorisation import Target, check
from regulation.mark import clause
from regulation.parameters import Parameters
from service_kit.database import driver
from shared_contracts.actors import Actor
from shared_contracts.decisions import Decision, Outcome, Refused, refused
from shared_contracts.holds import ChangeFacts, FindRoom, GetChangeFacts, Nearby, Pupil, RoomNearby, School, Seat
from shared_contracts.messages import word
from shared_contracts.outside_transfers import OpenInward, OpenOutward, OutsideView
from shared_contracts.transfer import (
    Application,
    ExpectedStep,
    NearbySchool,
    OpenTransfer,
    PrecheckTransfer,
    Rooms,
    Step,
    TransferPrechecked,
    TransferView,
)

from transfer.cases import acting, holding, placing, store, views
from transfer.cases.chain import chain, parameters_of, terms_of
from transfer.cases.showing import shown
from transfer.context import TransferWork
from transfer.outside import store as parties
from transfer.private_places.entering import enter, intake_of, list_of
from transfer.rules import evidence
from transfer.rules.case import place_of
from transfer.rules.judge import judge, to_override
from transfer.rules.kind import kind

NEARBY = 5
NO_SCHOOL = "您的学校不在机构名录中，或者已经撤销。"


@clause("24.1.3", "24.5.1")
async def precheck_transfer(work: TransferWork, query: PrecheckTransfer) -> TransferPrechecked | Refused:
    """All findings, what to bring, how long it takes, where there is room. Opens nothing, tells nothing of the pupil."""
    actor = query.actor
    if no := check(actor, word(query), Target(school=actor.organisation)):
        return no
    looked = await look(work, actor, query.application)
    if isinstance(looked, Refused):
        return looked
    facts, decision, parameters = looked
    assert facts.to is not None
    if listed := await list_of(work, facts):
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, listed))
    nearby: tuple[Nearby, ...] = ()
    if facts.pupil is not None and facts.pupil.grade is not None:
        nearby = await rooms(work, facts.to, facts.pupil, query.application, NEARBY)
    return TransferPrechecked(
        decision=shown(decision),
        evidence=evidence.asked(query.application),
        steps=expected(
            work,
            kind(parameters, same_authority=False),
            (facts.to.authority_name, "转出学校", "转出学校主管教育行政部门"),
        ),
        nearby=tuple(as_nearby(one) for one in nearby),
    )


@clause("23", "24.5.1")
async def open_transfer(work: TransferWork, command: OpenTransfer) -> TransferView | Refused:
    actor, application = command.actor, command.application
    if no := check(actor, word(command), Target(school=actor.organisation)):
        return no
    if (there := await opened_before(work, command, application.name)) is not None:
        return there
    looked = await look(work, actor, application)
    if isinstance(looked, Refused):
        return looked
    facts, decision, parameters = looked
    if no := against(decision, command.exception):
        return no
    assert facts.pupil is not None and facts.pupil.grade is not None and facts.to is not None
    # A private school's seats are given when its list is closed: to all where there are enough, else by lot (24.5.4).
    waiting = await enter(work, command.transfer_id, facts)
    if isinstance(waiting, Refused):
        return waiting
    if waiting is not None:
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, waiting.finding))
    seat = None if waiting else seat_for(facts)
    granted = await holding.grant(
        work, command.transfer_id, facts.pupil.student_id, actor.organisation, seat, application.evidence
    )
    if isinstance(granted, Refused):
        return granted
    transfer = await put(
        work,
        command,
        facts.pupil,
        _sides(facts.pupil, facts.to),
        msgspec.structs.replace(decision, policy_version=parameters.version),
        exception=command.exception,
        seat=seat is not None,
        on_list=waiting is not None,
        placement=placing.placement_of(work, facts, record_moves=command.application.record_moves),
    )
    return await acting.told(work, actor, transfer)


async def opened_before(
    work: TransferWork, command: OpenTransfer | OpenOutward | OpenInward, name: str
) -> TransferView | Refused | None:
    """The case of this id where there is one: to whoever has opened it for a pupil of this name, and to nobody else."""
    there = await store.get(work.tx, command.transfer_id)
    if there is None:
        return None
    if there.entered_by == command.actor.account and there.name == name.strip():
        return await views.view(work, command.actor, there)
    return refused("conflict", "这个转学编号已被使用。请换一个编号重新提交。")


def seat_for(facts: ChangeFacts) -> Seat | None:
    """A place at once where a public school has one; else the authority sends the pupil elsewhere or allows one more."""
    pupil, room, to = facts.pupil, facts.room, facts.to
    if pupil is None or pupil.grade is None or room is None or room.free <= 0 or to is None:
        return None
    return Seat(school=to.code)


async def look(
    work: TransferWork,
    actor: Actor,
    application: Application,
    *,
    school: str | None = None,
    case_id: str | None = None,
    day: date | None = None,
) -> tuple[ChangeFacts, Decision, Parameters] | Refused:
    """The facts and what the law says of them. `day`: of the application, where that was another one."""
    query = GetChangeFacts(
        actor=holding.SERVICE,
        name=application.name,
        number=application.number,
        to_school=school or actor.organisation,
        residence=place_of(application),
        case_id=case_id,
    )
    facts = await holding.facts(work.deps, query)
    if isinstance(facts, Refused):
        return facts
    if facts.to is None:
        return refused("not_found", NO_SCHOOL)
    return facts, *await judged(work, facts, facts.to, application, case_id=case_id, day=day or work.today)


async def judged(
    work: TransferWork, facts: ChangeFacts, to: School, application: Application, *, case_id: str | None, day: date
) -> tuple[Decision, Parameters]:
    """What the law says of an application to a school, as of its day."""
    parameters = parameters_of(work, to.division)
    grade = facts.pupil.grade if facts.pupil else None
    intake = await intake_of(work, to, grade, case_id=case_id) if grade else None
    return judge(facts, application, parameters, terms_of(work, parameters, day), day, intake), parameters


def against(decision: Decision, exception: str) -> Refused | None:
    """What keeps a case from being opened: a refusal, or a 原则上 rule for whose exception nobody gives a reason."""
    told = shown(decision)
    if decision.refused:
        found = told.of(Outcome.REFUSE)
        return refused("refused", f"不能办理转学：{found[0].message}。{found[0].cure}。", *told.findings)
    if decision.needs_override and not exception.strip():
        found = told.of(Outcome.NEEDS_OVERRIDE)
        return refused(
            "refused",
            f"{found[0].message}。确需办理的，请写明理由，由转入学校主管教育行政部门决定。",
            *told.findings,
        )
    return None


async def rooms(
    work: TransferWork, to: School, pupil: Pupil, application: Application, limit: int
) -> tuple[Nearby, ...]:
    """Public schools with free places, without the two of the case: that one of them is missing says nothing. None where the
    registry does not answer: the verdict does not depend on it."""
    assert pupil.grade is not None
    query = FindRoom(
        actor=holding.SERVICE,
        grade=pupil.grade,
        stage=to.stages[0] if len(to.stages) == 1 else _stage(to, pupil.grade),
        residence=application.residence,
        division=to.division,
        without=(to.code, pupil.school.code),
        limit=limit,
    )
    return await _near(work, query)


async def _near(work: TransferWork, query: FindRoom) -> tuple[Nearby, ...]:
    found = await holding.ask(work.deps, query)
    return found.items if isinstance(found, RoomNearby) else ()


async def rooms_for(work: TransferWork, transfer: store.Transfer, limit: int) -> Rooms:
    """Where the receiving authority may send a case: its own public schools with places. None of another province's."""
    if transfer.side == "to":
        return Rooms(items=())
    query = FindRoom(
        actor=holding.SERVICE,
        grade=transfer.grade,
        stage=transfer.stage,
        residence=store.details(work.deps.cipher, transfer).residence,
        division=transfer.to_authority,
        without=(transfer.to_school, transfer.from_school),
        limit=50,
    )
    own = [one for one in await _near(work, query) if one.school.authority == transfer.to_authority]
    return Rooms(items=tuple(as_nearby(one) for one in own[:limit]))


def as_nearby(one: Nearby) -> NearbySchool:
    return NearbySchool(code=one.school.code, name=one.school.name, free=one.free, nearness=one.nearness)


def _sides(pupil: Pupil, to: School) -> Sides:
    assert pupil.grade is not None
    return Sides(
        to_school=to.code,
        to_authority=to.authority,
        from_school=pupil.school.code,
        from_authority=pupil.school.authority,
        stage=stage_in(to, pupil.grade),
    )


def stage_in(school: School, grade: int) -> str:
    return _stage(school, grade) if len(school.stages) > 1 else school.stages[0]


def _stage(school: School, grade: int) -> str:
    """The stage of a grade in a school that carries both."""
    last = min(school.graduating_grades)
    return "primary" if grade <= last else "junior"


def expected(work: TransferWork, kind: CaseKind, names: tuple[str, str, str]) -> tuple[ExpectedStep, ...]:
    """Last days, one after the other. `names`: of whoever decides; our other side is not named: the application does not say
    it."""
    day, steps = work.today, []
    for step, name in zip(kind.steps, names, strict=True):
        deadline = work.deps.calendar.add_working_days(day, step.days or 0)
        steps.append(
            ExpectedStep(
                step=Step(step.name),
                title=step.title,
                organisation_name=name,
                days=step.days or 0,
                last_day=deadline.date,
                provisional=deadline.provisional,
            )
        )
        day = deadline.date
    return tuple(steps)


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """Who are the parties of a case. `stage`: of the pupil's grade in the receiving school."""

    to_school: str
    to_authority: str
    from_school: str
    from_authority: str
    stage: str
    outside: OutsideView | None = None

    @property
    def parties(self) -> dict[str, str]:
        return {
            "receiving_school": self.to_school,
            "receiving_authority": self.to_authority,
            "releasing_school": self.from_school,
            "releasing_authority": self.from_authority,
        }


async def put(
    work: TransferWork,
    command: OpenTransfer | OpenOutward | OpenInward,
    pupil: Pupil,
    sides: Sides,
    decision: Decision,
    *,
    exception: str = "",
    seat: bool,
    on_list: bool = False,
    placement: str = "",
    details: store.Details | None = None,
) -> store.Transfer:
    """A case as it is opened, with its hold granted; whoever has to act is not told yet (`acting.told`). `placement`: as in
    `transfers`; `details`: where more is to be kept than the application says."""
    application, actor = command.application, command.actor
    side = None if sides.outside is None else sides.outside.side
    steps = chain(work, sides.to_authority, sides.from_authority, side)
    assert pupil.grade is not None
    await store.put(
        work.tx,
        {
            "id": command.transfer_id,
            "number": number_of(command.transfer_id, work.today.year),
            "student_id": pupil.student_id,
            "person_id": pupil.person_id,
            "name": pupil.name,
            "ground": application.ground,
            "grade": pupil.grade,
            "stage": sides.stage,
            "to_school": sides.to_school,
            "to_authority": sides.to_authority,
            "from_school": sides.from_school,
            "from_authority": sides.from_authority,
            "seat": seat,
            "over": False,
            "record_moves": application.record_moves,
            "placement": placement,
            "sealed": store.seal(work.deps.cipher, command.transfer_id, details or details_of(application)),
            "evidence": application.evidence,
            "exception": exception.strip(),
            "findings": decision.findings,
            "policy_version": decision.policy_version,
            "needs_override": list(to_override(decision)),
            "overridden": [],
            "problem": [],
            "opened_at": work.now,
            "opened_by": actor.name,
            "moved_at": work.now,
        },
    )
    if sides.outside is not None:
        await parties.put(work.tx, command.transfer_id, sides.outside, work.now)
    case = NewCase(
        id=command.transfer_id,
        subject_id=pupil.student_id or pupil.person_id,
        parties=sides.parties,
        entered_by=actor.account,
    )
    standing = opened(steps, work.today, work.deps.calendar)
    if on_list:  # nobody can go on with it before the result is there (`seating`)
        standing = msgspec.structs.replace(standing, due_on=None, provisional=False, clock_from=None, clock_days=None)
    await open_cases(await driver(work.tx), steps, [case], standing=standing, at=work.now)
    transfer = await store.get(work.tx, command.transfer_id)
    assert transfer is not None
    return transfer


def details_of(application: Application) -> store.Details:
    return store.Details(
        residence=application.residence,
        household=application.household,
        guardian=application.guardian.strip(),
        phone=application.phone.strip(),
        alone_in_household=application.alone_in_household,
        agreed=application.agreed,
    )


def application_of(work: TransferWork, transfer: store.Transfer, number: str = "") -> Application:
    """What was applied for, as far as it was kept: document numbers are not."""
    details = store.details(work.deps.cipher, transfer)
    return Application(
        name=transfer.name,
        number=number,
        ground=transfer.ground,
        residence=details.residence,
        household=details.household,
        guardian=details.guardian,
        phone=details.phone,
        alone_in_household=details.alone_in_household,
        record_moves=transfer.record_moves,
        agreed=details.agreed,
        evidence=transfer.evidence,
    )


def number_of(transfer_id: str, year: int) -> str:
    """What people call the case, and guardians follow it by: not to be guessed from another one."""
    digits = int.from_bytes(hashlib.blake2b(transfer_id.encode(), digest_size=8).digest(), "big") % 10**10
    return f"ZX{year}{digits:010d}"
