"""The client against the real matcher with its fault switches; answers no matcher should give come from a transport."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
import pytest_asyncio
from identity import matcher as matcher_module
from identity.matcher import Matcher, Question
from identity.settings import MatcherSettings
from identity_support import People, TheMatcher
from prometheus_client import REGISTRY
from service_kit import settings as kit_settings
from shared_contracts.identity import Verification

V = Verification
Make = Callable[..., Matcher]
ENOUGH = 60.0
"""Seconds within which whoever answers has answered, on a busy machine too."""


def questions(entries: Any) -> list[Question]:
    return [
        Question(
            id=f"p{entry.row}",
            name=entry.name,
            sex=entry.sex,
            birth_date=entry.birth_date,
            document_number=entry.document_number,
        )
        for entry in entries
    ]


@pytest_asyncio.fixture
async def client(matcher: TheMatcher) -> AsyncIterator[Make]:
    made: list[Matcher] = []

    def make(**changes: Any) -> Matcher:
        values = {"matcher_url": matcher.url, "matcher_api_key": matcher.key} | changes
        made.append(Matcher(MatcherSettings(**values)))
        return made[-1]

    yield make
    for one in made:
        await one.close()


async def test_outcomes_are_kept_apart(client: Make, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(5)
    matcher.knows(entries[:1])
    matcher.knows(entries[1:2], name="别的名字")
    matcher.knows(entries[2:3], sex="1" if entries[2].sex == "2" else "2")
    matcher.knows(entries[3:4], birth_date="2001-01-01")
    found = await client().ask(questions(entries), ENOUGH)
    assert list(found.values()) == [
        V.MATCHED,
        V.NAME_MISMATCH,
        V.SEX_MISMATCH,
        V.BIRTH_DATE_MISMATCH,
        V.NOT_FOUND,
    ]


async def test_nothing_is_asked_about_nobody(client: Make) -> None:
    assert await client(matcher_url="http://127.0.0.1:1").ask([], 5) == {}
    with pytest.raises(ValueError, match="at most"):
        await client().ask(questions(People(1).entries(1001)), 5)


async def test_a_passing_failure_is_repeated(client: Make, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(2)
    matcher.knows(entries)
    matcher.faults(status=500, times=2)
    assert set((await client().ask(questions(entries), ENOUGH)).values()) == {V.MATCHED}


@pytest.mark.parametrize("faults", [{"status": 503}, {"down": {"how": "close"}}, {"delay_ms": 60_000}, {"status": 401}])
async def test_a_lasting_failure_ends_with_the_time(
    client: Make, matcher: TheMatcher, people: People, faults: dict[str, Any]
) -> None:
    matcher.faults(**faults)
    begun = time.monotonic()
    found = await client(matcher_breaker_failures=100).ask(questions(people.entries(3)), 1.5)
    assert set(found.values()) == {V.UNAVAILABLE}
    assert len(found) == 3
    assert time.monotonic() - begun < 10


async def test_a_closed_port(client: Make, people: People) -> None:
    found = await client(matcher_url="http://127.0.0.1:1").ask(questions(people.entries(1)), 1)
    assert set(found.values()) == {V.UNAVAILABLE}


async def test_a_limit_is_respected(client: Make, matcher: TheMatcher, people: People) -> None:
    """After a 429 nobody asks before the time it names; then the answer comes."""
    entries = people.entries(1)
    matcher.knows(entries)
    matcher.faults(status=429, retry_after=2, times=1)
    one, begun = client(), time.monotonic()
    first, second = await asyncio.gather(*(one.ask(questions(entries), ENOUGH) for _ in range(2)))
    assert set(first.values()) | set(second.values()) == {V.MATCHED}
    assert time.monotonic() - begun >= 2
    matcher.faults(status=429, retry_after=300)
    begun = time.monotonic()
    assert set((await one.ask(questions(entries), ENOUGH)).values()) == {V.UNAVAILABLE}
    assert time.monotonic() - begun < ENOUGH - 5  # five minutes are more than we have: no use in waiting
    assert await one.held_back() > 200


async def test_the_breaker_opens_and_closes(client: Make, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(1)
    matcher.knows(entries)
    one = client(matcher_breaker_failures=3, matcher_breaker_seconds=8.0)
    matcher.faults(status=500)
    assert set((await one.ask(questions(entries), 7.5)).values()) == {V.UNAVAILABLE}
    assert await one.held_back() > 0
    asked = REGISTRY.get_sample_value("matcher_call_seconds_count")
    assert set((await one.ask(questions(entries), 0.3)).values()) == {V.UNAVAILABLE}
    assert REGISTRY.get_sample_value("matcher_call_seconds_count") == asked  # nobody was asked
    matcher.faults()
    half_opened = await one.ask(questions(entries), ENOUGH)  # it waits for that
    assert set(half_opened.values()) == {V.MATCHED}
    assert await one.held_back() == 0


class Odd:
    """A matcher that answers what it is told to; `asked` counts."""

    def __init__(self, answer: Callable[[list[dict[str, Any]]], httpx.Response]) -> None:
        self.answer, self.asked = answer, 0

    def client(self) -> Matcher:
        def respond(request: httpx.Request) -> httpx.Response:
            self.asked += 1
            return self.answer(msgspec.json.decode(request.content)["items"])

        transport = httpx.MockTransport(respond)
        settings = MatcherSettings(matcher_url="http://odd", matcher_api_key="k")
        return Matcher(settings, httpx.AsyncClient(transport=transport, base_url="http://odd"))


def said(*pairs: tuple[str, str]) -> httpx.Response:
    return httpx.Response(200, json={"answers": [{"id": i, "outcome": o} for i, o in pairs]})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # one is missing
        (said(("p1", "matched")), [V.MATCHED, V.UNAVAILABLE]),
        # somebody who was not asked about
        (said(("p1", "matched"), ("p9", "matched"), ("p2", "not_found")), [V.MATCHED, V.NOT_FOUND]),
        # a word nobody knows
        (said(("p1", "maybe"), ("p2", "matched")), [V.UNAVAILABLE, V.MATCHED]),
        # two answers about one person, the same and different ones
        (said(("p1", "matched"), ("p1", "matched"), ("p2", "matched")), [V.MATCHED, V.MATCHED]),
        (said(("p1", "matched"), ("p1", "not_found"), ("p2", "matched")), [V.UNAVAILABLE, V.MATCHED]),
        (said(("p1", "matched"), ("p1", "maybe"), ("p2", "matched")), [V.UNAVAILABLE, V.MATCHED]),
        # our own words are not its words
        (said(("p1", "pending"), ("p2", "matched")), [V.UNAVAILABLE, V.MATCHED]),
        (said(("p1", "unavailable"), ("p2", "matched")), [V.UNAVAILABLE, V.MATCHED]),
    ],
)
async def test_answers_are_believed_one_by_one(
    people: People, answer: httpx.Response, expected: list[Verification]
) -> None:
    found = await Odd(lambda _: answer).client().ask(questions(people.entries(2)), ENOUGH)
    assert list(found.values()) == expected


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, content=b""),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"results": []}),
        httpx.Response(200, json={"answers": []}),
        httpx.Response(200, json={"answers": [{"id": 1, "outcome": "matched"}]}),
        httpx.Response(200, json=[]),
        httpx.Response(200, content=b'{"answers": [' + b" " * 2_100_000 + b"]}"),
        httpx.Response(302, headers={"Location": "http://elsewhere/"}),
        httpx.Response(204),
        said(("p8", "matched"), ("p9", "matched")),
    ],
)
async def test_senseless_answers_are_no_answers(people: People, answer: httpx.Response) -> None:
    odd = Odd(lambda _: answer)
    found = await odd.client().ask(questions(people.entries(2)), 0.8)
    assert set(found.values()) == {V.UNAVAILABLE}

    before = odd.asked
    asking = asyncio.ensure_future(odd.client().ask(questions(people.entries(2)), ENOUGH))
    while odd.asked < before + 2:  # it is asked again
        assert not asking.done()
        await asyncio.sleep(0.01)
    asking.cancel()


async def test_one_unreadable_person_does_not_cost_the_others_their_answer(people: People) -> None:
    def answer(items: list[dict[str, Any]]) -> httpx.Response:
        if any(item["id"] == "p7" for item in items):
            return httpx.Response(400, json={"detail": "name"})
        return said(*((item["id"], "matched") for item in items))

    odd = Odd(answer)
    found = await odd.client().ask(questions(people.entries(16)), ENOUGH)
    assert found.pop("p7") is V.UNAVAILABLE
    assert set(found.values()) == {V.MATCHED}
    assert odd.asked <= 9  # halves, not one by one


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("3", 3), ("0", 1), ("soon", 1), ("99999999", 600), ("Wed, 21 Oct 2015 07:28:00 GMT", 1)],
)
async def test_retry_after_in_all_its_forms(
    people: People, monkeypatch: pytest.MonkeyPatch, header: str, seconds: float
) -> None:
    one = Odd(lambda _: httpx.Response(429, headers={"Retry-After": header})).client()
    now = time.monotonic()  # its clock stands still from here on
    monkeypatch.setattr(matcher_module, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    await one.ask(questions(people.entries(1)), 0.9)
    assert await one.held_back() == pytest.approx(seconds)


async def test_nothing_personal_is_logged(people: People, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    entries = people.entries(2)
    number = entries[0].document_number
    for answer in (
        httpx.Response(500, content=f"{number} {entries[0].name}".encode()),
        httpx.Response(200, content=f'{{"answers": "{number}"}}'.encode()),
        said((number, "matched")),
    ):
        await Odd(lambda _, answer=answer: answer).client().ask(questions(entries), 0.5)  # type: ignore[misc]
    assert caplog.records
    text = "\n".join(f"{record.getMessage()} {record.exc_info} {record.__dict__}" for record in caplog.records)
    for entry in entries:
        assert entry.document_number not in text
        assert entry.name not in text


@pytest.mark.parametrize(
    ("changes", "cure"),
    [
        ({"matcher_url": ""}, "XUEJI_MATCHER_URL"),
        ({"matcher_url": "matcher:80"}, "XUEJI_MATCHER_URL"),
        ({"matcher_api_key": ""}, "XUEJI_MATCHER_API_KEY"),
        ({"matcher_budget_seconds": 0}, "above 0"),
        ({"matcher_workers": 0}, "1 or more"),
        ({"env": "production", "matcher_url": "http://matcher.example"}, "https"),
    ],
)
def test_settings_that_cannot_work_are_told(changes: dict[str, Any], cure: str) -> None:
    good = {"matcher_url": "http://127.0.0.1:1", "matcher_api_key": "secret-key"}
    assert MatcherSettings(**good).checked()
    assert MatcherSettings(**good | {"env": "production", "matcher_url": "https://matcher.example"}).checked()
    with pytest.raises(kit_settings.SettingsError, match=cure) as caught:
        MatcherSettings(**good | changes).checked()
    assert "secret-key" not in str(caught.value)
