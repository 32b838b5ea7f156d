"""Writing the journal: whoever changes students says here what happened to each (clause 21.1).

One statement locks the students, one appends all entries, whatever their number. Locks: students by id, as everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from regulation.mark import clause
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet

from registry.context import RegistryWork
from registry.records import journal, kinds, store

SERVICE = "system:registry"
"""Who the journal names where nobody in particular acted: a worker, a timer."""


class Change(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What happened to one student. `kind`: one of `kinds.TITLES`, which says what `content` must have.

    `legal_date`: from when it holds. `actor`: who did it; None where the registry did it by itself.
    """

    student_id: str
    kind: str
    clause: str | None
    legal_date: date
    content: dict[str, Any]
    actor: Actor | str | None = None


@clause("21.1")
async def record(work: RegistryWork, changes: Sequence[Change]) -> list[journal.Entry]:
    """Append an entry for each change to its student's chain, in the order given. Returns them.

    Raises ValueError for a kind without a title, LookupError for a student who is not there: nothing is written then.
    """
    if not changes:
        return []
    if unknown := {change.kind for change in changes} - kinds.TITLES.keys():
        raise ValueError(f"the journal knows no entries of kind {', '.join(sorted(unknown))}")
    ids = sorted({change.student_id for change in changes})
    ends = {row["id"]: (row["journal_seq"], row["journal_hash"]) for row in await store.lock_students(work.tx, ids)}
    if missing := len(ids) - len(ends):
        raise LookupError(f"{missing} of {len(ids)} students have no record")
    entries = []
    for change in changes:
        entry = journal.entry(
            change.student_id,
            ends[change.student_id],
            kind=change.kind,
            clause=change.clause,
            legal_date=change.legal_date,
            recorded_at=work.now,
            actor=_account(change.actor),
            content=change.content,
        )
        ends[change.student_id] = (entry.seq, entry.hash)
        entries.append(entry)
    await store.append(work.tx, entries)
    return entries


def _account(actor: Actor | str | None) -> str:
    if actor is None:
        return SERVICE
    return actor.account if isinstance(actor, Actor) else actor
