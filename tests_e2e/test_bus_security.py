"""Who may do what on the bus and in the databases as they run: nobody more than his work needs."""

from __future__ import annotations

import asyncio
from itertools import product

import asyncpg
import nats
import nats.errors
import pytest
from e2e_story import Story
from e2e_system import HANGS, PORTAL, System
from nats.aio.client import Client
from xueji_infra.databases import database_name, owner_role
from xueji_infra.topology import topology

DATABASES = topology().databases
ROLES = [role for name in DATABASES for role in (name, owner_role(name))]


# ---- databases --------------------------------------------------------------------------------------------------------


def as_role(system: System, role: str, database: str, statement: str = "SELECT 1") -> object:
    """The result of one statement, or the class of what PostgreSQL says."""

    async def ask() -> object:
        url = system.postgres.url(database, role, system.keys.role(role))
        connection = await asyncpg.connect(url, timeout=HANGS)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    try:
        return PORTAL.run(ask())
    except asyncpg.PostgresError as error:
        return type(error)


@pytest.mark.parametrize(("role", "name"), list(product(ROLES, DATABASES)))
def test_no_role_connects_to_anothers_database(system: System, role: str, name: str) -> None:
    own = role in (name, owner_role(name))
    wanted = 1 if own else asyncpg.InsufficientPrivilegeError
    assert as_role(system, role, database_name(name)) == wanted


@pytest.mark.parametrize("role", ROLES)
def test_no_role_connects_to_postgres_or_is_more_than_itself(system: System, role: str) -> None:
    assert as_role(system, role, "postgres") is asyncpg.InsufficientPrivilegeError
    own = role.removesuffix("_owner")
    is_more = (
        "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
    )
    assert as_role(system, role, database_name(own), is_more) is False


@pytest.mark.clause("15.4")
@pytest.mark.clause("21.1")
@pytest.mark.clause("40")
@pytest.mark.clause("43")
@pytest.mark.clause("45.1")
@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("service", "statement"),
    [
        ("registry", "UPDATE journal SET kind = 'x'"),
        ("registry", "DELETE FROM journal"),
        ("registry", "TRUNCATE journal"),
        ("registry", "DELETE FROM students"),
        ("registry", "DELETE FROM registrations"),
        ("registry", "UPDATE registrations SET person_id = 'x'"),
        ("registry", "CREATE TABLE mine (id int)"),
        ("registry", "DROP TABLE journal"),
        ("identity", "DELETE FROM student_numbers"),
        ("identity", "UPDATE student_numbers SET masked = 'x'"),
        ("identity", "UPDATE persons SET birth_date = '2020-01-01'"),
        ("identity", "UPDATE persons SET name = 'x'"),
        ("identity", "UPDATE verifications SET outcome = 'matched'"),
        ("identity", "DELETE FROM reveals"),
        ("identity", "CREATE TABLE mine (id int)"),
        ("notifications", "CREATE TABLE mine (id int)"),
        ("access", "UPDATE audit_entries SET account = 'x'"),
        ("access", "DELETE FROM audit_entries"),
        ("access", "TRUNCATE audit_entries"),
        ("access", "DELETE FROM accounts"),
        ("access", "UPDATE accounts SET username = 'x'"),
        ("access", "UPDATE account_changes SET reason = 'x'"),
        ("access", "DELETE FROM appointments"),
        ("access", "UPDATE appointments SET training_completed_on = '2020-01-01'"),
        ("access", "CREATE TABLE mine (id int)"),
    ],
)
def test_the_application_cannot_undo_what_is_for_ever(
    system: System, story: Story, service: str, statement: str
) -> None:
    """On tables with rows in them: nothing is refused only because there is nothing to do."""
    del story
    said = as_role(system, service, database_name(service), statement)
    assert said is asyncpg.InsufficientPrivilegeError


@pytest.mark.clause("15.4")
def test_not_even_the_owner_takes_a_formal_number_away(system: System, story: Story) -> None:
    del story
    for statement in ("DELETE FROM student_numbers WHERE kind = 'G'", "UPDATE student_numbers SET valid_to = now()"):
        said = as_role(system, owner_role("identity"), database_name("identity"), statement)
        assert isinstance(said, type) and issubclass(said, asyncpg.PostgresError), statement


def test_passwords_are_not_each_others(system: System) -> None:
    assert len({system.keys.role(role) for role in ROLES}) == len(ROLES)
    assert len(set(system.keys.nats_users.values())) == len(system.keys.nats_users)


