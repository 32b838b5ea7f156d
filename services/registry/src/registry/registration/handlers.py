"""Everything about registrations that can be asked of the registry."""

from __future__ import annotations

from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.identity import NumbersIssued, NumbersUpgraded, VerificationChanged
from shared_contracts.messages import Command, Event, Query
from shared_contracts.registry import (
    CorrectRegistration,
    DecideRegistration,
    DecideRoster,
    EnterRegistration,
    GetRegistration,
    ListRegistrations,
    PrecheckRegistration,
    PrintSheet,
    WithdrawRegistration,
)

from registry.registration.correct import correct_registration, withdraw_registration
from registry.registration.decide import decide_registration, decide_roster
from registry.registration.enter import enter_registration, precheck_registration
from registry.registration.numbers import numbers_issued, numbers_upgraded, verification_changed
from registry.registration.printing import print_sheet
from registry.registration.queries import get_registration, list_registrations

COMMANDS: dict[type[Command], CommandHandler] = {
    DecideRoster: decide_roster,
    DecideRegistration: decide_registration,
    EnterRegistration: enter_registration,
    CorrectRegistration: correct_registration,
    WithdrawRegistration: withdraw_registration,
    PrintSheet: print_sheet,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckRegistration: precheck_registration,
    GetRegistration: get_registration,
    ListRegistrations: list_registrations,
}
EVENTS: dict[type[Event], EventHandler] = {
    NumbersIssued: numbers_issued,
    NumbersUpgraded: numbers_upgraded,
    VerificationChanged: verification_changed,
}
