"""All that clearing does when asked or told."""

from __future__ import annotations

from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.messages import Command, Event, Query

from registry.clearing.cancelling import handlers as cancelling
from registry.clearing.correcting import handlers as correcting
from registry.clearing.duplicates import handlers as duplicates

COMMANDS: dict[type[Command], CommandHandler] = {
    **cancelling.COMMANDS,
    **correcting.COMMANDS,
    **duplicates.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {**cancelling.QUERIES, **correcting.QUERIES, **duplicates.QUERIES}
EVENTS: dict[type[Event], EventHandler] = {**cancelling.EVENTS, **correcting.EVENTS}
