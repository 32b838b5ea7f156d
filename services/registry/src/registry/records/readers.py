"""Who reads a record (3.1), also when it is cancelled (22), or a double that is read under the record that was kept (39)."""

from __future__ import annotations

from regulation.authorisation import is_school, may
from regulation.mark import clause
from shared_contracts.actors import Actor
from shared_contracts.records import StudentState
from sqlalchemy.engine import RowMapping

from registry.clearing import merging
from registry.context import RegistryWork
from registry.records import views


@clause("3.1", "22", "39")
async def reads(work: RegistryWork, actor: Actor, act: str, row: RowMapping) -> bool:
    """A cancelled record stays readable to the authorities; a double also to whoever reads the record that was kept."""
    if _reads(actor, act, row):
        return True
    if row["kept_id"] is None:
        return False
    _, *kept = await merging.readable_as(work.tx, row["id"])
    rows = [await views.row_of(work.tx, one) for one in kept]
    return any(one is not None and _reads(actor, act, one) for one in rows)


def _reads(actor: Actor, act: str, row: RowMapping) -> bool:
    hidden = row["state"] == StudentState.CANCELLED and is_school(actor.organisation)
    return not hidden and may(actor, act, views.target(row))
