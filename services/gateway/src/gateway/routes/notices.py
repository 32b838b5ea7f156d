"""Notices to the actor's organisation and roles."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.messages import Ok
from shared_contracts.notifications import ListNotices, MarkRead, NoticePage

from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit

NoticeId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]


class Read(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    notice_ids: Annotated[tuple[NoticeId, ...], msgspec.Meta(min_length=1, max_length=500)]


@get("/", **about("消息，新的在前", "13.2", "15.1"))
async def notices(
    backend: Given[Backend],
    actor: Given[Actor],
    unread: Annotated[bool, QueryParameter(description="只看未读的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> NoticePage:
    return await backend.ask(ListNotices(actor=actor, unread_only=unread, cursor=cursor, limit=limit), NoticePage)


@post("/read", status_code=204, **about("标为已读", problems=(415,)))
async def mark_read(backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Read]) -> None:
    await backend.ask(MarkRead(command_id=command_id, actor=actor, notice_ids=data.notice_ids), Ok)


router = Router("/v1/notices", route_handlers=[notices, mark_read], tags=["notices"])
