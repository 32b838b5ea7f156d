"""Classes, assignments and moves: the dispatch tables."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from registry.classes import drafts, drawing, moving, rooms, showing

COMMANDS: dict[type[Command], CommandHandler] = {
    **rooms.COMMANDS,
    **drafts.COMMANDS,
    **drawing.COMMANDS,
    **moving.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {
    **rooms.QUERIES,
    **drafts.QUERIES,
    **showing.QUERIES,
    **moving.QUERIES,
}
