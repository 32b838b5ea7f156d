"""Admission (招生、入学, clauses 5.2 to 10.2): attendance zones, children of age, places, notices, the first day.

Words of the registry. A child is shown by name, birth date and masked number; address and telephone only one by one.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Event, Message, Moment, Query

StageName = Literal["primary", "junior"]
Way = Literal["zone", "placed", "migrant", "private", "international", "intake"]
"""On what ground a child has a place: 学区就近, 统筹安排, 随迁子女, 民办招生, 国际学生, 初中招生名单."""

# ---- attendance zones (服务范围) ---------------------------------------------------------------------------------------


class AreaView(Message, frozen=True, kw_only=True, gc=False):
    """`division`: 6 digits. `streets`: names of streets and communities; none for the whole division."""

    division: str
    streets: tuple[str, ...] = ()


class ZoneGiven(Message, frozen=True, kw_only=True, gc=False):
    """The zone of one school and stage as it is to be. `version`: of the one that it replaces, 0 where there is none;
    without it whatever is there is replaced."""

    school: str
    stage: StageName
    areas: tuple[AreaView, ...]
    version: int | None = None


class ZoneEnding(Message, frozen=True, kw_only=True, gc=False):
    """A school and stage that is to serve nothing any more."""

    school: str
    stage: StageName
    version: int | None = None


class ZoneView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_view"):
    """One version. Holds from `valid_from` until the day before `valid_to` (None: until another follows)."""

    school: str
    school_name: str
    stage: StageName
    authority: str
    areas: tuple[AreaView, ...]
    valid_from: date
    valid_to: date | None
    reason: str
    set_by: str
    version: int


class ZonePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_page"):
    items: tuple[ZoneView, ...]
    next_cursor: str | None = None


class ZoneHistory(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_history"):
    """All versions, first to last."""

    items: tuple[ZoneView, ...]


class Overlap(Message, frozen=True, kw_only=True, gc=False):
    """A street (or, empty, a whole division) that more than one school serves: noted, never an error."""

    division: str
    street: str
    schools: tuple[str, ...]
    school_names: tuple[str, ...] = ()


class ZonesSet(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zones_set"):
    """`done`: False for a dry run. `changed`: zones that become another one; `unchanged`: that are as they were;
    `ended`: schools and stages that serve nothing any more."""

    done: bool
    changed: int
    unchanged: int
    ended: int = 0
    overlaps: tuple[Overlap, ...] = ()


class ZonePart(Message, frozen=True, kw_only=True, gc=False):
    """A street of a school's zone; without a name the whole division."""

    school: str
    school_name: str
    stage: StageName
    division: str
    street: str


class ZoneRow(Message, frozen=True, kw_only=True, gc=False):
    """A row of a workbook of zones, as written, and what it would do. `row`: as Excel shows it. `empty`: the school serves
    nothing by this row."""

    row: int
    school: str
    school_name: str
    stage: str
    division: str
    street: str
    outcome: Literal["added", "kept", "empty", "refused"]
    findings: tuple[Finding, ...] = ()


class ZonesChecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zones_checked"):
    """What a workbook of zones would do. Of the schools and stages that it names it is the whole truth: `closed` is what
    they serve now and not any more; schools that it does not name stay as they are. `zones`, `ends`: what `SetZones`
    has to be given to do it, empty while a row is refused."""

    rows: tuple[ZoneRow, ...]
    refused: int
    closed: tuple[ZonePart, ...]
    overlaps: tuple[Overlap, ...]
    unchanged: int
    zones: tuple[ZoneGiven, ...] = ()
    ends: tuple[ZoneEnding, ...] = ()


class ZoneMatch(Message, frozen=True, kw_only=True, gc=False):
    """`street`: what of the zone stands in the address; empty where it has the whole division."""

    school: str
    school_name: str
    street: str


