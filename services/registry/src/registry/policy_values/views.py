"""Values, parameters and filings as people see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from regulation.clauses import CLAUSES
from regulation.divisions import full_name
from regulation.parameters import Parameter, ParameterValue, PolicyBook, province_parameters
from service_kit import paging
from shared_contracts.decisions import Refused, refused
from shared_contracts.policy import Filing, HeldValue, ParameterView, PolicyValue, Standing

from registry.policy_values.store import ValueRow

Ids = Mapping[tuple[str, str, date], str]
"""Ids of published values by (key, division, valid from)."""


def parameter(key: str) -> Parameter | None:
    return next((known for known in province_parameters() if known.key == key), None)


def value_view(row: ValueRow, today: date) -> PolicyValue:
    known = parameter(row.key)
    returned = row.filing_state == "returned" and row.state == "published" and row.decided_at is not None
    return PolicyValue(
        id=row.id,
        key=row.key,
        title=known.title if known else row.key,  # a parameter that the law has no more: its history stays
        unit=known.unit if known else "",
        kind=known.kind if known else "number",
        clause=known.clause if known else "49",
        division=row.division,
        division_name=full_name(row.division),
        valid_from=row.valid_from,
        value=row.value,
        low=row.low,
        high=row.high,
        basis=row.basis,
        published_at=row.published_at,
        published_by=row.published_by,
        standing=_standing(row, today),
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        end_reason=row.end_reason,
        filing=row.filing_state,  # type: ignore[arg-type]
        successor_due=returned and not _later_than(row.later, row.decided_at),
    )


def _standing(row: ValueRow, today: date) -> Standing:
    if row.state != "published":
        return row.state  # type: ignore[return-value]
    if row.valid_from > today:
        return "future"
    return "replaced" if row.next_from is not None and row.next_from <= today else "in_force"


def _later_than(moment: datetime | None, than: datetime | None) -> bool:
    return moment is not None and than is not None and moment > than


def filing_view(row: ValueRow, today: date) -> Filing:
    assert row.filing_state is not None
    assert row.filed_at is not None
    return Filing(
        id=row.id,
        value=value_view(row, today),
        state=row.filing_state,  # type: ignore[arg-type]
        filed_at=row.filed_at,
        version=row.version or 1,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )


def parameter_view(
    book: PolicyBook, known: Parameter, division: str, on: date, ids: Ids, *, simulated: bool
) -> ParameterView:
    """`on`: not before the first day of the law."""
    room = book.room(known.key, division, on)
    held = book.held(known.key, division, on)[-1]
    return ParameterView(
        key=known.key,
        title=known.title,
        unit=known.unit,
        kind=known.kind,
        clause=known.clause,
        clause_text=CLAUSES[known.clause].zh,
        held=_held(known.key, held, ids),
        may_set=room.free,
        low=room.low,
        high=room.high,
        bounds_of=room.bounds_of,
        coming=tuple(_held(known.key, value, ids) for value in book.coming(known.key, division, on)),
        simulated=simulated,
    )


def _held(key: str, value: ParameterValue, ids: Ids) -> HeldValue:
    return HeldValue(
        value=value.value,
        division=value.division,
        division_name=full_name(value.division),
        valid_from=value.valid_from,
        low=value.min,
        high=value.max,
        value_id=ids.get((key, value.division, value.valid_from)),
    )


def text_of(moment: datetime | None) -> str:
    assert moment is not None
    return moment.isoformat()


def moment_of(key: paging.Key) -> tuple[datetime, str] | Refused:
    """The place in a list that a cursor names: a moment and an id."""
    try:
        moment = datetime.fromisoformat(str(key[0]))
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    return refused("invalid", paging.NO_CURSOR) if moment.tzinfo is None else (moment, str(key[1]))
