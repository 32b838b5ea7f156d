"""The gateway as a client of the HTTP API sees it. What is answered is kept: nothing personal may be in it."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from httpx_sse import connect_sse
from shared_contracts.decisions import Finding
from shared_contracts.records import Journal, StudentPage, StudentView
from shared_contracts.registry import (
    DecisionDone,
    RegistrationPage,
    RegistrationView,
    RosterPage,
    RosterRow,
    RosterRowPage,
    RosterState,
    RosterView,
)
from shared_contracts.search import FoundPage, FoundStudent

M = TypeVar("M")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PROBLEM = "application/problem+json"
BUSY = frozenset({503, 504})
"""Answers that say nothing of the request: a service restarts, or got no processor in time."""
PASSING = BUSY | {429}
"""Answers after which a client sends the same request again, with the same Idempotency-Key."""
PATIENCE = 180.0
"""Seconds after which something hangs."""


@dataclass(frozen=True)
class Answer:
    method: str
    path: str
    status: int
    kind: str
    headers: str
    body: bytes


@dataclass
class Answers:
    """Every answer the gateway gave to anybody."""

    given: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, response: httpx.Response) -> None:
        answer = Answer(
            response.request.method,
            response.request.url.path,
            response.status_code,
            response.headers.get("content-type", "").split(";")[0],
            str(dict(response.headers)),
            response.content,
        )
        with self._lock:
            self.given.append(answer)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457, as the API promises it: strict, so that a missing member is noticed."""

    type: str
    title: str
    status: int
    detail: str
    findings: tuple[Finding, ...] = ()
    trace_id: str = ""


def problem_of(response: httpx.Response) -> Problem:
    """The problem of an answer that must be one."""
    assert response.headers.get("content-type", "").startswith(PROBLEM), response.text[:500]
    found = msgspec.json.decode(response.content, type=Problem)
    assert found.status == response.status_code
    assert found.type.startswith("urn:xueji:problem:")
    assert chinese(found.title) and chinese(found.detail), found
    return found


def done(answer: httpx.Response, status: int = 200) -> Any:
    """What an operation answered that had to go well."""
    assert answer.status_code == status, f"{answer.request.url.path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def chinese(text: str) -> bool:
    return any("\u4e00" <= c <= "\u9fff" for c in text)