# ---- the bus ------------------------------------------------------------------------------------------------------------


async def _violations(system: System, user: str, *, publish: str = "", subscribe: str = "", prefix: str = "") -> int:
    """How often the server refuses when this user does this."""
    errors: list[str] = []

    async def heard(error: Exception) -> None:
        errors.append(str(error).lower())

    client = await _connect(system, user, heard, prefix or f"_INBOX_{user}")
    try:
        if subscribe:
            await client.subscribe(subscribe)
        if publish:
            await client.publish(publish, b"{}")
        await client.flush()
        await asyncio.sleep(0.05)
        return sum("permissions violation" in error for error in errors)
    finally:
        await client.close()


async def _connect(system: System, user: str, heard: object, prefix: str) -> Client:
    return await nats.connect(
        system.nats.url,
        user=user,
        password=system.keys.nats_users[user],
        inbox_prefix=prefix.encode(),
        allow_reconnect=False,
        connect_timeout=60,
        error_cb=heard,
    )


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("registry", "evt.identity.numbers_issued"),
        ("identity", "evt.registry.registrations_approved"),
        ("notifications", "evt.registry.step_reached"),
        ("gateway", "evt.registry.registrations_approved"),
        ("gateway", "cmd.identity.claim_persons"),
        ("gateway", "cmd.identity.stage_persons"),
        ("notifications", "cmd.identity.reveal_documents"),
        ("identity", "cmd.registry.decide_roster"),
        ("operator", "cmd.registry.decide_roster"),
        ("operator", "cmd.identity.reveal_documents"),
        ("operator", "cmd.access.create_account"),
        ("gateway", "cmd.access.load_accounts"),
        ("registry", "cmd.access.unseal_account"),
        ("registry", "evt.access.export_approved"),
        ("registry", "evt.audit.entry.identity"),
        ("gateway", "evt.audit.entry.registry"),
        ("access", "evt.audit.entry.registry"),
        ("access", "cmd.registry.decide_roster"),
        ("access", "$JS.API.STREAM.PURGE.AUDIT"),
        ("registry", "$JS.API.STREAM.MSG.DELETE.AUDIT"),
        ("registry", "$JS.API.STREAM.DELETE.REGISTRY"),
        ("registry", "$JS.API.STREAM.PURGE.IDENTITY"),
        ("registry", "$JS.API.CONSUMER.DELETE.REGISTRY.identity-registry"),
        ("gateway", "$JS.API.STREAM.MSG.GET.REGISTRY"),
    ],
)
def test_no_user_publishes_what_is_not_his(system: System, user: str, subject: str) -> None:
    assert PORTAL.run(_violations(system, user, publish=subject)) == 1


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "evt.>"),
        ("gateway", "cmd.>"),
        ("gateway", "_INBOX_registry.>"),
        ("registry", "cmd.identity.>"),
        ("registry", "_INBOX_gateway.>"),
        ("notifications", "cmd.registry.>"),
        ("registry", "cmd.access.>"),
        ("registry", "evt.audit.>"),
        ("identity", "cmd.registry.>"),
        ("operator", ">"),
        ("operator", "_INBOX_identity.>"),
    ],
)
def test_no_user_listens_where_he_should_not(system: System, user: str, subject: str) -> None:
    assert PORTAL.run(_violations(system, user, subscribe=subject)) == 1


def test_nobody_comes_in_without_a_password(system: System) -> None:
    async def come(**who: str) -> None:
        client = await nats.connect(system.nats.url, allow_reconnect=False, connect_timeout=60, **who)
        await client.close()

    for who in ({}, {"user": "registry", "password": "registry"}, {"user": "admin", "password": ""}):
        with pytest.raises((nats.errors.Error, OSError)) as refused:
            PORTAL.run(come(**who))
        assert "authorization" in str(refused.value).lower()


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("gateway", "cmd.registry.x"),
        ("gateway", "cmd.access.x"),
        ("gateway", "qry.identity.find_persons"),
        ("registry", "cmd.identity.x"),
        ("access", "qry.registry.school_workload"),
    ],
)
def test_what_a_service_needs_is_allowed(system: System, user: str, subject: str) -> None:
    """The other side of the boundary. Nobody answers on `x`: nothing happens."""
    assert PORTAL.run(_violations(system, user, publish=subject, subscribe=f"_INBOX_{user}.e2e")) == 0
