"""A county's children of age (适龄儿童, clause 5.1): its lists, and the children on them."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.admission.terms import StageName
from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Message, Moment, Query

ChildState = Literal["waiting", "placed", "deferred", "left"]


Origin = Literal["household", "migrant", "private", "international"]


class ChildGiven(Message, frozen=True, kw_only=True, gc=False):
    """A child as an application gives it. The document number goes on to identity and is kept nowhere else.

    `division`, `address`: where the child lives (household registration, or residence for a migrant child).
    """

    name: str
    sex: Literal["1", "2"]
    birth_date: date
    document_kind: str
    document_number: str
    division: str
    address: str
    guardian: str
    phone: str


class ChildView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.child_view"):
    """`by_hand`: why the placement by zone left this child to be placed by hand, in words. `address`, `guardian`,
    `phone`: only where one child is asked for.
    """

    id: str
    person_id: str
    county: str
    stage: StageName
    origin: Origin
    school_year: int
    name: str
    sex: str
    birth_date: date
    masked_document: str
    division: str
    state: ChildState
    by_hand: str
    reason: str
    version: int
    admission_id: str | None = None
    school: str | None = None
    school_name: str | None = None
    address: str | None = None
    guardian: str | None = None
    phone: str | None = None


class ChildPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.child_page"):
    items: tuple[ChildView, ...]
    next_cursor: str | None = None


class ChildrenImport(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import"):
    """A county's list. `checking`: being looked at; `checked`: nothing is changed yet; `taking`: being taken in.

    `accepted`: rows to take in; `known`: on the list already; `taken`: of the accepted ones, how many so far.
    `problem`: why the file as a whole cannot be read.
    """

    id: str
    county: str
    school_year: int
    file_name: str
    state: Literal["checking", "checked", "taking", "done", "failed"]
    problem: str | None
    rows: int
    accepted: int
    known: int
    refused: int
    taken: int
    created_at: Moment
    created_by: str
    version: int


class ChildrenImportPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import_page"
):
    items: tuple[ChildrenImport, ...]
    next_cursor: str | None = None


class ChildrenImportRow(Message, frozen=True, kw_only=True, gc=False):
    """`row`: as Excel shows it. `school`: whose zone the address lies in as things stand."""

    row: int
    outcome: Literal["accepted", "known", "refused"]
    name: str
    masked_document: str
    school: str | None = None
    school_name: str | None = None
    street: str | None = None
    child_id: str | None = None
    findings: tuple[Finding, ...] = ()


class ChildrenImportRows(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.children_import_rows_page"
):
    items: tuple[ChildrenImportRow, ...]
    next_cursor: str | None = None


class OpenChildrenImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_children_import"):
    """Look at a workbook of children of age, row by row; nothing is taken in. Reply: ChildrenImport."""

    import_id: str
    file: FileRef


class ConfirmChildrenImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.confirm_children_import"):
    """Take in the accepted rows. Reply: ChildrenImport."""

    import_id: str
    version: int | None = None


class RemoveChild(Command, frozen=True, kw_only=True, gc=False, tag="registry.remove_child"):
    """Off the list, with a reason (moved away, at school in another province). Reply: ChildView."""

    child_id: str
    reason: str
    version: int | None = None


class GetChildrenImport(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_import"):
    import_id: str


class ListChildrenImports(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_imports"):
    cursor: str | None = None
    limit: int = 20


class ListChildrenImportRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_import_rows"):
    import_id: str
    outcome: str | None = None
    cursor: str | None = None
    limit: int = 100


class GetChildrenTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.children_template"):
    """The blank workbook with drop-downs. Reply: Template."""


class ListChildren(Query, frozen=True, kw_only=True, gc=False, tag="registry.children"):
    """`school_year`: the one whose list it is, the current enrolment's where not given. `by_hand`: only those who are
    to be placed by hand."""

    county: str | None = None
    school_year: int | None = None
    stage: StageName | None = None
    state: ChildState | None = None
    by_hand: bool = False
    name: str | None = None
    cursor: str | None = None
    limit: int = 50


class FindChild(Query, frozen=True, kw_only=True, gc=False, tag="registry.find_child"):
    """The child on the lists of the school's county whose document is in the guardian's hand (6): name and number, both
    right, or nobody. Reply: ChildPage, without address and telephone."""

    name: str
    document_number: str


class GetChild(Query, frozen=True, kw_only=True, gc=False, tag="registry.child"):
    child_id: str


Commands = OpenChildrenImport | ConfirmChildrenImport | RemoveChild
Queries = (
    GetChildrenImport
    | ListChildrenImports
    | ListChildrenImportRows
    | GetChildrenTemplate
    | ListChildren
    | FindChild
    | GetChild
)
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    OpenChildrenImport: ChildrenImport,
    ConfirmChildrenImport: ChildrenImport,
    RemoveChild: ChildView,
    GetChildrenImport: ChildrenImport,
    ListChildrenImports: ChildrenImportPage,
    ListChildrenImportRows: ChildrenImportRows,
    GetChildrenTemplate: Template,
    ListChildren: ChildPage,
    FindChild: ChildPage,
    GetChild: ChildView,
}