class ZoneMatches(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_matches"):
    """The schools of an address; more than one where zones overlap, none where nobody serves it."""

    items: tuple[ZoneMatch, ...]


class SetZones(Command, frozen=True, kw_only=True, gc=False, tag="registry.set_zones"):
    """All of them from a day on, or none. `ends`: schools that serve nothing from that day on. `dry_run`: only say what
    would be. At most 500 together. Reply: ZonesSet."""

    zones: tuple[ZoneGiven, ...]
    valid_from: date
    reason: str
    dry_run: bool = False
    ends: tuple[ZoneEnding, ...] = ()


class EndZone(Command, frozen=True, kw_only=True, gc=False, tag="registry.end_zone"):
    """The school serves nothing any more from a day on. Reply: ZoneView."""

    school: str
    stage: StageName
    on: date
    reason: str
    version: int | None = None


class ReadZones(Query, frozen=True, kw_only=True, gc=False, tag="registry.read_zones"):
    """What a workbook of zones would do from a day on; nothing is set, the file is read and forgotten. Reply:
    ZonesChecked."""

    file: FileRef
    valid_from: date


class GetZoneTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.zone_template"):
    """A workbook with the public schools that an authority supervises and what they serve. Reply: Template."""


class ListZones(Query, frozen=True, kw_only=True, gc=False, tag="registry.zones"):
    """As of a day, today where not given."""

    school: str | None = None
    division: str | None = None
    stage: StageName | None = None
    on: date | None = None
    cursor: str | None = None
    limit: int = 50


class GetZone(Query, frozen=True, kw_only=True, gc=False, tag="registry.zone"):
    """Reply: ZoneHistory."""

    school: str
    stage: StageName


class FindZone(Query, frozen=True, kw_only=True, gc=False, tag="registry.find_zone"):
    """Which school serves this address? Reply: ZoneMatches."""

    division: str
    address: str
    stage: StageName
    on: date | None = None


# ---- children of age (适龄儿童) ----------------------------------------------------------------------------------------

ChildState = Literal["waiting", "placed", "deferred", "left"]
Origin = Literal["household", "migrant", "private", "international"]


class ChildGiven(Message, frozen=True, kw_only=True, gc=False):
    """A child as an application gives it. The document number goes on to identity and is kept nowhere else.

    `division`, `address`: where the child lives (household registration, or residence for a migrant child).
    """

    name: str
    sex: Literal["1", "2"]
    birth_date: date
    document_kind: str
    document_number: str
    division: str
    address: str
    guardian: str
    phone: str


class ChildView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.child_view"):
    """`by_hand`: why the placement by zone left this child to be placed by hand, in words. `address`, `guardian`,
    `phone`: only where one child is asked for.
    """

    id: str
    person_id: str
    county: str
    stage: StageName
    origin: Origin
    school_year: int
    name: str
    sex: str
    birth_date: date
    masked_document: str
    division: str
    state: ChildState
    by_hand: str
    reason: str
    version: int
    admission_id: str | None = None
    school: str | None = None
    school_name: str | None = None
    address: str | None = None
    guardian: str | None = None
    phone: str | None = None


class ChildPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.child_page"):
    items: tuple[ChildView, ...]
    next_cursor: str | None = None


class ChildrenImport(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import"):
    """A county's list. `checking`: being looked at; `checked`: nothing is changed yet; `taking`: being taken in.

    `accepted`: rows to take in; `known`: on the list already; `taken`: of the accepted ones, how many so far.
    `problem`: why the file as a whole cannot be read.
    """

    id: str
    county: str
    school_year: int
    file_name: str
    state: Literal["checking", "checked", "taking", "done", "failed"]
    problem: str | None
    rows: int
    accepted: int
    known: int
    refused: int
    taken: int
    created_at: Moment
    created_by: str
    version: int


class ChildrenImportPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import_page"
):
    items: tuple[ChildrenImport, ...]
    next_cursor: str | None = None


class ChildrenImportRow(Message, frozen=True, kw_only=True, gc=False):
    """`row`: as Excel shows it. `school`: whose zone the address lies in as things stand."""

    row: int
    outcome: Literal["accepted", "known", "refused"]
    name: str
    masked_document: str
    school: str | None = None
    school_name: str | None = None
    street: str | None = None
    child_id: str | None = None
    findings: tuple[Finding, ...] = ()


class ChildrenImportRows(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import_rows_page"
):
    items: tuple[ChildrenImportRow, ...]
    next_cursor: str | None = None


class OpenChildrenImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_children_import"):
    """Look at a workbook of children of age, row by row; nothing is taken in. Reply: ChildrenImport."""

    import_id: str
    file: FileRef


class ConfirmChildrenImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.confirm_children_import"):
    """Take in the accepted rows. Reply: ChildrenImport."""

    import_id: str
    version: int | None = None


class RemoveChild(Command, frozen=True, kw_only=True, gc=False, tag="registry.remove_child"):
    """Off the list, with a reason (moved away, at school in another province). Reply: ChildView."""

    child_id: str
    reason: str
    version: int | None = None


class GetChildrenImport(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_import"):
    import_id: str


class ListChildrenImports(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_imports"):
    cursor: str | None = None
    limit: int = 20


class ListChildrenImportRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_import_rows"):
    import_id: str
    outcome: str | None = None
    cursor: str | None = None
    limit: int = 100


class GetChildrenTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_template"):
    """The blank workbook with drop-downs. Reply: Template."""


class ListChildren(Query, frozen=True, kw_only=True, gc=False, tag="registry.children"):
    """`school_year`: the one whose list it is, the current enrolment's where not given. `by_hand`: only those who are
    to be placed by hand."""

    county: str | None = None
    school_year: int | None = None
    stage: StageName | None = None
    state: ChildState | None = None
    by_hand: bool = False
    name: str | None = None
    cursor: str | None = None
    limit: int = 50


class FindChild(Query, frozen=True, kw_only=True, gc=False, tag="registry.find_child"):
    """The child on the lists of the school's county whose document is in the guardian's hand (6): name and number, both
    right, or nobody. Reply: ChildPage, without address and telephone."""

    name: str
    document_number: str

    def __repr__(self) -> str:
        return "FindChild(…)"


class GetChild(Query, frozen=True, kw_only=True, gc=False, tag="registry.child"):
    child_id: str


# ---- placement ---------------------------------------------------------------------------------------------------------


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


# ---- admissions --------------------------------------------------------------------------------------------------------

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


# ---- applications ------------------------------------------------------------------------------------------------------

ApplicationKind = Literal["deferral", "migrant", "international"]
"""延缓入学 (6), 随迁子女就学 (7), 国际学生就读 (9)."""


class ApplicationStep(Message, frozen=True, kw_only=True, gc=False):
    step: str
    title: str
    decision: str
    account_name: str
    decided_at: Moment
    reason: str


class SchoolChoiceView(Message, frozen=True, kw_only=True, gc=False):
    """A school with room for a migrant child, in the order of clause 7. `served`: its zone has the address."""

    school: str
    school_name: str
    ownership: str
    served: bool
    free: int


class ApplicationView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.application_view"):
    """`waits_for`: the step somebody has to decide now; `content`: what the kind has of its own; `choices`: schools for
    a migrant child who waits for one, public and near first."""

    id: str
    kind: ApplicationKind
    child_id: str
    name: str
    birth_date: date
    masked_document: str
    county: str
    school: str | None
    school_name: str | None
    school_year: int
    stage: StageName
    state: Literal["open", "approved", "rejected"]
    waits_for: str | None
    due_on: date | None
    asked_on: date
    content: dict[str, str]
    evidence: tuple[EvidenceGiven, ...]
    steps: tuple[ApplicationStep, ...]
    choices: tuple[SchoolChoiceView, ...] = ()
    admission_id: str | None
    version: int


class ApplicationPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.application_page"):
    items: tuple[ApplicationView, ...]
    next_cursor: str | None = None


class ApplyForDeferral(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_for_deferral"):
    """The parents' application, received by a public primary school (clause 6). `institution`: the designated medical
    institution that made the diagnosis, for reasons of health. Reply: ApplicationView."""

    application_id: str
    child_id: str
    cause: Literal["health", "other"]
    reason: str
    institution: str = ""
    evidence: tuple[EvidenceGiven, ...] = ()


class ApplyAsMigrant(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_as_migrant"):
    """A migrant child (clause 7): residence permits of guardian and child, household booklet, and nothing else.

    Reply: ApplicationView."""

    application_id: str
    child: ChildGiven
    stage: StageName = "primary"
    evidence: tuple[EvidenceGiven, ...] = ()


class ApplyInternationally(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_internationally"):
    """An international pupil at a qualified school (clause 9). Reply: ApplicationView."""

    application_id: str
    child: ChildGiven
    stage: StageName = "primary"
    evidence: tuple[EvidenceGiven, ...] = ()


class AdmitPrivately(Command, frozen=True, kw_only=True, gc=False, tag="registry.admit_privately"):
    """A private school's applicants under its approved scheme (clause 8): all of them or none. At most 500.

    `dry_run`: only say what would be. Reply: PrivateAdmissions."""

    list_id: str
    applicants: tuple[ChildGiven, ...]
    stage: StageName = "primary"
    dry_run: bool = False


class PrivateApplicant(Message, frozen=True, kw_only=True, gc=False):
    """`row`: place in the list, from 1."""

    row: int
    name: str
    masked_document: str
    admission_id: str | None = None
    findings: tuple[Finding, ...] = ()


class PrivateAdmissions(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.private_admissions"
):
    done: bool
    places: int
    free: int
    items: tuple[PrivateApplicant, ...]


class DecideApplication(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_application"):
    """A step of a deferral, a migrant child's or an international pupil's application. `school`: where the authority
    assigns a migrant child. Reply: ApplicationView."""

    application_id: str
    kind: ApplicationKind
    step: Literal["school", "authority"]
    decision: Literal["approve", "reject"]
    reason: str = ""
    school: str | None = None
    version: int | None = None


class ListApplications(Query, frozen=True, kw_only=True, gc=False, tag="registry.applications"):
    kind: ApplicationKind
    state: Literal["open", "approved", "rejected"] | None = None
    cursor: str | None = None
    limit: int = 50


class GetApplication(Query, frozen=True, kw_only=True, gc=False, tag="registry.application"):
    application_id: str
    kind: ApplicationKind


# ---- events ------------------------------------------------------------------------------------------------------------


class NoShow(Message, frozen=True, kw_only=True, gc=False):
    admission_id: str
    child_id: str
    person_id: str
    county: str


class NoShows(Event, frozen=True, kw_only=True, gc=False, tag="registry.no_shows"):
    """Children with a place who neither reported nor postponed by the first day of term (clause 10.2). Each is told
    once; at most 500 an event."""

    school: str
    school_year: int
    first_day: date
    children: tuple[NoShow, ...]


Commands = (
    SetZones
    | EndZone
    | OpenChildrenImport
    | ConfirmChildrenImport
    | RemoveChild
    | StartPlacement
    | PlaceChild
    | ObjectToAdmission
    | EndAdmission
    | PrintNotices
    | RecordReports
    | AskPostponement
    | DecidePostponement
    | ApplyForDeferral
    | ApplyAsMigrant
    | ApplyInternationally
    | AdmitPrivately
    | DecideApplication
)
Queries = (
    ListZones
    | GetZone
    | FindZone
    | ReadZones
    | GetZoneTemplate
    | GetChildrenImport
    | ListChildrenImports
    | ListChildrenImportRows
    | GetChildrenTemplate
    | ListChildren
    | FindChild
    | GetChild
    | PreviewPlacement
    | GetPlacementRun
    | ListAdmissions
    | GetAdmission
    | GetAdmissionOverview
    | ListPostponements
    | ListApplications
    | GetApplication
)
Events = NoShows

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SetZones: ZonesSet,
    EndZone: ZoneView,
    ListZones: ZonePage,
    GetZone: ZoneHistory,
    FindZone: ZoneMatches,
    ReadZones: ZonesChecked,
    GetZoneTemplate: Template,
    OpenChildrenImport: ChildrenImport,
    ConfirmChildrenImport: ChildrenImport,
    RemoveChild: ChildView,
    GetChildrenImport: ChildrenImport,
    ListChildrenImports: ChildrenImportPage,
    ListChildrenImportRows: ChildrenImportRows,
    GetChildrenTemplate: Template,
    ListChildren: ChildPage,
    FindChild: ChildPage,
    GetChild: ChildView,
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
    ApplyForDeferral: ApplicationView,
    ApplyAsMigrant: ApplicationView,
    ApplyInternationally: ApplicationView,
    AdmitPrivately: PrivateAdmissions,
    DecideApplication: ApplicationView,
    ListApplications: ApplicationPage,
    GetApplication: ApplicationView,
}
"""Part of the registry's (`registry.REPLIES`)."""