class Api:
    """One account. `send` gives back whatever is answered, but for a busy system; the others wait for all that passes and
    fail on refusals; `once` sends once."""

    def __init__(self, gateway: str, username: str, password: str, answers: Answers) -> None:
        self.username = username
        self._password = password
        self._answers = answers
        self._http = httpx.Client(base_url=gateway, timeout=httpx.Timeout(70, connect=60), trust_env=False)
        self._token, self._until = "", 0.0
        self._lock = threading.Lock()

    def close(self) -> None:
        self._http.close()

    # ---- requests -----------------------------------------------------------------------------------------------------

    @property
    def token(self) -> str:
        """Of a session that is begun again well before its token ends: tests run for longer than a token lives."""
        with self._lock:
            if time.monotonic() > self._until:
                body = {"username": self.username, "password": self._password}
                response = patiently(lambda: self._http.post("/v1/sessions", json=body))
                assert response.status_code == 201, response.text
                session = response.json()
                self._token, self._until = session["access_token"], time.monotonic() + session["expires_in"] / 2
            return self._token

    def forget(self) -> None:
        """The session has ended: a clock that was moved is past its life."""
        self._until = 0.0

    def once(self, method: str, path: str, *, key: str = "", **request: Any) -> httpx.Response:
        """Once, whatever comes of it. A POST gets an Idempotency-Key of its own unless given."""
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        response = self._http.request(method, path, headers=headers, **request)
        self._answers.keep(response)
        return response

    def send(self, method: str, path: str, *, key: str = "", **request: Any) -> httpx.Response:
        """What is answered, whatever it is: only where the system was too busy to say is what may be repeated sent again."""
        key = key or str(uuid.uuid4())
        return unless_busy(method, lambda: self.once(method, path, key=key, **request))

    def call(
        self, method: str, path: str, *, seconds: float = PATIENCE, key: str = "", **request: Any
    ) -> httpx.Response:
        """As a good client: the same request again, same key, while the answer is one that passes."""
        key = key or str(uuid.uuid4())
        return patiently(lambda: self.once(method, path, key=key, **request), seconds)

    def want(self, kind: type[M], method: str, path: str, **request: Any) -> M:
        """The answer as the contract's struct; a refusal fails the test."""
        response = self.call(method, path, **request)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text[:1500]}"
        return msgspec.json.decode(response.content, type=kind)

    # ---- rosters ------------------------------------------------------------------------------------------------------

    def upload(self, path: Path, key: str = "", name: str = "") -> RosterView:
        files = {"file": (name or path.name, path.read_bytes(), XLSX)}
        return self.want(RosterView, "POST", "/v1/rosters", key=key, files=files)

    def roster(self, roster_id: str) -> RosterView:
        return self.want(RosterView, "GET", f"/v1/rosters/{roster_id}")

    def rosters(self) -> list[RosterView]:
        return self._pages(RosterPage, "/v1/rosters")

    def rows(self, roster_id: str, **query: Any) -> list[RosterRow]:
        return self._pages(RosterRowPage, f"/v1/rosters/{roster_id}/rows", **query)

    def reach(self, roster_id: str, *states: RosterState, seconds: float = PATIENCE) -> RosterView:
        """The roster once it is in one of these states. Fails at once when it ended otherwise."""
        end = time.monotonic() + seconds
        ends = {RosterState.FAILED, RosterState.CANCELLED, RosterState.COMPLETED} - set(states)
        while (view := self.roster(roster_id)).state not in states:
            assert view.state not in ends, f"the roster ended as {view.state}: {view.problem}"
            assert time.monotonic() < end, (
                f"the roster is {view.state} ({view.progress}) after {seconds:g} s: {view.steps}"
            )
            time.sleep(0.1)
        return view

    def confirm(self, roster_id: str) -> RosterView:
        return self.want(RosterView, "POST", f"/v1/rosters/{roster_id}/confirmation")

    def cancel(self, roster_id: str) -> RosterView:
        return self.want(RosterView, "DELETE", f"/v1/rosters/{roster_id}")

    def print_sheets(self, roster_id: str, seconds: float = PATIENCE) -> RosterView:
        view = self.want(RosterView, "POST", f"/v1/rosters/{roster_id}/confirmation-sheets")
        end = time.monotonic() + seconds
        while view.sheets_state != "ready":
            assert time.monotonic() < end, f"the sheets are {view.sheets_state} after {seconds:g} s"
            time.sleep(0.1)
            view = self.roster(roster_id)
        return view

    def decide(self, roster_id: str, step: str, decision: str = "approve", **more: str) -> DecisionDone:
        body = {"step": step, "decision": decision, **more}
        return self.want(DecisionDone, "POST", f"/v1/rosters/{roster_id}/decisions", json=body)

    def file(self, roster_id: str, file_id: str) -> bytes:
        return self.call("GET", f"/v1/rosters/{roster_id}/files/{file_id}").content

    def follow(self, roster_id: str, until: str) -> Iterator[tuple[str, str]]:
        """(event, data) of the roster's progress, to the stream's end."""
        headers = {"Authorization": f"Bearer {self.token}"}
        path = f"/v1/rosters/{roster_id}/events"
        with connect_sse(self._http, "GET", path, params={"until": until}, headers=headers) as source:
            assert source.response.status_code == 200
            for event in source.iter_sse():
                yield event.event, event.data

    # ---- registrations, students --------------------------------------------------------------------------------------

    def registrations(self, **query: Any) -> list[RegistrationView]:
        return self._pages(RegistrationPage, "/v1/registrations", **query)

    def students(self, **query: Any) -> list[StudentView]:
        return self._pages(StudentPage, "/v1/students", **query)

    def search(self, **body: Any) -> tuple[FoundStudent, ...]:
        return self.want(FoundPage, "POST", "/v1/students/searches", json=body).items

    def journal(self, student_id: str) -> Journal:
        return self.want(Journal, "GET", f"/v1/students/{student_id}/journal")

    def _pages(self, kind: Any, path: str, **query: Any) -> list[Any]:
        found: list[Any] = []
        cursor = None
        while True:
            params = {"limit": 200, **query} | ({"cursor": cursor} if cursor else {})
            page = self.want(kind, "GET", path, params=params)
            found += page.items
            if (cursor := page.next_cursor) is None:
                return found


def patiently(
    send: Callable[[], httpx.Response], seconds: float = PATIENCE, passing: Collection[int] = PASSING
) -> httpx.Response:
    """The answer, the same request sent again while there is none or one of those that pass."""
    end, pause = time.monotonic() + seconds, 0.1
    while True:
        over = time.monotonic() > end
        try:
            response = send()
        except httpx.TransportError:
            if over:
                raise
        else:
            if response.status_code not in passing or over:
                return response
        time.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def unless_busy(method: str, send: Callable[[], httpx.Response]) -> httpx.Response:
    """What is answered to a GET, or to a POST with its Idempotency-Key, by a system that is not too busy to answer."""
    return patiently(send, passing=BUSY) if method in ("GET", "POST") else send()
