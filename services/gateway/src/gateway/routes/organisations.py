"""Authorities and schools, as a list or as the tree of clause 3.1."""

from __future__ import annotations

from collections import defaultdict
from typing import Annotated, Literal

import msgspec
from litestar import Router, get
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.registry import ListOrganisations, OrganisationPage, OrganisationView

from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit, OrganisationCode

Kind = Literal["province", "city", "county", "school"]
_PAGE = 1000


class OrganisationNode(msgspec.Struct, frozen=True, kw_only=True):
    organisation: OrganisationView
    children: tuple[OrganisationNode, ...] = ()


class OrganisationTree(msgspec.Struct, frozen=True, kw_only=True):
    """`roots`: what has no parent among the organisations that the actor sees."""

    roots: tuple[OrganisationNode, ...]


@get("/", **about("教育行政部门和学校；view=tree 时为树形", "3.1"))
async def organisations(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    parent: OrganisationCode = None,
    kind: Annotated[Kind | None, QueryParameter(description="只看这一类")] = None,
    view: Annotated[Literal["list", "tree"], QueryParameter(description="list 或 tree")] = "list",
    cursor: Cursor = None,
    limit: Limit = 200,
) -> OrganisationPage | OrganisationTree:
    if view == "list":
        query = ListOrganisations(actor=actor, parent=parent, kind=kind, cursor=cursor, limit=limit)
        return await backend.ask(query, OrganisationPage)
    found: list[OrganisationView] = []
    following: str | None = None
    while True:
        query = ListOrganisations(actor=actor, parent=parent, kind=kind, cursor=following, limit=_PAGE)
        page = await backend.ask(query, OrganisationPage)
        found.extend(page.items)
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


router = Router("/v1/organisations", route_handlers=[organisations], tags=["organisations"])
