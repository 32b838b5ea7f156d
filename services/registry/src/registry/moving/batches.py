"""One batch of an operation's moves, forward or back: all of it in the transaction it is called in, or nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.records import PassedRecord, RecordsPassed

from registry.context import RegistryWork
from registry.handover.leaving import Leaving, records_left
from registry.moving import store
from registry.moving.store import Move, Operation
from registry.records import custody, journal
from registry.records import store as records
from registry.records.custody import Passing
from registry.records.kinds import changed

SIZE = 500
"""Records of a batch."""

_NOTHING: Mapping[str, Mapping[str, str]] = MappingProxyType({})

UNDONE = "move_undone"
"""Kind of the journal's entry by which a record goes back."""


@clause("16", "21.2", "21.3")
async def forward(
    work: RegistryWork,
    operation: Operation,
    *,
    kind: str,
    clause_id: str,
    learning: bool,
    says: Mapping[str, Mapping[str, str]] = _NOTHING,
) -> int:
    """Pass the next records; how many, 0 when all are done. `learning`: they are in school there, whatever they were;
    `says`: what their entries say besides, by the school they were at."""
    moves = await store.moves(work.tx, operation.id, "waiting", SIZE)
    if not moves:
        return 0
    await store.act_as(work.tx, operation.id)
    passings = [
        Passing(
            student_id=move.student_id,
            school=move.to_school,
            stage=move.to_stage,
            class_id=move.to_class,
            keeper=move.to_keeper,
            learning=learning,
            content={**says.get(move.from_school, {}), **_content(operation, move, learning=learning)},
        )
        for move in moves
    ]
    entries = await custody.pass_records(
        work, passings, kind=kind, clause_id=clause_id, on=operation.effective_from, actor=_actor(operation)
    )
    await store.moved(work.tx, operation.id, entries, "moved")
    _tell(work, operation, ((move, move.from_school, move.to_school) for move in moves))
    return len(moves)


def _content(operation: Operation, move: Move, *, learning: bool) -> dict[str, Any]:
    """What the journal's entry says: by what decision, and what of the record became something else."""
    before, after = _before(move), _after(move, learning)
    more = {"operation": operation.id, "document": operation.document or operation.title}
    if move.to_keeper:
        more["keeper"] = move.to_keeper
    return changed(before, after, **more)


def _before(move: Move) -> dict[str, Any]:
    return {
        "school": move.from_school,
        "stage": move.from_stage,
        "grade": move.from_grade,
        "class_no": move.from_class_no,
        "state": move.from_state,
    }


def _after(move: Move, learning: bool) -> dict[str, Any]:
    return {
        "school": move.to_school,
        "stage": move.to_stage,
        "grade": move.to_grade,
        "class_no": move.to_class_no,
        "state": records.LEARNING if learning else move.from_state,
    }


def _actor(operation: Operation) -> str:
    """By whose decision: of the approval, or of the undo."""
    return operation.undone_account or operation.decided_account or "system:registry"


@clause("21.1", "44")
async def back(work: RegistryWork, operation: Operation, *, clause_id: str, learning: bool) -> int:
    """Return the next records to where they were; how many, 0 when all are. The journal keeps both ways.

    The school they go back from keeps no copy: it had them by a mistake. Its days in the class count for nothing. Papers
    that have gone with them are owed back; those that have not are owed no more.
    """
    moves = await store.moves(work.tx, operation.id, "moved", SIZE)
    if not moves:
        return 0
    await store.act_as(work.tx, operation.id)
    locked = {row["id"]: row for row in await records.lock_students(work.tx, [move.student_id for move in moves])}
    entries = [
        journal.entry(
            move.student_id,
            (locked[move.student_id]["journal_seq"], locked[move.student_id]["journal_hash"]),
            kind=UNDONE,
            clause=clause_id,
            legal_date=work.today,
            recorded_at=work.now,
            actor=_actor(operation),
            content=changed(_after(move, learning), _before(move), operation=operation.id),
        )
        for move in moves
    ]
    await records.append(work.tx, entries)
    await _restore(work, moves)
    seqs = {entry.student_id: entry.seq for entry in entries}
    await records_left(
        work,
        [
            Leaving(
                student_id=move.student_id,
                journal_seq=seqs[move.student_id],
                from_school=move.to_school,
                to_school=move.from_school,
            )
            for move in moves
            if move.to_school != move.from_school
        ],
        work.today,
    )
    await store.moved(work.tx, operation.id, seqs, "undone")
    _tell(work, operation, ((move, move.to_school, move.from_school) for move in moves))
    return len(moves)


async def _restore(work: RegistryWork, moves: Sequence[Move]) -> None:
    connection = await driver(work.tx)
    await connection.execute(
        """UPDATE students s SET school = n.school, stage = n.stage, state = n.state, live = n.live, keeper = n.keeper,
                                 version = s.version + 1
           FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[])
               AS n(id, school, stage, state, live, keeper)
           WHERE s.id = n.id""",
        [move.student_id for move in moves],
        [move.from_school for move in moves],
        [move.from_stage for move in moves],
        [move.from_state for move in moves],
        [move.from_live for move in moves],
        [move.from_keeper for move in moves],
    )
    ids = [move.student_id for move in moves]
    await connection.execute(
        "UPDATE class_memberships SET left_on = joined_on WHERE student_id = ANY($1::text[]) AND left_on IS NULL", ids
    )
    await connection.execute(
        """UPDATE class_memberships m SET class_id = n.class_id, left_on = NULL
           FROM unnest($1::text[], $2::text[], $3::date[]) AS n(id, class_id, joined_on)
           WHERE m.student_id = n.id AND m.joined_on = n.joined_on""",
        ids,
        [move.from_class for move in moves],
        [move.from_joined for move in moves],
    )


def _tell(work: RegistryWork, operation: Operation, moved: Iterable[tuple[Move, str, str]]) -> None:
    """Identity's claims go along. A batch is no larger than an event may be."""
    ways: defaultdict[tuple[str, str], list[PassedRecord]] = defaultdict(list)
    for move, here, there in moved:
        if here != there:
            ways[here, there].append(PassedRecord(registration_id=move.student_id, person_id=move.person_id))
    for (here, there), passed in ways.items():
        event = RecordsPassed(operation_id=operation.id, from_school=here, to_school=there, records=tuple(passed))
        work.emit(event, here)
