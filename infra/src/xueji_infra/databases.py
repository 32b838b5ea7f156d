"""A database and two roles per service: `<service>_owner` migrates, `<service>` serves. Nobody else may connect."""

from __future__ import annotations

from typing import Any, TypeAlias
from urllib.parse import urlsplit, urlunsplit

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[Any]"


def owner_role(service: str) -> str:
    return f"{service}_owner"


def database_name(service: str) -> str:
    return f"xueji_{service}"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def with_database(url: str, database: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


async def ensure_roles(admin: Connection, service: str, owner_password: str, app_password: str) -> None:
    """Both roles with these passwords, and with nothing that a plain role does not have."""
    for role, password in ((owner_role(service), owner_password), (service, app_password)):
        known = await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
        # The server builds the statement: a password is quoted by whoever knows how.
        statement = await admin.fetchval(
            "SELECT format($1::text || ' ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD %L',"
            " $2::text, $3::text)",
            "ALTER" if known else "CREATE",
            role,
            password,
        )
        await admin.execute(statement)


async def ensure_database(
    admin: Connection, url: str, service: str, *, name: str | None = None, template: str | None = None
) -> bool:
    """The service's database, owned by its owner role and closed to all others. Returns whether it was made now.

    `admin` is a connection of a superuser, or of a role with CREATEDB that is a member of the owner role; `url` is its
    address (a second connection, into the new database, needs it). `name` other than `xueji_<service>` and `template`
    are for tests, which clone a migrated database; a clone's inner grants are those of its template.
    """
    name, owner = name or database_name(service), owner_role(service)
    made = not await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
    if made:
        # Copied as files: half the time, here and when it is dropped, of going through the log, which no clone needs.
        source = f" TEMPLATE {_quoted(template)} STRATEGY file_copy" if template else ""
        await admin.execute(f"CREATE DATABASE {_quoted(name)} OWNER {_quoted(owner)}{source}")
    await admin.execute(
        f"REVOKE ALL ON DATABASE {_quoted(name)} FROM PUBLIC;"
        f"GRANT CONNECT, TEMPORARY ON DATABASE {_quoted(name)} TO {_quoted(service)};"
        f"GRANT ALL ON DATABASE {_quoted(name)} TO {_quoted(owner)}"
    )
    if template is None:
        inside = await asyncpg.connect(with_database(url, name))
        try:
            await inside.execute(
                f"ALTER SCHEMA public OWNER TO {_quoted(owner)};"
                f"REVOKE ALL ON SCHEMA public FROM PUBLIC;"
                f"GRANT USAGE ON SCHEMA public TO {_quoted(service)};"
                f"GRANT ALL ON SCHEMA public TO {_quoted(owner)}"
            )
        finally:
            await inside.close()
    return made


async def close_to_public(admin: Connection) -> None:
    """Services' roles have no business in the maintenance databases either."""
    await admin.execute("REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC")
