"""Every query about appointments."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, subtree_pattern
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from service_kit.organisations import replica
from shared_contracts.actors import Role
from shared_contracts.appointments import Training
from shared_contracts.discreet import Discreet
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from access.accounts.tables import accounts
from access.appointments.tables import appointments

_t = appointments.c


class Appointment(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """One appointment with what is known of its school today: name and supervising authority (None: unknown here)."""

    id: str
    username: str
    name: str
    school: str
    school_year: int
    training: Training
    begins_on: date
    ends_on: date
    appointed_by: str
    appointed_at: datetime
    replaces: str | None = None
    override_reason: str = ""
    ended_on: date | None = None
    end_reason: str = ""
    school_name: str = ""
    authority: str | None = None

    def holds_on(self, day: date) -> bool:
        """In force: the day it ends on early is the first on which it is not."""
        return self.begins_on <= day <= self.ends_on and (self.ended_on is None or day < self.ended_on)


def holding_on(day: date) -> sa.ColumnElement[bool]:
    """`Appointment.holds_on` for a query."""
    return sa.and_(_t.begins_on <= day, day <= _t.ends_on, sa.or_(_t.ended_on.is_(None), day < _t.ended_on))


async def holders(tx: AsyncConnection, usernames: Collection[str], day: date) -> set[tuple[str, str]]:
    """Of these people those who are registrars on this day: (user name, school)."""
    if not usernames:
        return set()
    query = sa.select(_t.username, _t.school).where(_t.username.in_(usernames), holding_on(day))
    return {(row["username"], row["school"]) for row in await fetch_all(tx, query)}


async def lock_school(tx: AsyncConnection, school: str) -> None:
    """Appointments of one school are decided one after another; there may be no row yet that could be locked."""
    await (await driver(tx)).execute("SELECT pg_advisory_xact_lock(hashtextextended('appointments:' || $1, 0))", school)


_WHOLE = sa.select(
    appointments, sa.func.coalesce(replica.c.name, _t.school).label("school_name"), replica.c.authority
).outerjoin(replica, replica.c.code == _t.school)


async def find(tx: AsyncConnection, appointment_id: str) -> Appointment | None:
    row = await fetch_one(tx, _WHOLE.where(_t.id == appointment_id))
    return None if row is None else _appointment(row)


async def of_school(tx: AsyncConnection, school: str, day: date) -> list[Appointment]:
    """Those of a school that are in force on a day or will be later, the earliest first."""
    open_ = sa.and_(_t.ends_on >= day, sa.or_(_t.ended_on.is_(None), _t.ended_on > day))
    rows = await fetch_all(tx, _WHOLE.where(_t.school == school, open_).order_by(_t.begins_on, _t.id))
    return [_appointment(row) for row in rows]


async def add(tx: AsyncConnection, made: Sequence[Appointment]) -> int:
    """What is there already stays. Returns how many were written."""
    rows = [
        {
            "id": one.id,
            "username": one.username,
            "name": one.name,
            "school": one.school,
            "school_year": one.school_year,
            "training_title": one.training.title,
            "training_organiser": one.training.organiser,
            "training_completed_on": one.training.completed_on,
            "training_certificate": one.training.certificate,
            "begins_on": one.begins_on,
            "ends_on": one.ends_on,
            "appointed_by": one.appointed_by,
            "appointed_at": one.appointed_at,
            "replaces": one.replaces,
            "override_reason": one.override_reason,
        }
        for one in made
    ]
    return len(await insert_rows(tx, appointments, rows, returning=("id",), on_conflict="DO NOTHING"))


async def end(
    tx: AsyncConnection,
    appointment_id: str,
    *,
    on: date,
    reason: str,
    override_reason: str,
    by: str,
    now: datetime,
) -> None:
    values = {
        "ended_on": on,
        "end_reason": reason,
        "end_override_reason": override_reason,
        "ended_by": by,
        "ended_at": now,
    }
    await execute(tx, sa.update(appointments).where(_t.id == appointment_id).values(**values))


# ---- lists ----------------------------------------------------------------------------------------------------------


def seen(reach: Reach, school: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """What of a list of schools an account may see; `school` stands beside the replica's row of it."""
    ways: list[sa.ColumnElement[bool]] = []
    if reach.everything:
        ways.append(sa.true())
    if reach.subtree:
        ways.append(replica.c.authority.like(subtree_pattern(reach.subtree)))
    if reach.school:
        ways.append(school == reach.school)
    return sa.or_(sa.false(), *ways)


async def page(
    tx: AsyncConnection,
    reach: Reach,
    *,
    school: str | None,
    school_year: int | None,
    holding: date | None,
    after: Sequence[Any] | None,
    limit: int,
) -> list[Appointment]:
    """By school, the newest of each first, after a position: school, begins_on, id. `holding`: in force on that day."""
    query = _WHOLE.where(seen(reach, _t.school))
    if school is not None:
        query = query.where(_t.school == school)
    if school_year is not None:
        query = query.where(_t.school_year == school_year)
    if holding is not None:
        query = query.where(holding_on(holding))
    if after is not None:
        code, begins_on, last = after
        later = sa.tuple_(_t.begins_on, _t.id) < sa.tuple_(sa.literal(begins_on), sa.literal(last))
        query = query.where(sa.or_(_t.school > code, sa.and_(_t.school == code, later)))
    rows = await fetch_all(tx, query.order_by(_t.school, _t.begins_on.desc(), _t.id.desc()).limit(limit))
    return [_appointment(row) for row in rows]


class Staffed(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A school and the names of its registrars in force."""

    code: str
    name: str
    authority: str
    registrars: tuple[str, ...]


async def staffed(
    tx: AsyncConnection, reach: Reach, day: date, *, untrained_only: bool, after: str | None, limit: int
) -> list[Staffed]:
    """Schools in the order of their codes, with whoever is in force and can sign in: one statement, whatever there are.

    Plan for a county of 300 schools: organisation_replica_authority, then appointments_of_school once a school.
    """
    a = accounts.c
    working = sa.and_(
        _t.school == replica.c.code,
        holding_on(day),
        a.seal.is_(None),
        sa.literal(Role.REGISTRAR.value) == sa.any_(a.roles),
    )
    people = appointments.join(accounts, a.username == _t.username)
    names = (
        sa.select(sa.func.array_agg(aggregate_order_by(_t.name, _t.begins_on, _t.id)))
        .select_from(people)
        .where(working)
        .correlate(replica)
        .scalar_subquery()
    )
    query = sa.select(replica.c.code, replica.c.name, replica.c.authority, names.label("registrars")).where(
        replica.c.kind == "school", sa.not_(replica.c.closed), seen(reach, replica.c.code)
    )
    if untrained_only:
        has = sa.select(_t.id).select_from(people).where(working).correlate(replica).exists()
        query = query.where(sa.not_(has))
    if after is not None:
        query = query.where(replica.c.code > after)
    return [
        Staffed(
            code=row["code"],
            name=row["name"],
            authority=row["authority"] or "",
            registrars=tuple(row["registrars"] or ()),
        )
        for row in await fetch_all(tx, query.order_by(replica.c.code).limit(limit))
    ]


def _appointment(row: RowMapping) -> Appointment:
    training = Training(
        title=row["training_title"],
        organiser=row["training_organiser"],
        completed_on=row["training_completed_on"],
        certificate=row["training_certificate"],
    )
    kept = {name: row[name] for name in Appointment.__struct_fields__ if name != "training"}
    return Appointment(training=training, **kept)
