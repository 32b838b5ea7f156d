"""Progress as Server-Sent Events: each change once, to the end that was asked for, resumed where it broke off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from gateway.routes.rosters import reached
from gateway.sse import Pace, Watch
from gateway_support import StandInBus, roster_view
from service_kit.bus import Unavailable
from shared_contracts.decisions import refused
from shared_contracts.registry import GetRoster, Progress, RosterState, RosterView

FAST = Pace(shortest=0.001, longest=0.002, heartbeat=0.02)


def events(text: str) -> list[dict[str, str]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = [line.partition(": ")[::2] for line in block.split("\n")]
        found.append(dict(lines))
    return [event for event in found if "event" in event]


def progress_of(text: str) -> list[tuple[str, int]]:
    found = [json.loads(event["data"]) for event in events(text) if event["event"] == "progress"]
    return [(view["state"], view["progress"]["done"]) for view in found]


def steps(*views: Any) -> Iterator[Any]:
    """The views one after the other, the last one for ever."""
    yield from views
    while True:
        yield views[-1]


def view(state: RosterState, done: int = 0) -> RosterView:
    return roster_view(state=state, progress=Progress(done=done, total=300))


async def collect(watch: Watch[RosterView]) -> str:
    first = await watch.ask()
    return b"".join([chunk async for chunk in watch.events(first)]).decode()


def watch(*views: Any, **changes: Any) -> Watch[RosterView]:
    following = steps(*views)

    async def ask() -> RosterView:
        found = next(following)
        if isinstance(found, Exception):
            raise found
        return found  # type: ignore[no-any-return]

    values: dict[str, Any] = {"seconds": 60.0, "pace": FAST, **changes}
    return Watch(ask=ask, done=lambda v: v.state is RosterState.COMPLETED, **values)


CHECKING = [view(RosterState.CHECKING, done) for done in (0, 100, 200)]
CHECKED, COMPLETED = view(RosterState.CHECKED, 300), view(RosterState.COMPLETED, 300)


async def test_each_change_is_sent_once_and_the_end_is_said(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    following = steps(CHECKING[0], CHECKING[0], CHECKING[1], CHECKING[1], CHECKED)
    stand_in.answer(GetRoster, lambda _: next(following))
    answer = await client.get("/v1/rosters/r1/events?until=checked")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert progress_of(answer.text) == [("checking", 0), ("checking", 100), ("checked", 300)]
    assert events(answer.text)[-1]["event"] == "end"


async def test_it_resumes_where_it_broke_off() -> None:
    text = await collect(watch(*CHECKING, COMPLETED))
    seen = events(text)[2]["id"]
    again = await collect(watch(CHECKING[2], COMPLETED, last_event_id=seen))
    assert progress_of(again) == [("completed", 300)]
    stale = await collect(watch(CHECKING[2], COMPLETED, last_event_id="something-old"))
    assert progress_of(stale) == [("checking", 200), ("completed", 300)]


async def test_a_refusal_before_the_first_event_is_a_problem_with_its_status(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(GetRoster, refused("forbidden", "不是本校的名册。"))
    answer = await client.get("/v1/rosters/r1/events")
    assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")


async def test_a_service_that_restarts_does_not_end_the_stream() -> None:
    lost = refused("unavailable", "请稍后重试。")
    from gateway.problems import refusal

    text = await collect(watch(CHECKING[0], Unavailable("gone"), refusal(lost), CHECKING[1], COMPLETED))
    assert progress_of(text) == [("checking", 0), ("checking", 100), ("completed", 300)]


async def test_a_refusal_on_the_way_ends_it_with_a_problem_event() -> None:
    from gateway.problems import refusal

    text = await collect(watch(CHECKING[0], refusal(refused("not_found", "名册已不存在。"))))
    last = events(text)[-1]
    assert last["event"] == "problem"
    assert json.loads(last["data"])["status"] == 404


async def test_silence_is_filled_with_heartbeats() -> None:
    """As long as it lasts, which is here until the second one."""
    watching, text = watch(CHECKING[0]), ""
    async for piece in watching.events(await watching.ask()):
        text += piece.decode()
        if text.count(": heartbeat") == 2:
            break
    assert text.count(": heartbeat") == 2
    assert progress_of(text) == [("checking", 0)]


async def test_a_stream_does_not_outlive_its_token() -> None:
    began = asyncio.get_running_loop().time()
    text = await collect(watch(CHECKING[0], seconds=0.1))
    assert asyncio.get_running_loop().time() - began < 2  # else it lasts for a minute
    assert "event: end" not in text, "the client comes back with a new token"


@pytest.mark.parametrize(
    ("state", "target", "there"),
    [
        (RosterState.CHECKING, RosterState.CHECKED, False),
        (RosterState.CHECKED, RosterState.CHECKED, True),
        (RosterState.IN_APPROVAL, RosterState.CHECKED, True),
        (RosterState.CONFIRMING, RosterState.IN_APPROVAL, False),
        (RosterState.ISSUING, RosterState.COMPLETED, False),
        (RosterState.FAILED, RosterState.COMPLETED, True),
        (RosterState.CANCELLED, RosterState.CHECKED, True),
        (RosterState.CHECKED, RosterState.CANCELLED, False),
        (RosterState.COMPLETED, RosterState.CANCELLED, True),
    ],
)
def test_the_end_is_the_target_or_a_state_from_which_it_is_never_reached(
    state: RosterState, target: RosterState, there: bool
) -> None:
    assert reached(state, target) is there


async def test_a_server_that_goes_down_ends_its_streams_at_once() -> None:
    closing = asyncio.Event()
    watching = watch(CHECKING[0], closing=closing, pace=Pace(shortest=30, longest=30))
    asyncio.get_running_loop().call_later(0.05, closing.set)
    async with asyncio.timeout(2):  # else it asks again after half a minute
        text = await collect(watching)
    assert progress_of(text) == [("checking", 0)]
    assert "event: end" not in text
