"""How PostgreSQL plans our statements."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine


def plan_afresh(engine: AsyncEngine) -> None:
    """Plan every statement for the tables as they are now, and compile none of them first.

    A plan kept from when a table was empty reads all of it once it is not, until statistics are gathered: that is the
    first minute of a first import. Planning costs 0.2 ms for a statement that moves 500 rows.
    """

    def prepare(connection: Any, _record: Any) -> None:
        connection.run_async(lambda plain: plain.execute("SET plan_cache_mode = force_custom_plan; SET jit = off"))

    sa.event.listen(engine.sync_engine, "connect", prepare)
