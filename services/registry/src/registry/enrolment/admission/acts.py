"""Placement as people order it, and admissions as they stand: the county's acts, the school's objection, the lists."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from regulation import school_calendar
from regulation.authorisation import Target, check, reach
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.admission import (
    AdmissionOverview,
    AdmissionPage,
    AdmissionView,
    EndAdmission,
    GetAdmission,
    GetAdmissionOverview,
    GetPlacementRun,
    ListAdmissions,
    ObjectToAdmission,
    PlaceChild,
    PlacementPreview,
    PlacementRun,
    PreviewPlacement,
    SchoolAdmissions,
    StartPlacement,
)
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.enrolment.admission import placing, policy, reporting, runs, seats, store, views
from registry.enrolment.admission.tables import admissions as t
from registry.enrolment.children import policy as lists
from registry.enrolment.children import store as children
from registry.enrolment.children.handlers import NO_CHILD
from registry.enrolment.children.policy import enrolment_year
from registry.rosters.access import names_of, schools_within

NO_RUN = "没有这次入学安排，或者它不属于您管理的范围。"
NO_SCHOOL = "没有这所学校，或者学校已撤销。请核对学校标识码。"
CHANGED = "这项入学安排在您查看之后有变化。请刷新后再办理。"


def refusal(found: list[Finding] | tuple[Finding, ...]) -> Refused | None:
    """A refusal that says the first of what stands against it; None where nothing does."""
    no = [finding for finding in found if finding.outcome is Outcome.REFUSE]
    if not no:
        return None
    cure = f"请{no[0].cure}。" if no[0].cure else ""
    return refused("refused", f"{no[0].message}。{cure}", *no)


def season(work: RegistryWork, division: str) -> Refused | None:
    """All admission happens in the season (clause 4.1)."""
    days = school_calendar.enrolment(work.deps.policy.book, division, work.today.year)
    return refusal([policy.in_season(work.today, days)])


def _county(actor: Actor, act: str) -> Refused | None:
    """The actor's own county, and that it is one."""
    if no := check(actor, act, Target(authority=actor.organisation)):
        return no
    fault = lists.county_fault(actor.organisation)
    return refusal([fault]) if fault else None


@clause("5.2")
async def preview_placement(work: RegistryWork, query: PreviewPlacement) -> PlacementPreview | Refused:
    if no := _county(query.actor, word(query)):
        return no
    return await placing.preview(work, query.actor.organisation, enrolment_year(work.today), Stage(query.stage))


@clause("4.1", "5.2")
async def start_placement(work: RegistryWork, command: StartPlacement) -> PlacementRun | Refused:
    actor = command.actor
    if no := _county(actor, word(command)) or season(work, actor.organisation):
        return no
    year, county = enrolment_year(work.today), actor.organisation
    waiting = await children.count_waiting(work.tx, county, year, command.stage)
    if not waiting:
        return refused("refused", "没有等待安排的适龄儿童。请先导入适龄儿童名单。")
    made = await runs.put(
        work.tx,
        command.run_id,
        {
            "county": county,
            "school_year": year,
            "stage": command.stage,
            "account": actor.account,
            "started_by": actor.name,
            "started_at": work.now,
            "waiting": waiting,
        },
    )
    if not made:
        return refused("conflict", "本县（市、区）的入学安排正在进行。请等它完成后再办理。")
    work.after_commit(work.deps.wake_placements)
    found = await runs.get(work.tx, command.run_id)
    assert found is not None
    return found


async def get_run(work: RegistryWork, query: GetPlacementRun) -> PlacementRun | Refused:
    found = await runs.get(work.tx, query.run_id)
    target = Target(authority=found.county if found else None)
    if no := check(query.actor, word(query), target, missing=NO_RUN):
        return no
    return found or refused("not_found", NO_RUN)


