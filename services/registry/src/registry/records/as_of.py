"""A student's record as of any day, folded from the journal: one pure function (clauses 21.1, 44).

Two times are kept apart. The legal date says from when something holds, the recording date when we learnt of it. An entry
counts for a day if it holds from then or earlier; entries count in the order in which they were recorded, so that a later
correction of an earlier time wins for every day from its legal date on. `known_on` leaves out what was recorded after that
day: what an officer who looked on that day would have seen.

What no entry speaks of has always been as it is now. What an entry speaks of was, before the first of its kind, what that
one's `before` says. A grade goes up with each school year after the entry that set it: promotion moves classes, not pupils.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from casework.state import day_of
from regulation.mark import clause
from regulation.school_year import school_year_of_entry
from shared_contracts.records import StudentView

from registry.records import kinds
from registry.records.journal import Entry, Said

Told = Entry | Said
"""An entry, with or without what proves it."""

_NOT_OF_THE_JOURNAL: Final = frozenset(
    {"id", "person_id", "school_name", "version", "registered_at", "copy_as_of", "as_of", "known_on", "former_numbers"}
)
FIELDS: Final = frozenset(StudentView.__struct_fields__) - _NOT_OF_THE_JOURNAL
"""What of a StudentView an entry may change, by `before` and `after`."""


@clause("21.1", "44")
def fold(entries: Sequence[Told], present: StudentView, day: date, known_on: date | None = None) -> StudentView | None:
    """The record as of a day; None where there was none yet. `entries`: the whole chain, `present`: what it led to.

    `version` is the number of the last entry that counts.
    """
    effects = {entry.seq: effect(entry) for entry in entries}
    counting = [entry for entry in entries if counts(entry, day, known_on)]
    if not counting or counting[0].seq != 1:
        return None  # what is known of an earlier time (a vaccination) makes no record of that time
    values = _base(effects.values(), present)
    former: list[str] = []
    graded: Told | None = None
    for entry in counting:
        after = effects[entry.seq][1]
        if "student_number" in after and entry.kind != kinds.REGISTERED and values["student_number"]:
            former.insert(0, str(values["student_number"]))
        values.update(after)
        if "grade" in after:
            graded = entry
    last_graded = next((entry for entry in reversed(entries) if "grade" in effects[entry.seq][1]), None)
    values["grade"] = _promoted(values["grade"], graded, day, present.grade if graded is last_graded else None)
    if values["school"] != present.school:
        values["school_name"] = values["school"]  # whoever can look it up puts the name of that day here
    view = msgspec.convert(
        {**msgspec.to_builtins(present), **values, "former_numbers": former, "version": counting[-1].seq}, StudentView
    )
    return msgspec.structs.replace(view, as_of=day, known_on=known_on)


def counts(entry: Told, day: date, known_on: date | None = None) -> bool:
    """Whether an entry holds on a day, as far as was known."""
    return entry.legal_date <= day and (known_on is None or day_of(entry.recorded_at) <= known_on)


def effect(entry: Told) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What of the record an entry changed: before, after. An erased entry changed nothing that can be shown."""
    content = entry.content or {}
    if entry.kind == kinds.REGISTERED:
        return {}, _of_a_view(content)
    return _of_a_view(content.get(kinds.BEFORE) or {}), _of_a_view(content.get(kinds.AFTER) or {})


def _of_a_view(said: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in said.items() if key in FIELDS}


def _base(effects: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]], present: StudentView) -> dict[str, Any]:
    """What held before the first entry that counts: the earliest `before` of each thing, else what is now."""
    base: dict[str, Any] = {}
    for before, after in effects:
        for key, value in after.items():
            base.setdefault(key, before.get(key, value))
        for key, value in before.items():
            base.setdefault(key, value)
    now = msgspec.to_builtins(present)
    return {key: base.get(key, now[key]) for key in FIELDS}


def _promoted(grade: Any, entry: Told | None, day: date, most: int | None) -> Any:
    """`most`: the present grade of the class that the entry led to: no class is ahead of itself."""
    if grade is None or entry is None:
        return grade
    since, until = entry.legal_date, day
    years = school_year_of_entry(until.year, until.month) - school_year_of_entry(since.year, since.month)
    reached = int(grade) + max(0, years)
    return reached if most is None else min(reached, max(most, int(grade)))
