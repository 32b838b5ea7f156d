"""Entries come in batches from every service and go on with the chain, one writer at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
from regulation.mark import clause, enforced
from shared_contracts.audit import Audited

from access.audit import store
from access.context import AccessWork

LONGEST_ID, LONGEST_TEXT = 200, 2000
"""Characters that are kept. Ids of refused requests are whatever somebody put into an address; indexes have limits."""

_WORD = re.compile(r"[a-z_]{1,40}")

enforced("45.1", by="audit_is_only_appended", at="../migrations/versions/0003_audit.py")


async def audited(work: AccessWork, event: Audited) -> None:
    """The handler of an entry: a batch of them is one step of the chain."""
    work.gather(keep, event)


@clause("45.1")
async def keep(work: AccessWork, events: Sequence[Audited]) -> None:
    """Append what is not kept yet, in the order in which it came."""
    new = await store.unknown(work.tx, [event.id for event in events])
    entries = [cleaned(event) for event in {event.id: event for event in events}.values() if event.id in new]
    if not entries:
        return
    authorities = await store.authorities(work.tx, {entry.organisation for entry in entries})
    await store.alone(work.tx)
    place = await store.next_place(work.tx, work.today)
    await store.append(work.tx, place, entries, authorities, work.now)


def cleaned(event: Audited) -> Audited:
    """What can be stored whatever was sent: no entry may be lost because somebody asked for an impossible id."""
    return msgspec.structs.replace(
        event,
        service=_text(event.service),
        act=_text(event.act),
        account=_text(event.account),
        name=_text(event.name),
        organisation=_text(event.organisation),
        roles=tuple(map(_text, event.roles)),
        outcome=event.outcome if _WORD.fullmatch(event.outcome) else "failed",
        reasons=tuple(map(_text, event.reasons)),
        objects=tuple(map(_text, event.objects)),
        count=min(event.count, 2**31 - 1),
        purpose=_text(event.purpose, LONGEST_TEXT),
        address=_text(event.address),
        session=_text(event.session),
        operation=_text(event.operation),
        trace_id=_text(event.trace_id),
    )


def _text(value: str, longest: int = LONGEST_ID) -> str:
    """PostgreSQL's text holds no NUL."""
    return value[:longest].replace("\0", "\ufffd")
