"""What guardians, who have no account, are told of by text message (10.2, 34.1). Words of the registry for notifications.

The event says of whom, never how to reach anybody; numbers are asked for when a message is made, so that it goes to the
number that the record has by then, or to nobody where the record has ended.
"""

from __future__ import annotations

from shared_contracts.archive import Term
from shared_contracts.messages import Command, Event, Message, Query


class TermReportsEntered(Event, frozen=True, kw_only=True, gc=False, tag="registry.term_reports_entered"):
    """The first reports of a term for these students of one school: said once for each and term. At most 500 an event."""

    school: str
    school_name: str
    school_year: int
    term: Term
    student_ids: tuple[str, ...]


class GuardianPhone(Message, frozen=True, kw_only=True, gc=False):
    """`of`: the student, or the admission, that was asked for."""

    of: str
    phone: str


class GuardianPhones(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.guardian_phones_found"
):
    """One for each that has a mobile number of a guardian, of students whose record is live and of children with a place
    who have still not come; the others are left out."""

    items: tuple[GuardianPhone, ...]


class FindGuardianPhones(Query, frozen=True, kw_only=True, gc=False, tag="registry.guardian_phones"):
    """Services alone. At most 500 together. Reply: GuardianPhones."""

    student_ids: tuple[str, ...] = ()
    admission_ids: tuple[str, ...] = ()


Queries = FindGuardianPhones
Events = TermReportsEntered

REPLIES: dict[type[Command] | type[Query], type[Message]] = {FindGuardianPhones: GuardianPhones}
