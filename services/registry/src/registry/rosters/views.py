"""A roster as its school sees it, with where its registrations stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared_contracts.registry import Progress, RosterRow, RosterState, RosterView, RowState
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.registration.summary import Summary, of_roster
from registry.rosters import store
from registry.rosters.store import Roster

_NOTHING = Summary(steps={}, numbers={}, verification={})
_WITH_REGISTRATIONS = (
    RosterState.CONFIRMING,
    RosterState.IN_APPROVAL,
    RosterState.ISSUING,
    RosterState.COMPLETED,
)


async def whole(tx: AsyncConnection, roster: Roster, school_name: str) -> RosterView:
    """With the states of its registrations."""
    there = roster.state in _WITH_REGISTRATIONS
    return view(roster, school_name, await of_roster(tx, roster.id) if there else _NOTHING)


def view(roster: Roster, school_name: str, standing: Summary = _NOTHING) -> RosterView:
    return RosterView(
        id=roster.id,
        school=roster.school,
        school_name=school_name,
        file_name=roster.file_name,
        state=roster.state,
        progress=Progress(done=roster.done, total=roster.total),
        totals=roster.totals,
        version=roster.version,
        created_at=roster.created_at,
        created_by=roster.created_by,
        new_classes=roster.new_classes,
        refusals=roster.refusals,
        steps=standing.steps,
        numbers=standing.numbers,
        verification=standing.verification,
        files=roster.files,
        sheets_state=roster.sheets_state,
        findings=roster.notes,
        problem=roster.problem,
    )


def rows(records: Sequence[Mapping[str, Any]]) -> tuple[RosterRow, ...]:
    return tuple(
        RosterRow(
            row=record["row"],
            state=RowState(record["state"]),
            name=record["name"],
            masked_document=record["masked_document"],
            grade=record["grade"],
            class_no=record["class_no"],
            findings=store.findings(record["findings"]),
            registration_id=record["registration_id"],
        )
        for record in records
    )
