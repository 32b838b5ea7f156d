"""What a city reports of its transfers to the province (clause 24.6.5), and where steps are overdue (24.6.4)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.files import Template
from shared_contracts.messages import Command, Message, Moment, Query

Term = Literal["spring", "autumn"]
"""春季、秋季学期; the report of the spring of 2027 is due in March 2027."""


By = Literal["city", "county", "organisation"]
"""What overdue steps are summed by."""


class Figures(Message, frozen=True, kw_only=True, gc=False):
    """Counts of transfers that were completed, into and out of a school. `within`: of both, those between two schools of the
    city itself; `from_outside`, `to_outside`: of either, those from and to other provinces. `overridden`: against a 原则上
    rule. `late`: with a step that was decided after its last day."""

    transfers_in: int = 0
    transfers_out: int = 0
    within: int = 0
    from_outside: int = 0
    to_outside: int = 0
    overridden: int = 0
    late: int = 0


class ReportLine(Message, frozen=True, kw_only=True, gc=False):
    """One school and ground; what came from or went to other provinces (`outside`) has a line of its own. `county`: its
    authority."""

    county: str
    county_name: str
    school: str
    school_name: str
    ground: str
    ground_title: str
    figures: Figures
    outside: bool = False


class ReportView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.report_view"):
    """A city's report of a term. `first`, `last`: days of completion that it covers; an open one goes as far as today.
    What was completed before `first` and heard of only after the report before was filed stands in it, too.

    `state`: `open` shows the present figures; `submitted` those that were filed, for ever. `county`: where only this
    county's lines are shown, to itself or to whoever is above it. `findings`: what stands against filing it today, and what
    whoever files should know; none of a report that was filed.
    """

    id: str
    city: str
    city_name: str
    year: int
    term: Term
    state: Literal["open", "submitted"]
    first: date
    last: date
    due_on: date
    overdue: bool
    totals: Figures
    lines: tuple[ReportLine, ...]
    version: int
    note: str = ""
    submitted_at: Moment | None = None
    submitted_by: str = ""
    filed_late: bool = False
    county: str | None = None
    county_name: str = ""
    findings: tuple[Finding, ...] = ()


class ReportRow(Message, frozen=True, kw_only=True, gc=False):
    """A report in the province's list. `overdue`: not filed though its day has passed; `filed_late`: filed after it."""

    city: str
    city_name: str
    state: Literal["open", "submitted"]
    due_on: date
    overdue: bool
    totals: Figures | None = None
    submitted_at: Moment | None = None
    filed_late: bool = False


class ReportList(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.report_list"):
    """`today`: of the system, by which `overdue` was judged."""

    year: int
    term: Term
    due_on: date
    today: date
    items: tuple[ReportRow, ...]


class LateSteps(Message, frozen=True, kw_only=True, gc=False):
    """An organisation's steps, or those of all under an authority. `now`: waiting beyond their last day; `decided_late`: in
    the days looked at; `worst`: working days beyond, of those that wait now."""

    organisation: str
    organisation_name: str
    now: int
    decided_late: int
    worst: int


class LateTable(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.late_table"):
    """Worst first, the first 200. `left_off`: how many more there are. `within`: the authority under which was looked."""

    since: date
    by: By
    within: str
    within_name: str
    items: tuple[LateSteps, ...]
    left_off: int = 0


class LateCase(Message, frozen=True, kw_only=True, gc=False):
    """One overdue step. `decided_on`: None while it waits. `days`: working days beyond its last one. It tells nothing of the
    pupil: whoever may see the transfer opens it."""

    transfer_id: str
    number: str
    step: str
    step_title: str
    from_school_name: str
    to_school_name: str
    due_on: date
    decided_on: date | None
    days: int


class LateCases(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.late_cases_view"):
    """What waits first, longest overdue on top; then what was decided late, newest first. `totals`: of the organisation."""

    since: date
    totals: LateSteps
    items: tuple[LateCase, ...]
    next_cursor: str | None = None


class SubmitReport(Command, frozen=True, kw_only=True, gc=False, tag="transfer.submit_report"):
    """The city files its figures of today with the province; they do not change any more. `seen`: the totals that were
    looked at before; where they are others by now, nothing is filed. Reply: ReportView."""

    city: str
    year: int
    term: Term
    note: str = ""
    seen: Figures | None = None


class GetReport(Query, frozen=True, kw_only=True, gc=False, tag="transfer.report"):
    city: str
    year: int
    term: Term


class GetReportWorkbook(Query, frozen=True, kw_only=True, gc=False, tag="transfer.report_workbook"):
    """The same as an Excel workbook. Reply: Template."""

    city: str
    year: int
    term: Term


class GetCountyReport(Query, frozen=True, kw_only=True, gc=False, tag="transfer.county_report"):
    """A county's own lines of its city's report. Reply: ReportView."""

    county: str
    year: int
    term: Term


class GetCountyReportWorkbook(Query, frozen=True, kw_only=True, gc=False, tag="transfer.county_report_workbook"):
    """The same as an Excel workbook, in the layout of the city's. Reply: Template."""

    county: str
    year: int
    term: Term


class ListReports(Query, frozen=True, kw_only=True, gc=False, tag="transfer.reports"):
    """Of all cities that the actor sees. Without year or term: of the report that is to be made next. Reply: ReportList."""

    year: int | None = None
    term: Term | None = None


class GetLateTable(Query, frozen=True, kw_only=True, gc=False, tag="transfer.late_steps"):
    """Overdue steps under the actor's authority, or under one below it (`within`). `since`: for what was decided late."""

    since: date | None = None
    within: str | None = None
    by: By = "organisation"


class ListLateCases(Query, frozen=True, kw_only=True, gc=False, tag="transfer.late_cases"):
    """The overdue steps of one school or authority. Reply: LateCases."""

    organisation: str
    since: date | None = None
    cursor: str | None = None
    limit: int = 50


Commands = SubmitReport
Queries = (
    GetReport
    | GetReportWorkbook
    | GetCountyReport
    | GetCountyReportWorkbook
    | ListReports
    | GetLateTable
    | ListLateCases
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SubmitReport: ReportView,
    GetReport: ReportView,
    GetReportWorkbook: Template,
    GetCountyReport: ReportView,
    GetCountyReportWorkbook: Template,
    ListReports: ReportList,
    GetLateTable: LateTable,
    ListLateCases: LateCases,
}
