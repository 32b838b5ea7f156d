"""Work queues (待办): what the account has to do now (clauses 13.2, 24.6.4)."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.worklist import CountWork, ListWork, Queue, WorkCounts, WorkPage

from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit

Kind = Annotated[str | None, QueryParameter(description="只看这类业务", pattern=r"^[a-z_]{1,40}$")]
Days = Annotated[int | None, QueryParameter(description="多少个工作日内到期（含已逾期）", ge=0, le=250)]
Text = Annotated[str, QueryParameter(description="编号或事项中的文字；不得写姓名和证件号", max_length=60)]


@get("/", **about("待办事项，按办理期限排列；各队列互不重复", "13.2", "24.6.4"))
async def worklist(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    queue: Annotated[Queue | None, QueryParameter(description="只看这个队列")] = None,
    kind: Kind = None,
    due_within: Days = None,
    text: Text = "",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> WorkPage:
    query = ListWork(actor=actor, queue=queue, kind=kind, due_within=due_within, text=text, cursor=cursor, limit=limit)
    return await backend.ask(query, WorkPage)


@get("/counts", **about("各队列、各类业务的待办数", "13.2", "24.6.4"))
async def counts(backend: Given[Backend], actor: Given[Actor]) -> WorkCounts:
    return await backend.ask(CountWork(actor=actor), WorkCounts)


router = Router("/v1/worklist", route_handlers=[worklist, counts], tags=["worklist"])
