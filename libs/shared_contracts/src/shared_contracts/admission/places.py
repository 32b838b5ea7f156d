"""Places (学位, clauses 5.2 to 10.2): placement, admissions, notices, the first day, postponement."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.admission.terms import StageName, Way
from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef
from shared_contracts.messages import Command, Event, Message, Moment, Query


class SchoolPlaces(Message, frozen=True, kw_only=True, gc=False):
    """One school in numbers. `places`: of its plan, None without one; `taken`: before; `placed`: by this act."""

    school: str
    school_name: str
    places: int | None
    taken: int
    placed: int
    without_place: int = 0


class PlacementPreview(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.placement_preview"
):
    """What a placement of all waiting children would do as things stand. `no_zone`: nobody serves the address;
    `overlapping`: children whose address more than one school serves (they go to the one with most room)."""

    county: str
    school_year: int
    stage: StageName
    waiting: int
    placed: int
    no_zone: int
    without_place: int
    overlapping: int
    schools: tuple[SchoolPlaces, ...]


class PlacementRun(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.placement_run"):
    """A placement of all waiting children on its way. `by_hand`: left to be placed by hand."""

    id: str
    county: str
    school_year: int
    stage: StageName
    state: Literal["running", "done"]
    waiting: int
    placed: int
    by_hand: int
    started_at: Moment
    started_by: str
    finished_at: Moment | None
    version: int


class PreviewPlacement(Query, frozen=True, kw_only=True, gc=False, tag="registry.preview_placement"):
    """Of the actor's county. Reply: PlacementPreview."""

    stage: StageName = "primary"


class StartPlacement(Command, frozen=True, kw_only=True, gc=False, tag="registry.start_placement"):
    """Place all waiting children of the actor's county in the schools of their zones. Reply: PlacementRun."""

    run_id: str
    stage: StageName = "primary"


class GetPlacementRun(Query, frozen=True, kw_only=True, gc=False, tag="registry.placement_run"):
    run_id: str


class PlaceChild(Command, frozen=True, kw_only=True, gc=False, tag="registry.place_child"):
    """One child by hand (统筹安排). Reply: AdmissionView."""

    child_id: str
    school: str
    reason: str


Progress = Literal["placed", "postponed", "reported", "no_show", "handed_in", "late", "ended"]
"""已安排, 延期, 已报到, 未报到, 已报建籍, 逾期未建籍, 已撤销."""


class AdmissionView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.admission_view"):
    """A place of one child. `report_from`, `report_to`: when to report; `hand_in_by`: last day to hand in the record
    (clause 13.1), once reported. `registration_id`: of the registration that came of it."""

    id: str
    child_id: str
    person_id: str
    name: str
    sex: str
    birth_date: date
    masked_document: str
    county: str
    school: str
    school_name: str
    school_year: int
    stage: StageName
    way: Way
    progress: Progress
    street: str
    reason: str
    decided_by: str
    admitted_on: date
    notice_number: str
    notice_printed: bool
    report_from: date
    report_to: date
    postponed_until: date | None
    reported_on: date | None
    hand_in_by: date | None
    no_show_on: date | None
    registration_id: str | None
    objection: str | None
    objected_on: date | None
    ended_on: date | None
    end_reason: str | None
    version: int


class AdmissionPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.admission_page"):
    items: tuple[AdmissionView, ...]
    next_cursor: str | None = None


class SchoolAdmissions(Message, frozen=True, kw_only=True, gc=False):
    """One school's admissions of a year and stage in numbers. `late`: reported, and not handed in in time (13.1)."""

    school: str
    school_name: str
    places: int | None
    admitted: int
    reported: int
    postponed: int
    no_show: int
    handed_in: int
    late: int
    objections: int


class AdmissionOverview(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.admission_overview"
):
    school_year: int
    stage: StageName
    items: tuple[SchoolAdmissions, ...]


class ObjectToAdmission(Command, frozen=True, kw_only=True, gc=False, tag="registry.object_to_admission"):
    """A school may not refuse (clause 5.2); it may object with a reason, which changes nothing. Reply: AdmissionView."""

    admission_id: str
    reason: str
    version: int | None = None


class EndAdmission(Command, frozen=True, kw_only=True, gc=False, tag="registry.end_admission"):
    """The county takes a place back, with a reason; the child waits again. Reply: AdmissionView."""

    admission_id: str
    reason: str
    version: int | None = None


