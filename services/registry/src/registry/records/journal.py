"""The journal of a student: entries that are only added, each sealed into a chain of hashes (clause 21.1).

`digest` is the hash of a random salt and the entry's content; `hash` goes over everything but the content, with the
digest and the hash before it. Article 38 can therefore empty an entry (content and salt go, the digest stays) and the
chain still closes, while nobody can guess from a digest what stood there.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec
from regulation.mark import clause
from shared_contracts.discreet import Discreet

GENESIS = bytes(32)
"""What the first entry of a chain follows."""

_canonical = msgspec.json.Encoder(order="sorted").encode


class Entry(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the journal. `legal_date`: from when it holds; `recorded_at`: when it was written.

    `content`: JSON values without floats; None once erased.
    """

    student_id: str
    seq: int
    kind: str
    clause: str | None
    legal_date: date
    recorded_at: datetime
    actor: str
    content: dict[str, Any] | None
    salt: bytes | None
    digest: bytes
    previous: bytes
    hash: bytes


class Said(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What an entry says, without what proves it: all that a fold looks at."""

    seq: int
    kind: str
    legal_date: date
    recorded_at: datetime
    content: dict[str, Any] | None


def entry(
    student_id: str,
    after: tuple[int, bytes],
    *,
    kind: str,
    clause: str | None,
    legal_date: date,
    recorded_at: datetime,
    actor: str,
    content: Mapping[str, Any],
) -> Entry:
    """The next entry of a chain. `after`: number and hash of its last one, `(0, GENESIS)` for the first."""
    seq, previous = after
    salt = os.urandom(16)
    unsigned = Entry(
        student_id=student_id,
        seq=seq + 1,
        kind=kind,
        clause=clause,
        legal_date=legal_date,
        recorded_at=recorded_at,
        actor=actor,
        content=dict(content),
        salt=salt,
        digest=_digest(salt, content),
        previous=previous,
        hash=b"",
    )
    return msgspec.structs.replace(unsigned, hash=_hash(unsigned))


@clause("21.1")
def intact(entries: Sequence[Entry]) -> bool:
    """Whether a student's entries are all there, in order, unchanged, each following the one before."""
    previous = GENESIS
    for seq, one in enumerate(entries, start=1):
        if not follows(one, seq, previous):
            return False
        previous = one.hash
    return True


def follows(one: Entry, seq: int, previous: bytes) -> bool:
    """Whether an entry is unchanged, has this number and comes behind the entry of this hash."""
    if one.seq != seq or one.previous != previous or one.hash != _hash(one):
        return False
    return one.content is None or (one.salt is not None and one.digest == _digest(one.salt, one.content))


def _digest(salt: bytes, content: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(salt + _canonical(content)).digest()


def _hash(one: Entry) -> bytes:
    return hashlib.sha256(
        _canonical(
            [
                one.student_id,
                one.seq,
                one.kind,
                one.clause,
                one.legal_date,
                one.recorded_at.astimezone(UTC),
                one.actor,
                one.digest.hex(),
                one.previous.hex(),
            ]
        )
    ).digest()
