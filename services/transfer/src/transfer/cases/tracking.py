"""Guardians follow a case without an account: by its number and the last digits of the phone that the school was given."""

from __future__ import annotations

import hmac
import math
from datetime import timedelta

from regulation.authorisation import check
from regulation.mark import clause
from service_kit import organisations
from service_kit.origin import origin
from shared_contracts.decisions import Refused
from shared_contracts.messages import word
from shared_contracts.transfer import Tracked, TrackedStep, TrackTransfer, TransferTracked

from transfer.cases import attempts, store, views
from transfer.cases.chain import kind_of
from transfer.context import TransferWork
from transfer.rules import guessing

DIGITS = 4


@clause("24.6.3", "24.6.4")
async def track_transfer(work: TransferWork, command: TrackTransfer) -> Tracked | Refused:
    """Where it stands and until when; no names but those of organisations. Wrong digits and no case are one answer and
    counted as one; who has to wait is told so without a look, whatever is right."""
    if no := check(command.actor, word(command)):
        return no
    number, address = command.number.strip().upper(), origin.get().address
    of_number = await attempts.lock(work.tx, "number", number)
    of_address = await attempts.lock(work.tx, "address", address)
    if waits := max(guessing.wait(of_number, work.now), guessing.wait(of_address, work.now)):
        return Tracked(problem="locked", wait=_seconds(waits))
    found = await store.numbered(work.tx, number)
    phone = store.details(work.deps.cipher, found).phone if found else ""
    if found is None or not hmac.compare_digest(phone[-DIGITS:].encode(), command.digits.strip().encode()):
        of_number = guessing.one_more(guessing.NUMBER, of_number, work.now)
        of_address = guessing.one_more(guessing.ADDRESS, of_address, work.now)
        await attempts.put(work.tx, "number", number, of_number)
        await attempts.put(work.tx, "address", address, of_address)
        waits = max(guessing.wait(of_number, work.now), guessing.wait(of_address, work.now))
        return Tracked(problem="wrong", wait=_seconds(waits))
    await attempts.clear(work.tx, "number", number)  # the address goes on counting: who has a case may guess at others
    return Tracked(transfer=await _shown(work, found))


async def _shown(work: TransferWork, found: store.Transfer) -> TransferTracked:
    kind = kind_of(work, found)
    history = await store.history(work.tx, found.id)
    names = await organisations.names(
        work.tx, {found.to_school, found.from_school, *(row.organisation for row in history)}
    )
    step = kind.step(found.standing.step) if found.standing.status == "open" and found.standing.step else None
    return TransferTracked(
        number=found.number,
        state=found.state,
        state_title=views.state_title(found),
        to_school_name=views.to_name(found, names),
        waits_for_title=step.title if step else "",
        due_on=found.standing.due_on,
        opened_at=found.opened_at,
        completed_on=found.completed_on,
        steps=tuple(
            TrackedStep(
                title=views.act_place(kind, row),
                decision_title=views.ACT_TITLES[row.decision],
                organisation_name=views.entered_for(found, row) or names.get(row.organisation, "系统"),
                decided_at=row.decided_at,
                reason=row.reason,
            )
            for row in history
        ),
        note="办理转学不收取任何费用。",
    )


def _seconds(waits: timedelta) -> int:
    return math.ceil(waits.total_seconds())
