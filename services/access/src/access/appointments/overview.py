"""What the authority sees of its schools: who is registrar, and how much there is to do (clause 43).

The registry counts pupils; while it is away the rest is shown all the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from regulation.authorisation import reach
from regulation.mark import clause
from service_kit import paging
from service_kit.bus import BusError
from shared_contracts.actors import Actor
from shared_contracts.appointments import GetRegistrarOverview, RegistrarOverview, SchoolRegistrars
from shared_contracts.decisions import Refused
from shared_contracts.messages import word
from shared_contracts.workload import GetSchoolWorkload, SchoolWorkload, SchoolWorkloads

from access.appointments import store
from access.appointments.store import Staffed
from access.context import AccessWork

PATIENCE = 2.0
"""Seconds that the registry gets; the answer is worth showing without it."""


@clause("43", "3.1")
async def registrar_overview(work: AccessWork, query: GetRegistrarOverview) -> RegistrarOverview | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await store.staffed(
        work.tx,
        may,
        work.today,
        untrained_only=query.untrained_only,
        after=str(after[0]) if after else None,
        limit=limit + 1,
    )
    kept, cursor = paging.page(rows, limit, lambda one: (one.code,))
    counted = await _workload(work, query.actor, kept)
    return RegistrarOverview(items=tuple(_shown(one, counted) for one in kept), next_cursor=cursor)


async def _workload(work: AccessWork, actor: Actor, schools: Sequence[Staffed]) -> dict[str, SchoolWorkload] | None:
    """By school; None while the registry is away. It decides itself which schools the account may see."""
    if not schools:
        return {}
    question = GetSchoolWorkload(actor=actor, schools=tuple(one.code for one in schools))
    try:
        found = await work.deps.bus.ask(question, timeout=PATIENCE)
    except BusError:
        return None
    return {one.school: one for one in found.items} if isinstance(found, SchoolWorkloads) else None


def _shown(one: Staffed, counted: dict[str, SchoolWorkload] | None) -> SchoolRegistrars:
    """Whoever is in force is trained: there is no appointment without a training (先培训后上岗)."""
    load = counted.get(one.code) if counted is not None else None
    return SchoolRegistrars(
        school=one.code,
        name=one.name,
        authority=one.authority,
        registrars=one.registrars,
        trained=bool(one.registrars),
        pupils=_each(load.pupils, one) if load else None,
        open_registrations=_each(load.open_registrations, one) if load else None,
    )


def _each(count: int, school: Staffed) -> int:
    """What falls on one registrar, rounded up; on nobody where there is none: then all of it waits."""
    return -(-count // max(len(school.registrars), 1))
