"""All that access does about exports when asked or told."""

from __future__ import annotations

from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.exports import (
    AttachApproval,
    CancelExport,
    DecideExport,
    DownloadExport,
    ExportFailed,
    ExportMade,
    GetApproval,
    GetExport,
    ListExports,
    PrecheckExport,
    RequestExport,
    ResubmitExport,
)
from shared_contracts.messages import Command, Event, Query

from access.exports.approval import attach_approval, decide_export
from access.exports.leaving import download_export, export_failed, export_made
from access.exports.queries import get_export, list_exports
from access.exports.requests import cancel_export, precheck_export, request_export, resubmit_export

COMMANDS: dict[type[Command], CommandHandler] = {
    RequestExport: request_export,
    ResubmitExport: resubmit_export,
    CancelExport: cancel_export,
    AttachApproval: attach_approval,
    DecideExport: decide_export,
    DownloadExport: download_export,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetExport: get_export,
    GetApproval: get_export,
    ListExports: list_exports,
    PrecheckExport: precheck_export,
}
EVENTS: dict[type[Event], EventHandler] = {ExportMade: export_made, ExportFailed: export_failed}
