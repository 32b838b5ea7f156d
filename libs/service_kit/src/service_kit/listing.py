"""What a list is asked for: how far the account reaches, behind which row the page begins, how many rows it has."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Generic, Protocol, TypeVar

from regulation.authorisation import Reach, reach
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused
from shared_contracts.messages import Query, word

from service_kit import paging

P = TypeVar("P")


class Listing(Protocol):
    """A query for a page."""

    @property
    def actor(self) -> Actor: ...
    @property
    def cursor(self) -> str | None: ...
    @property
    def limit(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Asked(Generic[P]):
    """`after`: None for the first page; `limit`: rows that are shown, within reason."""

    reach: Reach
    after: tuple[P, str] | None
    limit: int

    @property
    def rows(self) -> int:
        """One more than is shown tells whether there is another page (`paging.page`)."""
        return self.limit + 1


def by_moment(query: Listing) -> Asked[datetime] | Refused:
    """Of what is listed by when it was and its id."""
    return _asked(query, paging.by_moment(query.cursor))


def by_day(query: Listing) -> Asked[date] | Refused:
    """Of what is listed by a day and its id."""
    return _asked(query, paging.by_day(query.cursor))


def _asked(query: Listing, after: tuple[P, str] | Refused | None) -> Asked[P] | Refused:
    assert isinstance(query, Query)
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    return after if isinstance(after, Refused) else Asked(reached, after, paging.size(query.limit))
