"""Deciding applications (clauses 6, 7, 9), and looking at them. The last approval does what it is for, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from casework.kinds import StepKind
from casework.rules import may_decide
from casework.state import deciding_role
from casework.store import Doing, decide_cases, history, lock_cases
from regulation.authorisation import Target, absent, check, may, reach, subtree_pattern
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit import paging
from service_kit.database import driver, fetch_all, fetch_one
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.admission import (
    ApplicationPage,
    ApplicationStep,
    ApplicationView,
    DecideApplication,
    GetApplication,
    ListApplications,
    SchoolChoiceView,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.enrolment.admission import policy, seats, store
from registry.enrolment.admission.acts import NO_SCHOOL, refusal, season
from registry.enrolment.admission.chains import TITLES, chain
from registry.enrolment.admission.tables import applications as t
from registry.enrolment.children import store as children
from registry.enrolment.children.tables import children as c
from registry.enrolment.plans import store as plans
from registry.enrolment.zones import store as zones
from registry.organisations.store import authority_of
from registry.registration.tables import CASES
from registry.rosters.access import names_of

NOT_FOUND = "没有这项申请，或者它不属于您管理的范围。"
PATHS = {"deferral": "deferrals", "migrant": "migrant-applications", "international": "international-applications"}
CHOICES = 20
_case = CASES.cases
_SHOWN = (
    sa.select(
        t,
        c.c.name,
        c.c.birth_date,
        c.c.masked_document,
        c.c.person_id,
        c.c.division,
        c.c.sealed,
        _case.c.status,
        _case.c.step,
        _case.c.due_on,
        _case.c.version,
    )
    .join_from(t, c, c.c.id == t.c.child_id)
    .join(_case, _case.c.id == t.c.id)
)


@clause("6", "7", "9")
async def decide(work: RegistryWork, command: DecideApplication) -> ApplicationView | Refused:
    actor = command.actor
    row = await _get(work.tx, command.application_id, command.kind)
    act = f"{word(command)}/{command.step}"
    if no := _against(command, act, row):
        return no
    assert row is not None
    last = command.step == "authority" and command.decision == "approve"
    into = row["school"] if command.kind == "international" else command.school
    places = last and command.kind in ("migrant", "international")
    if places and into is None:
        return refused("invalid", "请选择安排就读的学校。")
    stage = Stage(row["stage"])
    held = await seats.hold(work, [into] if places and into else [], row["school_year"], stage)
    child = (await children.lock(work.tx, [row["child_id"]]))[row["child_id"]]
    locked = (await lock_cases(await driver(work.tx), [row["id"]]))[0]
    if command.version is not None and command.version != locked.standing.version:
        return refused("conflict", "这项申请在您查看之后有变化。请刷新后再办理。")
    days = work.deps.policy.parameters(row["county"], work.today).approval_working_days
    case = chain(command.kind, days)
    found = may_decide(
        case,
        locked.standing,
        command.step,
        actor,
        parties=locked.parties,
        decision=command.decision,
        reason=command.reason,
        entered_by=locked.entered_by,
    )
    if no := refusal(found):
        return msgspec.structs.replace(no, kind="conflict")
    if last:
        done = await _carry_out(work, command, row, child, held.get(into or ""))
        if isinstance(done, Refused):
            return done
    after = await decide_cases(
        await driver(work.tx),
        case,
        [(row["id"], locked.standing)],
        Doing(
            act=command.decision,
            actor=actor,
            role=deciding_role(case.step(command.step), actor.roles) or "",
            at=work.now,
            reason=command.reason,
            details={"school": into} if places and into else {},
        ),
        calendar=work.deps.calendar,
    )
    if after[0].step is not None and after[0].status == "open":
        tell(work, command.kind, row["id"], case.step(after[0].step), locked.parties)
    return await one(work, row["id"])


async def _carry_out(
    work: RegistryWork, command: DecideApplication, row: RowMapping, child: RowMapping, seat: seats.Seats | None
) -> Refused | None:
    if command.kind == "deferral":
        return await _defer(work, row, child)
    if seat is None:
        return refused("not_found", NO_SCHOOL)
    if no := season(work, row["county"]):
        return no
    stage, school = Stage(row["stage"]), seat.school
    found = [policy.room(school, stage, seat.free)]
    if command.kind == "migrant":
        found = [*policy.hand_faults(school, stage, row["county"], "随迁子女"), *found]
        found.append(policy.public_mostly(school, command.reason))
    if no := refusal(found):
        return no
    new = seats.new(
        work,
        child_id=child["id"],
        person_id=child["person_id"],
        county=row["county"],
        school=school,
        school_year=row["school_year"],
        stage=stage,
        way=command.kind,
        actor=command.actor,
        act=row["id"],
        reason=command.reason,
    )
    if not await seats.admit(work, [new]):
        return refused("conflict", "这名儿童已有入学安排。请先撤销原安排。")
    await children.set_state(work.tx, [child["id"]], "placed", school_year=row["school_year"])
    await work.tx.execute(sa.update(t).where(t.c.id == row["id"]).values(admission_id=new.id))
    return None


@clause("6")
async def _defer(work: RegistryWork, row: RowMapping, child: RowMapping) -> Refused | None:
    """The child is on next year's list; a place it had is free again."""
    admission = await _open_admission(work.tx, child["id"])
    if admission is not None:
        if admission["reported_on"] is not None:
            return refused("conflict", "这名儿童已经报到入学，不能再延缓入学。")
        await store.lock(work.tx, [admission["id"]])
        await store.change(work.tx, [admission["id"]], state="ended", ended_on=work.today, end_reason="经批准延缓入学")
    await children.set_state(
        work.tx, [child["id"]], "waiting", reason="经批准延缓入学", school_year=row["school_year"] + 1
    )
    return None


