"""Exports over HTTP: what the gateway adds to what access decides (clause 45.2)."""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from gateway_support import ACTOR, StandInBus, kept_in, key
from service_kit.bus import Unavailable, Unknown
from service_kit.clock import Clock
from service_kit.files import FileMissing, FileStore
from shared_contracts.decisions import refused
from shared_contracts.exports import (
    CATALOGUE,
    AttachApproval,
    DecideExport,
    DownloadExport,
    ExportFile,
    ExportPage,
    ExportPrechecked,
    ExportProgress,
    ExportRequest,
    ExportSelection,
    ExportState,
    ExportView,
    GetApproval,
    GetExport,
    GetExportProgress,
    ListExports,
    PrecheckExport,
    Recipient,
    RequestExport,
)
from shared_contracts.files import FileRef

pytestmark = pytest.mark.clause("45.2")
PDF = b"%PDF-1.7\n%%EOF\n"
BODY: dict[str, Any] = {
    "fields": ["name", "student_number"],
    "selection": {"organisation": "2301000001", "grade": 6},
    "recipient": {"kind": "outside", "name": "市招生考试院"},
    "purpose": "核对升学名册",
    "expires_on": "2026-12-01",
}


def view(state: ExportState = ExportState.WAITING, **more: Any) -> ExportView:
    request = ExportRequest(
        fields=("name",),
        selection=ExportSelection(organisation="2301000001"),
        recipient=Recipient(kind="outside", name="市招生考试院"),
        purpose="核对升学名册",
        expires_on=date(2026, 12, 1),
    )
    values: dict[str, Any] = {
        "id": "e1",
        "number": "DC-2026-000001",
        "state": state,
        "state_title": "x",
        "organisation": "2301000001",
        "organisation_name": "第一小学",
        "authority": "230102",
        "authority_name": "道里区教育局",
        "request": request,
        "requested_by": "李老师",
        "requested_at": Clock().now(),
        "rows": 120,
        "version": 3,
        "sensitive": False,
        **more,
    }
    return ExportView(**values)


