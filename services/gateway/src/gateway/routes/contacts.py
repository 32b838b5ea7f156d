"""The own contacts: by which way notices come, and which (clause 45.3)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter
from shared_contracts.actors import Actor
from shared_contracts.delivery import (
    ChooseTopics,
    ConfirmContact,
    Contacts,
    GetContacts,
    RemoveContact,
    SetContact,
    Topic,
)
from shared_contracts.discreet import Discreet
from shared_contracts.messages import Ok

from gateway.backend import Backend
from gateway.idempotency import repeatable
from gateway.openapi import about

Personal = Literal["email", "sms"]
ChannelIn = Annotated[Personal, PathParameter(description="渠道：email 电子邮件，sms 短信")]


class ContactIn(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    channel: Personal
    address: Annotated[str, msgspec.Meta(min_length=1, max_length=254)]


class CodeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{6}$")]


class TopicsIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topics: Annotated[tuple[Topic, ...], msgspec.Meta(max_length=3)]


@get("/", **about("本人的联系方式与接收的消息", "45.3"))
async def contacts(backend: Given[Backend], actor: Given[Actor]) -> Contacts:
    return await backend.ask(GetContacts(actor=actor), Contacts)


@post("/", status_code=200, **about("登记本人的联系方式：发送验证码，验证后才会使用", "45.3", problems=(415,)))
async def set_contact(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[ContactIn]
) -> Contacts:
    command = SetContact(command_id=command_id, actor=actor, channel=data.channel, address=data.address)
    return await backend.ask(command, Contacts)


@post("/{channel:str}/confirmation", status_code=200, **about("填写验证码", "45.3", problems=(415,)))
async def confirm(
    backend: Given[Backend], actor: Given[Actor], channel: ChannelIn, command_id: Given[str], data: JSONBody[CodeIn]
) -> Contacts:
    command = ConfirmContact(command_id=command_id, actor=actor, channel=channel, code=data.code)
    return await backend.ask(command, Contacts)


@post(
    "/{channel:str}/topics",
    status_code=200,
    **about("选择接收哪些消息；都不选即关闭", "45.3", problems=(415,)),
)
async def choose(
    backend: Given[Backend], actor: Given[Actor], channel: ChannelIn, command_id: Given[str], data: JSONBody[TopicsIn]
) -> Contacts:
    command = ChooseTopics(command_id=command_id, actor=actor, channel=channel, topics=data.topics)
    return await backend.ask(command, Contacts)


@delete("/{channel:str}", status_code=204, **about("删除联系方式", "45.3"))
async def remove(backend: Given[Backend], actor: Given[Actor], channel: ChannelIn) -> None:
    command_id = repeatable(actor, "remove_contact", channel)
    await backend.ask(RemoveContact(command_id=command_id, actor=actor, channel=channel), Ok)


router = Router("/v1/contacts", route_handlers=[contacts, set_contact, confirm, choose, remove], tags=["delivery"])
