"""Proving that a loaded province is consistent: all of it by SQL where SQL can tell, a sample with the services' own code,
a few pupils through the real API."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import asyncpg
import msgspec
from identity import numbers
from registry.records import journal
from registry.records.journal import Entry
from registry.search import facts, terms
from regulation.documents import mask_document

from xueji_local.seeding import plan
from xueji_local.seeding.loading import Target

SAMPLE = 300

# What is asked for must find nothing. {n}: pupils.
REGISTRY: tuple[tuple[str, str], ...] = (
    ("a pupil a planned place", "SELECT 1 FROM (SELECT count(*) AS c FROM students) s WHERE c <> {n}"),
    ("one live record a person", "SELECT person_id FROM students WHERE live GROUP BY 1 HAVING count(*) > 1"),
    ("a registration, approved, with a form",
     """SELECT s.id FROM students s LEFT JOIN registrations r USING (id) LEFT JOIN profiles p USING (id)
        LEFT JOIN cases c USING (id)
        WHERE r.registered_at IS NULL OR p.form IS NULL OR c.status IS DISTINCT FROM 'approved'
           OR (r.person_id, r.school, r.student_number) IS DISTINCT FROM (s.person_id, s.school, s.student_number)"""),
    ("one present class, of the pupil's school, stage and cohort",
     """SELECT s.id FROM students s
        LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL LEFT JOIN classes k ON k.id = m.class_id
        WHERE (k.school, k.stage, k.cohort) IS DISTINCT FROM (s.school, s.stage, s.cohort)"""),
    ("no class above the standard size",
     f"SELECT class_id FROM class_memberships WHERE left_on IS NULL GROUP BY 1 HAVING count(*) > {plan.CLASS_SIZE}"),  # noqa: S608
    ("a school that exists, with its stages and its authority",
     """SELECT s.school FROM students s LEFT JOIN organisations o ON o.code = s.school AND o.valid_to IS NULL
        WHERE o.code IS NULL OR NOT s.stage = ANY(o.stages)"""),
    ("a journal that begins with the registration",
     """SELECT s.id FROM students s LEFT JOIN journal j ON j.student_id = s.id AND j.seq = 1
        WHERE j.kind IS DISTINCT FROM 'registered'"""),
    ("journals without a gap, each entry behind the one before",
     r"""SELECT student_id FROM (
            SELECT student_id, seq, previous, lag(hash) OVER w AS hash, row_number() OVER w AS place
            FROM journal WINDOW w AS (PARTITION BY student_id ORDER BY seq)) j
        WHERE seq <> place OR previous <> coalesce(hash, decode(repeat('00', 32), 'hex'))"""),
    ("an entry of the index a pupil, under school and authority as they are",
     """SELECT s.id FROM students s LEFT JOIN search_entries e ON e.student_id = s.id
        LEFT JOIN organisations o ON o.code = s.school AND o.valid_to IS NULL
        WHERE (e.school, e.authority) IS DISTINCT FROM (s.school, o.authority)"""),
    ("an entry says of which class a pupil is, and what of it is unusual",
     f"""SELECT s.id FROM students s JOIN search_entries e ON e.student_id = s.id
         JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL JOIN classes k ON k.id = m.class_id
         WHERE (e.class_group, e.class_no, e.state = '{facts.USUAL_STATE}', e.placement = '{facts.USUAL_PLACEMENT}')
            IS DISTINCT FROM ({facts.group_of("k")}, k.class_no, s.state = 'in_school', s.placement = 'ordinary')"""),  # noqa: S608
    ("each term of an entry once, and no other, and what the entry says",
     f"""(SELECT authority, t, n, {facts.NAMES} FROM search_entries, unnest(string_to_array(substr(terms, 2), E'\\n')) AS t
        EXCEPT SELECT authority, term, n, {facts.NAMES} FROM search_terms)
        UNION ALL SELECT NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL WHERE (SELECT count(*) FROM search_terms)
           <> (SELECT sum(length(terms) - length(replace(terms, E'\\n', ''))) FROM search_entries)"""),  # noqa: S608
    ("nothing waits for the index", "SELECT seq FROM search_pending"),
)  # fmt: skip
IDENTITY: tuple[tuple[str, str], ...] = (
    ("a person a pupil", "SELECT 1 FROM (SELECT count(*) AS c FROM persons) p WHERE c <> {n}"),
    ("one open number a person",
     """SELECT p.id FROM persons p LEFT JOIN student_numbers n ON n.person_id = p.id AND n.valid_to IS NULL
        GROUP BY 1 HAVING count(n.number_index) <> 1"""),
    ("a claim a person", "SELECT p.id FROM persons p LEFT JOIN record_claims c ON c.person_id = p.id "
                         "WHERE c.person_id IS NULL"),
    ("L serials that are used up are counted",
     """SELECT 1 WHERE (SELECT count(*) FROM student_numbers WHERE kind = 'L')
        <> (SELECT coalesce(sum(used), 0) FROM l_serials)"""),
)  # fmt: skip


class Inconsistent(Exception):
    """What is not as it must be."""


async def check(target: Target, students: int, progress: Callable[[str, int, int], None]) -> dict[str, int]:
    """How much was checked, by what. Raises Inconsistent with everything that is wrong."""
    registry = await asyncpg.connect(target.owner_url("registry"), command_timeout=3600)
    identity = await asyncpg.connect(target.owner_url("identity"), command_timeout=3600)
    wrong: list[str] = []
    done, total = 0, len(REGISTRY) + len(IDENTITY) + 1
    try:
        for connection, questions in ((registry, REGISTRY), (identity, IDENTITY)):
            for title, question in questions:
                found = await connection.fetch(f"SELECT * FROM ({question.format(n=students)}) q LIMIT 3")  # noqa: S608
                if found:
                    wrong.append(f"{title}: {[tuple(row) for row in found]}")
                done += 1
                progress("checks", done, total)
        sample = await _sample(registry, students)
        wrong += await _journals(registry, sample)
        wrong += await _names(registry, sample)
        wrong += await _numbers(target, registry, identity, sample)
        progress("checks", total, total)
    finally:
        await registry.close()
        await identity.close()
    if wrong:
        raise Inconsistent("\n".join(wrong))
    return {"questions": len(REGISTRY) + len(IDENTITY), "pupils": students, "sample": len(sample)}


async def _sample(registry: asyncpg.Connection, students: int) -> list[str]:
    """Ids all over the province, and of all who have a former number or name up to a limit."""
    share = min(100.0, 100.0 * SAMPLE / students)
    found = await registry.fetch("SELECT id FROM students TABLESAMPLE BERNOULLI ($1) LIMIT $2", share, SAMPLE)
    for table in ("former_numbers", "former_names"):
        found += await registry.fetch(f"SELECT student_id AS id FROM {table} LIMIT 50")  # noqa: S608
    return sorted({row["id"] for row in found})


async def _journals(registry: asyncpg.Connection, sample: Sequence[str]) -> list[str]:
    entries: dict[str, list[Entry]] = {}
    for row in await registry.fetch(
        "SELECT * FROM journal WHERE student_id = ANY($1::text[]) ORDER BY student_id, seq", sample
    ):
        content = msgspec.json.decode(row["content"])
        entries.setdefault(row["student_id"], []).append(Entry(**{**row, "content": content}))
    return [f"a journal that is not intact: {key}" for key, own in entries.items() if not journal.intact(own)]


async def _names(registry: asyncpg.Connection, sample: Sequence[str]) -> list[str]:
    found = await registry.fetch(
        """SELECT e.student_id, e.terms, s.name, array(SELECT name FROM former_names f WHERE f.student_id = s.id) AS former
           FROM students s JOIN search_entries e ON e.student_id = s.id WHERE s.id = ANY($1::text[])""",
        sample,
    )
    return [
        f"terms that are not those of the names: {row['student_id']}"
        for row in found
        if row["terms"] != terms.as_text(terms.terms([row["name"], *row["former"]]))
    ]


async def _numbers(
    target: Target, registry: asyncpg.Connection, identity: asyncpg.Connection, sample: Sequence[str]
) -> list[str]:
    """The numbers open with identity's keys, are found by their index, and are those that the registry shows masked."""
    shown = {
        row["person_id"]: row
        for row in await registry.fetch(
            "SELECT person_id, student_number, masked_document, document_kind FROM students WHERE id = ANY($1::text[])",
            sample,
        )
    }
    vault, wrong = target.vault(), []
    for row in await identity.fetch(
        """SELECT p.id, p.document, p.document_kind, n.number, n.number_index, n.kind
           FROM persons p JOIN student_numbers n ON n.person_id = p.id AND n.valid_to IS NULL WHERE p.id = ANY($1::text[])""",
        list(shown),
    ):
        document, number = vault.open_document(row["id"], row["document"]), vault.open_number(row["id"], row["number"])
        right = (
            vault.number_index(number) == row["number_index"],
            numbers.mask(number) == shown[row["id"]]["student_number"],
            mask_document(row["document_kind"], document) == shown[row["id"]]["masked_document"],
            row["kind"] == "L" or number == numbers.formal(document),
        )
        if not all(right):
            wrong.append(f"a number that is not what it should be: person {row['id']} {right}")
    return wrong


