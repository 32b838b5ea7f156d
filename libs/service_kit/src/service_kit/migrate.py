"""Migrations: Alembic inside each service's package, run by the owner role."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from service_kit.tables import DDL, GRANTS, OUTGOING_DDL, OUTGOING_GRANTS

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection

# Alembic is imported by whoever migrates: it is a twelfth of what a service costs to start, and every process of a service
# imports this module for its addresses.


def async_url(url: str) -> str:
    return re.sub(r"^postgres(ql)?(\+\w+)?://", "postgresql+asyncpg://", url)


def _config(package: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", f"{package}:migrations")
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(package: str, url: str) -> str:
    """Bring a service's database to head as its owner. Returns the revision; a database at head costs one query."""
    from alembic.script import ScriptDirectory

    config = _config(package)
    head = ScriptDirectory.from_config(config).get_current_head() or ""
    engine = create_async_engine(async_url(url), poolclass=sa.NullPool)
    try:
        async with engine.begin() as connection:
            # Two copies that start at once: the second waits and then finds the work done.
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(hashtext('xueji-migrate'))"))
            await connection.run_sync(_upgrade, config, head)
    finally:
        await engine.dispose()
    return head


def _upgrade(connection: Connection, config: Config, head: str) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    if MigrationContext.configure(connection).get_current_revision() == head:
        return
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_env() -> None:
    """The whole of a service's `migrations/env.py`."""
    from alembic import context

    connection = context.config.attributes["connection"]
    context.configure(connection=connection, transactional_ddl=True)
    context.run_migrations()


def statements(op: Any, script: str) -> None:
    """Run a script of several SQL statements; the driver takes one at a time. `$$ … $$` bodies stay whole."""
    for statement in _split(script):
        op.execute(sa.text(statement.replace(":", "\\:")))


def _split(script: str) -> list[str]:
    out, current = [], ""
    for part in re.split(r"(\$\$.*?\$\$)", script, flags=re.DOTALL):
        if part.startswith("$$"):
            current += part
            continue
        *complete, rest = re.split(r";[ \t]*(?:\n|\Z)", part)
        for piece in complete:
            out.append(current + piece)
            current = ""
        current += rest
    return [text for text in (*out, current) if text.strip()]


def create_kit_tables(op: Any, app_role: str) -> None:
    """In migration 0001: outbox, inbox and commands with the grants that the application's role needs."""
    _create_outgoing(op, "outbox", app_role)
    statements(op, DDL)
    statements(op, GRANTS.format(role=app_role))


def create_audit_outbox(op: Any, app_role: str) -> None:
    """What was done, on its way to the audit log (clause 45.1); in a migration of its own where 0001 is older."""
    _create_outgoing(op, "audit_outbox", app_role)


def _create_outgoing(op: Any, name: str, app_role: str) -> None:
    statements(op, OUTGOING_DDL.format(name=name))
    statements(op, OUTGOING_GRANTS.format(name=name, role=app_role))
