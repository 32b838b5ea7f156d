"""The read-only replica of the organisations that a service other than the registry keeps.

`create_replica` in a migration, `EVENTS` among the service's events, `fill` among its workers. What the registry announces
carries a version for each organisation: older news than what is known is ignored, so that order and repeats do not
matter, and so that what was announced before the replica existed can be asked for at each start (`fill`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from shared_contracts.actors import system
from shared_contracts.messages import Event
from shared_contracts.organisations import (
    KnownOrganisations,
    ListKnownOrganisations,
    OrganisationChanged,
    OrganisationsChanged,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from service_kit.bus import BusError
from service_kit.database import driver, insert_rows
from service_kit.migrate import statements
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from service_kit.work import EventHandler, Work

log = logging.getLogger(__name__)

PAGE = 500
"""Organisations of one question at most."""
_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 15.0)  # seconds until the registry is asked again

replica = sa.Table(
    "organisation_replica",
    sa.MetaData(),
    sa.Column("code", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("parent", sa.Text),
    sa.Column("authority", sa.Text),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

_FIELDS = tuple(column.name for column in replica.columns)

_DDL = """
CREATE TABLE organisation_replica (
    code text PRIMARY KEY,
    name text NOT NULL,
    kind text NOT NULL,
    parent text,
    authority text,
    division text NOT NULL,
    valid_from date NOT NULL,
    closed boolean NOT NULL,
    version integer NOT NULL
);
CREATE INDEX organisation_replica_authority ON organisation_replica (authority, code);
"""
_GRANTS = """
GRANT SELECT, INSERT ON organisation_replica TO {role};
GRANT UPDATE (name, kind, parent, authority, division, valid_from, closed, version) ON organisation_replica TO {role};
"""


def create_replica(op: Any, app_role: str) -> None:
    """In a migration of the service's own."""
    statements(op, _DDL)
    statements(op, _GRANTS.format(role=app_role))


# ---- keeping it ------------------------------------------------------------------------------------------------------


async def organisations_changed(work: Work[Any], event: OrganisationsChanged) -> None:
    """The handler of the registry's announcement."""
    await put(work.tx, event.organisations)


EVENTS: dict[type[Event], EventHandler] = {OrganisationsChanged: organisations_changed}


async def put(tx: AsyncConnection, changed: Sequence[OrganisationChanged]) -> None:
    """What is newer than what is known; one statement. Locks are taken in the order of codes."""
    newest: dict[str, OrganisationChanged] = {}
    for one in sorted(changed, key=lambda one: (one.code, one.version)):
        newest[one.code] = one
    values = ", ".join(f"{name} = EXCLUDED.{name}" for name in _FIELDS if name != "code")
    await insert_rows(
        tx,
        replica,
        [{name: getattr(one, name) for name in _FIELDS} for one in newest.values()],
        on_conflict=f"(code) DO UPDATE SET {values} WHERE organisation_replica.version < EXCLUDED.version",
    )


async def fill(kit: Kit, deps: Any, stop: asyncio.Event) -> None:
    """A worker: at each start, everything there is, page by page; then it is done. Patient while the registry is away."""
    tries, after = 0, None
    while not stop.is_set():
        try:
            page = await _ask(kit, after)
        except BusError as error:
            delay = _PAUSES[min(tries, len(_PAUSES) - 1)]
            log.info("organisations are asked for again in %.1f s: %s", delay, describe(error))
            tries += 1
            await pause(stop, delay)
            continue
        async with kit.db.transaction() as tx:
            await put(tx, page.organisations)
        tries, after = 0, page.after
        if after is None:
            return


async def _ask(kit: Kit, after: str | None) -> KnownOrganisations:
    page: KnownOrganisations = await kit.bus.need(
        ListKnownOrganisations(actor=system(kit.name), after=after, limit=PAGE)
    )
    return page


# ---- reading it ------------------------------------------------------------------------------------------------------


async def find(tx: AsyncConnection, code: str) -> OrganisationChanged | None:
    """An organisation as it is known now, a closed one too."""
    return (await known(tx, [code])).get(code)


async def authority_of(tx: AsyncConnection, codes: Collection[str]) -> dict[str, str | None]:
    """The supervising authority of each school, an authority's superior; None for what is not known here.

    A closed organisation has the one it had last: somebody stays answerable for what it left.
    """
    found = await known(tx, codes)
    return {code: found[code].authority if code in found else None for code in codes}


async def names(tx: AsyncConnection, codes: Collection[str]) -> dict[str, str]:
    """Names by code; an unknown code stands for itself."""
    return names_of(await known(tx, codes), codes)


def names_of(found: Mapping[str, OrganisationChanged], codes: Collection[str]) -> dict[str, str]:
    """As `names`, of what was read already."""
    return {code: found[code].name if code in found else code for code in codes}


async def known(tx: AsyncConnection, codes: Collection[str]) -> dict[str, OrganisationChanged]:
    """Organisations as they are known now, closed ones too, by code; what is not known is left out."""
    if not codes:
        return {}
    rows = await (await driver(tx)).fetch(
        f"SELECT {', '.join(_FIELDS)} FROM organisation_replica WHERE code = ANY($1::text[])",  # noqa: S608 - our own names
        list(codes),
    )
    return {row["code"]: OrganisationChanged(**row) for row in rows}
