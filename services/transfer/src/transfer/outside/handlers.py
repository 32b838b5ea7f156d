"""All that this capability answers."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query
from shared_contracts.outside_transfers import (
    DecideOutside,
    OpenOutward,
    PrecheckOutward,
    ResubmitOutward,
    WithdrawOutward,
)

from transfer.outside import deciding, leaving

COMMANDS: dict[type[Command], CommandHandler] = {
    OpenOutward: leaving.open_outward,
    ResubmitOutward: deciding.resubmit_outward,
    WithdrawOutward: deciding.withdraw_outward,
    DecideOutside: deciding.decide_outside,
}
QUERIES: dict[type[Query], QueryHandler] = {PrecheckOutward: leaving.precheck_outward}
