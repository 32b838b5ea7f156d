"""What the database itself refuses, tried as the application's role and as the owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from identity import matching
from identity.requests import Lane
from identity_support import Desk, People, TheMatcher
from shared_contracts.actors import system
from shared_contracts.identity import RevealDocuments

pytestmark = pytest.mark.integration

DENIED = asyncpg.InsufficientPrivilegeError
FORBIDDEN = asyncpg.RestrictViolationError
Connection = Any


@pytest_asyncio.fixture
async def numbered(desk: Desk, people: People, matcher: TheMatcher) -> tuple[str, str]:
    """Two persons with numbers: one G, one L."""
    entries = people.entries(2)
    matcher.knows(entries[:1])
    claimed = await desk.enter(entries)
    await desk.approve(claimed)
    await matching.one_batch(desk.kit, desk.deps, Lane.FIRST)
    kinds = {row["person_id"]: row["kind"] for row in await desk.rows("SELECT person_id, kind FROM student_numbers")}
    assert [kinds[item.person_id or ""] for item in claimed] == ["G", "L"]
    return claimed[0].person_id or "", claimed[1].person_id or ""


@pytest_asyncio.fixture
async def app(desk: Desk) -> AsyncIterator[Connection]:
    connection = await desk.app()
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def owner(desk: Desk) -> AsyncIterator[Connection]:
    connection = await desk.owner()
    yield connection
    await connection.close()


@pytest.mark.clause("15.4")
@pytest.mark.parametrize(
    "change",
    [
        "kind = 'L'",
        "masked = 'x'",
        "number = '\\x00'",
        "number_index = '\\x00'",
        "person_id = (SELECT person_id FROM student_numbers WHERE kind = 'L')",
        "valid_from = now()",
    ],
)
async def test_a_g_cannot_be_changed(
    app: Connection, owner: Connection, numbered: tuple[str, str], change: str
) -> None:
    with pytest.raises(DENIED):
        await app.execute(f"UPDATE student_numbers SET {change} WHERE kind = 'G'")
    with pytest.raises(FORBIDDEN):
        await owner.execute(f"UPDATE student_numbers SET {change} WHERE kind = 'G'")


@pytest.mark.clause("15.4")
async def test_a_g_cannot_be_ended(app: Connection, owner: Connection, numbered: tuple[str, str]) -> None:
    for role in (app, owner):
        with pytest.raises((asyncpg.CheckViolationError, FORBIDDEN)):
            await role.execute("UPDATE student_numbers SET valid_to = now() + interval '1 day' WHERE kind = 'G'")
    with pytest.raises(asyncpg.CheckViolationError):
        await app.execute(
            "INSERT INTO student_numbers VALUES ('\\x01', $1, 'G', '\\x00', 'G', now(), now())", numbered[1]
        )


@pytest.mark.clause("15.4")
@pytest.mark.parametrize("statement", ["DELETE FROM student_numbers", "TRUNCATE student_numbers"])
async def test_numbers_cannot_be_removed(
    app: Connection, owner: Connection, numbered: tuple[str, str], statement: str
) -> None:
    with pytest.raises(DENIED):
        await app.execute(statement)
    with pytest.raises(FORBIDDEN):
        await owner.execute(statement)
    assert await app.fetchval("SELECT count(*) FROM student_numbers") == 2


@pytest.mark.clause("15.4")
async def test_a_number_is_never_given_to_a_second_person(app: Connection, numbered: tuple[str, str]) -> None:
    formal, temporary = numbered
    for kind in ("G", "L"):
        with pytest.raises(asyncpg.UniqueViolationError, match="a_number_belongs_to_one_person"):
            await app.execute(
                """
                INSERT INTO student_numbers
                SELECT number_index, $1, 'G', number, masked, now() FROM student_numbers WHERE kind = $2
                """,
                temporary if kind == "G" else formal,
                kind,
            )


@pytest.mark.clause("15.4")
async def test_a_person_has_one_open_number_and_one_g(app: Connection, numbered: tuple[str, str]) -> None:
    for person in numbered:
        for kind in ("G", "L"):
            with pytest.raises(asyncpg.UniqueViolationError, match="one_open_number_a_person"):
                await app.execute(
                    "INSERT INTO student_numbers VALUES ('\\x01', $1, $2, '\\x00', 'x', now())", person, kind
                )


@pytest.mark.clause("15.4")
async def test_an_l_ends_once_and_stays(app: Connection, owner: Connection, numbered: tuple[str, str]) -> None:
    later = datetime(2030, 1, 1, tzinfo=UTC)
    for change in ("masked = 'x'", "valid_from = now()", "person_id = 'x'", "kind = 'G'"):
        with pytest.raises(FORBIDDEN):
            await owner.execute(f"UPDATE student_numbers SET {change} WHERE kind = 'L'")
    with pytest.raises(asyncpg.CheckViolationError):
        await app.execute("UPDATE student_numbers SET valid_to = '2000-01-01' WHERE kind = 'L'")
    await app.execute("UPDATE student_numbers SET valid_to = $1 WHERE kind = 'L'", later)
    for moment in (later.replace(year=2031), None):
        with pytest.raises(FORBIDDEN):
            await app.execute("UPDATE student_numbers SET valid_to = $1 WHERE kind = 'L'", moment)


@pytest.mark.clause("40")
async def test_a_birth_date_cannot_be_changed(app: Connection, owner: Connection, numbered: tuple[str, str]) -> None:
    with pytest.raises(DENIED):
        await app.execute("UPDATE persons SET birth_date = '2000-01-01'")
    with pytest.raises(FORBIDDEN):
        await owner.execute("UPDATE persons SET birth_date = '2000-01-01'")


@pytest.mark.clause("40")
@pytest.mark.parametrize("column", ["document", "document_index", "document_kind", "name", "sex", "id"])
async def test_the_application_changes_nothing_of_a_person(
    app: Connection, numbered: tuple[str, str], column: str
) -> None:
    with pytest.raises(DENIED):
        await app.execute(f"UPDATE persons SET {column} = {column}")


@pytest.mark.clause("15.4")
async def test_a_person_with_a_number_cannot_be_deleted(
    app: Connection, owner: Connection, numbered: tuple[str, str]
) -> None:
    await app.execute("DELETE FROM record_claims")
    await app.execute("DELETE FROM number_requests")
    for role in (app, owner):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await role.execute("DELETE FROM persons")


@pytest.mark.clause("15.2")
async def test_one_record_a_person_and_one_person_a_document(app: Connection, numbered: tuple[str, str]) -> None:
    with pytest.raises(asyncpg.UniqueViolationError, match="one_record_a_person"):
        await app.execute("INSERT INTO record_claims VALUES ($1, 'another', 'school', now())", numbered[0])
    with pytest.raises(asyncpg.UniqueViolationError, match="one_person_a_document"):
        await app.execute(
            """
            INSERT INTO persons SELECT 'another', name, sex, birth_date, area, document_kind, document, document_index,
                masked_document, members, name_keys FROM persons WHERE id = $1
            """,
            numbered[0],
        )
    with pytest.raises(asyncpg.UniqueViolationError, match="one_person_a_registration"):
        await app.execute("DELETE FROM record_claims WHERE person_id = $1", numbered[1])
        await app.execute(
            "INSERT INTO record_claims SELECT $1, registration_id, school, now() FROM record_claims", numbered[1]
        )


@pytest.mark.parametrize("table", ["verifications", "reveals", "released_claims"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET person_id = 'x'", "DELETE FROM {}", "TRUNCATE {}"])
async def test_what_happened_is_only_appended_to(
    app: Connection, owner: Connection, numbered: tuple[str, str], table: str, statement: str
) -> None:
    if table == "reveals":
        statement = statement.replace("person_id", "purpose")
    with pytest.raises(DENIED):
        await app.execute(statement.format(table))
    with pytest.raises(FORBIDDEN):
        await owner.execute(statement.format(table))


async def test_no_column_of_the_database_holds_a_number(desk: Desk, people: People, matcher: TheMatcher) -> None:
    """The whole database as text, after the whole way of a pupil."""
    entry = people.entry()
    matcher.knows([entry])
    claimed = await desk.enter([entry])
    await desk.approve(claimed)
    await matching.one_batch(desk.kit, desk.deps, Lane.FIRST)
    ids = (claimed[0].person_id or "",)
    shown = await desk.send(
        RevealDocuments(command_id="once", actor=system("registry"), person_ids=ids, purpose="打印确认单")
    )
    assert shown.persons[0].document_number == entry.document_number
    connection = await desk.owner()
    tables = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    seen = 0
    hidden = entry.document_number.encode()
    for table in tables:
        for row in await connection.fetch(f"SELECT * FROM {table}"):
            seen += 1
            for value in row.values():
                assert hidden not in (value if isinstance(value, bytes) else str(value).encode()), table
    await connection.close()
    assert seen > 8
