"""One registration is one trace: from the authority's request over NATS, outbox, identity and matcher back to registry."""

from __future__ import annotations

from itertools import pairwise

import e2e_truth
import pytest
from e2e_flow import STEPS, Desk, today
from e2e_people import People, form_of
from e2e_system import HANGS, System, wait_for
from shared_contracts.registry import RegistrationState, RegistrationView
from xueji_local.collector import Span


@pytest.fixture(scope="module")
def registration(people: People, xinchun: Desk) -> RegistrationView:
    """Entered by hand, and approved by all but the authority."""
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    form = form_of(made, row)
    view = xinchun.registrar.want(RegistrationView, "POST", "/v1/registrations", json={"form": form})
    for step in STEPS[:-1]:
        if step == "guardian":
            sheet = xinchun.registrar.call("POST", f"/v1/registrations/{view.id}/confirmation-sheet")
            assert sheet.content.startswith(b"%PDF-"), sheet.text[:300]
        body = {"step": step, "decision": "approve"} | ({"signed_on": today()} if step == "guardian" else {})
        view = xinchun.of(step).want(RegistrationView, "POST", f"/v1/registrations/{view.id}/decisions", json=body)
    assert view.state is RegistrationState.SCHOOL_APPROVED
    return view


@pytest.fixture(scope="module")
def trace(system: System, registration: RegistrationView, xinchun: Desk) -> list[Span]:
    """All spans of the trace of the authority's approval, once the record is there."""
    e2e_truth.settled(system)  # what is taken in one go with something earlier goes on in the trace of that
    body = {"step": "authority", "decision": "approve"}
    answer = xinchun.officer.call("POST", f"/v1/registrations/{registration.id}/decisions", json=body)
    assert answer.status_code == 200, answer.text
    trace_id = answer.headers["x-trace-id"]

    def registered() -> bool:
        path = f"/v1/registrations/{registration.id}"
        view = xinchun.registrar.want(RegistrationView, "GET", path)
        return view.state is RegistrationState.REGISTERED

    wait_for(registered, HANGS, "the registration gets no number")
    return system.collector.wait(trace_id, whole)


CHAIN: tuple[tuple[str, str, str, str], ...] = (
    # service, kind, what the name contains, what it is
    ("gateway", "server", "POST /v1/registrations/{registration_id", "the authority's request"),
    ("gateway", "client", "cmd.registry.decide_registration", "the command leaves the gateway"),
    ("registry", "server", "cmd.registry.decide_registration", "registry carries it out"),
    ("identity", "consumer", "evt.registry.registrations_approved", "identity takes the event out of the stream"),
    ("identity", "consumer", "match first", "identity's worker takes the request"),
    ("identity", "client", "POST", "the matcher is asked"),
    ("registry", "consumer", "evt.identity.numbers_issued", "registry takes the number"),
)


def chain(spans: list[Span]) -> list[Span]:
    """The first span for each link of the chain."""
    found = []
    for service, kind, name, _ in CHAIN:
        match = next((s for s in spans if s.service == service and s.kind == kind and name in s.name), None)
        if match:
            found.append(match)
    return found


def ancestors(span: Span, spans: list[Span]) -> list[str]:
    by_id = {s.span_id: s for s in spans}
    found = []
    while span.parent_id in by_id:
        span = by_id[span.parent_id]
        found.append(span.span_id)
    return found


def whole(spans: list[Span]) -> bool:
    """Every link is there, and whatever stands between it and the first: each service sends its spans when it likes."""
    first, *links = chain(spans) or [None]
    return len(links) == len(CHAIN) - 1 and all(first and first.span_id in ancestors(one, spans) for one in links)


def told(spans: list[Span]) -> str:
    return "\n".join(str(span) for span in spans)


def test_one_trace_holds_the_whole_way(trace: list[Span]) -> None:
    links = [what for *_, what in CHAIN]
    assert len(chain(trace)) == len(CHAIN), f"wanted {links}, found:\n{told(trace)}"
    assert len({span.trace_id for span in trace}) == 1


def test_each_link_descends_from_the_one_before(trace: list[Span]) -> None:
    spans = chain(trace)
    root = spans[0]
    assert not root.parent_id
    by_name = {span.name: span for span in spans}
    for before, after in pairwise(spans):
        # What the matcher answers has no span below it: the numbers descend from the worker that asked.
        above = by_name["match first"] if before.name == "POST" else before
        assert above.span_id in ancestors(after, trace), f"{after} does not descend from {above}:\n{told(trace)}"


@pytest.mark.parametrize(
    ("service", "under"),
    [
        ("registry", "cmd.registry.decide_registration"),
        ("identity", "evt.registry.registrations_approved"),
        ("identity", "match first"),
        ("registry", "evt.identity.numbers_issued"),
    ],
)
def test_database_spans_stand_under_the_work_that_caused_them(trace: list[Span], service: str, under: str) -> None:
    work = next(s for s in trace if s.service == service and under in s.name and s.kind in ("server", "consumer"))
    database = [s for s in trace if {"db.system", "db.system.name"} & s.attributes.keys()]
    inside = [s for s in database if work.span_id in ancestors(s, trace)]
    assert inside, told(trace)
    assert {span.service for span in inside} >= {service}


def test_the_matcher_logs_the_same_trace(system: System, trace: list[Span]) -> None:
    """It sends no spans, but says for which trace it was asked."""
    wait_for(lambda: trace[0].trace_id in system.log("matcher"), HANGS, "the matcher does not name the trace")


def test_log_lines_of_the_services_carry_the_trace(system: System, trace: list[Span]) -> None:
    line = f'"trace_id": "{trace[0].trace_id}"'
    wait_for(lambda: line in system.log("gateway"), HANGS, "the gateway's log does not name the trace")
