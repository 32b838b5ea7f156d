"""Audit: who looked at what, and what was done (clause 45.1). Every service says it, the access service keeps it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from shared_contracts.messages import Command, Event, Message, Moment, Query


class Audited(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="audit.entry"):
    """One act of one account. Ids only: no name of a pupil, no number, nothing that was searched for.

    `id`: unique; `act`: the word of the command or query, with its step (`registry.decide_roster/principal`).
    `outcome`: `done`, or the kind of refusal (`forbidden`, `not_found`, …); `reasons`: codes of its findings.
    `objects`: ids of what was acted on or shown, at most 1,000; `count`: how many there were.
    `purpose`: where the act asks for one. `operation`: of the HTTP API, `"GET /v1/students/{student_id}"`.
    """

    id: str
    at: Moment
    service: str
    act: str
    account: str
    organisation: str
    roles: tuple[str, ...]
    outcome: str = "done"
    name: str = ""
    reasons: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()
    count: int = 0
    purpose: str = ""
    address: str = ""
    session: str = ""
    operation: str = ""
    trace_id: str = ""


class AuditEntry(Message, frozen=True, kw_only=True, gc=False):
    """One kept entry. `day`, `number`: its place in the chain of the day on which it was kept."""

    entry: Audited
    title: str
    organisation_name: str
    day: date
    number: int
    hash: str


class AuditPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.audit_page"):
    items: tuple[AuditEntry, ...]
    next_cursor: str | None = None


class SearchAudit(Query, frozen=True, kw_only=True, gc=False, tag="access.audit_entries"):
    """Entries of accounts in the actor's subtree, newest first. `object_id`: of a pupil, a registration, a roster, …"""

    account: str | None = None
    organisation: str | None = None
    object_id: str | None = None
    act: str | None = None
    outcome: str | None = None
    since: Moment | None = None
    until: Moment | None = None
    cursor: str | None = None
    limit: int = 50


class AuditDay(Message, frozen=True, kw_only=True, gc=False):
    """One day of the log. `signed`: its root was signed when the day ended; today's is not yet.

    `faults`: what does not fit, in Chinese, with the number of the entry; empty when the day is intact.
    """

    day: date
    entries: int
    root: str
    signed: bool
    faults: tuple[str, ...] = ()


class AuditVerified(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.audit_verified"):
    """`keys`: the public key of the signatures as a JWK set (RFC 7517)."""

    intact: bool
    entries: int
    days: tuple[AuditDay, ...]
    keys: dict[str, Any]


class VerifyAudit(Query, frozen=True, kw_only=True, gc=False, tag="access.verify_audit"):
    """Recompute the chains of these days (both included) and compare with what was signed. Reply: AuditVerified."""

    since: date
    until: date


class Alert(Message, frozen=True, kw_only=True, gc=False):
    """`kind`: `many_pupils`, `off_hours`, `sealed_account`, `refused_often`, `token_reuse`."""

    id: str
    kind: str
    title: str
    account: str
    organisation: str
    organisation_name: str
    raised_at: Moment
    count: int
    state: Literal["open", "handled"]
    handled_by: str = ""
    handled_at: Moment | None = None
    conclusion: str = ""


class AlertPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.alert_page"):
    items: tuple[Alert, ...]
    next_cursor: str | None = None


class ListAlerts(Query, frozen=True, kw_only=True, gc=False, tag="access.alerts"):
    state: Literal["open", "handled"] | None = None
    cursor: str | None = None
    limit: int = 50


class AlertView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.alert_view"):
    alert: Alert


class HandleAlert(Command, frozen=True, kw_only=True, gc=False, tag="access.handle_alert"):
    """`incident`: it was misuse; it goes into the yearly report as an incident. Reply: AlertView."""

    alert_id: str
    conclusion: str
    incident: bool = False


class Incident(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.incident"):
    """A personal-information incident (个人信息安全事件)."""

    id: str
    happened_on: date
    title: str
    description: str
    measures: str
    organisation: str
    reported_by: str
    reported_at: Moment


class IncidentPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.incident_page"):
    items: tuple[Incident, ...]
    next_cursor: str | None = None


class ReportIncident(Command, frozen=True, kw_only=True, gc=False, tag="access.report_incident"):
    """Reply: Incident."""

    incident_id: str
    happened_on: date
    title: str
    description: str
    measures: str


class ListIncidents(Query, frozen=True, kw_only=True, gc=False, tag="access.incidents"):
    cursor: str | None = None
    limit: int = 50


class GetComplianceReport(Query, frozen=True, kw_only=True, gc=False, tag="access.compliance_report"):
    """The yearly audit of minors' personal information (未成年人个人信息保护合规审计) of the actor's subtree, as PDF."""

    year: int


class ReportFile(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.report_file"):
    name: str
    media_type: str
    content: bytes


Commands = HandleAlert | ReportIncident
Queries = SearchAudit | VerifyAudit | ListAlerts | ListIncidents | GetComplianceReport

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    HandleAlert: AlertView,
    ReportIncident: Incident,
    SearchAudit: AuditPage,
    VerifyAudit: AuditVerified,
    ListAlerts: AlertPage,
    ListIncidents: IncidentPage,
    GetComplianceReport: ReportFile,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
