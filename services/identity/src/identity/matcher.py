"""The client of the public-security matcher: slow, wrong and down at times, and never trusted with our time.

`Matcher.ask` always answers: persons for whom no trustworthy answer came within the deadline are `unavailable`
(clause 15.3 then gives an L, and they are asked about again later). Failures are repeated with jitter; several in a row
open a circuit breaker, so that a dead matcher costs nothing; a 429 holds back all batches for as long as it says.
Nothing it says is believed about a person who was not asked about.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from prometheus_client import Counter, Gauge, Histogram
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import OpenedState
from shared_contracts.discreet import Discreet
from shared_contracts.identity import Verification
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_before_delay, wait_exponential_jitter
from tenacity.wait import wait_base

from identity.settings import MatcherSettings

log = logging.getLogger(__name__)

MAX_ITEMS = 1000
MAX_BODY = 2_000_000  # bytes of an answer; a full one has about 80,000
LEAST = 0.1  # seconds: a question with less time than this is not worth asking

SECONDS = Histogram(
    "matcher_call_seconds", "One question to the matcher, failed ones too", buckets=(0.02, 0.1, 0.5, 1, 2, 5, 10, 30)
)
CALLS = Counter("matcher_calls_total", "Questions to the matcher by result", ["result"])
OUTCOMES = Counter("matcher_outcomes_total", "Persons by what the matcher said", ["outcome"])
BREAKER_OPEN = Gauge("matcher_breaker_open", "1 while the matcher is not asked because it kept failing")

WORDS = {
    word: Verification(word)
    for word in ("matched", "not_found", "name_mismatch", "sex_mismatch", "birth_date_mismatch")
}


class Question(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One person to be compared. `id` is ours and comes back."""

    id: str
    name: str
    sex: str
    birth_date: date
    document_number: str


class _Answer(msgspec.Struct, frozen=True):
    id: str
    outcome: str


class _Answers(msgspec.Struct, frozen=True):
    answers: list[_Answer]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Answers).decode


class MatcherFault(Exception):
    """The matcher did not answer as it should. The text never carries what was asked or answered.

    `pause`: seconds the matcher asks us to wait. `split`: it refuses the content; perhaps of one item only.
    """

    def __init__(self, text: str, *, pause: float = 0.0, split: bool = False) -> None:
        super().__init__(text)
        self.pause = pause
        self.split = split


class HeldBack(MatcherFault):
    """Not asked at all: the breaker is open, or a 429's time is not over."""


