"""Classes (班级) and one-click class assignment (一键分班): sizes, assignments from draft to application, moves.

Words of the registry. What an assignment publishes is the file that `regulation.assignment` verifies: nothing here says
how it is drawn.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.messages import Command, Message, Moment, Query

# ---- classes ---------------------------------------------------------------------------------------------------------


class ClassView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.class_view"):
    """A class with its size (班额). `boys`, `girls`: students in school; `on_the_way`: pupils whose registration has no
    number yet; `size`: all of them. `excess`: how many above `standard` (clause 11)."""

    id: str
    school: str
    school_name: str
    stage: str
    grade: int
    class_no: int
    cohort: int
    display_name: str | None
    boys: int
    girls: int
    on_the_way: int
    size: int
    standard: int
    excess: int
    closed_on: date | None
    version: int


class ClassPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.class_page"):
    items: tuple[ClassView, ...]
    next_cursor: str | None = None


class SchoolExcess(Message, frozen=True, kw_only=True, gc=False):
    """A school with classes above the standard size. `pupils`: above it, in all such classes; `largest`: class size."""

    school: str
    school_name: str
    authority: str
    classes: int
    over: int
    pupils: int
    largest: int


class AuthorityExcess(Message, frozen=True, kw_only=True, gc=False):
    """What an authority supervises: `schools`, `classes` in all; `over`: classes above the standard, `pupils` above it."""

    authority: str
    authority_name: str
    schools: int
    classes: int
    over: int
    pupils: int


class ExcessReport(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.excess_report"):
    """`authorities`: all, on the first page only. `items`: schools with an excess, the largest first."""

    authorities: tuple[AuthorityExcess, ...]
    items: tuple[SchoolExcess, ...]
    next_cursor: str | None = None


# ---- assignments -----------------------------------------------------------------------------------------------------


class AssignmentState(StrEnum):
    """Where a class assignment stands."""

    DRAFT = "draft"  # 准备中
    COMMITTED = "committed"  # 名单已封存，待抽签
    DRAWN = "drawn"  # 已抽签，待执行
    APPLIED = "applied"  # 已执行
    CANCELLED = "cancelled"  # 已取消
    SET_ASIDE = "set_aside"  # 经批准重新分班，本次作废


Attribute = Literal["boarding", "home", "level"]
"""What may be balanced besides the sex: 就读方式 (from the form), 居住片区 and 发展层次 (the school's, never a score)."""

ATTRIBUTES: tuple[Attribute, ...] = ("boarding", "home", "level")


class PupilSetting(Message, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """What the school says of one pupil before the draw. `place_in`: a class by hand, for mainstreamed pupils (clause 17)."""

    pupil_id: str
    home: str = ""
    level: str = ""
    place_in: int | None = None


class AssignmentRule(Message, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True):
    """`together`: siblings in one class; `apart`: in different ones. `pupils`: their ids. `reason`: kept, not published."""

    kind: Literal["together", "apart"]
    pupils: tuple[str, ...]
    reason: str


class ClassBalance(Message, frozen=True, kw_only=True, gc=False):
    """One class of an assignment. `size`: with those placed by hand; `boys`, `girls`, `attributes`: of those drawn."""

    class_no: int
    size: int
    placed: int
    boys: int
    girls: int
    attributes: dict[str, dict[str, int]] = {}


class Redraw(Message, frozen=True, kw_only=True, gc=False):
    """A second draw of what was drawn: asked for by the school, decided by the authority; both stay on record."""

    reason: str
    asked_at: Moment
    decision: Literal["waiting", "approved", "rejected"]
    decided_at: Moment | None = None
    decision_reason: str = ""


class AssignmentView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.assignment_view"):
    """`pupils`: those to be drawn; `placed`: those placed by hand. `findings`: of a draft, why it could not be closed.

    `commitment`, `list_sha256`: from the closing of the list on. `balance`: from the draw on.
    """

    id: str
    number: str
    state: AssignmentState
    state_title: str
    school: str
    school_name: str
    school_year: int
    grade: int
    standard: int
    classes: tuple[int, ...]
    attributes: tuple[Attribute, ...]
    rules: tuple[AssignmentRule, ...]
    pupils: int
    placed: int
    version: int
    findings: tuple[Finding, ...] = ()
    balance: tuple[ClassBalance, ...] = ()
    list_sha256: str | None = None
    commitment: str | None = None
    public_source: str | None = None
    public_at: Moment | None = None
    public_value: str | None = None
    committed_at: Moment | None = None
    drawn_at: Moment | None = None
    applied_at: Moment | None = None
    replaces: str | None = None
    redraw: Redraw | None = None
    cancelled_reason: str | None = None


class AssignmentPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.assignment_page"):
    items: tuple[AssignmentView, ...]
    next_cursor: str | None = None


class AssignmentPupil(Message, frozen=True, kw_only=True, gc=False):
    """One pupil of an assignment. `code`: handed to the guardian, who finds the child in the published file by it.

    `place_in`: by hand; `class_no`: as it was drawn. `present_class`: where the pupil is now (provisional for those whose
    registration is on its way). `gone`: left since the list was closed.
    """

    pupil_id: str
    code: str
    name: str
    sex: str
    placement: str
    attributes: dict[str, str]
    place_in: int | None
    class_no: int | None
    present_class: int | None
    registered: bool
    gone: bool


class AssignmentPupils(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.assignment_pupils"
):
    items: tuple[AssignmentPupil, ...]
    next_cursor: str | None = None


class Balance(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.assignment_balance"):
    """A dry run with a seed of its own: how the classes would be made up, never who comes into which."""

    classes: tuple[ClassBalance, ...]
    findings: tuple[Finding, ...] = ()


class PublishedAssignment(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.published_assignment"
):
    """`document`: the published file (JSON), as `regulation.assignment.Published` reads it."""

    document: str


# ---- moves -----------------------------------------------------------------------------------------------------------


class ClassMove(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.class_move"):
    """A pupil was moved to another class of the same grade."""

    id: str
    pupil_id: str
    name: str
    school: str
    grade: int
    from_class: int
    to_class: int
    reason: str
    moved_on: date
    moved_by: str


class ClassMovePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.class_move_page"):
    items: tuple[ClassMove, ...]
    next_cursor: str | None = None


# ---- commands --------------------------------------------------------------------------------------------------------


class CreateClass(Command, frozen=True, kw_only=True, gc=False, tag="registry.create_class"):
    """A further class of a grade in the actor's school. Reply: ClassView."""

    grade: int
    class_no: int
    display_name: str | None = None


class RenameClass(Command, frozen=True, kw_only=True, gc=False, tag="registry.rename_class"):
    """The name by which the school calls it; None: by its number. Reply: ClassView."""

    class_id: str
    display_name: str | None
    version: int


class CloseClass(Command, frozen=True, kw_only=True, gc=False, tag="registry.close_class"):
    """Close an empty class. Reply: ClassView."""

    class_id: str


class OpenAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_assignment"):
    """Begin the assignment of a grade of the actor's school. `classes`: their numbers. Reply: AssignmentView."""

    assignment_id: str
    grade: int
    classes: tuple[int, ...]
    attributes: tuple[Attribute, ...] = ()


class ReviseAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.revise_assignment"):
    """All settings of a draft anew, and its pupils as they are now. Reply: AssignmentView."""

    assignment_id: str
    classes: tuple[int, ...]
    attributes: tuple[Attribute, ...]
    pupils: tuple[PupilSetting, ...]
    rules: tuple[AssignmentRule, ...]
    version: int


class CancelAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.cancel_assignment"):
    """Give up a draft, or a closed list before its public value can be known. Reply: AssignmentView."""

    assignment_id: str
    reason: str


class CommitAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.commit_assignment"):
    """Close the list and publish the commitment. `public_source`, `public_at`: what value will be taken, and when it comes
    to be known. Reply: AssignmentView."""

    assignment_id: str
    public_source: str
    public_at: Moment
    version: int


class DrawAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.draw_assignment"):
    """Reveal the secret and draw, once. `public_value`: as it stands at its source. Reply: AssignmentView."""

    assignment_id: str
    public_value: str


class ApplyAssignment(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_assignment"):
    """Put the pupils into the classes that were drawn. Reply: AssignmentView."""

    assignment_id: str


class AskRedraw(Command, frozen=True, kw_only=True, gc=False, tag="registry.ask_redraw"):
    """Ask the authority for a second assignment of a grade that was drawn. Reply: AssignmentView."""

    assignment_id: str
    reason: str


class DecideRedraw(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_redraw"):
    """The authority's decision; approved, the assignment is set aside and a new one may begin. Reply: AssignmentView."""

    assignment_id: str
    decision: Literal["approve", "reject"]
    reason: str


class MovePupil(Command, frozen=True, kw_only=True, gc=False, tag="registry.move_pupil"):
    """Move a pupil to another class of the same grade from today on. Reply: ClassMove."""

    move_id: str
    pupil_id: str
    class_id: str
    reason: str


# ---- queries ---------------------------------------------------------------------------------------------------------


class GetClass(Query, frozen=True, kw_only=True, gc=False, tag="registry.class"):
    class_id: str


class ListClasses(Query, frozen=True, kw_only=True, gc=False, tag="registry.classes"):
    """A school's classes, by grade and number; the actor's own school where none is given. Reply: ClassPage."""

    school: str | None = None
    grade: int | None = None
    closed: bool = False
    cursor: str | None = None
    limit: int = 100


class GetClassExcess(Query, frozen=True, kw_only=True, gc=False, tag="registry.class_excess"):
    """Classes above the standard size, under the actor's authority or one below it. Reply: ExcessReport."""

    authority: str | None = None
    cursor: str | None = None
    limit: int = 50


class GetAssignment(Query, frozen=True, kw_only=True, gc=False, tag="registry.assignment"):
    assignment_id: str


class ListAssignments(Query, frozen=True, kw_only=True, gc=False, tag="registry.assignments"):
    """Newest first. `redraws`: only those whose second draw waits for a decision. Reply: AssignmentPage."""

    school: str | None = None
    redraws: bool = False
    cursor: str | None = None
    limit: int = 50


class ListAssignmentPupils(Query, frozen=True, kw_only=True, gc=False, tag="registry.list_assignment_pupils"):
    """The pupils with their codes, in the order of the codes. Reply: AssignmentPupils."""

    assignment_id: str
    cursor: str | None = None
    limit: int = 200


class PreviewAssignment(Query, frozen=True, kw_only=True, gc=False, tag="registry.preview_assignment"):
    """Reply: Balance."""

    assignment_id: str


class GetPublishedAssignment(Query, frozen=True, kw_only=True, gc=False, tag="registry.find_published_assignment"):
    """For everybody, without an account. Reply: PublishedAssignment."""

    number: str


class ListClassMoves(Query, frozen=True, kw_only=True, gc=False, tag="registry.class_moves"):
    """Newest first. Reply: ClassMovePage."""

    school: str | None = None
    grade: int | None = None
    cursor: str | None = None
    limit: int = 50


Commands = (
    CreateClass
    | RenameClass
    | CloseClass
    | OpenAssignment
    | ReviseAssignment
    | CancelAssignment
    | CommitAssignment
    | DrawAssignment
    | ApplyAssignment
    | AskRedraw
    | DecideRedraw
    | MovePupil
)
Queries = (
    GetClass
    | ListClasses
    | GetClassExcess
    | GetAssignment
    | ListAssignments
    | ListAssignmentPupils
    | PreviewAssignment
    | GetPublishedAssignment
    | ListClassMoves
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CreateClass: ClassView,
    RenameClass: ClassView,
    CloseClass: ClassView,
    OpenAssignment: AssignmentView,
    ReviseAssignment: AssignmentView,
    CancelAssignment: AssignmentView,
    CommitAssignment: AssignmentView,
    DrawAssignment: AssignmentView,
    ApplyAssignment: AssignmentView,
    AskRedraw: AssignmentView,
    DecideRedraw: AssignmentView,
    MovePupil: ClassMove,
    GetClass: ClassView,
    ListClasses: ClassPage,
    GetClassExcess: ExcessReport,
    GetAssignment: AssignmentView,
    ListAssignments: AssignmentPage,
    ListAssignmentPupils: AssignmentPupils,
    PreviewAssignment: Balance,
    GetPublishedAssignment: PublishedAssignment,
    ListClassMoves: ClassMovePage,
}
"""Part of the registry's (`registry.REPLIES`)."""
