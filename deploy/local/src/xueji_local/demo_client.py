"""The gateway as a client of the HTTP API sees it: sign in, send, repeat safely, follow, download. Blocking.

Answers become the structs of `shared_contracts.registry`, so that a contract and what is served cannot drift unseen.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from httpx_sse import connect_sse
from shared_contracts.decisions import Finding
from shared_contracts.messages import Message
from shared_contracts.records import StudentPage, StudentView
from shared_contracts.registry import (
    DecisionDone,
    OrganisationPage,
    OrganisationView,
    RegistrationPage,
    RegistrationView,
    RosterFile,
    RosterPage,
    RosterRow,
    RosterRowPage,
    RosterView,
    RowState,
    Step,
)

M = TypeVar("M", bound=Message)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE = 200
"""Items of one page, the most there are."""
PASSING = frozenset({429, 502, 503, 504})
"""Answers after which the same request is sent again, with the same Idempotency-Key."""
PATIENCE = 90.0
"""Seconds for which a request is repeated."""


class ApiProblem(Exception):
    """The API said no. The text (Chinese) is the problem's own."""

    def __init__(self, status: int, detail: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.findings = status, detail, findings


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A demonstration account as `stack.json` has it."""

    role: str
    organisation: str
    username: str
    password: str
    name: str = ""
    organisation_name: str = ""
    classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Account({self.username})"


class _Session(msgspec.Struct):
    access_token: str
    expires_in: int


class _Problem(msgspec.Struct):
    detail: str = ""
    title: str = ""
    findings: tuple[Finding, ...] = ()


class Client:
    """One account at the gateway. Signs in when first needed and again before its token ends."""

    def __init__(self, gateway: str, account: Account) -> None:
        self.account = account
        self._http = httpx.Client(
            base_url=gateway,
            timeout=httpx.Timeout(60, connect=5),
            trust_env=False,  # the gateway is on this machine: no proxy of the surroundings has a part in it
        )
        self._token, self._until = "", 0.0

    def close(self) -> None:
        self._http.close()

    # ---- requests -------------------------------------------------------------------------------------------------

    def _authorisation(self) -> dict[str, str]:
        if time.monotonic() > self._until:
            body = {"username": self.account.username, "password": self.account.password}
            session = msgspec.json.decode(self._send("POST", "/v1/sessions", json=body).content, type=_Session)
            # Half its life: a request that is repeated for a while (PATIENCE) still ends before its token does.
            self._token, self._until = session.access_token, time.monotonic() + session.expires_in * 0.5
        return {"Authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """The session has ended: the clock of the stack was moved past its life."""
        self._until = 0.0

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        return patiently(lambda: self._http.request(method, path, **request))

    def get(self, path: str, **query: Any) -> httpx.Response:
        params = {key: value for key, value in query.items() if value is not None}
        return self._send("GET", path, params=params, headers=self._authorisation())

    def post(self, path: str, body: object = None, key: str = "", **request: Any) -> httpx.Response:
        """`key`: the Idempotency-Key; a new one unless given."""
        headers = self._authorisation() | {"Idempotency-Key": key or str(uuid.uuid4())} | request.pop("headers", {})
        if body is not None:
            request["json"] = body
        return self._send("POST", path, headers=headers, **request)

    # ---- what the API offers --------------------------------------------------------------------------------------

    def organisations(self) -> Iterator[OrganisationView]:
        cursor = None
        while True:
            page = decoded(self.get("/v1/organisations", kind="school", cursor=cursor, limit=PAGE), OrganisationPage)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def template(self) -> bytes:
        return self.get("/v1/rosters/template").content

    def upload(self, path: Path, key: str) -> RosterView:
        files = {"file": (path.name, path.read_bytes(), XLSX)}
        return decoded(self.post("/v1/rosters", key=key, files=files), RosterView)

    def rosters(self) -> Iterator[RosterView]:
        cursor = None
        while True:
            page = decoded(self.get("/v1/rosters", cursor=cursor, limit=PAGE), RosterPage)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def roster(self, roster_id: str) -> RosterView:
        return decoded(self.get(f"/v1/rosters/{roster_id}"), RosterView)

    def rows(self, roster_id: str, state: RowState | None = None) -> Iterator[RosterRow]:
        cursor = None
        while True:
            response = self.get(f"/v1/rosters/{roster_id}/rows", state=state, cursor=cursor, limit=PAGE)
            page = decoded(response, RosterRowPage)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def registrations(self, roster_id: str) -> Iterator[RegistrationView]:
        cursor = None
        while True:
            page = decoded(self.get("/v1/registrations", roster=roster_id, cursor=cursor, limit=PAGE), RegistrationPage)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def registration(self, registration_id: str) -> RegistrationView:
        return decoded(self.get(f"/v1/registrations/{registration_id}"), RegistrationView)

    def students(self) -> Iterator[StudentView]:
        """Of the account's own school."""
        cursor = None
        while True:
            query = {"school": self.account.organisation, "cursor": cursor, "limit": PAGE}
            page = decoded(self.get("/v1/students", **query), StudentPage)
            yield from page.items
            if (cursor := page.next_cursor) is None:
                return

    def confirm(self, roster_id: str) -> RosterView:
        return decoded(self.post(f"/v1/rosters/{roster_id}/confirmation"), RosterView)

    def cancel(self, roster_id: str) -> RosterView:
        return decoded(self._send("DELETE", f"/v1/rosters/{roster_id}", headers=self._authorisation()), RosterView)

    def print_sheets(self, roster_id: str) -> RosterView:
        return decoded(self.post(f"/v1/rosters/{roster_id}/confirmation-sheets"), RosterView)

    def decide(self, roster_id: str, step: Step, *, reason: str = "", signed_on: str | None = None) -> DecisionDone:
        body = {"step": step.value, "decision": "approve", "reason": reason}
        if signed_on:
            body["signed_on"] = signed_on
        return decoded(self.post(f"/v1/rosters/{roster_id}/decisions", body), DecisionDone)

    def follow(self, roster_id: str, until: str) -> Iterator[RosterView]:
        """The roster as it changes, until it is there (or never will be). A stream that breaks is taken up again."""
        last_event, broken_since = "", 0.0
        while True:
            headers = self._authorisation() | ({"Last-Event-ID": last_event} if last_event else {})
            path = f"/v1/rosters/{roster_id}/events"
            stream = connect_sse(
                self._http, "GET", path, params={"until": until}, headers=headers, timeout=httpx.Timeout(60, connect=5)
            )
            try:
                with stream as source:
                    if source.response.status_code != 200:
                        source.response.read()
                        raise _problem(source.response)
                    for event in source.iter_sse():
                        last_event, broken_since = event.id or last_event, 0.0
                        if event.event == "progress":
                            yield msgspec.json.decode(event.data, type=RosterView)
                        elif event.event == "end":
                            return
                        elif event.event == "problem":
                            found = msgspec.json.decode(event.data, type=_Problem)
                            raise ApiProblem(409, found.detail or found.title, found.findings)
            except httpx.TransportError as error:
                broken_since = broken_since or time.monotonic()
                if time.monotonic() - broken_since > PATIENCE:
                    raise ApiProblem(0, f"进度中断（{type(error).__name__}），请用 make status 查看各服务") from error
            except ApiProblem as problem:
                broken_since = broken_since or time.monotonic()
                if problem.status not in PASSING or time.monotonic() - broken_since > PATIENCE:
                    raise
            time.sleep(0.5)

    def download(self, roster_id: str, file: RosterFile, folder: Path) -> Path:
        """Into `folder` under its own name, readable by the user alone: full document numbers may stand in it."""
        content = self.get(f"/v1/rosters/{roster_id}/files/{file.file.id}").content
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / Path(file.name).name
        path.touch(mode=0o600)
        path.write_bytes(content)
        return path


def patiently(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Sent until it is answered: what passes (a service restarts) is waited for. Raises ApiProblem."""
    end, pause = time.monotonic() + PATIENCE, 0.5
    while True:
        try:
            response = send()
        except httpx.TransportError as error:
            if time.monotonic() > end:
                raise ApiProblem(0, f"网关没有应答（{type(error).__name__}），请用 make status 查看各服务") from error
        else:
            if response.is_success:
                return response
            if response.status_code not in PASSING or time.monotonic() > end:
                raise _problem(response)
            pause = max(pause, min(float(response.headers.get("Retry-After", "0") or 0), 10.0))
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def decoded(response: httpx.Response, wanted: type[M]) -> M:
    """The answer as the contract's struct."""
    return msgspec.json.decode(response.content, type=wanted)


def _problem(response: httpx.Response) -> ApiProblem:
    try:
        found = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        found = _Problem(detail=f"HTTP {response.status_code}")
    return ApiProblem(response.status_code, found.detail or found.title, found.findings)
