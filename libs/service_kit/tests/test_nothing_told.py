"""What goes wrong is told without the data it went wrong with: in the log, in the traces, in a dead letter, and by a process
that ends."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import logging
import smtplib
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import sqlalchemy.exc
from kit_chores import TABLES, Chores, Deps
from kit_sandbox import ACTOR, Sandbox, approved_event
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from service_kit import commands, deadletters, events, telemetry
from service_kit.bus import BusError
from service_kit.clock import Clock
from service_kit.codec import encode
from service_kit.database import Database, driver
from service_kit.leases import Desk
from service_kit.service import Service
from shared_contracts import identity, registry
from shared_contracts.decisions import Refused, refused
from sqlalchemy.ext.asyncio import AsyncConnection

NAME = "欧阳海燕"
NUMBER = "230102201901011234"
SECRETS = (NAME, NUMBER)
SUBJECT = "evt.registry.registrations_approved"


class Told:
    """All that a running service says of itself."""

    def __init__(self, spans: InMemorySpanExporter, log: io.StringIO) -> None:
        self._spans, self._log = spans, log

    @property
    def log(self) -> str:
        return self._log.getvalue()

    @property
    def spans(self) -> str:
        return "\n".join(span.to_json() for span in self._spans.get_finished_spans())

    def nothing(self, *, of: tuple[str, ...] = SECRETS) -> None:
        for secret in of:
            assert secret not in self.log and secret not in self.spans


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """The log as it is written, every level of every logger, and every span as it is sent."""
    exporter, provider, stream = InMemorySpanExporter(), TracerProvider(), io.StringIO()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(telemetry, "tracer", lambda: provider.get_tracer("test"))
    handler = logging.StreamHandler(stream)
    handler.setFormatter(telemetry._Formatter("test"))
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield Told(exporter, stream)
    root.removeHandler(handler)
    root.setLevel(level)
    provider.shutdown()


async def twice(work: Any, _: Any) -> None:
    """PostgreSQL refuses the second row and quotes it: `Key (id)=(欧阳海燕 …) already exists`."""
    connection = await driver(work.tx)
    await connection.execute("CREATE TEMPORARY TABLE named (id text PRIMARY KEY) ON COMMIT DROP")
    await connection.execute("INSERT INTO named SELECT $1 FROM generate_series(1, 2)", f"{NAME} {NUMBER}")


async def quoted(_work: Any, message: Any) -> None:
    raise ValueError(f"cannot take {NAME} {message!r}") from LookupError(NUMBER)


async def nothing(_kit: Any) -> None:
    return None


def taking(handler: Callable[[Any, Any], Any]) -> Service[None]:
    return Service(
        "identity",
        commands={identity.DropIntake: handler},
        queries={identity.FindPersons: handler},
        events={registry.RegistrationsApproved: handler},
        build=nothing,
    )


HANDLERS = pytest.mark.parametrize(
    ("handler", "kind"), [(twice, "UniqueViolationError[23505]"), (quoted, "ValueError <- LookupError")]
)


@pytest.mark.integration
@HANDLERS
async def test_a_failed_command_and_query(
    sandbox: Sandbox, told: Told, handler: Any, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with sandbox.running(taking(handler)):
        for message in (
            identity.DropIntake(command_id="c", actor=ACTOR, intake_id=NAME),
            identity.FindPersons(actor=ACTOR, number=NUMBER),
        ):
            reply = await sandbox.bus.ask(message)
            assert isinstance(reply, Refused) and not any(secret in reply.detail for secret in SECRETS)
    assert told.log.count(kind) >= 2 and kind in told.spans
    told.nothing()
    screen = "".join(capfd.readouterr())
    assert not any(secret in screen for secret in SECRETS)


@pytest.mark.integration
async def test_a_command_that_cannot_be_read(sandbox: Sandbox, told: Told) -> None:
    """msgspec quotes what it cannot take; who sent it hears it, nobody else."""
    async with sandbox.running(taking(quoted)):
        body = b'{"type":"identity.drop_intake","command_id":"c","actor":{"account":"a","%s":1},"intake_id":7}'
        raw = await sandbox.client.request("cmd.identity.drop_intake", body % NAME.encode(), timeout=60)
        assert b'"invalid"' in raw.data
    told.nothing()


@pytest.mark.integration
@HANDLERS
async def test_an_event_that_is_given_up(
    sandbox: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch, handler: Any, kind: str
) -> None:
    monkeypatch.setattr(events, "_DELAYS", (0.1, 0.1, 0.1))
    js = sandbox.client.jetstream()
    async with sandbox.running(taking(handler)):
        await js.publish(SUBJECT, encode(approved_event(NAME)), headers={"ce-id": "e1"})
        (letter, advisory) = await dead(sandbox)
    assert letter.reason == "max_deliver" and letter.event_id == "e1"
    assert not any(secret in f"{letter}{advisory}" for secret in SECRETS)
    assert kind in told.log and kind in told.spans
    told.nothing()


@pytest.mark.integration
async def test_an_event_that_cannot_be_read(sandbox: Sandbox, told: Told) -> None:
    js = sandbox.client.jetstream()
    async with sandbox.running(taking(quoted)):
        await js.publish(SUBJECT, b'{"type": "registry.registrations_approved", "approved": "%s"}' % NAME.encode())
        (letter, advisory) = await dead(sandbox)
    assert letter.reason == "terminated"
    assert not any(secret in f"{letter}{advisory}" for secret in SECRETS)
    assert "ValidationError" in told.log
    told.nothing()


class Clumsy(Chores):
    """Writes a step twice, under a name."""

    async def write(self, tx: AsyncConnection, key: str, step: int) -> None:
        for _ in range(2):
            await super().write(tx, f"{NAME} {NUMBER}", step)


@pytest.mark.integration
async def test_a_worker_that_fails(sandbox: Sandbox, told: Told) -> None:
    settings = sandbox.settings("registry")
    for statement in (*TABLES, "INSERT INTO chores (id, steps, state) VALUES ('a', 1, 'waiting')"):
        await sandbox.sql("registry", statement)
    db = Database.from_settings(settings, Clock(), "test")
    desk = Desk(db=db, clock=Clock(), deps=Deps(fails=[]), owner="w", stop=asyncio.Event())
    worker = Clumsy()
    async with db.transaction() as tx:
        work = await worker.take(tx, desk)
    assert work is not None
    await worker.attend(desk, work)
    await db.close()
    assert worker.outcomes == ["failed"]
    assert "UniqueViolationError[23505]" in told.log and "UniqueViolationError[23505]" in told.spans
    told.nothing()


async def dead(sandbox: Sandbox) -> tuple[deadletters.DeadLetter, str]:
    """The one dead letter, and what JetStream wrote of it."""
    js = sandbox.client.jetstream()
    async with asyncio.timeout(60):
        while not (found := await deadletters.listed(js)):
            await asyncio.sleep(0.05)
    (letter,) = found
    kept = await js.get_msg(deadletters.STREAM, letter.seq)
    return letter, f"{kept.subject} {(kept.data or b'').decode()} {kept.headers}"


# ---- what an exception may say of itself ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ConnectionRefusedError(111, "Connect call failed"), "ConnectionRefusedError: [Errno 111] Connect call failed"),
        (TimeoutError("no answer in 5 s"), "TimeoutError: no answer in 5 s"),
        (socket.gaierror(-2, "Name or service not known"), "gaierror: [Errno -2] Name or service not known"),
        (BusError("cmd.registry.x refused: conflict"), "BusError: cmd.registry.x refused: conflict"),
        (smtplib.SMTPRecipientsRefused({NAME: (550, b"no such user")}), "SMTPRecipientsRefused"),
        (AssertionError(NAME), "AssertionError"),
        (KeyError(NUMBER), "KeyError"),
        (asyncpg.UniqueViolationError(f"Key (name)=({NAME}) already exists."), "UniqueViolationError[23505]"),
        (sqlalchemy.exc.IntegrityError("INSERT", {"name": NAME}, ValueError(NUMBER)), "IntegrityError"),
        (UnicodeDecodeError("utf-8", NAME.encode(), 0, 1, "invalid start byte"), "UnicodeDecodeError"),
        (ExceptionGroup(NAME, [ValueError(NUMBER)]), "ExceptionGroup"),
        (commands._RollBack(refused("refused", NAME)), "_RollBack: "),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, Exception) else "",
)
def test_only_what_cannot_name_anybody_is_quoted(error: Exception, told: str) -> None:
    error.add_note(NAME)
    assert telemetry.describe(error) == told


def test_bad_bytes_are_not_quoted() -> None:
    """msgspec and json quote what they cannot take."""
    for body in (f'{{"type":"{NAME}"}}', f'{{"type":"ok","{NAME}":1}}', f'["{NAME}"', f'"{NAME}"'):
        with pytest.raises((msgspec.MsgspecError, json.JSONDecodeError)) as raised:
            msgspec.json.decode(body.encode(), type=Strict)
        assert NAME not in telemetry.describe(raised.value)


class Strict(msgspec.Struct, forbid_unknown_fields=True, tag="ok"):
    pass


# ---- what others would write ------------------------------------------------------------------------------------------


def test_a_span_that_ends_with_an_exception_says_its_kind(told: Told) -> None:
    with pytest.raises(ValueError, match=NAME), telemetry.span("work"):
        raise ValueError(NAME) from LookupError(NUMBER)
    (span,) = told._spans.get_finished_spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError <- LookupError")
    assert span.events == ()
    told.nothing()


def test_there_is_one_way_to_a_span_around_work() -> None:
    """`start_as_current_span` records an exception with its text: only `telemetry.span` calls it, and says not to."""
    house = Path(__file__).resolve().parents[3]
    sources = [file for room in ("libs", "services") for file in house.glob(f"{room}/*/src/**/*.py")]
    assert len(sources) > 300
    calling = {file.name for file in sources if "start_as_current_span" in (text := file.read_text())
               or "record_exception(" in text or "start_span(" in text}  # fmt: skip
    assert calling == {"telemetry.py"}


@pytest.fixture
def others() -> Iterator[None]:
    """What `setup` does for the writers beside us, for this test alone."""
    hooks = sys.excepthook, sys.unraisablehook
    import threading

    thread = threading.excepthook
    telemetry._nothing_beside_the_log()
    yield
    (sys.excepthook, sys.unraisablehook), threading.excepthook = hooks, thread


async def test_a_task_that_nobody_waited_for(told: Told, others: None) -> None:
    async def fail() -> None:
        raise ValueError(NAME)

    async def fail_quietly() -> None:
        task = asyncio.create_task(fail(), name=NUMBER)
        await asyncio.wait([task])

    await fail_quietly()
    gc.collect()

    def called(_name: str) -> None:
        raise ValueError(NUMBER)

    asyncio.get_running_loop().call_soon(called, NAME)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "Task exception was never retrieved" in told.log and "Exception in callback" in told.log
    assert told.log.count("ValueError at ") == 2
    told.nothing()


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("raise ValueError(NAME)", "the process ends"),
        ("threading.Thread(target=boom).start()", "a thread ends"),
        ("Dropped()", "an error in what is thrown away"),
    ],
)
def test_a_process_that_ends_in_an_error(end: str, said: str) -> None:
    program = textwrap.dedent(f"""
        import threading
        from service_kit import telemetry
        from service_kit.settings import Settings
        NAME = "{NAME}"
        telemetry.setup("test", Settings(database_url="", nats_url="", field_keys=""))
        def boom():
            raise ValueError(NAME)
        class Dropped:
            def __del__(self):
                raise ValueError(NAME)
        {end}
    """)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert said in ended.stdout and "ValueError at " in ended.stdout
    assert NAME not in ended.stdout + ended.stderr
    assert (ended.returncode != 0) == end.startswith("raise")
