"""What a transfer costs, counted in its traces: statements to PostgreSQL by service, and questions over the bus."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import e2e_truth
import pytest
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, System, wait_for
from e2e_transfer import STEPS, a_class, application, get, paper, registered
from xueji_local.collector import Span

MOST = {"transfer": 54, "registry": 74, "identity": 10, "notifications": 28}
"""Statements that a service may send for one transfer, from the application to the moved record, BEGIN and COMMIT too: what
it sends, and three for an event that a busy machine delivers twice. A question more in each act is four more here."""
DRIVERS = ("WITH RECURSIVE typeinfo_tree", "SELECT current_setting('jit')")
"""What the driver asks once on each connection, before it first sends an array of a type."""
STILL = 2.0
"""Seconds without a new span after which all are there; exporters send every half second."""
QUESTIONS = 10
"""Four from the gateway; the facts for each of four acts, the hold, and whose number it is."""


def sent(span: Span) -> str:
    """The statement of a span; empty where it is none."""
    return span.attributes.get("db.query.text", "")


def walked(cast: Cast, person: dict[str, Any]) -> list[str]:
    """One transfer from the application to the moved record; the traces of its four requests."""
    registrar = cast["shanhe.registrar"]
    answer = registrar.send("POST", "/v1/transfers", json=application(person, evidence=paper(registrar)))
    assert answer.status_code == 201, answer.text
    transfer, traces = answer.json()["id"], [answer.headers["x-trace-id"]]
    for step, who in STEPS:
        body = {"step": step, "decision": "approve"}
        if step == "receiving_authority":
            body |= {"override": True, "reason": "情况属实，同意"}
        answer = cast[who].send("POST", f"/v1/transfers/{transfer}/decisions", json=body)
        assert answer.status_code == 200, answer.text
        traces.append(answer.headers["x-trace-id"])
    wait_for(
        lambda: get(registrar, f"/v1/transfers/{transfer}")["state"] == "completed", HANGS, "the record did not move"
    )
    return traces


def spans_of(system: System, traces: list[str]) -> list[Span]:
    """All of them: the registry's answer has been taken, and no more have come for some time."""

    def found() -> list[Span]:
        return [span for span in system.collector.spans() if span.trace_id in traces]

    def back() -> bool:
        return any(span.service == "transfer" and span.kind == "consumer" for span in found())

    wait_for(back, HANGS, "the spans of a transfer do not come")
    seen, since = len(found()), time.monotonic()
    while time.monotonic() - since < STILL:
        time.sleep(0.1)
        if len(now := found()) != seen:
            seen, since = len(now), time.monotonic()
    return found()


@pytest.mark.clause("24.5.1")
def test_what_a_transfer_costs_is_counted_and_does_not_grow(
    system: System, cast: Cast, people: People, xinchun: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    _, persons = registered(people, xinchun, 2)
    a_class(cast["shanhe.registrar"])
    for person in persons:
        e2e_truth.settled(system)  # else what is left of something earlier is done, and counted, together with it
        spans = spans_of(system, walked(cast, person))
        statements = Counter(span.service for span in spans if sent(span) and not sent(span).startswith(DRIVERS))
        questions = sum(span.kind == "client" and not sent(span) for span in spans)
        with capsys.disabled():
            print(f"\n  a transfer: {dict(statements)} statements, {questions} questions over the bus", end="")
        assert questions <= QUESTIONS, sorted(span.name for span in spans if span.kind == "client")
        over = {service: count for service, count in statements.items() if count > MOST.get(service, 0)}
        assert not over, "\n".join(
            f"{span.service}: {sent(span)[:150]}" for span in spans if span.service in over and sent(span)
        )
