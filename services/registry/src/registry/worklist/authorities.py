"""To whom an overdue step goes (clause 3.1: 逐级). Pure."""

from __future__ import annotations

from regulation.authorisation import is_school
from regulation.divisions import chain


def superior(organisation: str, authority: str) -> str:
    """Of a school, the authority that supervises it; of an authority, the next above; of the province, nobody (empty)."""
    if is_school(organisation):
        return authority
    above = chain(organisation)[:-1]
    return above[-1] if above else ""
