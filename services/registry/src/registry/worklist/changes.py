"""Writing down that work has changed. Where it stands is read and told afterwards (`telling`), once for many acts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from service_kit.database import driver

from registry.context import RegistryWork

REGISTRATIONS = "registrations"

_CHANGED = "INSERT INTO worklist_changes (kind, id) SELECT $1, unnest($2::text[])"


async def registrations_changed(work: RegistryWork, ids: Iterable[str]) -> None:
    """Registrations have moved. `ids`: of their rosters, or of one that was entered by itself. One round trip."""
    await (await driver(work.tx)).execute(_CHANGED, REGISTRATIONS, sorted(set(ids)))
    work.after_commit(work.deps.wake_worklist)


# Only those somebody has to act on: of whoever has a record already, no queue says anything.
_CHANGED_OF = """
INSERT INTO worklist_changes (kind, id)
SELECT DISTINCT $1, coalesce(r.roster_id, r.id) FROM registrations r JOIN cases c ON c.id = r.id
WHERE r.id = ANY($2::text[]) AND c.status IN ('open', 'returned')
"""


async def moved_to_another_class(work: RegistryWork, registration_ids: Sequence[str]) -> None:
    """Another class teacher has to look at them now."""
    await (await driver(work.tx)).execute(_CHANGED_OF, REGISTRATIONS, list(registration_ids))
    work.after_commit(work.deps.wake_worklist)


OF_A_SCHOOL = """
INSERT INTO worklist_changes (kind, id)
SELECT DISTINCT 'registrations', coalesce(r.roster_id, r.id) FROM registrations r JOIN cases c ON c.id = r.id
WHERE r.school = $1 AND NOT r.closed AND r.registered_at IS NULL AND c.status IN ('open', 'returned')
"""
"""Part of a statement: all registrations of a school that have not ended go to another authority. Whoever sends it wakes the
worklist after the commit."""
