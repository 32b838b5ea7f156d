"""What is recorded of commands and looks, on real servers: with what it changes, and before what it shows."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from kit_recorder import Notebook
from kit_sandbox import Sandbox, _nothing
from service_kit import audit
from service_kit.origin import NOWHERE, Origin, extract, inject, origin
from service_kit.service import Service
from shared_contracts import identity, registry
from shared_contracts.access import ANONYMOUS, SignIn, SignInAnswer
from shared_contracts.actors import Actor, Role, system
from shared_contracts.audit import Audited
from shared_contracts.decisions import Refused
from shared_contracts.identity import DropIntake, FindPersons, FoundPersons, RevealDocuments, RevealedDocuments
from shared_contracts.messages import Message, Ok

pytestmark = pytest.mark.integration

REGISTRAR = Actor(account="reg", name="李敏", organisation="2123000101", roles=(Role.REGISTRAR,))
AUDITOR = Actor(account="aud", name="何平", organisation="230000", roles=(Role.AUDITOR,))
HERE = Origin(address="192.0.2.7", session="s1", operation="POST /v1/students/searches")


async def entries(sandbox: Sandbox, count: int) -> list[Audited]:
    """What the stream AUDIT holds, once it holds so many."""
    js = sandbox.client.jetstream()
    async with asyncio.timeout(60):
        while (await js.stream_info("AUDIT")).state.messages < count:
            await asyncio.sleep(0.05)
    found = []
    for sequence in range(1, count + 1):
        message = await js.get_msg("AUDIT", sequence)
        assert message.subject == "evt.audit.entry.identity"
        found.append(msgspec.json.decode(message.data or b"", type=Audited))
    assert (await js.stream_info("AUDIT")).state.messages == count
    return found


def drop(command_id: str, intake: str = "x", actor: Actor = REGISTRAR) -> DropIntake:
    return DropIntake(command_id=command_id, actor=actor, intake_id=intake)


@pytest.mark.clause("45.1")
async def test_a_command_is_recorded_with_what_it_changes(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        token = origin.set(HERE)
        assert await sandbox.bus.ask(drop("a", "intake-1")) == Ok()
        origin.reset(token)
        (entry,) = await entries(sandbox, 1)
    assert (entry.act, entry.outcome, entry.account, entry.organisation) == (
        "identity.drop_intake", "done", "reg", "2123000101",
    )  # fmt: skip
    assert entry.objects == ("intake-1",)
    assert (entry.address, entry.session, entry.operation) == (HERE.address, HERE.session, HERE.operation)


@pytest.mark.clause("45.1")
async def test_what_is_rolled_back_leaves_no_entry_but_what_is_refused_leaves_one(sandbox: Sandbox) -> None:
    sandbox.fail.add("bad")
    async with sandbox.running(sandbox.identity()):
        assert isinstance(await sandbox.bus.ask(drop("a", "boom")), Refused)
        assert isinstance(await sandbox.bus.ask(drop("b", "bad")), Refused)
        assert isinstance(await sandbox.bus.ask(drop("c", actor=AUDITOR)), Refused)
        found = await entries(sandbox, 2)
    assert [(entry.outcome, entry.account) for entry in found] == [("refused", "reg"), ("forbidden", "aud")]
    assert found[1].reasons == ("act.wrong_role",)
    assert sandbox.calls == ["boom", "bad"]  # the auditor's command has not reached the handler


@pytest.mark.clause("45.1")
async def test_a_repeat_is_a_look_of_its_own(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        for _ in range(2):
            assert await sandbox.bus.ask(drop("a")) == Ok()
        found = await entries(sandbox, 2)
    assert sorted(entry.outcome for entry in found) == ["done", "repeated"]


@pytest.mark.clause("45.1")
async def test_a_look_at_pupils_is_recorded_with_whom_it_showed(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        reply = await sandbox.bus.ask(FindPersons(actor=REGISTRAR, number="230103201901011234"))
        assert reply == FoundPersons(person_ids=("p",))
        (entry,) = await entries(sandbox, 1)
    assert (entry.act, entry.objects, entry.count) == ("identity.find_persons", ("p",), 1)
    assert b"230103201901011234" not in msgspec.json.encode(entry)


@pytest.mark.clause("45.1")
async def test_what_cannot_be_recorded_is_not_shown(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        await sandbox.client.jetstream().delete_stream("AUDIT")
        reply = await sandbox.bus.ask(FindPersons(actor=REGISTRAR, number="x"))
        assert isinstance(reply, Refused)
        assert reply.kind == "unavailable"
        # a command changes what it changes: its entry waits in the database for the stream
        assert await sandbox.bus.ask(drop("a")) == Ok()
        assert len(await sandbox.sql("identity", "SELECT 1 FROM audit_outbox WHERE stream_seq IS NULL")) == 1
        body = {
            "name": "AUDIT", "subjects": ["evt.audit.>"], "storage": "file", "retention": "limits", "discard": "old",
            "num_replicas": 1, "max_consumers": -1, "max_msgs": -1, "max_bytes": -1, "max_age": 0,
            "allow_atomic": True, "duplicate_window": 120_000_000_000,
        }  # fmt: skip
        await sandbox.client.request("$JS.API.STREAM.CREATE.AUDIT", json.dumps(body).encode())
        (entry,) = await entries(sandbox, 1)
        assert entry.act == "identity.drop_intake"


async def test_a_service_acting_by_itself_is_not_recorded(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        await sandbox.bus.ask(FindPersons(actor=system("registry"), number="x"))
        await sandbox.bus.ask(drop("a", actor=system("registry")))
        await sandbox.bus.ask(drop("b"))
        assert len(await entries(sandbox, 1)) == 1


@pytest.mark.clause("45.3")
async def test_a_command_that_is_not_kept_leaves_nothing_but_its_entry(sandbox: Sandbox) -> None:
    tried: list[str] = []

    async def sign_in(work: Any, command: SignIn) -> Any:
        tried.append(command.username)
        return SignInAnswer(problem="wrong")

    service = Service("identity", commands={SignIn: sign_in}, queries={}, events={}, build=_nothing)
    async with sandbox.running(service):
        for _ in range(2):  # the same id twice: each try is its own
            await sandbox.bus.ask(SignIn(command_id="a", actor=ANONYMOUS, username="li", password="secret"))
        found = await entries(sandbox, 2)
    assert tried == ["li", "li"]
    assert {entry.act for entry in found} == {"access.sign_in"}
    assert all(b"secret" not in msgspec.json.encode(entry) for entry in found)
    assert await sandbox.sql("identity", "SELECT 1 FROM commands") == []


async def test_a_service_does_not_start_with_an_act_that_has_no_row(sandbox: Sandbox) -> None:
    class New(identity.DropIntake, frozen=True, kw_only=True, tag="identity.something_new"):
        pass

    service = Service("identity", commands={New: _nothing}, queries={}, events={}, build=_nothing)  # type: ignore[dict-item]
    with pytest.raises(RuntimeError, match=r"identity\.something_new"):
        async with sandbox.running(service):
            pass


def test_every_act_of_every_contract_has_a_row() -> None:
    from service_kit.bus import REPLIES

    assert audit.unknown_acts(REPLIES) == []
    assert len(REPLIES) > 60


def test_a_problem_is_an_outcome_where_somebody_signs_in_and_nowhere_else() -> None:
    class Shown(Message, frozen=True, kw_only=True):
        problem: str | None = "文件含有宏。"

    now = datetime.now(UTC)
    notebook = Notebook("access")
    tried = notebook.entry(SignIn(command_id="c", actor=ANONYMOUS, username="reg", password="x"),
                           SignInAnswer(problem="sealed", who=REGISTRAR), now)  # fmt: skip
    assert tried and (tried.outcome, tried.account) == ("sealed", "reg")
    shown = notebook.entry(DropIntake(command_id="c", actor=REGISTRAR, intake_id="i"), Shown(), now)
    assert shown and shown.outcome == "done"


def test_ids_are_found_where_the_table_says() -> None:
    recorder = audit.Recorder("identity", None)  # type: ignore[arg-type]
    command = RevealDocuments(command_id="c", actor=REGISTRAR, person_ids=("p1", "p2", "p1"), purpose="核对证件")
    reply = RevealedDocuments(persons=())
    from datetime import UTC, datetime

    entry = recorder.entry(command, reply, datetime.now(UTC))
    assert entry is not None
    assert (entry.objects, entry.count, entry.purpose) == (("p1", "p2"), 2, "核对证件")
    entry = recorder.entry(msgspec.structs.replace(command, record_ids=("r1", "r2")), reply, datetime.now(UTC))
    assert entry is not None
    assert entry.objects == ("r1", "r2")
    step = registry.DecideRoster(
        command_id="c", actor=REGISTRAR, roster_id="r", step=registry.Step.GUARDIAN, decision="approve"
    )
    row = audit.act_of(step)
    assert row is not None
    assert row.word == "registry.decide_roster/guardian"


def test_the_origin_travels_in_a_header_and_bad_ones_are_nowhere() -> None:
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}
    token = origin.set(HERE)
    inject(headers)
    origin.reset(token)
    assert extract(headers) == HERE
    assert extract({"xueji-origin": "nonsense"}) is NOWHERE
    assert extract(None) is NOWHERE
