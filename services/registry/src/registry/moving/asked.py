"""Operations of any kind when people ask: look, cancel, resume, take back, list. A kind says how it shows one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
import sqlalchemy as sa
from regulation.authorisation import reach, subtree_pattern
from regulation.mark import clause
from service_kit import paging
from shared_contracts.decisions import Refused
from shared_contracts.messages import Message, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.moving import deciding, store
from registry.moving.tables import operations
from registry.organisations import store as organisations

V = TypeVar("V", bound=Message)
Asked = Any
"""A command or query about one operation: `actor`, the operation's id, of commands the `version` that was seen."""


class Operations(Generic[V]):
    """`kinds`: of the operation's row. `key`: the message's field with the operation's id. `view`: how one is shown;
    `values`: what of the view is called otherwise in the row, given the names of its authorities. `left_out`: of a view in
    a list.
    """

    def __init__(
        self,
        kinds: Sequence[str],
        key: str,
        view: type[V],
        values: Callable[[RowMapping, Callable[[str], str]], dict[str, Any]],
        left_out: Sequence[str] = (),
    ) -> None:
        self.kinds, self._key, self._view, self._values = kinds, key, view, values
        self._left_out = dict.fromkeys(left_out)

    async def own(
        self, work: RegistryWork, message: Asked, *, lock: bool = False, approver: bool = False
    ) -> RowMapping | Refused:
        """The operation, if the actor may do this with it, and nothing has changed since it was seen. Whoever approves
        sees it too."""
        key, version = getattr(message, self._key), getattr(message, "version", None)
        found = await deciding.seen(work, message, key, self.kinds, lock=lock, approver=approver, version=version)
        if isinstance(found, Refused) and found.kind == "not_found" and not approver and isinstance(message, Query):
            return await deciding.seen(work, message, key, self.kinds, approver=True)
        return found

    async def shown(self, work: RegistryWork, operation_id: str) -> V:
        row = await store.get(work.tx, operation_id)
        assert row is not None
        return self._of(row, await _names(work, [row]))

    async def get(self, work: RegistryWork, query: Asked) -> V | Refused:
        row = await self.own(work, query)
        return row if isinstance(row, Refused) else await self.shown(work, row["id"])

    async def cancel(self, work: RegistryWork, command: Asked) -> V | Refused:
        row = await self.own(work, command, lock=True)
        if isinstance(row, Refused):
            return row
        if no := await deciding.cancel(work, row, command.reason):
            return no
        return await self.shown(work, row["id"])

    async def resume(self, work: RegistryWork, command: Asked) -> V | Refused:
        row = await self.own(work, command, lock=True)
        if isinstance(row, Refused):
            return row
        await deciding.resume(work, row)
        return await self.shown(work, row["id"])

    @clause("44")
    async def undo(self, work: RegistryWork, command: Asked) -> V | Refused:
        """By whoever approves."""
        row = await self.own(work, command, lock=True, approver=True)
        if isinstance(row, Refused):
            return row
        if no := await deciding.undo(work, row, command.actor, command.reason):
            return no
        return await self.shown(work, row["id"])

    async def page(
        self, work: RegistryWork, query: Asked, state: str | None = None
    ) -> tuple[tuple[V, ...], str | None] | Refused:
        """Those of the actor's subtree and those that his authority approves, newest first."""
        reached = reach(query.actor, word(query))
        if isinstance(reached, Refused):
            return reached
        after = paging.decode(query.cursor, str)
        if isinstance(after, Refused):
            return after
        limit, c, of = paging.size(query.limit), operations.c, reached.subtree
        visible = sa.true() if of is None else sa.or_(c.organisation.like(subtree_pattern(of)), c.approver == of)
        rows = await store.page(
            work.tx, self.kinds, visible, state=state, after=str(after[0]) if after else None, limit=limit + 1
        )
        kept, cursor = paging.page(rows, limit, lambda row: (row["id"],))
        names = await _names(work, kept)
        return tuple(msgspec.structs.replace(self._of(row, names), **self._left_out) for row in kept), cursor

    def _of(self, row: RowMapping, names: dict[str, str]) -> V:
        alike = {name: row[name] for name in self._view.__struct_fields__ if name in row}
        own = self._values(row, lambda code: names.get(code, code))
        return msgspec.convert({**alike, "type": word(self._view), **own}, self._view)


async def _names(work: RegistryWork, rows: Iterable[RowMapping]) -> dict[str, str]:
    codes = {code for row in rows for code in (row["organisation"], row["approver"])}
    return {one.code: one.name for one in await organisations.known(work.tx, codes=sorted(codes))}
