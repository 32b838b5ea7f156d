"""What a city reports of its transfers to the province (clause 24.6.5), and where steps are overdue (24.6.4)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.files import Template
from shared_contracts.messages import Command, Message, Moment, Query

Term = Literal["spring", "autumn"]
"""春季、秋季学期; the report of the spring of 2027 is due in March 2027."""


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

    `state`: `open` shows the present figures; `submitted` those that were filed, for ever.
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


class ReportRow(Message, frozen=True, kw_only=True, gc=False):
    """A report in the province's list."""

    city: str
    city_name: str
    state: Literal["open", "submitted"]
    due_on: date
    overdue: bool
    totals: Figures | None = None
    submitted_at: Moment | None = None


class ReportList(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.report_list"):
    year: int
    term: Term
    items: tuple[ReportRow, ...]


class LateSteps(Message, frozen=True, kw_only=True, gc=False):
    """An organisation's steps. `now`: waiting beyond their last day; `decided_late`: in the days looked at; `worst`: working
    days beyond, of those that wait now."""

    organisation: str
    organisation_name: str
    now: int
    decided_late: int
    worst: int


class LateTable(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.late_table"):
    """Worst first."""

    since: date
    items: tuple[LateSteps, ...]


class SubmitReport(Command, frozen=True, kw_only=True, gc=False, tag="transfer.submit_report"):
    """The city files its figures of today with the province; they do not change any more. Reply: ReportView."""

    city: str
    year: int
    term: Term
    note: str = ""


class GetReport(Query, frozen=True, kw_only=True, gc=False, tag="transfer.report"):
    city: str
    year: int
    term: Term


class GetReportWorkbook(Query, frozen=True, kw_only=True, gc=False, tag="transfer.report_workbook"):
    """The same as an Excel workbook. Reply: Template."""

    city: str
    year: int
    term: Term


class ListReports(Query, frozen=True, kw_only=True, gc=False, tag="transfer.reports"):
    """Of all cities that the actor sees. Reply: ReportList."""

    year: int
    term: Term


class GetLateTable(Query, frozen=True, kw_only=True, gc=False, tag="transfer.late_steps"):
    """Overdue steps by organisation, under the actor's authority. `since`: for what was decided late."""

    since: date | None = None


Commands = SubmitReport
Queries = GetReport | GetReportWorkbook | ListReports | GetLateTable

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SubmitReport: ReportView,
    GetReport: ReportView,
    GetReportWorkbook: Template,
    ListReports: ReportList,
    GetLateTable: LateTable,
}