class PrintNotices(Command, frozen=True, kw_only=True, gc=False, tag="registry.print_notices"):
    """Admission notices (入学通知书) as one PDF: of these admissions, or of a school, or of all of the county, at most
    500 a file, in the order of schools and numbers after `after`. Reply: NoticesPrinted."""

    print_id: str
    admission_ids: tuple[str, ...] = ()
    school: str | None = None
    stage: StageName = "primary"
    only_new: bool = False


class NoticesPrinted(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.notices_printed"):
    """`more`: how many are left that did not fit into this file."""

    file: FileRef
    count: int
    more: int
    admission_ids: tuple[str, ...]


class RecordReports(Command, frozen=True, kw_only=True, gc=False, tag="registry.record_reports"):
    """These children have reported at the school (报到). Reply: ReportsRecorded."""

    admission_ids: tuple[str, ...]
    reported_on: date


class ReportsRecorded(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.reports_recorded"):
    """`already`: had reported before; what was recorded then stays."""

    recorded: int
    already: int


class AskPostponement(Command, frozen=True, kw_only=True, gc=False, tag="registry.ask_postponement"):
    """A family asks the school to report later (clause 10.1), with its reason. Reply: PostponementView."""

    postponement_id: str
    admission_id: str
    until: date
    reason: str
    asked_on: date


class DecidePostponement(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_postponement"):
    """What goes beyond the principle of two weeks: the authority's, with a reason. Reply: PostponementView."""

    postponement_id: str
    decision: Literal["approve", "reject"]
    reason: str
    version: int | None = None


class PostponementView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.postponement"):
    id: str
    admission_id: str
    school: str
    school_name: str
    name: str
    asked_on: date
    until: date
    reason: str
    state: Literal["waiting", "granted", "refused"]
    findings: tuple[Finding, ...]
    decided_by: str | None
    decided_on: date | None
    decision_reason: str
    version: int


class PostponementPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.postponement_page"
):
    items: tuple[PostponementView, ...]
    next_cursor: str | None = None


class ListAdmissions(Query, frozen=True, kw_only=True, gc=False, tag="registry.admissions"):
    school: str | None = None
    school_year: int | None = None
    stage: StageName | None = None
    way: Way | None = None
    progress: Progress | None = None
    objected: bool = False
    name: str | None = None
    cursor: str | None = None
    limit: int = 50


class GetAdmission(Query, frozen=True, kw_only=True, gc=False, tag="registry.admission"):
    admission_id: str


class GetAdmissionOverview(Query, frozen=True, kw_only=True, gc=False, tag="registry.admission_overview"):
    school_year: int | None = None
    stage: StageName = "primary"


class ListPostponements(Query, frozen=True, kw_only=True, gc=False, tag="registry.postponements"):
    state: Literal["waiting", "granted", "refused"] | None = None
    cursor: str | None = None
    limit: int = 50


class NoShow(Message, frozen=True, kw_only=True, gc=False):
    admission_id: str
    child_id: str
    person_id: str
    county: str


class NoShows(Event, frozen=True, kw_only=True, gc=False, tag="registry.no_shows"):
    """Children with a place who neither reported nor postponed by the first day of term (clause 10.2). Each is told
    once; at most 500 an event."""

    school: str
    school_name: str
    school_year: int
    first_day: date
    children: tuple[NoShow, ...]


Commands = (
    StartPlacement
    | PlaceChild
    | ObjectToAdmission
    | EndAdmission
    | PrintNotices
    | RecordReports
    | AskPostponement
    | DecidePostponement
)
Queries = PreviewPlacement | GetPlacementRun | ListAdmissions | GetAdmission | GetAdmissionOverview | ListPostponements
Events = NoShows
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PreviewPlacement: PlacementPreview,
    StartPlacement: PlacementRun,
    GetPlacementRun: PlacementRun,
    PlaceChild: AdmissionView,
    ObjectToAdmission: AdmissionView,
    EndAdmission: AdmissionView,
    PrintNotices: NoticesPrinted,
    RecordReports: ReportsRecorded,
    AskPostponement: PostponementView,
    DecidePostponement: PostponementView,
    ListAdmissions: AdmissionPage,
    GetAdmission: AdmissionView,
    GetAdmissionOverview: AdmissionOverview,
    ListPostponements: PostponementPage,
}
