"""How the guardian of a child is reached who has a place and did not come (10.2)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.guardians import GuardianPhone

from registry.context import RegistryWork
from registry.enrolment.children.store import unseal

MOBILE = re.compile(r"1[3-9][0-9]{9}")

# One look by key each: admissions and children of at most 500. Whoever has come or postponed since is left alone.
_MISSED = """
SELECT a.id, c.id AS child_id, c.sealed FROM admissions a JOIN children c ON c.id = a.child_id
WHERE a.id = ANY($1::text[]) AND a.state = 'open' AND a.reported_on IS NULL AND a.no_show_on IS NOT NULL
  AND coalesce(a.postponed_until < $2, true)
"""


@clause("10.2")
async def phones(work: RegistryWork, admission_ids: Sequence[str]) -> list[GuardianPhone]:
    """By the county's list as it is now."""
    if not admission_ids:
        return []
    rows = await (await driver(work.tx)).fetch(_MISSED, list(admission_ids), work.today)
    kept = [(row["id"], unseal(work.deps.cipher, row["child_id"], row["sealed"]).phone.strip()) for row in rows]
    return [GuardianPhone(of=id_, phone=phone) for id_, phone in kept if MOBILE.fullmatch(phone)]
