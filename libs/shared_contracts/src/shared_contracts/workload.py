"""How much a school's registrars have to do (clause 43): the registry counts, the access service asks."""

from __future__ import annotations

from shared_contracts.messages import Command, Message, Query


class SchoolWorkload(Message, frozen=True, kw_only=True, gc=False):
    """`pupils`: live records. `open_registrations`: on their way to a number."""

    school: str
    pupils: int
    open_registrations: int


class SchoolWorkloads(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.school_workloads"):
    """One a school that was asked for and that the actor may see, in the order of their codes."""

    items: tuple[SchoolWorkload, ...]


class GetSchoolWorkload(Query, frozen=True, kw_only=True, gc=False, tag="registry.school_workload"):
    """`schools`: codes, at most 200. Reply: SchoolWorkloads."""

    schools: tuple[str, ...]


Queries = GetSchoolWorkload
REPLIES: dict[type[Command] | type[Query], type[Message]] = {GetSchoolWorkload: SchoolWorkloads}
