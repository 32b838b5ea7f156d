"""What must hold whatever was killed in between, read from the databases of all services at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from e2e_system import HANGS, System, wait_for
from xueji_infra.topology import topology

_REGISTERED = """
SELECT r.id, r.person_id, r.student_number, r.number_kind, r.verification, s.id AS student,
       s.person_id AS of_person, s.student_number AS on_record, s.number_kind AS kind_on_record,
       (SELECT count(*) FROM journal j WHERE j.student_id = s.id AND j.kind = j1.kind) AS first_entries,
       (SELECT count(*) FROM class_memberships m WHERE m.student_id = s.id AND m.left_on IS NULL) AS classes
FROM registrations r
LEFT JOIN students s ON s.id = r.id
LEFT JOIN journal j1 ON j1.student_id = s.id AND j1.seq = 1
WHERE r.registered_at IS NOT NULL
"""
_ACCEPTED = """
SELECT w.roster_id, w.row, w.state, w.registration_id, r.registered_at IS NOT NULL AS registered, r.closed
FROM roster_rows w JOIN rosters t ON t.id = w.roster_id LEFT JOIN registrations r ON r.id = w.registration_id
WHERE w.state IN ('valid', 'warned') AND t.state = 'completed' AND w.roster_id = ANY($1::text[])
"""


def settled(system: System, seconds: float = HANGS) -> None:
    """Nothing is under way: every event is published, delivered and acknowledged, no number is waited for, no work has
    changed that the queues were not told of (that would be an event still to come), and no roster has anything left that
    is to be cleared away.

    One look is not enough: what is taken from a stream while the outboxes are counted, and told before the streams are,
    would be seen in neither. So two looks in a row find nothing, and between them nothing was published or taken."""
    former: object = None

    def quiet() -> bool:
        nonlocal former
        published, backlog = system.held_messages(), system.backlog()
        waiting = sum(
            system.value(name, f"SELECT count(*) FROM {table} WHERE stream_seq IS NULL")
            for name in topology().databases
            for table in ("outbox", "audit_outbox")
            if table == "audit_outbox" or name in _outboxes()
        )
        asked = system.value("identity", "SELECT count(*) FROM number_requests WHERE lane = 'first'")
        untold = system.value("registry", "SELECT count(*) FROM worklist_changes")
        litter = system.value("registry", "SELECT count(*) FROM rosters WHERE cleanup")
        nothing = waiting + asked + untold + litter == 0 and not any(one.left for one in backlog.values())
        same, former = former == (published, backlog), (published, backlog) if nothing else None
        return nothing and same

    wait_for(quiet, seconds, f"the system does not come to rest: {system.backlog()}", step=0.2)


def _outboxes() -> list[str]:
    return [name for name in topology().databases if name.upper() in topology().streams]


def check(system: System, *rosters: str) -> None:
    """No number lost, none issued twice, every accepted row has its record; nothing is left half done."""
    settled(system)
    every_row_has_its_record(system, rosters)
    records_and_numbers_agree(system)
    numbers_are_issued_once(system)
    nobody_was_forgotten(system)
    events_were_taken_once(system)
    what_was_done_is_in_the_audit_log(system)


def every_row_has_its_record(system: System, rosters: Collection[str]) -> None:
    states = {row["id"]: row["state"] for row in system.sql("registry", "SELECT id, state FROM rosters")}
    assert {states[roster] for roster in rosters} <= {"completed"}, states
    rows = system.sql("registry", _ACCEPTED, list(rosters))
    without = [dict(row) for row in rows if not row["registered"]]
    assert not without, f"{len(without)} of {len(rows)} accepted rows have no record: {without[:3]}"
    ids = [row["registration_id"] for row in rows]
    assert len(set(ids)) == len(ids), "one registration stands in two rows"
    registered = system.value(
        "registry",
        "SELECT count(*) FROM registrations WHERE roster_id = ANY($1::text[]) AND NOT closed",
        list(rosters),
    )
    assert registered == len(rows), f"{registered} registrations came of {len(rows)} accepted rows"


def records_and_numbers_agree(system: System) -> None:
    """Each registration that ended has one student, with the number that identity holds open for the person."""
    rows = system.sql("registry", _REGISTERED)
    numbers = {
        row["person_id"]: row
        for row in system.sql(
            "identity", "SELECT person_id, kind, masked, valid_to FROM student_numbers WHERE valid_to IS NULL"
        )
    }
    wrong = []
    for row in rows:
        number = numbers.get(row["person_id"])
        agrees = (
            row["student"] == row["id"]
            and row["of_person"] == row["person_id"]
            and row["first_entries"] == 1
            and row["classes"] == 1
            and number is not None
            and row["student_number"] == row["on_record"] == number["masked"]
            and row["number_kind"] == row["kind_on_record"] == number["kind"]
        )
        if not agrees:
            wrong.append((dict(row), dict(number) if number else None))
    assert not wrong, f"{len(wrong)} of {len(rows)} records do not agree with their numbers: {wrong[:2]}"
    persons = [row["person_id"] for row in rows]
    assert len(set(persons)) == len(persons), "a person has two records"
    students = system.value("registry", "SELECT count(*) FROM students")
    assert students == len(rows), f"{students} students of {len(rows)} registrations"


def numbers_are_issued_once(system: System) -> None:
    """Nobody has two, none belongs to two, and no serial of a temporary number was used up for nothing."""
    rows = system.sql("identity", "SELECT number_index, person_id, kind, valid_to FROM student_numbers")
    assert len({row["number_index"] for row in rows}) == len(rows)
    first = Counter(row["person_id"] for row in rows if row["valid_to"] is None)
    assert set(first.values()) <= {1}, "a person has two open numbers"
    formal = Counter(row["person_id"] for row in rows if row["kind"] == "G")
    assert set(formal.values()) <= {1}, "a person has two formal numbers"
    temporary = sum(row["kind"] == "L" for row in rows)
    used = system.value("identity", "SELECT coalesce(sum(used), 0) FROM l_serials")
    assert used == temporary, f"{used} serials were taken for {temporary} temporary numbers"


def nobody_was_forgotten(system: System) -> None:
    """Every claim belongs to a registration that lives, and the other way round; nobody waits in the waiting room of a
    roster that is over."""
    claims = {
        row["registration_id"]: row["person_id"]
        for row in system.sql("identity", "SELECT registration_id, person_id FROM record_claims")
    }
    alive = {
        row["id"]: row["person_id"]
        for row in system.sql("registry", "SELECT id, person_id FROM registrations WHERE NOT closed")
    }
    assert claims == alive, (
        f"claims without registration {claims.keys() - alive.keys()}, without claim {alive.keys() - claims.keys()}"
    )
    over = [
        row["id"]
        for row in system.sql(
            "registry", "SELECT id FROM rosters WHERE state IN ('completed', 'in_approval', 'issuing')"
        )
    ]
    wait_for(
        lambda: system.value("identity", "SELECT count(*) FROM intakes WHERE intake_id = ANY($1::text[])", over) == 0,
        HANGS,
        "the waiting room of a confirmed roster is not empty",
    )


def events_were_taken_once(system: System) -> None:
    """Every event of the outboxes stands once in its stream's inboxes; nothing became a dead letter."""
    # The outboxes first: what is written after this look may be on the bus besides, never the other way round.
    outboxes = {name: system.sql(name, "SELECT event_id FROM outbox") for name in _outboxes()}
    messages = system.messages()
    for name, rows in outboxes.items():
        sent = [row["event_id"] for row in rows]
        held = {message.headers.get("ce-id") for message in messages[name.upper()]}
        assert set(sent) <= held, f"{len(set(sent) - held)} events of {name} are not in its stream"
    assert not messages["DLQ"], f"{len(messages['DLQ'])} dead letters"


def what_was_done_is_in_the_audit_log(system: System) -> None:
    """Every command that was carried out, and every look that was told of, once (clause 45.1)."""
    told = {message.headers.get("ce-id", "") for message in system.messages()["AUDIT"]}
    done = {
        name: {row["event_id"] for row in system.sql(name, "SELECT event_id FROM audit_outbox")}
        for name in topology().databases
    }
    settled(system)
    kept = Counter(row["id"] for row in system.sql("access", "SELECT id FROM audit_entries"))
    assert set(kept.values()) <= {1}
    assert told <= set(kept), f"{len(told - set(kept))} entries are on the bus and not in the log"
    for name, ids in done.items():
        assert ids <= set(kept), f"{len(ids - set(kept))} commands of {name} are not in the audit log"
