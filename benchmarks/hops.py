"""Where the time of a transfer goes: every instant from its application to the moved record belongs to one hop.

The spans are those that the services send (OpenTelemetry), under the one trace that the client began for each transfer.
While somebody waits for an answer, an instant belongs to the deepest span that is open then: a statement before the service
that sent it, a service before the bus that it was asked over, all before the client. After the last approval nobody waits
any more and the record moves by events: what lies between two spans of that way is the time for which the next one had to be
waited for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec
from xueji_local.collector import Span

CLIENT = "client and HTTP"
Below: TypeAlias = defaultdict[str, list[Span]]
"""Spans by the one that caused them."""
DECIDE = "cmd.transfer.decide_transfer"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer as its client saw it. `requests`: what was asked, with start and end in nanoseconds since 1970."""

    trace_id: str
    requests: tuple[tuple[str, int, int], ...]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """Nanoseconds of each hop of one transfer; `counts`: what it needed, by kind of thing."""

    hops: dict[str, int]
    counts: dict[str, int]
    statements: dict[tuple[str, str], tuple[int, int]]

    @property
    def whole(self) -> int:
        return sum(self.hops.values())


def ways(cases: Sequence[Case], spans: Iterable[Span]) -> list[Way]:
    """One for each case whose trace is whole."""
    traces: defaultdict[str, list[Span]] = defaultdict(list)
    below: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        traces[span.trace_id].append(span)
        # What is done for several at once stands in the trace of one of them, and links to the work of the others.
        for above in {span.parent_id, *(span_id for _, span_id in span.links)}:
            below[above].append(span)
    found = [_way(case, traces[case.trace_id], below) for case in cases]
    return [way for way in found if way is not None]


def _way(case: Case, spans: Sequence[Span], below: Below) -> Way | None:
    by_id = {span.span_id: span for span in spans}
    decided = [span for span in spans if (span.service, span.kind, span.name) == ("transfer", "server", DECIDE)]
    last = max(decided, key=lambda span: span.start, default=None)
    chain = _chain(last, below) if last is not None else None
    if last is None or chain is None:
        return None
    hops: Counter[str] = Counter()
    asked = [span for span in spans if not _of_events(span, by_id)]
    at = min(last.end, chain[0].start)
    _share(hops, case.requests[0][1], at, _layers(case, asked, by_id))
    for span in chain:
        published = span.kind == "producer"
        hops[f"waiting for {span.service} to {'publish' if published else 'take'}"] += max(0, span.start - at)
        name = f"JetStream, from {span.service}" if published else f"{span.service}, carrying out"
        layers = [(span.start, span.end, 0, name)]
        inside = [one for one in below[span.span_id] if _is_statement(one)]
        layers += [(one.start, one.end, 1, f"database of {one.service}") for one in inside]
        _share(hops, max(at, span.start), max(at, span.end), layers)
        at = max(at, span.end)
    return Way(hops=dict(hops), counts=_counts(spans), statements=_statements(spans))


def _chain(last: Span, below: Below) -> list[Span] | None:
    """From the last approval to the moved record: published, taken by the registry, published, taken by transfer."""
    published = _first(below, last, "transfer", "producer")
    taken = _first(below, last, "registry", "consumer")
    if published is None or taken is None:
        return None
    told = _first(below, taken, "registry", "producer")
    heard = _first(below, taken, "transfer", "consumer")
    return None if told is None or heard is None else [published, taken, told, heard]


def _first(below: Below, cause: Span, service: str, kind: str) -> Span | None:
    found = [one for one in below[cause.span_id] if (one.service, one.kind) == (service, kind)]
    return min(found, key=lambda one: one.start, default=None)


def _layers(case: Case, asked: Sequence[Span], by_id: dict[str, Span]) -> list[tuple[int, int, int, str]]:
    """Open spans with how deep they lie and whose they are; the client is below everything."""
    found = [(case.requests[0][1], case.requests[-1][2], 0, CLIENT)]
    for span in asked:
        if _is_statement(span):
            name = f"database of {span.service}"
        elif span.kind == "client":
            name = f"bus, asked by {span.service}"
        else:
            name = span.service
        found.append((span.start, span.end, 1 + _depth(span, by_id), name))
    return found


def _share(hops: Counter[str], start: int, end: int, layers: Sequence[tuple[int, int, int, str]]) -> None:
    """Give each instant from `start` to `end` to the deepest layer that is open then."""
    edges = sorted({start, end, *(t for one in layers for t in one[:2] if start < t < end)})
    for left, right in pairwise(edges):
        open_ = [one for one in layers if one[0] <= left and one[1] >= right]
        hops[max(open_, key=lambda one: one[2])[3] if open_ else CLIENT] += right - left


def _depth(span: Span, by_id: dict[str, Span]) -> int:
    depth = 0
    above = by_id.get(span.parent_id)
    while above is not None:
        depth += 1
        above = by_id.get(above.parent_id)
    return depth


def _of_events(span: Span, by_id: dict[str, Span]) -> bool:
    """Whether it belongs to what went on after the answer: a relay's or a consumer's span, or below one."""
    at: Span | None = span
    while at is not None:
        if at.kind in ("producer", "consumer"):
            return True
        at = by_id.get(at.parent_id)
    return False


def _is_statement(span: Span) -> bool:
    return "db.system.name" in span.attributes


def _text(span: Span) -> str:
    return span.attributes.get("db.query.text", "")


_READ_ONLY = "BEGIN READ ONLY"


def _counts(spans: Sequence[Span]) -> dict[str, int]:
    """What one transfer takes on its way: statements by service, transactions that write, questions over the bus, messages
    that JetStream has acknowledged."""
    counts: Counter[str] = Counter()
    by_work: defaultdict[str, list[Span]] = defaultdict(list)
    for span in spans:
        if _is_statement(span):
            counts[f"statements of {span.service}"] += 1
            by_work[span.parent_id].append(span)
        elif span.kind == "client":
            counts["requests over the bus"] += 1
        elif span.kind == "producer":
            counts["messages to JetStream"] += 1
    for inside in by_work.values():
        commits = sum(one.name == "COMMIT" for one in inside)
        reads = sum(_text(one).upper().startswith(_READ_ONLY) for one in inside)
        counts["transactions that write"] += max(0, commits - reads)
        counts["transactions that read"] += reads
    return dict(counts)


def _statements(spans: Sequence[Span]) -> dict[tuple[str, str], tuple[int, int]]:
    """How often each statement was sent, and its nanoseconds."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for span in spans:
        if _is_statement(span):
            times, spent = found.get((span.service, _text(span)), (0, 0))
            found[(span.service, _text(span))] = times + 1, spent + span.end - span.start
    return found
