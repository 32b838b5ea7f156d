"""Integration clients (接口用户): other government systems, with a secret and scopes instead of a person (clause 45.3)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter
from shared_contracts.access import (
    ClientPage,
    ClientSecret,
    ClientView,
    CreateClient,
    EndClient,
    ListClients,
    RotateClientSecret,
)
from shared_contracts.actors import Actor

from gateway.backend import Backend
from gateway.idempotency import repeatable
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit, OrganisationIn

PATTERN = r"^[A-Za-z0-9._-]{1,100}$"
ClientId = Annotated[str, PathParameter(pattern=PATTERN, description="接口用户标识")]
Scope = Literal["students:read", "organisations:read", "webhooks:manage"]


class NewClient(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`expires_on`: the last day on which it gets tokens."""

    client_id: Annotated[str, msgspec.Meta(pattern=PATTERN)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
    organisation: OrganisationIn
    scopes: Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=10)]
    expires_on: date


@get("/", **about("接口用户列表：所管理范围内的", "3.1", "45.3"))
async def clients(backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50) -> ClientPage:
    return await backend.ask(ListClients(actor=actor, cursor=cursor, limit=limit), ClientPage)


@post("/", **about("建立接口用户（密钥只显示一次）", "3.1", "45.3", problems=(415,)))
async def create(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewClient]
) -> Response[ClientSecret]:
    command = CreateClient(
        command_id=command_id,
        actor=actor,
        client_id=data.client_id,
        name=data.name,
        organisation=data.organisation,
        scopes=data.scopes,
        expires_on=data.expires_on,
    )
    return Response(await backend.ask(command, ClientSecret), status_code=201)


@post(
    "/{client_id:str}/secret",
    status_code=200,
    **about("更换接口密钥（旧的立即失效，新的只显示一次）", "45.3"),
)
async def rotate(
    backend: Given[Backend], actor: Given[Actor], client_id: ClientId, command_id: Given[str]
) -> ClientSecret:
    command = RotateClientSecret(command_id=command_id, actor=actor, client_id=client_id)
    return await backend.ask(command, ClientSecret)


@delete("/{client_id:str}", status_code=200, **about("停用接口用户", "45.3"))
async def end(backend: Given[Backend], actor: Given[Actor], client_id: ClientId) -> ClientView:
    command_id = repeatable(actor, "end_client", client_id)
    return await backend.ask(EndClient(command_id=command_id, actor=actor, client_id=client_id), ClientView)


router = Router("/v1/clients", route_handlers=[clients, create, rotate, end], tags=["clients"])