async def _open_admission(tx: AsyncConnection, child_id: str) -> Any:
    return await (await driver(tx)).fetchrow(
        "SELECT id, reported_on FROM admissions WHERE child_id = $1 AND state = 'open'", child_id
    )


def _against(command: DecideApplication, act: str, row: RowMapping | None) -> Refused | None:
    """Whoever sees it and has another role is told whose turn it is; whoever does not see it finds nothing."""
    if row is None:
        return absent(command.actor, act, NOT_FOUND)
    return check(command.actor, act, _target(row), missing=NOT_FOUND)


def _target(row: RowMapping) -> Target:
    return Target(school=row["school"], authority=row["authority"])


async def get_application(work: RegistryWork, query: GetApplication) -> ApplicationView | Refused:
    row = await _get(work.tx, query.application_id, query.kind)
    target = Target() if row is None else _target(row)
    if row is not None and not may(query.actor, word(query), target) and row["school"]:
        # A school that another authority supervises than the county that decides: both look.
        target = Target(school=row["school"], authority=await authority_of(work.tx, row["school"]))
    if no := check(query.actor, word(query), target, missing=NOT_FOUND):
        return no
    if row is None:
        return refused("not_found", NOT_FOUND)
    view = await one(work, query.application_id)
    if view.kind == "migrant" and view.state == "open":
        return msgspec.structs.replace(view, choices=await _choices(work, row))
    return view


@clause("7")
async def _choices(work: RegistryWork, row: RowMapping) -> tuple[SchoolChoiceView, ...]:
    """Schools of the county with room, as things stand: public first, near first."""
    address = children.unseal(work.deps.cipher, row["child_id"], row["sealed"]).address
    served = await zones.holding(work.tx, [row["county"]], row["stage"], work.today)
    near = {match.school for match in served.of(row["division"], address)}
    schools = await store.with_plan(work.tx, row["county"], row["school_year"], row["stage"])
    found = []
    for one_ in schools:
        plan = await plans.in_force(work.tx, one_["code"], row["school_year"], Stage(row["stage"]))
        if plan is not None:
            found.append(
                policy.SchoolChoice(
                    code=one_["code"],
                    ownership=one_["ownership"],
                    division=one_["division"],
                    served=one_["code"] in near,
                    free=await plans.free(work.tx, plan),
                )
            )
    names = {one_["code"]: one_["name"] for one_ in schools}
    return tuple(
        SchoolChoiceView(school=c.code, school_name=names[c.code], ownership=c.ownership, served=c.served, free=c.free)
        for c in policy.nearest_first(found, row["division"])[:CHOICES]
    )


