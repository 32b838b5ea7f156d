"""The kind of case that a transfer is, by the parameters of the receiving authority's division."""

from __future__ import annotations

from casework.kinds import CaseKind
from regulation.parameters import Parameters
from regulation.school_calendar import Terms, terms

from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.rules.case import years_around
from transfer.rules.kind import kind


def parameters_of(work: TransferWork, authority: str) -> Parameters:
    return work.deps.policy.parameters(authority, work.today)


def kind_of(work: TransferWork, transfer: Transfer) -> CaseKind:
    return chain(work, transfer.to_authority, transfer.from_authority)


def chain(work: TransferWork, to_authority: str, from_authority: str) -> CaseKind:
    return kind(parameters_of(work, to_authority), same_authority=to_authority == from_authority)


def terms_of(work: TransferWork, parameters: Parameters) -> tuple[Terms, ...]:
    """The school calendar that the rules look at."""
    return tuple(terms(parameters.division, year, parameters) for year in years_around(work.today, parameters))