class Matcher:
    """One per process. `client` is for tests; it needs `base_url`."""

    def __init__(self, settings: MatcherSettings, client: httpx.AsyncClient | None = None) -> None:
        self._settings = settings
        self._client = client or httpx.AsyncClient(
            base_url=settings.matcher_url,
            headers={"X-API-Key": settings.matcher_api_key},
            limits=httpx.Limits(max_connections=2 * settings.matcher_workers, keepalive_expiry=30),
            trust_env=False,  # no proxy of the surroundings ever sees this
        )
        HTTPXClientInstrumentor.instrument_client(self._client)
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=settings.matcher_breaker_failures,
            default_ttl=settings.matcher_breaker_seconds,
            # A limit is an answer, a refused content is ours, and a task that is stopped says nothing of the matcher.
            exclude=[asyncio.CancelledError, (MatcherFault, lambda fault: bool(fault.pause or fault.split))],
        )
        self._breakers.add_listener(_note_breaker)
        self._silent_until = 0.0  # time.monotonic()

    async def close(self) -> None:
        await self._client.aclose()

    async def held_back(self) -> float:
        """Seconds until it makes sense to ask: 0 unless the breaker is open or a limit holds."""
        state = (await self._breaker()).context
        opened = state.opened_at if state.state == "opened" else None
        breaker = 0.0 if opened is None else opened + state.ttl - time.time()
        return max(0.0, breaker, self._silent_until - time.monotonic())

    async def ask(self, questions: Sequence[Question], seconds: float) -> dict[str, Verification]:
        """What the matcher says of each question's person, by id, after at most about `seconds`.

        Up to 1,000 questions. Never raises for the matcher's faults; every id is in the result.
        """
        if not questions:
            return {}
        if len(questions) > MAX_ITEMS:
            raise ValueError(f"at most {MAX_ITEMS} questions at once")
        found = dict.fromkeys((q.id for q in questions), Verification.UNAVAILABLE)
        await self._ask(questions, time.monotonic() + seconds, found)
        for outcome in Verification:
            if count := sum(v is outcome for v in found.values()):
                OUTCOMES.labels(outcome.value).inc(count)
        return found

    async def _ask(self, questions: Sequence[Question], deadline: float, found: dict[str, Verification]) -> None:
        left = deadline - time.monotonic()
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(_may_help),
                wait=_Patience(),
                stop=stop_before_delay(max(left, 0.0)),
                reraise=True,
            ):
                with attempt:
                    found.update(await self._call(questions, deadline))
        except HeldBack as fault:
            log.warning("the matcher is not asked about %d persons: %s", len(questions), fault)
        except MatcherFault as fault:
            if fault.split and len(questions) > 1:
                # One item that it cannot read must not cost the others their answer.
                middle = len(questions) // 2
                await self._ask(questions[:middle], deadline, found)
                await self._ask(questions[middle:], deadline, found)
                return
            log.warning("no answer from the matcher for %d persons: %s", len(questions), fault)

    async def _call(self, questions: Sequence[Question], deadline: float) -> dict[str, Verification]:
        """One request through the breaker. Raises MatcherFault."""
        now = time.monotonic()
        if deadline - now < LEAST:
            raise HeldBack("the time is over", pause=LEAST)
        pause = self._silent_until - now
        if pause > 0:
            CALLS.labels("held_back").inc()
            raise HeldBack("it asked for fewer requests", pause=pause)
        breaker = await self._breaker()
        try:
            async with breaker:
                result = await self._request(questions, min(self._settings.matcher_timeout_seconds, deadline - now))
        except OpenedState as opened:
            # purgatory raises one and the same object each time: its traceback would grow without end.
            opened.__traceback__ = None
            CALLS.labels("breaker_open").inc()
            pause = max(0.05, opened.opened_at + breaker.context.ttl - time.time())
            raise HeldBack("the circuit breaker is open", pause=pause) from None
        except MatcherFault as fault:
            CALLS.labels("limited" if fault.pause else "failed").inc()
            self._silent_until = max(self._silent_until, time.monotonic() + fault.pause)
            raise
        CALLS.labels("answered").inc()
        return result

    async def _request(self, questions: Sequence[Question], seconds: float) -> dict[str, Verification]:
        with SECONDS.time():
            try:
                # httpx' own limits are per read: a trickle of bytes would last for ever.
                async with asyncio.timeout(seconds):
                    response = await self._client.post(
                        "/v1/matches",
                        content=_encode({"items": questions}),
                        headers={"Content-Type": "application/json"},
                        timeout=httpx.Timeout(seconds, connect=min(2.0, seconds)),
                    )
            except TimeoutError:
                raise MatcherFault("time-out") from None
            except httpx.HTTPError as error:
                # httpx' texts may quote what was received: only the kind is told.
                raise MatcherFault(type(error).__name__) from None
        status = response.status_code
        if status in (429, 503):
            raise MatcherFault(f"status {status}", pause=_retry_after(response, default=1.0 if status == 429 else 0.0))
        if status != 200:
            raise MatcherFault(f"status {status}", split=status in (400, 413, 422))
        if len(response.content) > MAX_BODY:
            raise MatcherFault("an answer of a senseless size")
        try:
            answers = _decode(response.content).answers
        except msgspec.MsgspecError:
            raise MatcherFault("an answer that cannot be read") from None
        found = _trusted(questions, answers)
        if not found:
            raise MatcherFault("an answer about nobody who was asked about")
        return found

    async def _breaker(self) -> Any:
        return await self._breakers.get_breaker("matcher")


def _trusted(questions: Sequence[Question], answers: Sequence[_Answer]) -> dict[str, Verification]:
    """The answers that can be believed: known word, person asked about, one answer only. The rest stays unavailable."""
    asked = {q.id for q in questions}
    found: dict[str, Verification] = {}
    doubtful = {a.id for a in answers if a.outcome not in WORDS}
    strangers = 0
    for answer in answers:
        if answer.id not in asked:
            strangers += 1
        elif answer.id not in doubtful:
            outcome = WORDS[answer.outcome]
            if found.setdefault(answer.id, outcome) is not outcome:
                doubtful.add(answer.id)
    for person_id in doubtful:
        found.pop(person_id, None)
    if strangers or len(found) < len(asked):
        log.error(
            "the matcher answered for %d of %d persons, and for %d who were not asked about",
            len(found), len(asked), strangers,
        )  # fmt: skip
    return found


def _retry_after(response: httpx.Response, default: float) -> float:
    """Seconds of a Retry-After header, which may be a number or a date; at most ten minutes are believed."""
    text = response.headers.get("Retry-After", "")
    seconds = default
    if text.isascii() and text.isdigit():
        seconds = float(text)
    elif text:
        try:
            seconds = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError):
            seconds = default
    return min(max(seconds, default), 600.0)


class _Patience(wait_base):
    """What the matcher asks for if it asks, plus a little of our own; else growing pauses. Jitter in both."""

    _growing = wait_exponential_jitter(multiplier=0.2, max=3.0, jitter=0.3)

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, MatcherFault) and error.pause:
            return error.pause + random.uniform(0.0, 0.2)  # noqa: S311 - spreads requests, hides nothing
        return self._growing(retry_state)


def _may_help(error: BaseException) -> bool:
    return isinstance(error, MatcherFault) and not error.split


def _note_breaker(_name: str, what: str, event: Any) -> None:
    if what == "state_changed":
        BREAKER_OPEN.set(0 if event.state == "closed" else 1)
        log.warning("circuit breaker of the matcher: %s", event.state)
