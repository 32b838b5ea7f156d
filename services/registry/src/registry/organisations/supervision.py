"""A school goes to another supervising authority: what is under way goes with it (clauses 3.1, 13.2, 44).

Approvals already given stay: the school's steps come before the authority's. Where the old authority was to decide, the new
one begins with a clock of its own.
"""

from __future__ import annotations

from casework.store import STANDING, Doing, decide_cases, standing
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.organisations import OrganisationView
from shared_contracts.registry import RegistrationState, Step, StepReached

from registry.clearing.correcting.chain import chain as correction_chain
from registry.context import RegistryWork
from registry.registration.chain import chain
from registry.worklist.changes import OF_A_SCHOOL

REASON = "学校的主管教育行政部门变更"

# Those that have not ended; a returned one goes to the new authority when the school sends it on its way again.
_OPEN = f"""
    SELECT c.id, {", ".join(f"c.{column.strip()}" for column in STANDING.split(",") if column.strip() != "deciders")},
           c.deciders::text AS deciders
    FROM registrations r JOIN cases c ON c.id = r.id
    WHERE r.school = $1 AND NOT r.closed AND r.registered_at IS NULL AND c.status IN ('open', 'returned')
    ORDER BY c.id FOR UPDATE OF c
"""  # noqa: S608 - column names of our own

_OPEN_CORRECTIONS = f"""
    SELECT c.id, {", ".join(f"c.{column.strip()}" for column in STANDING.split(",") if column.strip() != "deciders")},
           c.deciders::text AS deciders
    FROM students s JOIN corrections n ON n.student_id = s.id AND n.open JOIN cases c ON c.id = n.id
    WHERE s.school = $1 AND c.status IN ('open', 'returned')
    ORDER BY c.id FOR UPDATE OF c
"""  # noqa: S608 - column names of our own

# Who may see a registration follows the school, whatever became of it; who decided it stands in its case for ever.
_SEEN_BY = f"""
    WITH seen AS (
        UPDATE registrations r SET authority = $2
        FROM (SELECT id FROM registrations WHERE school = $1 AND authority <> $2 ORDER BY id FOR UPDATE) o
        WHERE r.id = o.id
    )
    {OF_A_SCHOOL}
"""  # noqa: S608 - a statement of our own


@clause("3.1", "13.2", "44")
async def pass_on(work: RegistryWork, school: OrganisationView, actor: Actor, reason: str) -> int:
    """Hand a school's open registrations and corrections to its authority as it is now. A constant number of statements.

    Returns how many registrations. The caller has locked the school (`store.lock_versions`): none is admitted meanwhile.
    """
    assert school.authority is not None
    connection = await driver(work.tx)
    kind = chain(work.deps.policy.parameters(school.division, work.today).approval_working_days)
    cases = [(row["id"], standing(row)) for row in await connection.fetch(_OPEN, school.code)]
    doing = Doing(
        act="reroute",
        actor=actor,
        role=actor.roles[0] if actor.roles else "",
        at=work.now,
        reason=reason.strip() or REASON,
        details={"parties": {"authority": school.authority}},
    )
    await decide_cases(connection, kind, cases, doing, calendar=work.deps.calendar)
    corrections = [(row["id"], standing(row)) for row in await connection.fetch(_OPEN_CORRECTIONS, school.code)]
    correcting = correction_chain(kind.first.days or 0)
    await decide_cases(connection, correcting, corrections, doing, calendar=work.deps.calendar)
    await connection.execute(_SEEN_BY, school.code, school.authority)
    work.after_commit(work.deps.wake_worklist)
    waiting = sum(one.status == "open" and one.step == Step.AUTHORITY for _, one in cases)
    if waiting:
        work.emit(
            StepReached(
                school=school.code,
                school_name=school.name,
                authority=school.authority,
                roster_id=None,
                state=RegistrationState.SCHOOL_APPROVED,
                waits_for=Step.AUTHORITY,
                role=Role.AUTHORITY_OFFICER,
                count=waiting,
                reason=reason.strip() or REASON,
            ),
            school.code,
        )
    return len(cases)
