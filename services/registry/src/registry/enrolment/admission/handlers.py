"""What the capability answers, in one place."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query

from registry.enrolment.admission import acts, applying, deciding, printing, reporting

COMMANDS: dict[type[Command], CommandHandler] = {
    **acts.COMMANDS,
    **reporting.COMMANDS,
    **printing.COMMANDS,
    **applying.COMMANDS,
    **deciding.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {**acts.QUERIES, **reporting.QUERIES, **deciding.QUERIES}
