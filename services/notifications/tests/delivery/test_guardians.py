"""To a guardian: once a student and term, where there is a number, at a decent hour, and nothing of what it says (34.1)."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from delivery_desk import DeliveryDesk
from notifications.delivery import guardians, sending
from service_kit.bus import BusError
from shared_contracts.actors import Actor, Role
from shared_contracts.admission import NoShow, NoShows
from shared_contracts.archive import Term
from shared_contracts.decisions import Refused
from shared_contracts.delivery import DeliveryPage, DeliveryState, DeliveryView, ListGuardianDeliveries
from shared_contracts.guardians import TermReportsEntered
from worklist_desk import actor

pytestmark = [pytest.mark.integration, pytest.mark.clause("34.1")]
PHONE = "13804510001"


def entered(*students: str, year: int = 2026, term: Term = Term.AUTUMN) -> TermReportsEntered:
    return TermReportsEntered(
        school="2123000101", school_name="新春小学校", school_year=year, term=term, student_ids=students
    )


async def go(post: DeliveryDesk) -> list[str]:
    """What guardians get; text by text."""
    before = len(post.sink.taken)
    while await guardians.dispatch(post.db, post.deps):
        pass
    await post.send()
    return [one.text for one in post.sink.taken[before:]]


async def test_one_text_a_student_and_term_where_there_is_a_number(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE, "two": "13900000000"}
    await post.hear(entered("one", "two", "three"))
    await post.hear(entered("one", "two", "three"))
    said = "【黑龙江省学籍】新春小学校已录入2026-2027学年第一学期综合素质评价，请向学校查阅。"
    assert await go(post) == [said, said]
    assert {one.to for one in post.sink.taken} == {PHONE, "13900000000"}
    await post.hear(entered("one"))
    assert await go(post) == []
    await post.hear(entered("one", term=Term.SPRING))
    assert ["第二学期" in text for text in await go(post)] == [True]
    rows = await post.sql("SELECT subject_id, reached FROM guardian_notices WHERE subject_id = 'three'")
    assert [tuple(row) for row in rows] == [("three", False)]


@pytest.mark.clause("10.2")
async def test_whoever_did_not_come_is_asked_for_once(post: DeliveryDesk) -> None:
    post.access.phones = {"place-1": PHONE, "place-3": "13900000000"}
    children = tuple(
        NoShow(admission_id=f"place-{n}", child_id=f"child-{n}", person_id=f"person-{n}", county="230184")
        for n in (1, 2)
    )
    event = NoShows(
        school="2123000101",
        school_name="新春小学校",
        school_year=2026,
        first_day=date(2026, 9, 1),
        children=children,
    )
    await post.hear(event)
    await post.hear(event)
    said = (
        "【黑龙江省学籍】新春小学校新生报到已截止，未见您的孩子报到，也没有办理延期。请尽快送孩子入学，或与学校联系。"
    )
    assert await go(post) == [said]
    assert await go(post) == []
    rows = await post.sql("SELECT subject_id, kind, reached FROM guardian_notices ORDER BY subject_id")
    assert [tuple(row) for row in rows] == [("place-1", "admission", True), ("place-2", "admission", False)]


async def test_a_number_is_sealed_and_gone_with_the_message(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))
    await guardians.dispatch(post.db, post.deps)
    (row,) = await post.sql("SELECT address, content, shown_to FROM deliveries")
    assert PHONE.encode() not in bytes(row["address"]) + bytes(row["content"])
    assert row["shown_to"] == "138****0001"
    await post.send()
    (row,) = await post.sql("SELECT address, state FROM deliveries")
    assert (row["address"], row["state"]) == (None, "sent")


async def test_at_night_nobody_is_woken(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE}
    post.clock.pass_(hours=12, minutes=30)
    await post.hear(entered("one"))
    assert await go(post) == []
    post.clock.pass_(hours=9)
    assert len(await go(post)) == 1


async def test_while_the_registry_is_away_nothing_is_lost(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))
    post.access.away = True
    with pytest.raises(BusError):
        await guardians.dispatch(post.db, post.deps)
    post.access.away = False
    assert len(await go(post)) == 1


async def test_guardians_wait_for_no_account(post: DeliveryDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What accounts are told is another service's to say: while that one is away, or a notice fails, they are told."""
    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))

    async def away(*_: object) -> int:
        raise BusError("access is away")

    monkeypatch.setattr(sending, "dispatch", away)
    kit, stop = SimpleNamespace(db=post.db, wake=lambda _: asyncio.Event()), asyncio.Event()
    running = asyncio.create_task(sending.run(kit, post.deps, stop))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(60):
            while not await post.sql("SELECT FROM deliveries WHERE state = 'sent'"):
                await asyncio.sleep(0.02)
    finally:
        stop.set()
        await running
    assert [one.to for one in post.sink.taken] == [PHONE]