@clause("4.1", "4.3", "5.2")
async def place_child(work: RegistryWork, command: PlaceChild) -> AdmissionView | Refused:
    """One child by hand, counted like all others."""
    actor = command.actor
    if no := _county(actor, word(command)):
        return no
    row = await children.get(work.tx, command.child_id)
    if row is None or row["county"] != actor.organisation:
        return refused("not_found", NO_CHILD)
    if no := season(work, actor.organisation):
        return no
    stage, year = Stage(row["stage"]), enrolment_year(work.today)
    held = await seats.hold(work, [command.school], year, stage)
    seat = held.get(command.school)
    if seat is None:
        return refused("not_found", NO_SCHOOL)
    row = (await children.lock(work.tx, [command.child_id]))[command.child_id]
    if row["state"] != "waiting" or row["origin"] != "household":
        return refused("conflict", "这名儿童没有在等待安排（已安排、已移出名单，或按其他途径入学）。请刷新后查看。")
    if row["school_year"] > year:
        return refused("conflict", f"这名儿童已批准延缓入学，在{row['school_year']}年的名单中。")
    school = seat.school
    found = (
        *policy.hand_faults(school, stage, actor.organisation, command.reason),
        policy.public_first(school),
        policy.room(school, stage, seat.free),
    )
    if no := refusal(found):
        return no
    new = seats.new(
        work,
        child_id=row["id"],
        person_id=row["person_id"],
        county=row["county"],
        school=school,
        school_year=year,
        stage=stage,
        way="placed",
        actor=actor,
        act=command.command_id,
        reason=command.reason,
    )
    if not await seats.admit(work, [new]):
        return refused("conflict", "这名儿童已有入学安排。请刷新后查看。")
    await children.set_state(work.tx, [row["id"]], "placed", school_year=year)
    return await views.one(work, new.id)


@clause("5.2")
async def object_to(work: RegistryWork, command: ObjectToAdmission) -> AdmissionView | Refused:
    """A school may not refuse: what it says is kept and shown to the county, and the place stays."""
    row = await _own(work, command, command.admission_id)
    if isinstance(row, Refused):
        return row
    if command.version is not None and command.version != row["version"]:
        return refused("conflict", CHANGED)
    if row["state"] != "open":
        return refused("conflict", "这项入学安排已撤销。")
    if row["objected_on"] is not None:
        return refused("conflict", "学校已经提出过异议，入学安排不变。")
    await store.change(
        work.tx,
        [row["id"]],
        objection=command.reason,
        objected_by=command.actor.account,
        objected_on=work.today,
    )
    work.emit(
        WorkWaiting(
            organisation=row["county"],
            role=Role.AUTHORITY_OFFICER,
            kind="admission_objection",
            title="学校对入学安排提出异议",
            detail="有{count}项入学安排被学校提出异议。学校不得拒收，请核实并督促。",
            link="/v1/admissions?objected=true",
        ),
        row["id"],
    )
    return await views.one(work, row["id"])


@clause("5.2")
async def end_admission(work: RegistryWork, command: EndAdmission) -> AdmissionView | Refused:
    """The place is free again, the child waits. Not once the record is handed in: then the pupil is the school's."""
    row = await store.get(work.tx, command.admission_id)
    if no := views.against(command.actor, word(command), row):
        return no
    assert row is not None
    await seats.hold(work, [row["school"]], row["school_year"], Stage(row["stage"]))
    await children.lock(work.tx, [row["child_id"]])
    locked = (await store.lock(work.tx, [command.admission_id]))[0]
    if command.version is not None and command.version != locked["version"]:
        return refused("conflict", CHANGED)
    if locked["state"] != "open":
        return refused("conflict", "这项入学安排已经撤销。")
    if row["registration_id"] is not None:
        return refused("conflict", "学校已为这名学生报建学籍，不能撤销入学安排。需要变动的，按转学办理。")
    await store.change(work.tx, [row["id"]], state="ended", ended_on=work.today, end_reason=command.reason)
    await children.set_state(work.tx, [row["child_id"]], "waiting", reason=command.reason)
    return await views.one(work, row["id"])


