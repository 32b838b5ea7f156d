"""Asking the registry for a hold or a seat, so that a kill at any line leaves nothing held that no case stands behind.

An *intent* is committed first, on a connection of its own; the registry is asked within the handler's transaction, which
also takes the intent away. Committed: case and hold agree, the intent is gone. Killed anywhere: the intent is left, and
`settling` tells the registry what the case has become, or that there is none. The intent is locked while the handler lives,
so that nobody settles what is still under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from regulation.mark import clause
from service_kit.bus import BusError
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.actors import system
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.holds import (
    ChangeFacts,
    ComingChild,
    ExpectArrival,
    GetChangeFacts,
    GrantHold,
    HoldGranted,
    Seat,
    SettleHold,
)
from shared_contracts.messages import Command, Query

from transfer.cases.store import Transfer as CaseTransfer
from transfer.context import Transfer, TransferWork

SERVICE = system("transfer")
_INTENT = """
INSERT INTO hold_intents (case_id, since) VALUES ($1, $2) ON CONFLICT (case_id) DO UPDATE SET since = EXCLUDED.since
"""
# The number is drawn when the intent is locked, not before: what was settled meanwhile has a lower one.
_LOCKED_SEQ = """
WITH i AS MATERIALIZED (SELECT case_id FROM hold_intents WHERE case_id = $1 FOR UPDATE)
SELECT nextval('hold_seq') FROM (SELECT count(*) FROM i) AS locked
"""
AWAY = "学籍服务暂时没有回应，业务没有办理。请稍后重试。"


async def ask(deps: Transfer, message: Command | Query) -> Any:
    """The registry's reply to an act that waits for it; that it is away is a refusal like others."""
    try:
        return await deps.bus.ask(message)
    except BusError:
        return refused("unavailable", AWAY)


async def facts(deps: Transfer, query: GetChangeFacts) -> ChangeFacts | Refused:
    reply: ChangeFacts | Refused = await ask(deps, query)
    return reply


@clause("23", "24.2.2")
async def grant(
    work: TransferWork,
    case_id: str,
    student_id: str,
    organisation: str,
    seat: Seat | None,
    evidence: Sequence[EvidenceGiven] = (),
) -> HoldGranted | Refused:
    """Hold the student for the case, with the seat as it is to be from now on; a child who has no record yet (an empty
    `student_id`) is expected for it already. Refused: as the registry says it, or because it is away. `organisation`: whose
    evidence it is."""
    return await _asked(
        work,
        case_id,
        lambda seq: GrantHold(
            command_id=derived("hold", case_id, seq),
            actor=SERVICE,
            case_id=case_id,
            kind="transfer",
            seq=seq,
            student_id=student_id or None,
            organisation=organisation,
            seat=seat,
            evidence=tuple(evidence),
        ),
    )


@clause("15.2", "23", "24.2.2")
async def expect(
    work: TransferWork,
    case_id: str,
    child: ComingChild,
    grade: int,
    school: str,
    seat: Seat | None,
    evidence: Sequence[EvidenceGiven] = (),
) -> HoldGranted | Refused:
    """A child of another province is expected for the case, of whom the registry finds out who it is."""
    return await _asked(
        work,
        case_id,
        lambda seq: ExpectArrival(
            command_id=derived("expect", case_id, seq),
            actor=SERVICE,
            case_id=case_id,
            seq=seq,
            organisation=school,
            grade=grade,
            child=child,
            seat=seat,
            evidence=tuple(evidence),
        ),
    )


async def _asked(
    work: TransferWork, case_id: str, asking: Callable[[int], GrantHold | ExpectArrival]
) -> HoldGranted | Refused:
    await work.deps.outside.alone(_INTENT, case_id, work.now)
    connection = await driver(work.tx)
    seq = await connection.fetchval(_LOCKED_SEQ, case_id)
    reply: HoldGranted | Refused = await ask(work.deps, asking(seq))
    if isinstance(reply, HoldGranted):
        await connection.execute("DELETE FROM hold_intents WHERE case_id = $1", case_id)
    return reply


async def settle(deps: Transfer, case_id: str, seq: int, seat: Seat | None, *, keep: bool) -> Seat | None:
    """Tell the registry what holds; the seat that the case has. Raises BusError: it is told again."""
    told: HoldGranted = await deps.bus.need(
        SettleHold(
            command_id=derived("settle", case_id, seq), actor=SERVICE, case_id=case_id, seq=seq, keep=keep, seat=seat
        )
    )
    return told.seat


def seat_of(transfer: CaseTransfer) -> Seat | None:
    """The seat that a case has now."""
    return Seat(school=transfer.to_school, over=transfer.over) if transfer.seat else None
