"""Plans and changes as people see them: one, or a page of those within reach."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, check, reach, subtree_pattern
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.database import fetch_all
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import word
from shared_contracts.plans import (
    ChangePage,
    ChangeView,
    GetPlan,
    GetPlanChange,
    ListPlanChanges,
    ListPlans,
    PlanPage,
    PlanVersion,
    PlanView,
)

from registry.context import RegistryWork
from registry.enrolment.plans import store
from registry.enrolment.plans.tables import changes, plans
from registry.organisations.tables import organisations

MISSING = "没有这项招生计划，或者它不属于您管理的范围。"
NO_CHANGE = "没有这项调整申请，或者它不属于您管理的范围。"

_o = organisations.alias("o")
_p, _c = plans.c, changes.c
_HERE = sa.and_(_o.c.code == _p.school, _o.c.valid_to.is_(None))
_AUTHORITY = sa.func.coalesce(_o.c.authority, _p.authority)
_NAME = sa.func.coalesce(_o.c.name, _p.school).label("school_name")
_WAITING = (
    sa.select(changes.c.id)
    .where(changes.c.plan_id == _p.id, changes.c.state == "waiting")
    .scalar_subquery()
    .label("waiting_change")
)
_TAKEN: sa.Label[int] = sa.literal_column(store.TAKEN.format("enrolment_plans")).label("taken")
_PLANS = sa.select(plans, _NAME, _AUTHORITY.label("supervising"), _WAITING, _TAKEN).select_from(
    plans.outerjoin(_o, _HERE)
)
_CHANGES = (
    sa.select(changes, _p.school_year, _p.stage, _NAME, _AUTHORITY.label("supervising"))
    .add_columns(
        sa.literal_column(
            """(SELECT v.classes || ' ' || v.places FROM enrolment_plan_versions v
                WHERE v.plan_id = enrolment_plan_changes.plan_id AND v.issued_at <= enrolment_plan_changes.asked_at
                ORDER BY v.version DESC LIMIT 1)"""
        ).label("former")
    )
    .select_from(changes.join(plans, _c.plan_id == _p.id).outerjoin(_o, _HERE))
)


@clause("4.2", "4.3")
async def get_plan(work: RegistryWork, query: GetPlan) -> PlanView | Refused:
    """With its versions."""
    row = await _plan_row(work, query.plan_id)
    target = Target(school=row["school"], authority=row["supervising"]) if row else Target()
    if no := check(query.actor, word(query), target, missing=MISSING):
        return no
    return refused("not_found", MISSING) if row is None else await _whole(work, row)


@clause("4.2", "4.3")
async def list_plans(work: RegistryWork, query: ListPlans) -> PlanPage | Refused:
    """Newest year first, then by school. `filed`: those that are filed with the own authority."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    statement = _PLANS.where(_within(reached))
    if query.filed:
        statement = statement.where(_p.filed_with == query.actor.organisation, _p.authority != _p.filed_with)
    for column, value in (
        (_p.school_year, query.school_year),
        (_p.school, query.school),
        (_p.stage, query.stage),
        (_p.state, query.state),
    ):
        if value is not None:
            statement = statement.where(column == value)
    after = paging.decode(query.cursor, int, str, str)
    if isinstance(after, Refused):
        return after
    if after is not None:
        statement = statement.where(sa.tuple_(-_p.school_year, _p.school, _p.stage) > sa.tuple_(*after))
    limit = paging.size(query.limit)
    rows = await fetch_all(work.tx, statement.order_by(-_p.school_year, _p.school, _p.stage).limit(limit + 1))
    kept, cursor = paging.page(rows, limit, lambda row: (-row["school_year"], row["school"], row["stage"]))
    return PlanPage(items=tuple(map(_view, kept)), next_cursor=cursor)


@clause("4.4")
async def get_plan_change(work: RegistryWork, query: GetPlanChange) -> ChangeView | Refused:
    row = await _change_row(work, query.change_id)
    target = Target(school=row["school"], authority=row["supervising"]) if row else Target()
    if no := check(query.actor, word(query), target, missing=NO_CHANGE):
        return no
    return refused("not_found", NO_CHANGE) if row is None else _change(row)


@clause("4.4")
async def list_plan_changes(work: RegistryWork, query: ListPlanChanges) -> ChangePage | Refused:
    """Newest first."""
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    statement = _CHANGES.where(_within(asked.reach))
    for column, value in ((_c.plan_id, query.plan_id), (_p.school_year, query.school_year), (_c.state, query.state)):
        if value is not None:
            statement = statement.where(column == value)
    if asked.after is not None:
        statement = statement.where(sa.tuple_(_c.asked_at, _c.id) < sa.tuple_(*asked.after))
    rows = await fetch_all(work.tx, statement.order_by(_c.asked_at.desc(), _c.id.desc()).limit(asked.rows))
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["asked_at"].isoformat(), row["id"]))
    return ChangePage(items=tuple(map(_change, kept)), next_cursor=cursor)


async def plan_view(work: RegistryWork, plan_id: str) -> PlanView | Refused:
    """As it stands now, for the reply of a command."""
    row = await _plan_row(work, plan_id)
    return refused("not_found", MISSING) if row is None else await _whole(work, row)


async def change_view(work: RegistryWork, change_id: str) -> ChangeView | Refused:
    row = await _change_row(work, change_id)
    return refused("not_found", NO_CHANGE) if row is None else _change(row)


def _within(reached: Reach) -> sa.ColumnElement[bool]:
    """Of the schools under an authority, or of the own school."""
    if reached.everything:
        return sa.true()
    ways: list[sa.ColumnElement[bool]] = []
    if reached.subtree is not None:
        ways.append(_AUTHORITY.like(subtree_pattern(reached.subtree)))
    if reached.school is not None:
        ways.append(_p.school == reached.school)
    return sa.or_(*ways) if ways else sa.false()


async def _plan_row(work: RegistryWork, plan_id: str) -> Any:
    rows = await fetch_all(work.tx, _PLANS.where(_p.id == plan_id))
    return rows[0] if rows else None


async def _change_row(work: RegistryWork, change_id: str) -> Any:
    rows = await fetch_all(work.tx, _CHANGES.where(_c.id == change_id))
    return rows[0] if rows else None


async def _whole(work: RegistryWork, row: Any) -> PlanView:
    issued = tuple(
        PlanVersion(**{name: one[name] for name in PlanVersion.__struct_fields__})
        for one in await store.versions_of(work.tx, row["id"])
    )
    return msgspec.structs.replace(_view(row), versions=issued)


def _view(row: Any) -> PlanView:
    names = (
        "id", "school", "school_name", "school_year", "stage", "filed_with", "classes", "places", "taken", "state",
        "version", "filed_at", "issued_by", "return_reason", "returned_by", "waiting_change",
    )  # fmt: skip
    free = max(0, row["places"] - row["taken"]) if row["state"] == "in_force" else 0
    return PlanView(**{name: row[name] for name in names}, authority=row["supervising"], free=free)


def _change(row: Any) -> ChangeView:
    names = (
        "id", "plan_id", "school", "school_name", "school_year", "stage", "classes", "places", "reason", "asked_by",
        "asked_at", "state", "version", "granted_classes", "granted_places", "decision_reason", "decided_by", "decided_at",
    )  # fmt: skip
    classes, places = map(int, (row["former"] or "0 0").split())
    return ChangeView(**{name: row[name] for name in names}, former_classes=classes, former_places=places)
