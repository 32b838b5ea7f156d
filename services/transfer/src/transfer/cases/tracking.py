"""Guardians follow a case without an account: by its number and the last digits of the phone that the school was given."""

from __future__ import annotations

import hmac

from regulation.authorisation import check
from regulation.mark import clause
from service_kit import organisations
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import word
from shared_contracts.transfer import STATE_TITLES, TrackedStep, TrackTransfer, TransferTracked

from transfer.cases import store, views
from transfer.cases.chain import kind_of
from transfer.context import TransferWork

DIGITS = 4
NO_CASE = "没有找到这项转学。请核对办理编号和监护人手机号的后四位。"


@clause("24.6.3", "24.6.4")
async def track_transfer(work: TransferWork, query: TrackTransfer) -> TransferTracked | Refused:
    """Where it stands and until when; no names but those of organisations. Wrong digits and no case are one answer."""
    if no := check(query.actor, word(query)):
        return no
    found = await store.numbered(work.tx, query.number.strip().upper())
    phone = store.details(work.deps.cipher, found).phone if found else ""
    if found is None or not hmac.compare_digest(phone[-DIGITS:].encode(), query.digits.strip().encode()):
        return refused("not_found", NO_CASE)
    kind = kind_of(work, found)
    history = await store.history(work.tx, found.id)
    names = await organisations.names(
        work.tx, {found.to_school, found.from_school, *(row.organisation for row in history)}
    )
    step = kind.step(found.standing.step) if found.standing.status == "open" and found.standing.step else None
    return TransferTracked(
        number=found.number,
        state=found.state,
        state_title=STATE_TITLES[found.state],
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