async def test_a_request_becomes_a_command(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(RequestExport, view())
    reply = await client.post("/v1/exports", json=BODY, headers=key())
    assert reply.status_code == 201, reply.text
    assert (reply.headers["location"], reply.headers["etag"]) == ("/v1/exports/e1", '"3"')
    command = stand_in.last(RequestExport)
    assert command.request.selection == ExportSelection(organisation="2301000001", grade=6)
    assert command.actor == ACTOR and command.request.expires_on == date(2026, 12, 1)
    await client.post("/v1/exports", json=BODY, headers=key())
    assert stand_in.last(RequestExport) == command
    assert (await client.post("/v1/exports", json=BODY)).status_code == 422


@pytest.mark.parametrize(
    "purpose", ["学生230102201903050012的材料", "核对\n123456号", "核对１２３４５６号", "核" * 201]
)
async def test_no_number_reaches_the_audit_log_through_a_purpose(
    client: httpx.AsyncClient, stand_in: StandInBus, purpose: str
) -> None:
    for path in ("/v1/exports", "/v1/exports/prechecks", "/v1/exports/e1/resubmission"):
        reply = await client.post(path, json=BODY | {"purpose": purpose}, headers=key())
        assert reply.status_code == 422
    assert stand_in.asked == []


async def test_prechecks_and_lists(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    from shared_contracts.decisions import Decision

    stand_in.answer(PrecheckExport, ExportPrechecked(decision=Decision(findings=()), rows=7))
    assert (await client.post("/v1/exports/prechecks", json=BODY, headers=key())).json()["rows"] == 7
    stand_in.answer(ListExports, ExportPage(items=(view(),)))
    listed = await client.get("/v1/exports", params={"state": "waiting"})
    assert listed.status_code == 200 and stand_in.last(ListExports).state is ExportState.WAITING
    assert (await client.get("/v1/exports", params={"state": "nothing"})).status_code == 422


async def test_the_catalogue(client: httpx.AsyncClient) -> None:
    items = (await client.get("/v1/exports/fields")).json()["items"]
    assert {item["key"]: item["sensitivity"] for item in items}["document_number"] == "sensitive"
    assert len(items) == len(CATALOGUE)


async def test_progress_while_it_is_made(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetExport, view(ExportState.MAKING))
    stand_in.answer(GetExportProgress, ExportProgress(state="making", done=50, total=120))
    assert (await client.get("/v1/exports/e1")).json()["progress"]["done"] == 50
    stand_in.answer(GetExportProgress, refused("not_found", "x"))  # the registry has not heard of it yet
    assert (await client.get("/v1/exports/e1")).json()["progress"]["state"] == "waiting"
    for away in (Unavailable("x"), Unknown("x"), refused("unavailable", "x")):  # the export itself can be looked at
        stand_in.answer(GetExportProgress, away)
        reply = await client.get("/v1/exports/e1")
        assert reply.status_code == 200 and reply.json()["progress"] is None
    stand_in.answer(GetExportProgress, refused("forbidden", "x"))
    assert (await client.get("/v1/exports/e1")).status_code == 403
    stand_in.answer(GetExport, view(ExportState.READY))
    assert (await client.get("/v1/exports/e1")).json()["progress"] is None


async def test_events_end_when_the_file_is_there(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    states = iter([ExportState.WAITING, ExportState.MAKING, ExportState.READY])
    stand_in.answer(GetExport, lambda _query: view(next(states)))
    stand_in.answer(GetExportProgress, ExportProgress(state="making", done=50, total=120))
    reply = await client.get("/v1/exports/e1/events")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.text.count("event: progress") == 3 and "event: end" in reply.text


def scan(content: bytes = PDF) -> dict[str, Any]:
    return {"file": ("核准.pdf", content, "application/pdf")}


async def test_the_paper_is_kept_under_its_content(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    stand_in.answer(AttachApproval, view())
    for _ in range(2):
        reply = await client.post("/v1/exports/e1/approval-document", files=scan(), headers=key())
        assert reply.status_code == 200, reply.text
    first, second = (message for message in stand_in.asked if isinstance(message, AttachApproval))
    assert first == second and first.document.sha256 == hashlib.sha256(PDF).hexdigest()
    assert await files.read(first.document.id) == PDF
    assert len([path for path in kept_in(files).glob("*/*") if path.is_file()]) == 1


async def test_a_refused_paper_is_not_kept(client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore) -> None:
    stand_in.answer(AttachApproval, refused("forbidden", "x"))
    assert (await client.post("/v1/exports/e1/approval-document", files=scan(), headers=key())).status_code == 403
    assert [path for path in kept_in(files).glob("*/*") if path.is_file()] == []
    stand_in.answer(AttachApproval, refused("unavailable", "x"))  # it may have been attached by the first try
    await client.post("/v1/exports/e1/approval-document", files=scan(), headers=key())
    assert await files.read(stand_in.last(AttachApproval).document.id) == PDF


async def test_a_paper_that_is_too_large(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    reply = await client.post("/v1/exports/e1/approval-document", files=scan(PDF + b"x" * 10_000_000), headers=key())
    assert reply.status_code == 413 and "扫描" in reply.json()["detail"]
    assert stand_in.asked == []


async def test_the_paper_is_shown_to_whom_access_allows(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    file = await files.put("核准.pdf", "application/pdf", PDF, 100)
    stand_in.answer(GetApproval, view(approval_document=file))
    reply = await client.get("/v1/exports/e1/approval-document")
    assert reply.content == PDF and "attachment" in reply.headers["content-disposition"]
    stand_in.answer(GetApproval, view())
    assert (await client.get("/v1/exports/e1/approval-document")).status_code == 404


async def test_a_decision(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(DecideExport, view())
    headers = key() | {"If-Match": '"2"'}
    reply = await client.post("/v1/exports/e1/decisions", json={"decision": "approve"}, headers=headers)
    assert reply.status_code == 200 and stand_in.last(DecideExport).version == 2
    bad = await client.post("/v1/exports/e1/decisions", json={"decision": "allow"}, headers=key())
    assert bad.status_code == 422


async def test_the_file_leaves_for_a_quarter_of_an_hour(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    file: FileRef = await files.put("x.xlsx", "application/x", b"workbook", 100)
    now = Clock().now()
    stand_in.answer(
        DownloadExport, ExportFile(number="DC-2026-000001", file=file, available_until=now + timedelta(minutes=5))
    )
    for _ in range(2):
        reply = await client.post("/v1/exports/e1/download", headers=key())
        assert reply.content == b"workbook" and "DC-2026-000001.xlsx" in reply.headers["content-disposition"]
    commands = [message for message in stand_in.asked if isinstance(message, DownloadExport)]
    assert commands[0] == commands[1]
    # The kept reply outlives the quarter of an hour; the file may not, even where nobody has swept yet.
    stand_in.answer(DownloadExport, ExportFile(number="DC-2026-000001", file=file, available_until=now))
    assert (await client.post("/v1/exports/e1/download", headers=key())).status_code == 409
    await files.delete(file.id)
    with pytest.raises(FileMissing):
        await files.read(file.id)
    later = now + timedelta(minutes=5)
    stand_in.answer(DownloadExport, ExportFile(number="DC-2026-000001", file=file, available_until=later))
    assert (await client.post("/v1/exports/e1/download", headers=key())).status_code == 404