async def list_applications(work: RegistryWork, query: ListApplications) -> ApplicationPage | Refused:
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    ways: list[sa.ColumnElement[bool]] = []
    if seen.everything:
        ways.append(sa.true())
    if seen.subtree is not None:
        ways.append(t.c.authority.like(subtree_pattern(seen.subtree)))
    if seen.school is not None:
        ways.append(t.c.school == seen.school)
    statement = _SHOWN.where(t.c.kind == query.kind, sa.or_(*ways) if ways else sa.false())
    if query.state is not None:
        statement = statement.where(_case.c.status == query.state)
    if after:
        statement = statement.where(t.c.id > str(after[0]))
    limit = paging.size(query.limit)
    rows = list(await fetch_all(work.tx, statement.order_by(t.c.id).limit(limit + 1)))
    items, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    names = await names_of(work.tx, {row["school"] for row in items if row["school"]})
    return ApplicationPage(items=tuple(_view(row, names, ()) for row in items), next_cursor=cursor)


# ---- what they are made of --------------------------------------------------------------------------------------------


async def open_of(tx: AsyncConnection, child_id: str, kind: str) -> bool:
    found = await (await driver(tx)).fetchval(
        """SELECT 1 FROM admission_applications a JOIN cases k ON k.id = a.id
           WHERE a.child_id = $1 AND a.kind = $2 AND k.status = 'open' LIMIT 1""",
        child_id,
        kind,
    )
    return bool(found)


async def _get(tx: AsyncConnection, application_id: str, kind: str) -> RowMapping | None:
    return await fetch_one(tx, _SHOWN.where(t.c.id == application_id, t.c.kind == kind))


async def one(work: RegistryWork, application_id: str) -> ApplicationView:
    row = await fetch_one(work.tx, _SHOWN.where(t.c.id == application_id))
    assert row is not None
    days = work.deps.policy.parameters(row["county"], work.today).approval_working_days
    case = chain(row["kind"], days)
    steps = tuple(
        ApplicationStep(
            step=act.step,
            title=case.step(act.step).title,
            decision=act.decision,
            account_name=act.account_name,
            decided_at=act.decided_at,
            reason=act.reason,
        )
        for act in await history(await driver(work.tx), row["id"])
    )
    return _view(row, await names_of(work.tx, {row["school"]} if row["school"] else set()), steps)


def _view(row: RowMapping, names: Mapping[str, str], steps: tuple[ApplicationStep, ...]) -> ApplicationView:
    return ApplicationView(
        school_name=names.get(row["school"] or ""),
        state=row["status"],
        waits_for=row["step"] if row["status"] == "open" else None,
        evidence=msgspec.convert(row["evidence"], tuple[EvidenceGiven, ...]),
        steps=steps,
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = tuple(
    name
    for name in ApplicationView.__struct_fields__
    if name not in ("school_name", "state", "waits_for", "evidence", "steps", "choices")
)


def tell(work: RegistryWork, kind: str, application_id: str, step: StepKind, parties: Mapping[str, str]) -> None:
    """Whoever has to decide next."""
    work.emit(
        WorkWaiting(
            organisation=parties[step.party],
            role=Role(step.roles[0]),
            kind=f"{kind}_waits",
            title=f"{TITLES[kind]}申请待办理",
            detail=f"有{{count}}项{TITLES[kind]}申请等待{step.title}。",
            link=f"/v1/{PATHS[kind]}?state=open",
        ),
        application_id,
    )


COMMANDS: dict[type[Command], CommandHandler] = {DecideApplication: decide}
QUERIES: dict[type[Query], QueryHandler] = {GetApplication: get_application, ListApplications: list_applications}
