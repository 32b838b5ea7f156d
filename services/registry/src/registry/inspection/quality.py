"""What can be wrong with a record, and with a school: one pure function a rule, in the order of the kinds.

A rule says nothing about a pupil's person: it looks at what is kept, and takes points from a hundred. `CATALOGUE` has the
words of every issue, so that a number of records with one can be told without them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from datetime import date
from importlib.resources import files
from types import MappingProxyType

import msgspec
from regulation.documents import DocumentKind
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import expected_grade
from shared_contracts.discreet import Discreet
from shared_contracts.identity import Verification
from shared_contracts.inspection import Issue

FULL = 100
NO_DISABILITY = "1"
YES = "1"
NOT_LEFT_BEHIND = "0"
"""Codes of the form: CJLX_FORM, SFBZ, LSET_FORM."""
_WAITS = frozenset({Verification.PENDING, Verification.UNAVAILABLE})


class RecordFacts(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record as it is kept. `form`: the national form's fields by their keys, without document numbers.

    `documented`: there is a number of a document. `grade`: of the present class, None without one. `updated_on`: the legal
    date of the last journal entry.
    `to_correct`: a mismatch waits for the school. `entered_late`: registered after the month of clause 13.1.
    """

    birth_date: date
    school_year: int
    grade: int | None
    placement: str
    document_kind: str
    documented: bool
    verification: str
    registered_on: date
    updated_on: date
    to_correct: bool
    entered_late: bool
    form: Mapping[str, str]
    today: date
    parameters: Parameters

    @property
    def mainland(self) -> bool:
        return self.document_kind == DocumentKind.RESIDENT


class SchoolFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A school as a whole. `classes`: pupils by class, with the standard size of each."""

    classes: tuple[tuple[int, int], ...]
    records: int
    temporary: int
    large_from: int
    parameters: Parameters


def _catalogue() -> dict[str, Issue]:
    text = files("registry.inspection").joinpath("issues.csv").read_text(encoding="utf-8")
    issues = msgspec.convert(list(csv.DictReader(text.splitlines())), list[Issue], strict=False)
    return {issue.code: issue for issue in issues}


CATALOGUE: Mapping[str, Issue] = MappingProxyType(_catalogue())
"""Every issue there is (`issues.csv`), by its code; those of a school as a whole begin with `school.`."""


def examine(facts: RecordFacts) -> tuple[Issue, ...]:
    """All that is wrong with a record, in the order of the rules."""
    return tuple(CATALOGUE[code] for rule in RECORD_RULES if (code := rule(facts)) is not None)


def score(issues: tuple[Issue, ...]) -> int:
    """0 to 100."""
    return max(0, FULL - sum(issue.points for issue in issues))


@clause("3.4", "3.5")
def school_score(records: int, points: int, issues: tuple[Issue, ...]) -> int:
    """The mean of its records (`points`: their scores added up), less what the school itself is charged with."""
    mean = points // records if records else FULL
    return max(0, mean - sum(issue.points for issue in issues))


# ---- missing --------------------------------------------------------------------------------------------------------


@clause("3.5", "14")
def guardian_named(f: RecordFacts) -> str | None:
    return None if f.form.get("member1_name") or f.form.get("member2_name") else "missing.guardian"


@clause("3.5", "14")
def guardian_reachable(f: RecordFacts) -> str | None:
    named = [n for n in (1, 2) if f.form.get(f"member{n}_name")]
    reachable = any(f.form.get(f"member{n}_phone") for n in named)
    return "missing.guardian_phone" if named and not reachable else None


@clause("3.5", "14")
def document_known(f: RecordFacts) -> str | None:
    return None if f.documented else "missing.document"


@clause("3.5", "14")
def household_known(f: RecordFacts) -> str | None:
    wanted = ("household_place", "household_kind")
    return "missing.household" if f.mainland and not all(f.form.get(key) for key in wanted) else None


@clause("3.5", "14")
def source_known(f: RecordFacts) -> str | None:
    return None if f.form.get("source") else "missing.source"


@clause("3.5", "14")
def commute_known(f: RecordFacts) -> str | None:
    return None if f.form.get("distance_km") and f.form.get("commute") else "missing.commute"


@clause("3.5", "14")
def has_class(f: RecordFacts) -> str | None:
    return "missing.class" if f.grade is None else None


# ---- inconsistent ---------------------------------------------------------------------------------------------------


@clause("20.2")
def grade_fits_age(f: RecordFacts) -> str | None:
    """A year more of tolerance than at registration: who came in time and resumed later is a year behind (25.4)."""
    if f.grade is None:
        return None
    p = f.parameters
    apart = f.grade - expected_grade(f.birth_date, f.school_year, p.entry_age, p.age_cutoff)
    disabled = f.form.get("disability", NO_DISABILITY) not in ("", NO_DISABILITY)
    late = -apart > p.grade_age_tolerance + 1 and not disabled
    return "inconsistent.age" if apart > p.grade_age_tolerance or late else None


@clause("17")
def placement_fits(f: RecordFacts) -> str | None:
    disabled = f.form.get("disability", NO_DISABILITY) not in ("", NO_DISABILITY)
    return "inconsistent.placement" if disabled == (f.placement == "ordinary") else None


@clause("3.5", "14")
def guardian_marked(f: RecordFacts) -> str | None:
    named = [n for n in (1, 2) if f.form.get(f"member{n}_name")]
    marked = any(f.form.get(f"member{n}_guardian") == YES for n in named)
    return "inconsistent.guardian" if named and not marked else None


@clause("3.5")
def left_behind_or_taken_along(f: RecordFacts) -> str | None:
    left_behind = f.form.get("left_behind", NOT_LEFT_BEHIND) not in ("", NOT_LEFT_BEHIND)
    return "inconsistent.left_behind" if left_behind and f.form.get("migrant_child") == YES else None


# ---- stale, suspicious ----------------------------------------------------------------------------------------------


@clause("15.3")
def verified_in_time(f: RecordFacts) -> str | None:
    waited = (f.today - f.registered_on).days
    late = f.verification in _WAITS and waited > f.parameters.quality_waiting_days
    return "stale.verification" if late else None


@clause("15.3", "48")
def corrected_in_time(f: RecordFacts) -> str | None:
    waited = (f.today - f.registered_on).days
    return "stale.correction" if f.to_correct and waited > f.parameters.quality_waiting_days else None


@clause("21.1")
def updated_in_time(f: RecordFacts) -> str | None:
    return "stale.record" if (f.today - f.updated_on).days > f.parameters.quality_stale_days else None


@clause("20.1")
def known_to_public_security(f: RecordFacts) -> str | None:
    return "suspicious.not_found" if f.verification == Verification.NOT_FOUND else None


@clause("13.1")
def registered_in_time(f: RecordFacts) -> str | None:
    return "suspicious.late" if f.entered_late else None


RECORD_RULES: tuple[Callable[[RecordFacts], str | None], ...] = (
    guardian_named,
    guardian_reachable,
    document_known,
    household_known,
    source_known,
    commute_known,
    has_class,
    grade_fits_age,
    placement_fits,
    guardian_marked,
    left_behind_or_taken_along,
    verified_in_time,
    corrected_in_time,
    updated_in_time,
    known_to_public_security,
    registered_in_time,
)


# ---- a school as a whole --------------------------------------------------------------------------------------------


def examine_school(facts: SchoolFacts) -> tuple[Issue, ...]:
    return tuple(CATALOGUE[code] for rule in SCHOOL_RULES if (code := rule(facts)) is not None)


@clause("11")
def classes_within_size(f: SchoolFacts) -> str | None:
    return "school.class_size" if any(size > standard for size, standard in f.classes) else None


@clause("24.2.1")
def not_too_large(f: SchoolFacts) -> str | None:
    """超过2000人: 2,000 are not yet a large school, 2,001 are."""
    return "school.large" if f.records > f.large_from else None


@clause("15.3")
def numbers_final(f: SchoolFacts) -> str | None:
    """More than one pupil in so many (a percentage) has a temporary number."""
    share = f.parameters.quality_temporary_percent
    return "school.temporary" if f.temporary * 100 > f.records * share else None


SCHOOL_RULES: tuple[Callable[[SchoolFacts], str | None], ...] = (classes_within_size, not_too_large, numbers_final)