async def known_numbers(target: Target, authority: str, many: int = 5) -> list[tuple[str, str, str]]:
    """Some pupils of an authority: student id, present number, former number or the present one again. For the API."""
    registry = await asyncpg.connect(target.owner_url("registry"))
    identity = await asyncpg.connect(target.owner_url("identity"))
    try:
        pupils = await registry.fetch(
            """SELECT s.id, s.person_id FROM students s JOIN search_entries e ON e.student_id = s.id
               LEFT JOIN former_numbers f ON f.student_id = s.id
               WHERE e.authority = $1 ORDER BY f.student_id NULLS LAST, s.id LIMIT $2""",
            authority,
            many,
        )
        vault, found = target.vault(), []
        for pupil in pupils:
            rows = await identity.fetch(
                "SELECT number FROM student_numbers WHERE person_id = $1 ORDER BY valid_to NULLS FIRST",
                pupil["person_id"],
            )
            opened = [vault.open_number(pupil["person_id"], row["number"]) for row in rows]
            found.append((pupil["id"], opened[0], opened[-1]))
        return found
    finally:
        await registry.close()
        await identity.close()


def through_the_api(search: Callable[[dict[str, Any]], list[dict[str, Any]]], target: Target, authority: str) -> int:
    """How many pupils of the authority its officer finds by present and former number, and by name.

    `search`: a body for `POST /v1/students/searches`, answered with its items. Raises Inconsistent.
    """
    known = asyncio.run(known_numbers(target, authority))
    for student, present, former in known:
        for number in {present, former}:
            found = search({"text": number})
            if [one["id"] for one in found] != [student]:
                raise Inconsistent(f"the API does not find pupil {student} by a number")
        by_name = search({"name": found[0]["name"], "school": found[0]["school"]})
        if student not in {one["id"] for one in by_name}:
            raise Inconsistent(f"the API does not find pupil {student} by name")
    return len(known)
