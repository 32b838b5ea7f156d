"""The kind of case that a transfer is, by the parameters of the receiving authority's division."""

from __future__ import annotations

from datetime import date

from casework.kinds import CaseKind, StepKind
from regulation.parameters import Parameters
from regulation.school_calendar import Terms, calendar
from shared_contracts.outside_transfers import Side

from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.rules.case import years_around
from transfer.rules.kind import kind, one_signature_serves, settling


def parameters_of(work: TransferWork, authority: str) -> Parameters:
    return work.deps.policy.parameters(authority, work.today)


def kind_of(work: TransferWork, transfer: Transfer) -> CaseKind:
    return chain(work, transfer.to_authority, transfer.from_authority, transfer.side)


def settling_of(work: TransferWork, transfer: Transfer) -> StepKind:
    """The step that follows where what everybody has approved could not be carried out."""
    same = transfer.outside is None and transfer.to_authority == transfer.from_authority
    parameters = parameters_of(work, transfer.to_authority)
    return settling(one_signature=one_signature_serves(parameters, same_authority=same))


def chain(work: TransferWork, to_authority: str, from_authority: str, side: Side | None = None) -> CaseKind:
    """`side`: which of the two is of another province."""
    return kind(parameters_of(work, to_authority), same_authority=to_authority == from_authority, side=side)


def terms_of(work: TransferWork, parameters: Parameters, day: date) -> tuple[Terms, ...]:
    """The school calendar, as published, that the rules look at for an application of that day."""
    book = work.deps.policy.book
    return tuple(calendar(book, parameters.division, year) for year in years_around(day, parameters))
