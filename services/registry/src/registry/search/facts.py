"""What an index row says of a pupil beside the name, so that filters are applied before any record is read. Pure.

A row of the index has room for seven bytes (they fill it up to the next eight): a number for the class's year and stage,
the class's number, and a letter each for stage, state and placement. Grades are not among them: a promotion raises the grade
of classes and would touch every pupil. The classes of a grade are asked instead which years and stages they are of.
"""

from __future__ import annotations

from typing import NamedTuple

OTHER = "?"
"""The letter of whatever has none of its own (a state that came later): it is found, and the record decides."""

STAGES = {"primary": "p", "junior": "j"}
STATES = {
    "in_school": "i",
    "suspended": "s",
    "retained": "r",
    "graduated": "g",
    "completed": "c",
    "cancelled": "x",
    "transferred_out": "o",
}
PLACEMENTS = {"ordinary": "o", "mainstreamed": "m", "special_school": "s", "home_teaching": "h"}
USUAL_STATE, USUAL_PLACEMENT = STATES["in_school"], PLACEMENTS["ordinary"]
"""Of nearly all pupils; the others have narrow indexes of their own (migration 0011 names these two letters)."""


class Facts(NamedTuple):
    """The columns of `search_entries` and `search_terms`, in their order; both numbers are 0 outside of a class."""

    class_group: int
    class_no: int
    stage: str
    state: str
    placement: str


COLUMNS = Facts._fields
NAMES = ", ".join(COLUMNS)


def group(cohort: int, stage: str) -> int:
    """`class_group` of a class: its year and its stage."""
    return cohort * 10 + (stage == "junior")


def group_of(classes: str) -> str:
    """The same in SQL, of an alias of `classes`. The index `classes_of_grade` has it in these words."""
    return f"({classes}.cohort * 10 + ({classes}.stage = 'junior')::int)"


def of(class_group: int | None, class_no: int | None, stage: str, state: str, placement: str) -> Facts:
    return Facts(
        class_group or 0,
        class_no or 0,
        STAGES.get(stage, OTHER),
        STATES.get(state, OTHER),
        PLACEMENTS.get(placement, OTHER),
    )


class Filter(NamedTuple):
    """What is asked for of an index row; None: whatever it is.

    `few_state`, `few_placement`: letters that few pupils have; these lead through an index that has nobody else.
    """

    grade: int | None = None
    class_no: int | None = None
    stage: str | None = None
    state: str | None = None
    placement: str | None = None
    few_state: str | None = None
    few_placement: str | None = None

    @property
    def leaves_out(self) -> bool:
        """Whether rows that an index leads through may not be meant."""
        return any(value is not None for value in self[:5])


def wanted(
    grade: int | None, class_no: int | None, stage: str | None, state: str | None, placement: str | None
) -> Filter:
    """The values as a query has them."""
    of_state = None if state is None else STATES.get(state, OTHER)
    of_placement = None if placement is None else PLACEMENTS.get(placement, OTHER)
    return Filter(
        grade=grade,
        class_no=class_no,
        stage=None if stage is None else STAGES.get(stage, OTHER),
        state=USUAL_STATE if of_state == USUAL_STATE else None,
        placement=USUAL_PLACEMENT if of_placement == USUAL_PLACEMENT else None,
        few_state=None if of_state == USUAL_STATE else of_state,
        few_placement=None if of_placement == USUAL_PLACEMENT else of_placement,
    )
