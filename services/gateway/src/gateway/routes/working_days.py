"""The statutory calendar (法定工作日历): a year's holidays, published by the province; what a notice would move (24.6.4)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.working_days import (
    GetWorkingDays,
    ListNotices,
    NoticePage,
    NoticeSimulation,
    NoticeVersion,
    PublishWorkingDays,
    SimulateWorkingDays,
    WorkingDaysView,
    YearDays,
)

from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit

YearIn = Annotated[int, msgspec.Meta(ge=2004, le=2099, description="年份")]
Days = Annotated[tuple[date, ...], msgspec.Meta(max_length=120)]
Year = Annotated[int | None, QueryParameter(ge=2004, le=2099, description="年份；不给则为今年（沿革则为全部）")]


class Proposed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A year's notice, whole. `holidays`: all days off that it names, Saturdays and Sundays among them; `worked`: Saturdays
    and Sundays that are worked in exchange (调休上班)."""

    year: YearIn
    holidays: Annotated[tuple[date, ...], msgspec.Meta(min_length=1, max_length=120)]
    worked: Days = ()

    @property
    def days(self) -> YearDays:
        return YearDays(year=self.year, holidays=self.holidays, worked=self.worked)


class NewNotice(Proposed, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`notice`: the number of the State Council's notice, `title`: what it is called. `replaces`: the version of the year
    that this one corrects, from `GET /v1/policy/working-days`; none for a year's first."""

    notice: Annotated[str, msgspec.Meta(min_length=1, max_length=60, examples=["国办发明电〔2025〕7号"])]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    replaces: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None


@get("/", **about("某年的法定工作日：放假和调休上班的日期、依据的通知；尚未发布的年份只按周六、周日计算", "24.6.4"))
async def working_days(backend: Given[Backend], actor: Given[Actor], year: Year = None) -> WorkingDaysView:
    return await backend.ask(GetWorkingDays(actor=actor, year=year), WorkingDaysView)


@get("/notices", **about("节假日安排沿革：历次发布和更正，永久保存", "24.6.4"))
async def notices(
    backend: Given[Backend], actor: Given[Actor], year: Year = None, cursor: Cursor = None, limit: Limit = 50
) -> NoticePage:
    return await backend.ask(ListNotices(actor=actor, year=year, cursor=cursor, limit=limit), NoticePage)


@post("/notices", **about("省级教育行政部门发布一年的节假日安排，或发布更正；各项未办结的期限随之重新计算", "24.6.4"))
async def publish(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewNotice]
) -> NoticeVersion:
    command = PublishWorkingDays(
        command_id=command_id,
        actor=actor,
        notice_id=thing_id(actor, "working days", command_id),
        days=data.days,
        notice=data.notice,
        title=data.title,
        replaces=data.replaces,
    )
    return await backend.ask(command, NoticeVersion)


@post(
    "/simulations",
    status_code=200,
    **about("测算：发布前看哪些未办结的期限会从哪天改到哪天，按业务和主管部门列出，什么都不改变", "24.6.4"),
)
async def simulate(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Proposed]
) -> NoticeSimulation:
    return await backend.ask(SimulateWorkingDays(actor=actor, days=data.days), NoticeSimulation, timeout=BULK)


router = Router("/v1/policy/working-days", route_handlers=[working_days, notices, publish, simulate], tags=["policy"])
