"""Everything about registrations that can be asked of the registry."""

from __future__ import annotations

from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.decisions import Refused
from shared_contracts.identity import NumbersIssued, NumbersUpgraded, VerificationChanged
from shared_contracts.messages import Command, Event, Query, word
from shared_contracts.registry import (
    CorrectRegistration,
    DecideRegistration,
    DecideRoster,
    DescribeForm,
    EnterRegistration,
    FormDescribed,
    GetRegistration,
    ListRegistrations,
    PrecheckRegistration,
    PrintSheet,
    WithdrawRegistration,
)

from registry.context import RegistryWork
from registry.form.telling import FORM
from registry.registration.correct import correct_registration, withdraw_registration
from registry.registration.decide import decide_registration, decide_roster
from registry.registration.enter import enter_registration, precheck_registration
from registry.registration.numbers import numbers_issued, numbers_upgraded, verification_changed
from registry.registration.printing import print_sheet
from registry.registration.queries import get_registration, list_registrations


@clause("14")
async def describe_form(work: RegistryWork, query: DescribeForm) -> FormDescribed | Refused:
    return check(query.actor, word(query), Target(school=query.actor.organisation)) or FORM


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
    DescribeForm: describe_form,
}
EVENTS: dict[type[Event], EventHandler] = {
    NumbersIssued: numbers_issued,
    NumbersUpgraded: numbers_upgraded,
    VerificationChanged: verification_changed,
}
