"""Which authority supervises which school: the replica, in any order and again; what an officer is shown; moves."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterator
from datetime import date
from typing import Any

import asyncpg
import msgspec
import nats
import pytest
from identity.handlers import OutOfOrder
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People
from kit_patience import PatientBus
from nats.aio.client import Client
from nats.aio.msg import Msg
from service_kit import organisations
from service_kit.bus import Bus
from service_kit.codec import encode
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.identity import RevealDocuments, RevealedDocuments
from shared_contracts.messages import subject
from shared_contracts.organisations import (
    KnownOrganisations,
    ListKnownOrganisations,
    OrganisationChanged,
    OrganisationsChanged,
)
from shared_contracts.records import CustodyPassed, PassedRecord, RecordsPassed

pytestmark = pytest.mark.integration


def school(code: str = SCHOOL, authority: str | None = "230102", version: int = 1, **more: Any) -> OrganisationChanged:
    values: dict[str, Any] = {
        "name": "测试小学",
        "kind": "school",
        "parent": authority,
        "division": "230102",
        "valid_from": date(2020, 1, 1),
        "closed": False,
    } | more
    return OrganisationChanged(code=code, authority=authority, version=version, **values)


def officer(organisation: str) -> Actor:
    return Actor(
        account=f"{organisation}.officer", name="学籍主管", organisation=organisation, roles=(Role.AUTHORITY_OFFICER,)
    )


async def announce(desk: Desk, *changed: OrganisationChanged) -> None:
    await desk.take(OrganisationsChanged(organisations=changed))


async def authority(desk: Desk, code: str = SCHOOL) -> str | None:
    async with desk.kit.db.transaction() as tx:
        return (await organisations.authority_of(tx, [code]))[code]


async def reveal(desk: Desk, who: Actor, *ids: str | None) -> Any:
    return await desk.send(
        RevealDocuments(
            command_id=new_id(), actor=who, person_ids=tuple(i for i in ids if i), purpose="核对毕业证书信息"
        )
    )


# ---- the replica ------------------------------------------------------------------------------------------------------


async def test_newer_news_replaces_older_whatever_the_order(desk: Desk) -> None:
    first, second, third = school(), school(authority="230103", version=2), school(authority="230100", version=3)
    for order in itertools.permutations((first, second, third)):
        await desk.rows("UPDATE organisation_replica SET version = 0")
        for one in order:
            await announce(desk, one)
            await announce(desk, one)  # again
        assert await authority(desk) == "230100"
        await announce(desk, *order)  # all in one event
        assert await authority(desk) == "230100"
    assert await desk.value("SELECT count(*) FROM organisation_replica") == 1


async def test_what_is_read_of_it(desk: Desk) -> None:
    await announce(desk, school(), school("230102", "230100", kind="county", name="道里区教育局"))
    await announce(desk, school(version=2, closed=True, name="旧名小学"))
    async with desk.kit.db.transaction() as tx:
        found = await organisations.find(tx, SCHOOL)
        assert found == school(version=2, closed=True, name="旧名小学")
        assert await organisations.find(tx, "999999") is None
        assert await organisations.names(tx, ["230102", "999999"]) == {"230102": "道里区教育局", "999999": "999999"}
        assert await organisations.authority_of(tx, [SCHOOL, "230102", "999999"]) == {
            SCHOOL: "230102",
            "230102": "230100",
            "999999": None,
        }
        assert await organisations.authority_of(tx, []) == {}


@pytest.mark.parametrize(
    "statement", ["DELETE FROM organisation_replica", "UPDATE organisation_replica SET code = '1'"]
)
async def test_the_application_s_role_cannot(desk: Desk, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.rows(statement)


class Registry:
    """Answers `known_organisations` on the real bus in the registry's place, so many to a page."""

    def __init__(self, known: list[OrganisationChanged], page: int) -> None:
        self.known, self.page, self.asked = sorted(known, key=lambda one: one.code), page, 0

    async def answer(self, message: Msg) -> None:
        self.asked += 1
        query = msgspec.json.decode(message.data, type=ListKnownOrganisations)
        assert query.actor.has(Role.SYSTEM)
        rest = [one for one in self.known if query.after is None or one.code > query.after]
        page = tuple(rest[: self.page])
        after = page[-1].code if len(rest) > self.page else None
        await message.respond(encode(KnownOrganisations(organisations=page, after=after)))


async def _client(desk: Desk, keys: Any, user: str) -> Client:
    return await nats.connect(
        desk.env["XUEJI_NATS_URL"],
        user=user,
        password=keys.nats_users[user],
        inbox_prefix=f"_INBOX_{user}".encode(),
    )


async def test_a_service_that_comes_later_catches_up(desk: Desk, test_credentials: Any) -> None:
    """The registry is not there yet when it begins, and what comes by event meanwhile is not put back."""
    await announce(desk, school(authority="230100", version=7))
    registry = Registry([school(f"21230100{n:02d}") for n in range(1, 6)], page=2)
    theirs, ours = await _client(desk, test_credentials, "registry"), await _client(desk, test_credentials, "identity")
    kit = Kit("identity", desk.kit.settings, desk.kit.db, PatientBus(ours), desk.clock)
    filling = asyncio.create_task(organisations.fill(kit, desk.deps, asyncio.Event()))
    try:
        await asyncio.sleep(0.3)
        assert not filling.done(), "nobody has answered yet"
        await theirs.subscribe(subject(ListKnownOrganisations), cb=registry.answer)
        await theirs.flush()
        await asyncio.wait_for(filling, 60)
    finally:
        filling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await filling
        await theirs.close()
        await ours.close()
    assert registry.asked == 3
    assert await desk.value("SELECT count(*) FROM organisation_replica") == 5
    assert await authority(desk) == "230100"
    assert await authority(desk, "2123010005") == "230102"


