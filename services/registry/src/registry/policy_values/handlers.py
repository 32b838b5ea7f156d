"""All that the capability does."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from registry.policy_values import filing, publishing, queries, simulation

COMMANDS: dict[type[Command], CommandHandler] = {**publishing.COMMANDS, **filing.COMMANDS}
QUERIES: dict[type[Query], QueryHandler] = {**queries.QUERIES, **filing.QUERIES, **simulation.QUERIES}
