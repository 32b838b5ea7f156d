"""Webhooks (接口推送): notices of an organisation for its other systems, signed (Standard Webhooks); and what was sent."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.delivery import (
    CreateWebhook,
    DeliveryPage,
    DeliveryState,
    EndWebhook,
    ListDeliveries,
    ListGuardianDeliveries,
    ListWebhooks,
    RotateWebhookSecret,
    Topic,
    WebhookPage,
    WebhookSecret,
    WebhookView,
)

from gateway.backend import Backend
from gateway.idempotency import repeatable, thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit


class WebhookIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`url`: https, by a public name."""

    url: Annotated[str, msgspec.Meta(min_length=8, max_length=500)]
    topics: Annotated[tuple[Topic, ...], msgspec.Meta(min_length=1, max_length=3)]


@get("/", **about("本单位的接口推送", "45.3"))
async def webhooks(
    backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 50
) -> WebhookPage:
    return await backend.ask(ListWebhooks(actor=actor, cursor=cursor, limit=limit), WebhookPage)


@post("/", **about("登记接口推送（签名密钥只显示一次）", "45.3", problems=(415,)))
async def create(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[WebhookIn]
) -> Response[WebhookSecret]:
    command = CreateWebhook(
        command_id=command_id,
        actor=actor,
        webhook_id=thing_id(actor, "webhook", command_id),
        url=data.url,
        topics=data.topics,
    )
    return Response(await backend.ask(command, WebhookSecret), status_code=201)


@post("/{webhook_id:str}/secret", status_code=200, **about("更换签名密钥（旧的立即失效，新的只显示一次）", "45.3"))
async def rotate(backend: Given[Backend], actor: Given[Actor], webhook_id: Id, command_id: Given[str]) -> WebhookSecret:
    command = RotateWebhookSecret(command_id=command_id, actor=actor, webhook_id=webhook_id)
    return await backend.ask(command, WebhookSecret)


@delete("/{webhook_id:str}", status_code=200, **about("停止接口推送", "45.3"))
async def end(backend: Given[Backend], actor: Given[Actor], webhook_id: Id) -> WebhookView:
    command_id = repeatable(actor, "end_webhook", webhook_id)
    return await backend.ask(EndWebhook(command_id=command_id, actor=actor, webhook_id=webhook_id), WebhookView)


@get(
    "/",
    **about(
        "消息发送记录：发给本人的；账号管理员和接口用户还可看本单位接口推送的；`to=guardians`：本校发给监护人的短信（号码部分隐去）",
        "10.2", "34.1", "45.3",
    ),
)  # fmt: skip
async def deliveries(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    to: Annotated[
        Literal["account", "guardians"],
        QueryParameter(description="account：本人（和接口推送）的；guardians：发给监护人的"),
    ] = "account",
    in_state: Annotated[DeliveryState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> DeliveryPage:
    if to == "guardians":
        guardians = ListGuardianDeliveries(actor=actor, state=in_state, cursor=cursor, limit=limit)
        return await backend.ask(guardians, DeliveryPage)
    query = ListDeliveries(actor=actor, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, DeliveryPage)


router = Router(
    "/v1",
    route_handlers=[
        Router("/webhooks", route_handlers=[webhooks, create, rotate, end]),
        Router("/deliveries", route_handlers=[deliveries]),
    ],
    tags=["delivery"],
)
