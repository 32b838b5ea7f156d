"""Entering by hand, with the real identity: checks, one person one record, and kills at the worst moment."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pypdf
import pytest
import pytest_asyncio
import registry_pupils as pupils
from registry.registration import enter
from registry_identity import Broken, registry_bus, running_identity
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, TEACHER, World, actor, codes
from service_kit.bus import Unavailable, Unknown
from shared_contracts.actors import Role
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.identity import ClaimPersons, KnowPersons, RevealDocuments, StagePersons
from shared_contracts.registry import EnterRegistration, PrecheckRegistration, PrintSheet, WithdrawRegistration

pytestmark = pytest.mark.integration
OTHER_REGISTRAR = actor(Role.REGISTRAR, OTHER_SCHOOL.code)


@pytest_asyncio.fixture
async def world(service_env: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """With identity on the bus."""
    monkeypatch.setenv("XUEJI_MATCHER_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("XUEJI_MATCHER_API_KEY", "nobody")
    env = await service_env("registry")
    async with running_identity(await service_env("identity")), registry_bus(env) as bus:
        made = World(env, bus)
        await made.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL, places=9_999)
        yield made
        await made.shut()


def entry(
    world: World, serial: int = 0, who=REGISTRAR, registration_id: str = "", command_id: str = "", **changes: Any
):
    school = {"school_code": who.organisation}
    return EnterRegistration(
        command_id=command_id or world.id(),
        actor=who,
        registration_id=registration_id or world.id("registration"),
        form=pupils.pupil(serial, **(school | changes)),
    )


async def count(world: World, table: str) -> int:
    return (await world.sql(f"SELECT count(*) AS n FROM {table}"))[0]["n"]


@pytest.mark.clause("15.1", "3.5")
async def test_a_pupil_is_entered_and_waits_for_the_class_teacher(world):
    view = await world.do(entry(world))
    assert (view.state, view.waits_for, view.name, view.roster_id) == ("entered", "class_teacher", "王小明", None)
    number = pupils.resident(0)
    assert number not in view.masked_document
    assert view.masked_document.startswith(number[:2])
    assert "document_number" not in view.form
    assert await count(world, "pending_entries") == 0
    (row,) = await world.sql("SELECT masked_members::text AS m FROM registrations")
    assert "*" in row["m"]
    await world.bring_to(view.id, "done")


async def test_no_document_number_is_in_the_registry_s_database(world):
    await world.do(entry(world))
    number, members = pupils.resident(0), pupils.resident(0, "19880101")
    tables = [
        row["tablename"]
        for row in await world.sql(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    ]
    for table in tables:
        for row in await world.sql(f'SELECT t::text AS line FROM "{table}" t'):
            for secret in (number, members):  # bytea columns are told as hex
                assert secret not in row["line"], table
                assert secret.encode().hex() not in row["line"], table


@pytest.mark.clause("3.5", "20.2")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phone": "12"}, "phone"),
        ({"birth_date": "20210101", "document_number": pupils.resident(0, "20210101")}, "age.under_entry"),
        ({"grade": "8"}, "grade"),
        ({"hat": "x"}, "form.unknown_field"),
        ({"name": ""}, "name"),
    ],
)
async def test_a_bad_form_is_refused_with_reasons_and_prechecked_the_same(world, changes, code):
    command = entry(world, **changes)
    checked = (await world.ask(PrecheckRegistration(actor=REGISTRAR, form=command.form))).decision
    reply = await world.do(command)
    assert reply.kind == "refused"
    refusals = [finding for finding in reply.findings if finding.outcome is Outcome.REFUSE]
    assert any(code in (finding.code, *finding.fields) for finding in refusals)
    assert reply.findings == checked.findings
    assert await count(world, "registrations") == await count(world, "pending_entries") == 0
    assert world.deps.bus.asked == []


async def test_a_precheck_opens_nothing(world):
    reply = await world.ask(PrecheckRegistration(actor=REGISTRAR, form=pupils.pupil(0)))
    assert not reply.decision.refused
    assert reply.decision.policy_version
    assert [type(asked) for asked in world.deps.bus.asked] == [KnowPersons]  # who it is, and nobody is made
    assert await count(world, "registrations") == 0


@pytest.mark.clause("11")
@pytest.mark.parametrize(("there", "noted"), [(44, False), (45, True)])
async def test_a_precheck_says_what_admission_would_note_of_the_class(world, there, noted):
    await world.admit(*[world.admission() for _ in range(there)])
    said = (await world.ask(PrecheckRegistration(actor=REGISTRAR, form=pupils.pupil(0)))).decision
    assert not said.refused
    messages = [finding.message for finding in said.findings if finding.code == "class.above_standard"]
    assert messages == (["一年级1班将有46人，超过小学标准班额45人"] if noted else [])
    entered = await world.do(entry(world))
    assert [f.message for f in entered.decision.findings if f.code == "class.above_standard"] == messages


@pytest.mark.parametrize(
    "who", [TEACHER, PRINCIPAL, actor(Role.AUTHORITY_OFFICER, "230102"), actor(Role.REGISTRAR, "230102")]
)
async def test_only_a_school_s_registrar_enters(world, who):
    assert (await world.do(entry(world, who=who))).kind == "forbidden"
    assert (await world.ask(PrecheckRegistration(actor=who, form=pupils.pupil(0)))).kind == "forbidden"


@pytest.mark.clause("15.2", "20.1")
async def test_one_person_is_registered_once(world):
    first = await world.do(entry(world))
    again = await world.do(entry(world))
    assert codes(again) == ["roster.already_here"]
    elsewhere = await world.do(entry(world, who=OTHER_REGISTRAR))
    assert codes(elsewhere) == ["roster.registered_elsewhere"]
    assert SCHOOL.name in elsewhere.detail
    assert await count(world, "registrations") == 1
    assert await count(world, "pending_entries") == 0
    assert first.state == "entered"


@pytest.mark.clause("15.2")
async def test_two_schools_at_the_same_instant_exactly_one_wins(world):
    replies = await asyncio.gather(
        *(world.do(entry(world, who=who)) for who in (REGISTRAR, OTHER_REGISTRAR, REGISTRAR, OTHER_REGISTRAR))
    )
    assert sum(not isinstance(reply, Refused) for reply in replies) == 1
    assert await count(world, "registrations") == 1
    assert await count(world, "pending_entries") == 0


@pytest.mark.clause("20.1")
async def test_a_likely_duplicate_is_told_and_stops_nothing(world):
    await world.do(entry(world, 0))
    view = await world.do(entry(world, 1))  # the same name and birth date, another number
    told = [finding for finding in view.decision.findings if finding.code == "person.likely_duplicate"]
    assert [finding.outcome for finding in told] == ["note"]
    assert pupils.resident(0) not in told[0].message


async def test_the_same_command_is_carried_out_once(world):
    command = entry(world)
    assert await world.do(command) == await world.do(command)
    assert await count(world, "registrations") == 1


async def test_an_id_that_is_in_use_is_refused(world):
    view = await world.do(entry(world))
    assert (await world.do(entry(world, 1, OTHER_REGISTRAR, registration_id=view.id))).kind == "conflict"
    assert (await world.do(entry(world, 1, registration_id="x" * 65))).kind == "invalid"


@pytest.mark.clause("15.2")
async def test_a_withdrawn_registration_and_a_new_one_for_the_same_person(world):
    """Identity lets go when it hears of it; until then the person is held, afterwards not."""
    view = await world.do(entry(world))
    withdraw = WithdrawRegistration(command_id="w", actor=REGISTRAR, registration_id=view.id, reason="录错学校")
    assert (await world.do(withdraw)).state == "withdrawn"
    assert codes(await world.do(entry(world, who=OTHER_REGISTRAR))) == ["roster.registered_elsewhere"]


# ---- kills --------------------------------------------------------------------------------------------------


async def killed(world: World, command: EnterRegistration) -> None:
    with pytest.raises(Broken):
        await world.do(command)


async def resume(world: World) -> int:
    """What the worker does once the entry counts as abandoned."""
    world.clock.moment += enter.ABANDONED + timedelta(seconds=1)
    done = 0
    while (found := await enter._abandoned(world.kit)) is not None:
        await enter._resume(world.kit, world.deps, found)
        done += 1
    return done


@pytest.mark.clause("15.2")
async def test_killed_after_the_claim_the_registration_comes_about_by_itself(world):
    command = entry(world)
    world.deps.bus.after[ClaimPersons] = Broken()
    await killed(world, command)
    assert await count(world, "registrations") == 0
    assert await count(world, "pending_entries") == 1
    assert codes(await world.do(entry(world, who=OTHER_REGISTRAR))) == ["roster.registered_elsewhere"]
    assert await resume(world) == 1
    view = await world.get(command.registration_id)
    assert (view.state, view.name) == ("entered", "王小明")
    assert await count(world, "pending_entries") == 0
    assert await resume(world) == 0


@pytest.mark.clause("15.2")
async def test_killed_after_the_claim_the_repeat_finds_its_registration(world):
    command = entry(world)
    world.deps.bus.after[ClaimPersons] = Broken()
    await killed(world, command)
    view = await world.do(command)
    assert view.state == "entered"
    assert await count(world, "registrations") == 1
    assert await count(world, "pending_entries") == 0


async def test_a_repeat_after_the_worker_has_carried_it_through_finds_the_registration(world):
    command = entry(world)
    world.deps.bus.after[ClaimPersons] = Broken()
    await killed(world, command)
    await resume(world)
    assert (await world.do(command)).id == command.registration_id
    assert await count(world, "registrations") == 1


async def test_killed_before_the_claim_the_worker_claims(world):
    command = entry(world)
    world.deps.bus.before[ClaimPersons] = Broken()
    await killed(world, command)
    assert await resume(world) == 1
    assert (await world.get(command.registration_id)).state == "entered"


async def test_killed_before_the_claim_and_overtaken_nothing_is_left(world):
    command = entry(world)
    world.deps.bus.before[ClaimPersons] = Broken()
    await killed(world, command)
    other = await world.do(entry(world, who=OTHER_REGISTRAR))
    assert other.state == "entered"
    assert await resume(world) == 1
    assert await count(world, "registrations") == 1
    assert await count(world, "pending_entries") == 0
    assert codes(await world.do(command)) == ["roster.registered_elsewhere"]


async def test_a_fresh_entry_is_left_to_its_handler(world):
    world.deps.bus.before[ClaimPersons] = Broken()
    await killed(world, entry(world))
    assert await enter._abandoned(world.kit) is None


@pytest.mark.parametrize("error", [Unknown("no answer"), Unavailable("nobody")])
async def test_identity_away_is_told_and_the_repeat_succeeds(world, error):
    command = entry(world)
    world.deps.bus.after[ClaimPersons] = error
    reply = await world.do(command)
    assert reply.kind == "unavailable"
    assert (await world.do(command)).state == "entered"
    assert await count(world, "registrations") == 1
    assert await count(world, "pending_entries") == 0


async def test_identity_away_from_the_beginning_leaves_nothing(world):
    world.deps.bus.before[StagePersons] = Unavailable("nobody")
    assert (await world.do(entry(world))).kind == "unavailable"
    assert await count(world, "pending_entries") == 0


@pytest.mark.clause("15.2")
async def test_another_form_under_the_same_id_never_gets_the_first_one_s_person(world):
    first = entry(world, 0)
    world.deps.bus.after[ClaimPersons] = Broken()
    await killed(world, first)
    other = entry(world, 1, registration_id=first.registration_id, name="李小红")
    assert (await world.do(other)).kind == "conflict"
    assert (await world.do(first)).name == "王小明"
    assert await count(world, "registrations") == 1


async def test_after_a_refusal_the_corrected_form_may_come_under_the_same_id(world):
    await world.do(entry(world, 0, who=OTHER_REGISTRAR))
    wrong = entry(world, 0)
    assert codes(await world.do(wrong)) == ["roster.registered_elsewhere"]
    right = entry(world, 1, registration_id=wrong.registration_id, command_id=wrong.command_id, name="李小红")
    assert (await world.do(right)).name == "李小红"


async def test_an_entry_that_cannot_be_done_holds_up_no_other(world):
    for serial, name in ((0, "王小明"), (1, "李小红")):
        world.deps.bus.before[ClaimPersons] = Broken()
        await killed(world, entry(world, serial, registration_id=f"r{serial}", name=name))
        world.clock.pass_(seconds=1)
    await world.sql(
        "INSERT INTO pending_entries SELECT 'bad', school, 'x', created_at - interval '1 hour' FROM pending_entries LIMIT 1"
    )
    world.clock.moment += enter.ABANDONED + timedelta(seconds=1)
    stop = asyncio.Event()
    working = asyncio.create_task(enter.worker(world.kit, world.deps, stop))
    async with asyncio.timeout(90):
        while await count(world, "registrations") < 2:
            await asyncio.sleep(0.05)
    stop.set()
    await working
    assert {row["id"] for row in await world.sql("SELECT id FROM registrations")} == {"r0", "r1"}
    assert [row["registration_id"] for row in await world.sql("SELECT registration_id FROM pending_entries")] == ["bad"]


async def test_what_is_written_down_is_sealed(world):
    world.deps.bus.before[ClaimPersons] = Broken()
    await killed(world, entry(world))
    (row,) = await world.sql("SELECT sealed FROM pending_entries")
    assert "王小明".encode() not in row["sealed"]


# ---- the sheet ----------------------------------------------------------------------------------------------


async def sheet(world: World, registration_id: str, who=REGISTRAR, command_id: str = "") -> Any:
    command = PrintSheet(command_id=command_id or world.id(), actor=who, registration_id=registration_id)
    return await world.do(command)


@pytest.mark.clause("15.1")
async def test_the_sheet_shows_full_numbers_and_allows_the_signature(world):
    view = await world.do(entry(world))
    await world.bring_to(view.id, "guardian")
    await world.sql("UPDATE registrations SET sheet_printed_at = NULL")
    printed = await sheet(world, view.id)
    pdf = await world.deps.files.read(printed.file.id)
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).replace("\n", "")
    assert pupils.resident(0) in text
    assert pupils.resident(0, "19880101") in text
    (reveal,) = [message for message in world.deps.bus.asked if isinstance(message, RevealDocuments)]
    assert "确认" in reveal.purpose
    assert reveal.actor == REGISTRAR
    assert (await world.decide(view.id, "guardian", REGISTRAR)).state == "guardian_confirmed"


@pytest.mark.parametrize(
    ("who", "kind"),
    [(TEACHER, "forbidden"), (actor(Role.AUTHORITY_OFFICER, "230102"), "forbidden"), (OTHER_REGISTRAR, "not_found")],
)
async def test_only_the_school_s_registrar_prints(world, who, kind):
    view = await world.do(entry(world))
    assert (await sheet(world, view.id, who)).kind == kind
    assert not [message for message in world.deps.bus.asked if isinstance(message, RevealDocuments)]


@pytest.mark.clause("15.1")
async def test_the_sheet_is_printed_after_the_checks_and_a_later_copy_changes_nothing(world):
    view = await world.do(entry(world))
    assert (await sheet(world, view.id)).kind == "conflict"
    await world.decide(view.id, "class_teacher", TEACHER)
    assert (await sheet(world, view.id)).kind == "conflict"
    await world.decide(view.id, "principal", PRINCIPAL)
    await sheet(world, view.id)
    await world.decide(view.id, "guardian", REGISTRAR)
    (before,) = await world.sql("SELECT sheet_printed_at FROM registrations")
    world.clock.pass_(days=1)
    assert not isinstance(await sheet(world, view.id), Refused)
    assert await world.sql("SELECT sheet_printed_at FROM registrations") == [before]


async def test_nothing_is_printed_of_what_is_withdrawn_or_while_identity_is_away(world):
    view = await world.do(entry(world))
    await world.bring_to(view.id, "guardian")
    world.deps.bus.before[RevealDocuments] = Unavailable("nobody")
    assert (await sheet(world, view.id)).kind == "unavailable"
    withdraw = WithdrawRegistration(command_id="w", actor=REGISTRAR, registration_id=view.id, reason="录错学校")
    await world.do(withdraw)
    assert (await sheet(world, view.id)).kind == "conflict"
