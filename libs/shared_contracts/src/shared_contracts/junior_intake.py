"""Junior intake (小升初): a county's list of primary graduates by junior school, checked, approved, moved (clause 16)."""

from __future__ import annotations

from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Message, Moment, Query
from shared_contracts.reorganisation import OperationState

RowOutcome = Literal["taken", "unplaced", "refused"]
"""`unplaced`: a pupil of the county without a target: to be placed by the county, not moved by this list."""


class SchoolPair(Message, frozen=True, kw_only=True, gc=False):
    """对口: the graduates of a primary school go to this junior school."""

    primary: str
    junior: str


class Target(Message, frozen=True, kw_only=True, gc=False):
    """A junior school of the list. `places`, `free`: of its plan; None where it has none."""

    school: str
    school_name: str
    pupils: int
    places: int | None
    free: int | None


class Intake(Message, frozen=True, kw_only=True, gc=False):
    """What the check found. `from_schools`: pupils taken by primary school."""

    rows: int
    taken: int
    unplaced: int
    refused: int
    targets: tuple[Target, ...]
    from_schools: dict[str, int]
    findings: tuple[Finding, ...] = ()

    @property
    def blocked(self) -> bool:
        return bool(self.refused) or not self.taken or any(f.outcome == "refuse" for f in self.findings)


class JuniorIntakeView(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.junior_intake_view"
):
    """`county`: whose graduates. `total`, `moved`: records, once it is carried out. `findings`: why it failed."""

    id: str
    county: str
    county_name: str
    school_year: int
    title: str
    state: OperationState
    version: int
    created_by: str
    created_at: Moment
    check: Intake
    decided_by: str | None = None
    decided_at: Moment | None = None
    reason: str = ""
    total: int = 0
    moved: int = 0
    ended_at: Moment | None = None
    findings: tuple[Finding, ...] = ()


class JuniorIntakePage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.junior_intake_page"
):
    items: tuple[JuniorIntakeView, ...]
    next_cursor: str | None = None


class JuniorIntakeRow(Message, frozen=True, kw_only=True, gc=False):
    """`row`: as Excel shows it. `student_number`: masked."""

    row: int
    student_id: str | None
    name: str
    student_number: str
    from_school: str | None
    from_school_name: str
    to_school: str | None
    to_school_name: str
    outcome: RowOutcome
    findings: tuple[Finding, ...]


class JuniorIntakeRows(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.junior_intake_rows_page"
):
    items: tuple[JuniorIntakeRow, ...]
    next_cursor: str | None = None


class OpenJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_junior_intake"):
    """A filled-in template: checked row by row, nothing moves yet. Reply: JuniorIntakeView."""

    intake_id: str
    file: FileRef


class BuildJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.build_junior_intake"):
    """The list by rule: the graduates of each primary school to the junior school it is paired with. Who is of no such
    school stays without target. Reply: JuniorIntakeView."""

    intake_id: str
    pairs: tuple[SchoolPair, ...]


class DecideJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_junior_intake"):
    """核准: by the county's leader. Reply: JuniorIntakeView."""

    intake_id: str
    decision: Literal["approve", "reject"]
    reason: str = ""
    version: int | None = None


class CancelJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.cancel_junior_intake"):
    intake_id: str
    reason: str
    version: int | None = None


class ResumeJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.resume_junior_intake"):
    intake_id: str
    version: int | None = None


class UndoJuniorIntake(Command, frozen=True, kw_only=True, gc=False, tag="registry.undo_junior_intake"):
    """Take it back, while nothing else has happened to any record it moved. Reply: JuniorIntakeView."""

    intake_id: str
    reason: str
    version: int | None = None


class GetJuniorIntake(Query, frozen=True, kw_only=True, gc=False, tag="registry.junior_intake"):
    intake_id: str


class ListJuniorIntakes(Query, frozen=True, kw_only=True, gc=False, tag="registry.junior_intakes"):
    cursor: str | None = None
    limit: int = 50


class ListJuniorIntakeRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.junior_intake_rows"):
    intake_id: str
    outcome: RowOutcome | None = None
    cursor: str | None = None
    limit: int = 100


class GetJuniorIntakeTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.junior_intake_template"):
    """The county's primary graduates in a workbook, with its junior schools to choose from. `student_ids`: nobody's choice,
    what the workbook shows. Reply: IntakeTemplate."""


class IntakeTemplate(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.intake_template"):
    template: Template
    student_ids: tuple[str, ...]


Commands = (
    OpenJuniorIntake
    | BuildJuniorIntake
    | DecideJuniorIntake
    | CancelJuniorIntake
    | ResumeJuniorIntake
    | UndoJuniorIntake
)
Queries = GetJuniorIntake | ListJuniorIntakes | ListJuniorIntakeRows | GetJuniorIntakeTemplate

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    OpenJuniorIntake: JuniorIntakeView,
    BuildJuniorIntake: JuniorIntakeView,
    DecideJuniorIntake: JuniorIntakeView,
    CancelJuniorIntake: JuniorIntakeView,
    ResumeJuniorIntake: JuniorIntakeView,
    UndoJuniorIntake: JuniorIntakeView,
    GetJuniorIntake: JuniorIntakeView,
    ListJuniorIntakes: JuniorIntakePage,
    ListJuniorIntakeRows: JuniorIntakeRows,
    GetJuniorIntakeTemplate: IntakeTemplate,
}
"""Part of the registry's (`registry.REPLIES`)."""
