"""Cases of any kind but registrations as work: a line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import asyncpg
import msgspec
from casework.kinds import CaseKind
from casework.store import STANDING, standing
from casework.turns import turn
from service_kit.database import driver
from shared_contracts.cases import CaseStands
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.clearing.cancelling.chain import chain as cancellation
from registry.clearing.correcting.chain import chain as correction
from registry.enrolment.admission.chains import chain as application
from registry.enrolment.admission.deciding import PATHS
from registry.rosters.access import names_of
from registry.worklist.authorities import superior


class Kind(NamedTuple):
    """`of`: the kind of case; whose turn it is does not depend on its days. `path`: of its page in the API."""

    of: Callable[[], CaseKind]
    path: str


KINDS: dict[str, Kind] = {
    "correction": Kind(lambda: correction(1), "corrections"),
    "cancellation": Kind(lambda: cancellation(1), "cancellations"),
    "deferral": Kind(lambda: application("deferral", 1), PATHS["deferral"]),
    "migrant": Kind(lambda: application("migrant", 1), PATHS["migrant"]),
    "international": Kind(lambda: application("international", 1), PATHS["international"]),
}
"""Every kind in `cases` but registrations, by its name: a test looks that none is missing."""

_columns = ", ".join(f"c.{name.strip()}" for name in STANDING.split(",") if name.strip() != "deciders")
_CASES = f"""
SELECT c.id, c.kind, c.parties::text AS parties, c.entered_by, c.opened_at, {_columns}, c.deciders::text AS deciders,
       (SELECT max(d.decided_at) FROM case_decisions d WHERE d.case_id = c.id) AS decided_at
FROM cases c WHERE c.id = ANY($1::text[]) AND c.status IN ('open', 'returned') AND c.kind = ANY($2::text[])
"""  # noqa: S608 - column names of our own
OPEN = "SELECT id FROM cases WHERE kind = $1 AND status IN ('open', 'returned')"
_parties = msgspec.json.Decoder(dict[str, str]).decode


async def lines(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, tuple[CaseStands, ...]]:
    """The line of each case; one that has ended is left out."""
    rows = await (await driver(tx)).fetch(_CASES, list(ids), list(KINDS))
    parties = {row["id"]: _parties(row["parties"]) for row in rows}
    names = await names_of(tx, {code for of in parties.values() for code in of.values() if code})
    return {row["id"]: (line,) for row in rows if (line := _line(row, parties[row["id"]], names)) is not None}


def _line(row: asyncpg.Record, parties: Mapping[str, str], names: Mapping[str, str]) -> CaseStands | None:
    told = KINDS[row["kind"]]
    kind, stands = told.of(), standing(dict(row))
    whose = turn(kind, stands, parties, row["entered_by"])
    if whose is None:
        return None
    authority = parties.get("authority") or ""
    about = parties.get("school") or authority
    return CaseStands(
        case_id=f"{row['kind']}:{row['id']}",
        kind=row["kind"],
        kind_title=kind.title,
        number="",
        subject=f"{names.get(about, about)}：{kind.title}",
        link=f"/v1/{told.path}/{row['id']}",
        version=0,
        status=stands.status,
        since=row["decided_at"] or row["opened_at"],
        step=whose.step,
        step_title=whose.title,
        organisation=whose.organisation,
        roles=whose.roles,
        not_accounts=whose.not_accounts,
        due_on=stands.due_on,
        provisional=stands.provisional,
        superior=superior(whose.organisation, authority),
    )
