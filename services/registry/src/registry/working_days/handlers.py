"""All that the capability does."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from registry.working_days import publishing, queries

COMMANDS: dict[type[Command], CommandHandler] = {**publishing.COMMANDS}
QUERIES: dict[type[Query], QueryHandler] = {**queries.QUERIES}
