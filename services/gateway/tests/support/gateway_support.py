"""A stand-in for the bus and the makers of replies that the gateway's tests share."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from gateway.accounts import Account
from litestar import Litestar
from service_kit.clock import Clock
from shared_contracts.actors import Role
from shared_contracts.decisions import refused
from shared_contracts.identity import Verification
from shared_contracts.messages import Command, Query
from shared_contracts.registry import (
    FileRef,
    Progress,
    RegistrationState,
    RegistrationView,
    RosterState,
    RosterView,
    RowTotals,
    Step,
)

PASSWORD = "学籍-right-horse"
REGISTRAR = "2301000001.registrar"


class StandInBus:
    """Answers with what the test has put there; keeps what it was asked."""

    def __init__(self) -> None:
        self.ready = True
        self.asked: list[Command | Query] = []
        self.answers: dict[type[Any], Any] = {}

    def answer(self, kind: type[Any], reply: Any) -> None:
        """`reply`: a message, an exception to raise, or a function of the message."""
        self.answers[kind] = reply

    async def ask(self, message: Command | Query, timeout: float = 5.0) -> Any:
        self.asked.append(message)
        reply = self.answers.get(type(message), refused("not_found", "没有找到。"))
        if callable(reply):
            reply = reply(message)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def last(self, kind: type[Any]) -> Any:
        return [message for message in self.asked if isinstance(message, kind)][-1]


def registrars(password_hash: str) -> list[Account]:
    return [
        Account(
            username=REGISTRAR,
            password_hash=password_hash,
            name="李老师",
            organisation="2301000001",
            roles=(Role.REGISTRAR,),
        )
    ]


def key(text: str = "k-1") -> dict[str, str]:
    return {"Idempotency-Key": text}


def roster_view(roster_id: str = "r1", state: RosterState = RosterState.UPLOADED, **more: Any) -> RosterView:
    values: dict[str, Any] = {
        "school": "2301000001",
        "school_name": "第一小学",
        "file_name": "名册.xlsx",
        "progress": Progress(done=0, total=0),
        "totals": RowTotals(),
        "version": 1,
        "created_at": Clock().now(),
        "created_by": REGISTRAR,
        **more,
    }
    return RosterView(id=roster_id, state=state, **values)


def registration_view(registration_id: str = "g1", version: int = 1) -> RegistrationView:
    return RegistrationView(
        id=registration_id,
        roster_id=None,
        row=None,
        person_id="p1",
        school="2301000001",
        school_name="第一小学",
        name="王小明",
        sex="1",
        birth_date=date(2020, 3, 5),
        masked_document="230102********001X",
        document_kind="1",
        grade=1,
        class_no=1,
        school_year=2026,
        placement="primary",
        state=RegistrationState.ENTERED,
        waits_for=Step.CLASS_TEACHER,
        due_on=None,
        version=version,
        verification=Verification.PENDING,
        student_number=None,
        number_kind=None,
    )


def file_ref(file_id: str, size: int, name: str = "a.xlsx") -> FileRef:
    return FileRef(id=file_id, name=name, size=size, sha256="0" * 64, media_type="application/pdf")


@contextlib.asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[None]:
    """The application's lifespan in a task of its own: pytest ends a fixture in another task than it began it."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            started.set()
            await stop.wait()

    task = asyncio.create_task(live())
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield
    finally:
        stop.set()
        await task
