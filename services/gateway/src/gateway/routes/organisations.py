"""Authorities and schools: as a list, as the tree of clause 3.1, as of a day; their changes, each from a day on."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.messages import Command
from shared_contracts.organisations import (
    ChangeSupervision,
    CloseOrganisation,
    CreateOrganisation,
    GetOrganisation,
    Kind,
    ListOrganisations,
    ListVersions,
    OrganisationHistory,
    OrganisationPage,
    OrganisationRecord,
    OrganisationView,
    RenameOrganisation,
    ReviseOrganisation,
)

from gateway.answers import versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, repeatable, required_version
from gateway.openapi import about
from gateway.problems import invalid
from gateway.routes.params import Cursor, Limit, OrganisationCode

_PAGE = 1000

Code = Annotated[str, PathParameter(pattern=r"^(\d{6}|\d{10})$", description="6 位区划代码或 10 位学校标识码")]
On = Annotated[date | None, QueryParameter(description="看这一天的情况；不给则为今天")]
DivisionCode = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]
AnyCode = Annotated[str, msgspec.Meta(pattern=r"^(\d{6}|\d{10})$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Stages = Annotated[tuple[Literal["primary", "junior"], ...], msgspec.Meta(max_length=2)]
System = Literal["6-3", "5-4"]
Ownership = Literal["public", "private"]
Locality = Literal["urban", "town", "rural"]


class OrganisationNode(msgspec.Struct, frozen=True, kw_only=True):
    organisation: OrganisationView
    children: tuple[OrganisationNode, ...] = ()


class OrganisationTree(msgspec.Struct, frozen=True, kw_only=True):
    """`roots`: what has no parent among the organisations asked for. Other provinces are left out."""

    roots: tuple[OrganisationNode, ...]


class NewOrganisation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`effective_from`: the first day on which it exists. Values that only schools have stay empty for authorities."""

    code: AnyCode
    name: Name
    kind: Kind
    effective_from: date
    parent: DivisionCode | None = None
    authority: DivisionCode | None = None
    division: DivisionCode
    school_type: Annotated[str, msgspec.Meta(pattern=r"^\d{3}$")] | None = None
    stages: Stages = ()
    system: System | None = None
    ownership: Ownership | None = None
    locality: Locality | None = None
    accepts_international: bool = False


class Revision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not given stays. Names, authorities and ends have operations of their own."""

    effective_from: date
    stages: Stages | None = None
    system: System | None = None
    ownership: Ownership | None = None
    locality: Locality | None = None
    accepts_international: bool | None = None


class NameChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    effective_from: date


class SupervisionChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`authority`: the new supervising one. `division`: where the school lies from then on, if that changes too.
    `reason`: the document by which it was decided."""

    authority: DivisionCode
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    effective_from: date
    division: DivisionCode | None = None