async def get_admission(work: RegistryWork, query: GetAdmission) -> AdmissionView | Refused:
    row = await store.get(work.tx, query.admission_id)
    if no := views.against(query.actor, word(query), row):
        return no
    assert row is not None
    return views.admission(work, row, await names_of(work.tx, {row["school"]}))


@clause("5.2", "10.2", "13.1")
async def list_admissions(work: RegistryWork, query: ListAdmissions) -> AdmissionPage | Refused:
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    conditions: list[sa.ColumnElement[bool]] = [t.c.school_year == (query.school_year or enrolment_year(work.today))]
    for name in ("school", "stage", "way"):
        if (value := getattr(query, name)) is not None:
            conditions.append(t.c[name] == value)
    if query.objected:
        conditions.append(t.c.objected_on.is_not(None))
    if query.name is not None:
        conditions.append(store.named(query.name))
    if query.progress is not None:
        conditions.append(await _progress(work, query.progress))
    limit = paging.size(query.limit)
    rows = await store.page(
        work.tx, views.scope(seen), *conditions, after=str(after[0]) if after else None, limit=limit + 1
    )
    items, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    names = await names_of(work.tx, {row["school"] for row in items})
    return AdmissionPage(items=tuple(views.admission(work, row, names) for row in items), next_cursor=cursor)


@clause("5.2", "13.1")
async def overview(work: RegistryWork, query: GetAdmissionOverview) -> AdmissionOverview | Refused:
    """Each school in numbers: what one would rather look at than read."""
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    year = query.school_year or enrolment_year(work.today)
    codes = await schools_within(work.tx, seen)
    late = await reporting.late_days(work)
    numbers = await store.in_numbers(work.tx, codes, year, query.stage, late)
    places = await store.places_of(work.tx, codes, year, query.stage)
    shown = sorted(set(numbers) | set(places))
    names = await names_of(work.tx, shown)
    none: dict[str, Any] = {}
    return AdmissionOverview(
        school_year=year,
        stage=query.stage,
        items=tuple(
            SchoolAdmissions(
                school=code,
                school_name=names.get(code, code),
                places=places.get(code),
                **{name: numbers.get(code, none).get(name, 0) for name in _NUMBERS},
            )
            for code in shown
        ),
    )


_NUMBERS = ("admitted", "reported", "postponed", "no_show", "handed_in", "late", "objections")


async def _progress(work: RegistryWork, progress: str) -> sa.ColumnElement[bool]:
    open_ = t.c.state == "open"
    handed_in = store.handed_in()
    if progress == "ended":
        return t.c.state == "ended"
    if progress == "handed_in":
        return sa.and_(open_, handed_in)
    if progress in ("reported", "late"):
        late = t.c.reported_on.in_(await reporting.late_days(work))
        return sa.and_(open_, t.c.reported_on.is_not(None), ~handed_in, late if progress == "late" else ~late)
    waiting = sa.and_(open_, t.c.reported_on.is_(None), ~handed_in)
    if progress == "no_show":
        return sa.and_(waiting, t.c.no_show_on.is_not(None))
    postponed = t.c.postponed_until.is_not(None)
    return sa.and_(waiting, t.c.no_show_on.is_(None), postponed if progress == "postponed" else ~postponed)


async def _own(work: RegistryWork, command: ObjectToAdmission, admission_id: str) -> Any | Refused:
    """Locked."""
    rows = await store.lock(work.tx, [admission_id])
    row = rows[0] if rows else None
    return views.against(command.actor, word(command), row) or row


COMMANDS: dict[type[Command], CommandHandler] = {
    StartPlacement: start_placement,
    PlaceChild: place_child,
    ObjectToAdmission: object_to,
    EndAdmission: end_admission,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PreviewPlacement: preview_placement,
    GetPlacementRun: get_run,
    GetAdmission: get_admission,
    ListAdmissions: list_admissions,
    GetAdmissionOverview: overview,
}
