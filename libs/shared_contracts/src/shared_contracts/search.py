"""Finding pupils by what somebody has in hand: a name or a part of it, pinyin, initials, a number. Words of the registry."""

from __future__ import annotations

from enum import StrEnum

from shared_contracts.messages import Command, Message, Query
from shared_contracts.records import StudentView


class Matched(StrEnum):
    """Why a record is among the results."""

    NAME = "name"
    FORMER_NAME = "former_name"
    PINYIN = "pinyin"
    INITIALS = "initials"
    NUMBER = "number"  # a document or student number, present or former


class FoundStudent(StudentView, frozen=True, kw_only=True, gc=False, tag="registry.found_student"):
    """`former_name`: the one that was found, where it was not the present one."""

    matched: Matched
    former_name: str | None = None


class FoundPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.found_page"):
    """A page may hold fewer rows than asked for and still have a next one: how far one request looks is bounded.

    `examined`: how many candidates were looked at for this page.
    """

    items: tuple[FoundStudent, ...]
    next_cursor: str | None = None
    examined: int = 0


class SearchStudents(Query, frozen=True, kw_only=True, gc=False, tag="registry.search_students"):
    """The actor's students by one or both of these, in a stable order; the other fields narrow the result.

    `text`: a name or a part of it, former ones too; the beginning of its pinyin, with or without blanks; its initials.
    `exact`: `text` is the whole name. `person_ids`: whose number it is, by an exact search through identity.
    """

    text: str | None = None
    exact: bool = False
    person_ids: tuple[str, ...] | None = None
    school: str | None = None
    grade: int | None = None
    class_no: int | None = None
    stage: str | None = None
    state: str | None = None
    placement: str | None = None
    cursor: str | None = None
    limit: int = 50


Queries = SearchStudents

REPLIES: dict[type[Command] | type[Query], type[Message]] = {SearchStudents: FoundPage}
"""Part of the registry's (`registry.REPLIES`)."""
