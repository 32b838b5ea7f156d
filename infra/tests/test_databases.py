"""A database per service that only its own two roles can enter, and roles that can do no more than they should."""

from __future__ import annotations

import asyncpg
import pytest
from xueji_infra import databases
from xueji_local.credentials import Credentials
from xueji_local.testing import AnyPostgres, ServiceEnv

pytestmark = pytest.mark.integration


async def _two(service_env: ServiceEnv) -> tuple[dict[str, str], dict[str, str]]:
    return await service_env("identity", migrated=False), await service_env("registry", migrated=False)


@pytest.mark.parametrize("which", ["XUEJI_DATABASE_URL", "XUEJI_MIGRATION_DATABASE_URL"])
async def test_no_role_enters_another_services_database(service_env: ServiceEnv, which: str) -> None:
    identity, registry = await _two(service_env)
    own = await asyncpg.connect(identity[which])
    await own.close()
    for database in (registry[which].rsplit("/", 1)[1], "template1"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(databases.with_database(identity[which], database))


async def test_the_application_role_makes_nothing_and_reads_only_what_is_granted(service_env: ServiceEnv) -> None:
    identity, _ = await _two(service_env)
    owner = await asyncpg.connect(identity["XUEJI_MIGRATION_DATABASE_URL"])
    app = await asyncpg.connect(identity["XUEJI_DATABASE_URL"])
    try:
        await owner.execute(
            "CREATE TABLE secret (x int); CREATE TABLE shown (x int); GRANT SELECT ON shown TO identity"
        )
        for statement in ("CREATE TABLE mine (x int)", "SELECT * FROM secret", "INSERT INTO shown VALUES (1)"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        assert await app.fetch("SELECT * FROM shown") == []
        assert not await app.fetchval(
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication FROM pg_roles WHERE rolname = current_user"
        )
    finally:
        await app.close()
        await owner.close()


async def test_provisioning_again_changes_the_password_and_keeps_the_data(
    postgres_server: AnyPostgres, test_credentials: Credentials
) -> None:
    admin = await asyncpg.connect(postgres_server.url())
    try:
        for password, made in (("first'; --", True), ('second"%s', False)):
            await databases.ensure_roles(admin, "probe", password, password)
            assert await databases.ensure_database(admin, postgres_server.url(), "probe") is made
            app = await asyncpg.connect(postgres_server.url("xueji_probe", "probe", password))
            await app.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(postgres_server.url("xueji_probe", "probe", "first'; --"))
    finally:
        await admin.execute("DROP DATABASE IF EXISTS xueji_probe; ")
        await admin.execute("DROP ROLE IF EXISTS probe; DROP ROLE IF EXISTS probe_owner")
        await admin.close()
