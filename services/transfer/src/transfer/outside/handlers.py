"""All that this capability answers."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.messages import Command, Query
from shared_contracts.outside_transfers import (
    DecideOutside,
    OpenInward,
    OpenOutward,
    PrecheckInward,
    PrecheckOutward,
    ResubmitOutward,
    WithdrawOutward,
)

from transfer.outside import coming, deciding, leaving

COMMANDS: dict[type[Command], CommandHandler] = {
    OpenInward: coming.open_inward,
    OpenOutward: leaving.open_outward,
    ResubmitOutward: deciding.resubmit_outward,
    WithdrawOutward: deciding.withdraw_outward,
    DecideOutside: deciding.decide_outside,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckInward: coming.precheck_inward,
    PrecheckOutward: leaving.precheck_outward,
}