async def test_it_stops_when_the_service_stops(desk: Desk, test_credentials: Any) -> None:
    ours, stop = await _client(desk, test_credentials, "identity"), asyncio.Event()
    kit = Kit("identity", desk.kit.settings, desk.kit.db, Bus(ours), desk.clock)
    filling = asyncio.create_task(organisations.fill(kit, desk.deps, stop))
    await asyncio.sleep(0.1)
    stop.set()
    await asyncio.wait_for(filling, 60)
    await ours.close()


# ---- who is shown full numbers ----------------------------------------------------------------------------------------


@pytest.fixture
def entries(people: People) -> Iterator[Any]:
    yield people.entries(2)


@pytest.mark.clause("3.1", "45.1")
async def test_an_officer_is_shown_pupils_of_the_own_subtree_alone(desk: Desk, entries: Any) -> None:
    (here,) = await desk.enter(entries[:1])
    (there,) = await desk.enter(entries[1:], school=OTHER_SCHOOL)
    assert isinstance(await reveal(desk, officer("230102"), here.person_id), Refused), "nothing is known of the school"
    await announce(desk, school(), school(OTHER_SCHOOL, "230103"))
    shown = await reveal(desk, officer("230102"), here.person_id)
    assert isinstance(shown, RevealedDocuments)
    assert shown.persons[0].document_number == entries[0].document_number
    for who, ids in (
        (officer("230103"), [here.person_id]),  # a neighbouring county
        (officer("230102"), [here.person_id, there.person_id]),  # one of them is not theirs: none is shown
        (officer("230200"), [here.person_id]),
    ):
        reply = await reveal(desk, who, *ids)
        assert isinstance(reply, Refused), who
        assert reply.kind == "forbidden"
    assert isinstance(await reveal(desk, officer("230100"), here.person_id, there.person_id), RevealedDocuments)


@pytest.mark.clause("3.1", "44")
async def test_after_a_change_of_supervision_the_new_authority_is_shown_and_the_old_is_not(
    desk: Desk, entries: Any
) -> None:
    (here,) = await desk.enter(entries[:1])
    await announce(desk, school())
    await announce(desk, school(authority="230103", version=2, valid_from=date(2026, 9, 1)))
    assert isinstance(await reveal(desk, officer("230102"), here.person_id), Refused)
    assert isinstance(await reveal(desk, officer("230103"), here.person_id), RevealedDocuments)


# ---- a pupil moves ----------------------------------------------------------------------------------------------------


def moved(claimed: Any, from_school: str, to_school: str) -> CustodyPassed:
    return CustodyPassed(
        registration_id=claimed.registration_id,
        person_id=claimed.person_id,
        from_school=from_school,
        to_school=to_school,
    )


@pytest.mark.clause("3.1", "45.1")
async def test_the_school_that_a_pupil_has_left_is_shown_no_number(desk: Desk, entries: Any) -> None:
    (pupil,) = await desk.enter(entries[:1])
    there = msgspec.structs.replace(REGISTRAR, account="r2", organisation=OTHER_SCHOOL)
    assert isinstance(await reveal(desk, REGISTRAR, pupil.person_id), RevealedDocuments)
    await desk.take(moved(pupil, SCHOOL, OTHER_SCHOOL))
    await desk.take(moved(pupil, SCHOOL, OTHER_SCHOOL))  # again
    assert isinstance(await reveal(desk, REGISTRAR, pupil.person_id), Refused)
    assert isinstance(await reveal(desk, there, pupil.person_id), RevealedDocuments)


async def test_moves_that_come_in_the_wrong_order_wait_for_each_other(desk: Desk, entries: Any) -> None:
    (pupil,) = await desk.enter(entries[:1])
    third = "2123010003"
    with pytest.raises(OutOfOrder):
        await desk.take(moved(pupil, OTHER_SCHOOL, third))
    await desk.take(moved(pupil, SCHOOL, OTHER_SCHOOL))
    await desk.take(moved(pupil, OTHER_SCHOOL, third))
    assert await desk.value("SELECT school FROM record_claims") == third


@pytest.mark.clause("16", "21.3", "45.1")
async def test_claims_of_many_records_go_along_in_one_event(desk: Desk, entries: Any) -> None:
    pupils = await desk.enter(entries[:3])
    there = msgspec.structs.replace(REGISTRAR, account="r2", organisation=OTHER_SCHOOL)
    event = RecordsPassed(
        operation_id="o",
        from_school=SCHOOL,
        to_school=OTHER_SCHOOL,
        records=tuple(PassedRecord(registration_id=p.registration_id, person_id=p.person_id) for p in pupils),
    )
    await desk.take(event)
    await desk.take(event)  # again
    for pupil in pupils:
        assert isinstance(await reveal(desk, REGISTRAR, pupil.person_id), Refused)
        assert isinstance(await reveal(desk, there, pupil.person_id), RevealedDocuments)
    with pytest.raises(OutOfOrder):
        await desk.take(msgspec.structs.replace(event, from_school="2123010003", to_school=SCHOOL))
    held = await desk.value("SELECT count(*) FROM record_claims WHERE school = $1", OTHER_SCHOOL)
    assert held == len(pupils) > 1