async def test_a_gateway_that_is_away_gets_it_later(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))
    post.sink.http_says = [503]
    await go(post)
    (row,) = await post.sql("SELECT state, address FROM deliveries")
    assert row["state"] == "waiting" and row["address"] is not None
    post.clock.pass_(minutes=2)
    await post.send()
    (row,) = await post.sql("SELECT state FROM deliveries")
    assert row["state"] == "sent"


async def test_two_copies_at_once_write_to_a_guardian_once(post: DeliveryDesk) -> None:
    pupils = [f"pupil-{n:03d}" for n in range(guardians.PAGE * 2 + 1)]
    post.access.phones = dict.fromkeys(pupils, PHONE)
    await post.hear(entered(*pupils))

    async def copy() -> int:
        done = 0
        while some := await guardians.dispatch(post.db, post.deps):
            done += some
        return done

    assert sum(await asyncio.gather(*(copy() for _ in range(3)))) == len(pupils)
    (row,) = await post.sql("SELECT count(*) AS n, count(DISTINCT guardian_of) AS pupils FROM deliveries")
    assert (row["n"], row["pupils"]) == (len(pupils), len(pupils))


async def test_a_kill_between_asking_and_keeping_makes_nothing_twice(
    post: DeliveryDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(BaseException):
        pass

    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))

    async def broken(*_: object) -> int:
        raise Broken

    with monkeypatch.context() as patched:
        patched.setattr(guardians.store, "add_deliveries", broken)
        with pytest.raises(Broken):
            await guardians.dispatch(post.db, post.deps)
    assert len(await go(post)) == 1
    assert await go(post) == []


SCHOOL = "2123000101"
REGISTRAR = actor(Role.REGISTRAR, SCHOOL)


@pytest.mark.clause("10.2", "34.1", "45.2")
async def test_the_school_sees_what_was_sent_in_its_name(post: DeliveryDesk) -> None:
    """Masked, how it stands, how often it was tried, by which template; whose guardian it is, for the audit log."""
    post.access.phones = {"one": PHONE, "two": "13900000000"}
    await post.hear(entered("one", "two"))
    await guardians.dispatch(post.db, post.deps)
    waiting = await listed(post, REGISTRAR)
    assert {(one.guardian_of, one.to, one.state, one.tries) for one in waiting} == {
        ("one", "138****0001", "waiting", 0), ("two", "139****0000", "waiting", 0),
    }  # fmt: skip
    assert {one.template for one in waiting} == {"reports_sms/1"} and PHONE not in str(msgspec.to_builtins(waiting))
    await post.send()
    sent = await listed(post, actor(Role.PRINCIPAL, SCHOOL))
    assert {(one.state, one.tries, one.sent_at is not None) for one in sent} == {("sent", 1, True)}
    assert await listed(post, REGISTRAR, state=DeliveryState.WAITING) == []
    first = await post.ask(ListGuardianDeliveries(actor=REGISTRAR, limit=1))
    second = await post.ask(ListGuardianDeliveries(actor=REGISTRAR, limit=1, cursor=first.next_cursor))
    assert [*first.items, *second.items] == sent and second.next_cursor is None
    assert await post.deliveries(REGISTRAR) == [], "what comes to the account itself is another list"


@pytest.mark.clause("45.2", "45.3")
async def test_nobody_else_sees_them_and_each_look_is_written_down(post: DeliveryDesk) -> None:
    post.access.phones = {"one": PHONE}
    await post.hear(entered("one"))
    await guardians.dispatch(post.db, post.deps)
    assert await listed(post, actor(Role.REGISTRAR, "2123000102")) == []
    for role in (Role.CLASS_TEACHER, Role.ACCOUNT_ADMIN, Role.AUTHORITY_OFFICER, Role.INTEGRATION_CLIENT):
        refused = await post.ask(ListGuardianDeliveries(actor=actor(role, SCHOOL)))
        assert isinstance(refused, Refused) and refused.kind == "forbidden", role
    query = ListGuardianDeliveries(actor=REGISTRAR)
    entry = post.notebook.entry(query, await post.ask(query), post.clock.now())
    assert entry is not None and entry.objects == ("one",)
    for cursor in ("x", "W10"):
        wrong = await post.ask(ListGuardianDeliveries(actor=REGISTRAR, cursor=cursor))
        assert isinstance(wrong, Refused) and wrong.kind == "invalid"


async def listed(post: DeliveryDesk, who: Actor, **wanted: Any) -> list[DeliveryView]:
    reply = await post.ask(ListGuardianDeliveries(actor=who, **wanted))
    assert isinstance(reply, DeliveryPage), reply
    return list(reply.items)
