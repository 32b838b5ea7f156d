"""What the database itself refuses, tried as the application's role and as the owner."""

from __future__ import annotations

import asyncpg
import pytest
from access_support import Desk

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]
DENIED = asyncpg.InsufficientPrivilegeError
FORBIDDEN = asyncpg.RestrictViolationError

FOR_EVER = [
    "DELETE FROM accounts",
    "UPDATE accounts SET username = 'somebody.else'",
    "UPDATE accounts SET organisation = '230000'",
    "TRUNCATE accounts CASCADE",
    "DELETE FROM account_changes",
    "UPDATE account_changes SET by_account = 'somebody.else'",
    "UPDATE account_changes SET roles = '{leader}'",
    "TRUNCATE account_changes",
]


@pytest.mark.parametrize("statement", FOR_EVER)
async def test_what_stands_for_ever(desk: Desk, statement: str):
    await desk.settled("wei")
    with pytest.raises(DENIED):
        await desk.app_sql(statement)
    with pytest.raises(FORBIDDEN):
        await desk.sql(statement)
    assert len(await desk.sql("SELECT FROM account_changes JOIN accounts USING (username)")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accounts SET created_by = 'x'",
        "UPDATE sessions SET username = 'x'",
        "UPDATE sessions SET expires_at = 'infinity'",
        "UPDATE refresh_tokens SET hash = '\\x00'",
        "UPDATE refresh_tokens SET session_id = 'x'",
        "UPDATE signing_keys SET signs_from = now()",
        "UPDATE signing_keys SET public = '\\x00'",
        "UPDATE clients SET scopes = '{students:read}'",
        "UPDATE clients SET organisation = '230000'",
        "DELETE FROM clients",
        "UPDATE recovery_codes SET hash = '\\x00'",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_what_the_application_has_no_right_to(desk: Desk, statement: str):
    with pytest.raises(DENIED):
        await desk.app_sql(statement)


@pytest.mark.parametrize("username", ["Wei", "client:x", "a b", "魏"])
async def test_a_user_name_has_its_form(desk: Desk, username: str):
    await desk.settled("wei")
    columns = (
        "name, organisation, roles, classes, password_hash, password_set_at, must_change_password, open_since, "
        "created_at, created_by"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        await desk.app_sql(f"INSERT INTO accounts (username, {columns}) SELECT $1, {columns} FROM accounts", username)
