"""What the audit log does: a command, a query, an event, a worker each has its line."""

from __future__ import annotations

from service_kit.service import Worker
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.audit import (
    Audited,
    GetComplianceReport,
    HandleAlert,
    ListAlerts,
    ListIncidents,
    ReportIncident,
    SearchAudit,
    VerifyAudit,
)
from shared_contracts.messages import Command, Event, Query

from access.audit import closing, watching
from access.audit.alerts import handle_alert, list_alerts, list_incidents, report_incident
from access.audit.keeping import audited
from access.audit.report import compliance_report
from access.audit.search import search, verify_audit

COMMANDS: dict[type[Command], CommandHandler] = {HandleAlert: handle_alert, ReportIncident: report_incident}
QUERIES: dict[type[Query], QueryHandler] = {
    SearchAudit: search,
    VerifyAudit: verify_audit,
    ListAlerts: list_alerts,
    ListIncidents: list_incidents,
    GetComplianceReport: compliance_report,
}
EVENTS: dict[type[Event], EventHandler] = {Audited: audited}
WORKERS: tuple[Worker, ...] = (closing.worker, watching.worker)
