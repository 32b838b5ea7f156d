"""All that can be asked of inspection: the quality of records, rounds of verification, orders to put right."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from registry.inspection import looking, ordering, rounds

COMMANDS: dict[type[Command], CommandHandler] = {**looking.COMMANDS, **rounds.COMMANDS, **ordering.COMMANDS}
QUERIES: dict[type[Query], QueryHandler] = {**looking.QUERIES, **rounds.QUERIES, **ordering.QUERIES}
