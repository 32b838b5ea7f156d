"""A stand-in for the bus and the makers of replies that the gateway's tests share."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from time import time
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from litestar import Litestar
from service_kit.blobs import Folder
from service_kit.clock import Clock
from service_kit.files import FileStore
from service_kit.origin import Origin, origin
from shared_contracts.access import (
    TOKEN_AUDIENCE,
    TOKEN_ISSUER,
    AccountState,
    AccountView,
    Claims,
    GetTokenState,
    SignInAnswer,
    Stale,
    Tokens,
    TokenState,
)
from shared_contracts.actors import Actor, Role
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
SESSION = "0197-session"
ACTOR = Actor(account=REGISTRAR, name="李老师", organisation="2301000001", roles=(Role.REGISTRAR,))


class Signer:
    """Signs tokens as the access service does."""

    def __init__(self, kid: str = "k1", seed: bytes = bytes(range(32))) -> None:
        self.kid = kid
        self.private = Ed25519PrivateKey.from_private_bytes(seed)

    @property
    def public(self) -> dict[str, str]:
        raw = self.private.public_key().public_bytes_raw()
        x = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "use": "sig", "alg": "EdDSA"}

    def claims(self, who: Actor = ACTOR, now: float | None = None, **changes: Any) -> dict[str, Any]:
        now = time() if now is None else now
        claims = Claims(
            iss=TOKEN_ISSUER,
            aud=TOKEN_AUDIENCE,
            sub=who.account,
            iat=now,
            exp=now + 300,
            jti="j1",
            sid=SESSION,
            actor=who,
        )
        values = {**msgspec.to_builtins(claims), **changes}
        return {name: value for name, value in values.items() if value is not None}

    def sign(self, claims: dict[str, Any], algorithm: str = "EdDSA", key: Any = None, **headers: Any) -> str:
        return jwt.encode(claims, key or self.private, algorithm=algorithm, headers={"kid": self.kid, **headers})

    def token(self, actor: Actor = ACTOR, **changes: Any) -> str:
        return self.sign(self.claims(actor, **changes))


SIGNER = Signer()


def token_state(*signers: Signer, stale: tuple[Stale, ...] = ()) -> TokenState:
    return TokenState(keys={"keys": [signer.public for signer in signers or (SIGNER,)]}, stale=stale)


def tokens(actor: Actor = ACTOR, session: str = SESSION) -> SignInAnswer:
    """What access answers to a right password."""
    made = Tokens(
        access_token=SIGNER.token(actor, sid=session),
        expires_in=300,
        refresh_token="r-next",
        refresh_expires_at=datetime.fromtimestamp(time() + 36_000, Clock().now().tzinfo),
        session=session,
        actor=actor,
    )
    return SignInAnswer(tokens=made)


def account_view(username: str = "230100.officer", version: int = 1, **changes: Any) -> AccountView:
    values: dict[str, Any] = {
        "name": "赵主管",
        "organisation": "230100",
        "organisation_name": "哈尔滨市教育局",
        "roles": (Role.AUTHORITY_OFFICER,),
        "classes": (),
        "state": AccountState.ACTIVE,
        "must_change_password": False,
        "second_factor": False,
        "created_at": Clock().now(),
        "created_by": "admin",
        **changes,
    }
    return AccountView(username=username, version=version, **values)


class StandInBus:
    """Answers with what the test has put there; keeps what it was asked."""

    def __init__(self) -> None:
        self.ready = True
        self.asked: list[Command | Query] = []
        self.answers: dict[type[Any], Any] = {GetTokenState: token_state()}
        self.key_questions = 0
        self.origins: list[Origin] = []

    def answer(self, kind: type[Any], reply: Any) -> None:
        """`reply`: a message, an exception to raise, or a function of the message."""
        self.answers[kind] = reply

    async def ask(self, message: Command | Query, timeout: float = 5.0) -> Any:
        if isinstance(message, GetTokenState):
            self.key_questions += 1
        else:
            self.asked.append(message)
            self.origins.append(origin.get())
        reply = self.answers.get(type(message), refused("not_found", "没有找到。"))
        if callable(reply):
            reply = reply(message)
        if isinstance(reply, Exception):
            raise reply
        return reply

    def last(self, kind: type[Any]) -> Any:
        return [message for message in self.asked if isinstance(message, kind)][-1]


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


def kept_in(files: FileStore) -> Path:
    """The folder in which a file store of the tests keeps what it is given."""
    blobs = files._blobs
    assert isinstance(blobs, Folder)
    return blobs._folder
