"""What a checked form comes to: one pupil, typed."""

from __future__ import annotations

from datetime import date

import msgspec
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.discreet import Discreet
from shared_contracts.identity import Member, PersonEntry, Sex

from registry.registration.policy import Placement


class Entry(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One pupil whose form is in order.

    `document_kind` SFZJLX_FORM, `overseas` GATQW, `disability` CJLX_FORM, `enrolled_month` 入学年月 as YYYYMM, `area` six
    digits of the household registration (of the school where there is none), for the body of an L number. `members`:
    family members whose document was given. `form`: every field that was filled in, normalised, by its key; document
    numbers are not among them.
    """

    name: str
    sex: Sex
    birth_date: date
    document_kind: str
    document_number: str
    area: str
    grade: int
    class_no: int
    enrolled_month: str
    entry_way: str
    placement: Placement
    disability: str
    overseas: str
    members: tuple[Member, ...]
    form: dict[str, str]

    def person(self, row: int) -> PersonEntry:
        """As identity takes it. `row`: the caller's key."""
        return PersonEntry(
            row=row,
            name=self.name,
            sex=self.sex,
            birth_date=self.birth_date,
            document_kind=self.document_kind,
            document_number=self.document_number,
            area=self.area,
            members=self.members,
            former_name=self.form.get("former_name", ""),
        )


class Checked(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The result of a check. `entry` is None where something was refused.

    `findings`: faults and notes in the order of the form, then of the rules. `name` and `masked_document` are there
    also for a refused form, as far as they could be read, so that a person can find the row.
    """

    entry: Entry | None
    findings: tuple[Finding, ...] = ()
    name: str = ""
    masked_document: str = ""

    @property
    def refused(self) -> bool:
        return self.entry is None

    @property
    def warned(self) -> bool:
        return any(finding.outcome is not Outcome.PASS for finding in self.findings)
