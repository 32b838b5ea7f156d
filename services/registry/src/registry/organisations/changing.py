"""Changing organisations: what a change would do (`plan`), and doing it (`carry_out`). One path for all who change them.

A supervising authority that changes takes the school's open cases along, its plans, admissions and zones follow, and every
change is announced, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Literal

import msgspec
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding
from shared_contracts.organisations import OrganisationsChanged, OrganisationView

from registry.context import RegistryWork
from registry.organisations import following, policy, store, supervision

EVENT_CHUNK = 500
"""Organisations of one event at most."""

_NONE: Mapping[str, str | None] = MappingProxyType({})

Outcome = Literal["created", "changed", "unchanged", "refused"]


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What one organisation would become. `before`: None for a new code; `number`, `known_from`: of its newest version
    (0 and None for a new one)."""

    view: OrganisationView
    before: OrganisationView | None
    number: int
    known_from: date | None
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        if self.findings:
            return "refused"
        if self.before is None:
            return "created"
        return "unchanged" if self.before == self.view else "changed"

    @property
    def moves(self) -> bool:
        """A school that goes to another supervising authority."""
        return self.view.kind == "school" and self.before is not None and self.before.authority != self.view.authority

    @property
    def answerable(self) -> tuple[str | None, ...]:
        """The authorities that have a say: whose it was, and whose it is to be."""
        views = (self.view,) if self.before is None else (self.before, self.view)
        return tuple(dict.fromkeys(map(policy.answerable, views)))


async def plan(work: RegistryWork, views: Sequence[OrganisationView], effective_from: date) -> list[Planned]:
    """What these views would change from a day on; codes are distinct. Locks the tree until the transaction ends."""
    await store.lock(work.tx)
    known = {row["code"]: row for row in await store.lock_versions(work.tx, [view.code for view in views])}
    kinds = await store.kinds(work.tx) | {view.code: view.kind for view in views if view.kind != "external"}
    planned = []
    for view in views:
        row = known.get(view.code)
        before = None if row is None else store.view(row)
        found = list(policy.faults(view, kinds))
        if row is not None and before is not None:
            found += policy.change_faults(view, before, row["valid_to"] is None)
            if before != view and (fault := policy.order_fault(view, effective_from, row["valid_from"])):
                found.append(fault)
        planned.append(
            Planned(
                view=view,
                before=before,
                number=0 if row is None else row["version"],
                known_from=None if row is None else row["valid_from"],
                findings=tuple(found),
            )
        )
    return planned


async def carry_out(
    work: RegistryWork, planned: Iterable[Planned], effective_from: date, actor: Actor, reason: str
) -> None:
    """Do what was planned in this transaction and not refused; what is as it was is left alone."""
    changed = [one for one in planned if one.outcome in ("created", "changed")]
    if not changed:
        return
    replaced = [one.view.code for one in changed if one.known_from is not None and one.known_from < effective_from]
    await store.close_versions(work.tx, replaced, effective_from)
    numbers = {one.view.code: one.number + 1 for one in changed}
    await store.put_versions(work.tx, [one.view for one in changed], effective_from, numbers)
    moved = [one for one in changed if one.moves]
    for one in moved:
        await supervision.pass_on(work, one.view, actor, reason)
    for one in changed:
        if one.view.kind == "school" and one.before is not None and _place(one.before) != _place(one.view):
            await following.follow(work, one.before, one.view, effective_from, actor, reason)
    former = {one.view.code: one.before.authority for one in moved if one.before is not None}
    await announce(work, [one.view.code for one in changed], former)


def _place(view: OrganisationView) -> tuple[str | None, str]:
    return view.authority, view.division


async def announce(work: RegistryWork, codes: Sequence[str], former: Mapping[str, str | None] = _NONE) -> None:
    """Tell the other services how these stand now. `former`: authorities that schools have left by this change."""
    stand = [
        msgspec.structs.replace(one, former_authority=former.get(one.code))
        for one in await store.known(work.tx, codes=codes)
    ]
    for begin in range(0, len(stand), EVENT_CHUNK):
        chunk = tuple(stand[begin : begin + EVENT_CHUNK])
        work.emit(OrganisationsChanged(organisations=chunk), chunk[0].code)
