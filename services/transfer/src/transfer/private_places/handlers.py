"""All that this capability answers."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from transfer.private_places import ratios, rounds

COMMANDS: dict[type[Command], CommandHandler] = {**ratios.COMMANDS, **rounds.COMMANDS}
QUERIES: dict[type[Query], QueryHandler] = {**ratios.QUERIES, **rounds.QUERIES}
