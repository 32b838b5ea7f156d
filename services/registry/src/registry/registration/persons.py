"""What identity's answer about a person means for a single entry (clauses 15.2, 20.1)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from regulation.findings import note
from regulation.mark import clause
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import Claimed, Holder, Staged

from registry.rosters.findings import held


def in_the_way(answer: Staged | Claimed, registration_id: str) -> Holder | None:
    """Whoever holds the person, if it is not this registration."""
    holder = answer.holder
    return None if holder is None or holder.registration_id == registration_id else holder


@clause("15.2", "20.1")
def against(
    answer: Staged | Claimed, registration_id: str, school: str, names: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Why this person cannot be registered here: somebody holds the record, or identity itself refuses.

    The words are those of a roster's row; but what a row only notes (he is here already) refuses a single entry.
    `names`: of schools by code.
    """
    holder = in_the_way(answer, registration_id)
    if holder is None:
        return tuple(finding for finding in answer.findings if finding.outcome is Outcome.REFUSE)
    _, found = held(holder, school, names)
    return tuple(msgspec.structs.replace(finding, outcome=Outcome.REFUSE) for finding in found)


@clause("20.1")
def notes(staged: Staged) -> tuple[Finding, ...]:
    """Likely duplicates: to be looked at, no refusal. Decisions are kept by their content and name no child: the other
    pupil is told by school and masked number.
    """
    found = [finding for finding in staged.findings if finding.outcome is not Outcome.REFUSE]
    for other in staged.likely:
        where = f"在{other.school}" if other.school else "目前没有学籍"
        message = f"与另一名学生（证件号{other.masked_document}，{where}）可能是同一人：{'、'.join(other.reasons)}"
        cure = "核对是否为同一人、证件号是否有误；不是同一人的可以继续"
        found.append(note("20.1", "person.likely_duplicate", message, cure=cure, fields=("name", "birth_date")))
    return tuple(found)