class Closure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`effective_from`: the first day on which it is no more."""

    effective_from: date


@get("/", **about("教育行政部门和学校；view=tree 时为树形", "3.1", "44"))
async def organisations(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    parent: OrganisationCode = None,
    kind: Annotated[Kind | None, QueryParameter(description="只看这一类；external 为外省")] = None,
    on: On = None,
    q: Annotated[str | None, QueryParameter(min_length=1, max_length=60, description="名称中包含的字")] = None,
    view: Annotated[Literal["list", "tree"], QueryParameter(description="list 或 tree")] = "list",
    cursor: Cursor = None,
    limit: Limit = 200,
) -> OrganisationPage | OrganisationTree:
    query = ListOrganisations(actor=actor, parent=parent, kind=kind, on=on, q=q, cursor=cursor, limit=limit)
    if view == "list":
        return await backend.ask(query, OrganisationPage)
    found: list[OrganisationView] = []
    following: str | None = None
    while True:
        query = msgspec.structs.replace(query, cursor=following, limit=_PAGE)
        page = await backend.ask(query, OrganisationPage)
        found.extend(item for item in page.items if item.kind != "external")
        following = page.next_cursor
        if following is None:
            return tree(found)


def tree(organisations: list[OrganisationView]) -> OrganisationTree:
    """A flat list as a tree: below each organisation those that name it as parent."""
    codes = {organisation.code for organisation in organisations}
    below: dict[str | None, list[OrganisationView]] = defaultdict(list)
    for organisation in organisations:
        below[organisation.parent if organisation.parent in codes else None].append(organisation)

    def node(organisation: OrganisationView) -> OrganisationNode:
        children = tuple(node(child) for child in below.get(organisation.code, ()))
        return OrganisationNode(organisation=organisation, children=children)

    return OrganisationTree(roots=tuple(node(root) for root in below[None]))


def _record(record: OrganisationRecord, status: int = 200) -> Response[OrganisationRecord]:
    return versioned(record, f"/v1/organisations/{record.organisation.code}", status)


@get("/{code:str}", **about("一个机构；on 为某日时的情况（如3月1日时归哪个县管）", "3.1", "44"))
async def organisation(
    backend: Given[Backend], actor: Given[Actor], code: Code, on: On = None
) -> Response[OrganisationRecord]:
    return _record(await backend.ask(GetOrganisation(actor=actor, code=code, on=on), OrganisationRecord))


@get("/{code:str}/versions", **about("一个机构的沿革：各个时期的名称、主管部门等", "44"))
async def versions(backend: Given[Backend], actor: Given[Actor], code: Code) -> OrganisationHistory:
    return await backend.ask(ListVersions(actor=actor, code=code), OrganisationHistory)


@post("/", **about("新建机构", "3.1", "44", problems=(415,)))
async def create(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewOrganisation]
) -> Response[OrganisationRecord]:
    values = msgspec.structs.asdict(data)
    effective_from = values.pop("effective_from")
    command = CreateOrganisation(
        command_id=command_id,
        actor=actor,
        organisation=OrganisationView(**values),
        effective_from=effective_from,
    )
    return _record(await backend.ask(command, OrganisationRecord), 201)


@patch("/{code:str}", **about("变更学校的学段、学制、办别、城乡类型等", "2", "44", problems=(415, 428)))
async def revise(
    backend: Given[Backend], actor: Given[Actor], code: Code, data: JSONBody[Revision], if_match: IfMatch = None
) -> Response[OrganisationRecord]:
    version = required_version(if_match)
    values = msgspec.structs.asdict(data)
    command = ReviseOrganisation(
        command_id=repeatable(actor, "revise", code, version, values),
        actor=actor,
        code=code,
        version=version,
        **values,
    )
    return await _change(backend, command)


@post("/{code:str}/name-changes", status_code=200, **about("机构更名", "44", problems=(415,)))
async def rename(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    code: Code,
    command_id: Given[str],
    data: JSONBody[NameChange],
    if_match: IfMatch = None,
) -> Response[OrganisationRecord]:
    command = RenameOrganisation(
        command_id=command_id,
        actor=actor,
        code=code,
        name=_name(data.name),
        effective_from=data.effective_from,
        version=expected_version(if_match),
    )
    return await _change(backend, command)


@post(
    "/{code:str}/supervision-changes",
    status_code=200,
    **about("变更学校的主管教育行政部门；未办结的建籍申请随之转交", "3.1", "13.2", "44", problems=(415,)),
)
async def supervise(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    code: Code,
    command_id: Given[str],
    data: JSONBody[SupervisionChange],
    if_match: IfMatch = None,
) -> Response[OrganisationRecord]:
    command = ChangeSupervision(
        command_id=command_id,
        actor=actor,
        code=code,
        authority=data.authority,
        reason=data.reason,
        effective_from=data.effective_from,
        division=data.division,
        version=expected_version(if_match),
    )
    return await _change(backend, command)


@post("/{code:str}/closure", status_code=200, **about("撤销机构；代码不再使用", "44", problems=(415,)))
async def close(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    code: Code,
    command_id: Given[str],
    data: JSONBody[Closure],
    if_match: IfMatch = None,
) -> Response[OrganisationRecord]:
    command = CloseOrganisation(
        command_id=command_id,
        actor=actor,
        code=code,
        effective_from=data.effective_from,
        version=expected_version(if_match),
    )
    return await _change(backend, command)


async def _change(backend: Backend, command: Command) -> Response[OrganisationRecord]:
    return _record(await backend.ask(command, OrganisationRecord, timeout=BULK))


def _name(name: str) -> str:
    if not name.strip():
        raise invalid("name", "名称为空", "填写机构名称")
    return name.strip()


router = Router(
    "/v1/organisations",
    route_handlers=[organisations, create, organisation, versions, revise, rename, supervise, close],
    tags=["organisations"],
)
