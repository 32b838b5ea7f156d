"""Rosters (名册, clauses 3.5, 15.1): a workbook of new pupils from its upload to its numbers. Words of the registry."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Event, Message, Moment, Query


class RosterState(StrEnum):
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"  # dry run done: waits for confirm
    CONFIRMING = "confirming"
    IN_APPROVAL = "in_approval"
    ISSUING = "issuing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"  # the file as a whole cannot be read; `problem` says why


class RowState(StrEnum):
    VALID = "valid"
    WARNED = "warned"  # accepted, with something to look at
    REFUSED = "refused"
    ALREADY_HERE = "already_here"  # this pupil is registered (or being registered) at this school: nothing to do


class Progress(Message, frozen=True, kw_only=True, gc=False):
    done: int
    total: int


class RowTotals(Message, frozen=True, kw_only=True, gc=False):
    rows: int = 0
    valid: int = 0
    warned: int = 0
    refused: int = 0
    already_here: int = 0


class RosterFile(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_file_view"):
    """A file the roster offers for download: `template`-like workbooks and printable sheets.

    `record_ids`: the registrations that it shows, told when it is fetched (for the audit log).
    """

    kind: Literal["refused_rows", "confirmation_sheets"]
    name: str
    file: FileRef
    label: str = ""
    record_ids: tuple[str, ...] = ()


class RosterView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_view"):
    """A roster as its school sees it. `steps` counts registrations by state; `numbers` by kind, `verification` by outcome."""

    id: str
    school: str
    school_name: str
    file_name: str
    state: RosterState
    progress: Progress
    totals: RowTotals
    version: int
    created_at: Moment
    created_by: str
    new_classes: tuple[str, ...] = ()
    refusals: dict[str, int] = {}
    steps: dict[str, int] = {}
    numbers: dict[str, int] = {}
    verification: dict[str, int] = {}
    files: tuple[RosterFile, ...] = ()
    sheets_state: Literal["none", "printing", "ready"] = "none"
    findings: tuple[Finding, ...] = ()
    problem: str | None = None


class RosterPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_page"):
    items: tuple[RosterView, ...]
    next_cursor: str | None = None


class RosterRow(Message, frozen=True, kw_only=True, gc=False):
    """One row: `row` is the row number in the sheet as Excel shows it."""

    row: int
    state: RowState
    name: str
    masked_document: str
    grade: int | None
    class_no: int | None
    findings: tuple[Finding, ...]
    registration_id: str | None = None


class RosterRowPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_row_page"):
    items: tuple[RosterRow, ...]
    next_cursor: str | None = None


class OpenRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_roster"):
    """Take an uploaded workbook and begin its check (dry run). Role: registrar of the school. Reply: RosterView."""

    roster_id: str
    file: FileRef


class ConfirmRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.confirm_roster"):
    """Turn the accepted rows of a checked roster into registrations. Reply: RosterView."""

    roster_id: str
    version: int | None = None


class CancelRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.cancel_roster"):
    """Give up a roster that has not been confirmed. Nothing of it remains but its name. Reply: RosterView."""

    roster_id: str


class PrintSheets(Command, frozen=True, kw_only=True, gc=False, tag="registry.print_sheets"):
    """Make the confirmation sheets (PDF, one file a class) of a roster's registrations. Reply: RosterView."""

    roster_id: str


class GetRoster(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster"):
    roster_id: str


class GetRosterFile(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster_file"):
    """One file of a roster, to be fetched from the file store. Reply: RosterFile."""

    roster_id: str
    file_id: str


class ListRosters(Query, frozen=True, kw_only=True, gc=False, tag="registry.rosters"):
    school: str | None = None
    cursor: str | None = None
    limit: int = 50


class ListRosterRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster_rows"):
    roster_id: str
    state: RowState | None = None
    cursor: str | None = None
    limit: int = 100


class GetTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.template"):
    """The blank workbook with drop-downs for the actor's school, or the form on paper (PDF). Reply: Template."""

    form: Literal["workbook", "paper"] = "workbook"


class RosterChecked(Event, frozen=True, kw_only=True, gc=False, tag="registry.roster_checked"):
    """The dry run of a roster is done. `problem`: why the file as a whole could not be read."""

    roster_id: str
    school: str
    file_name: str
    totals: RowTotals
    problem: str | None = None


class RosterCompleted(Event, frozen=True, kw_only=True, gc=False, tag="registry.roster_completed"):
    """Every accepted row of the roster has its record and its number."""

    roster_id: str
    school: str
    file_name: str
    totals: RowTotals
    numbers: dict[str, int]


Commands = OpenRoster | ConfirmRoster | CancelRoster | PrintSheets
Queries = GetRoster | ListRosters | GetRosterFile | ListRosterRows | GetTemplate
Events = RosterChecked | RosterCompleted
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    OpenRoster: RosterView,
    ConfirmRoster: RosterView,
    CancelRoster: RosterView,
    PrintSheets: RosterView,
    GetRoster: RosterView,
    ListRosters: RosterPage,
    GetRosterFile: RosterFile,
    ListRosterRows: RosterRowPage,
    GetTemplate: Template,
}
