"""Schools and classes as of a day (clause 44): which classes there were, and who was in them."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from litestar import Router, get
from litestar.di import NamedDependency as Given
from litestar.params import PathParameter, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.records import ClassRollAsOf, GetClassAsOf, GetSchoolAsOf, SchoolAsOf

from gateway.backend import Backend
from gateway.openapi import about
from gateway.routes.params import Id

SchoolCode = Annotated[str, PathParameter(pattern=r"^\d{10}$", description="学校标识码（10 位）")]
Day = Annotated[date, QueryParameter(name="as_of", description="这一天的情况，不晚于今天")]


@get("/schools/{code:str}/classes", **about("某一天学校有哪些班级、各多少学生", "21.1", "44"))
async def school_on(backend: Given[Backend], actor: Given[Actor], code: SchoolCode, on: Day) -> SchoolAsOf:
    return await backend.ask(GetSchoolAsOf(actor=actor, school=code, as_of=on), SchoolAsOf)


@get("/classes/{class_id:str}/students", **about("某一天班级里有哪些学生（当日的姓名、学籍号和状态）", "21.1", "44"))
async def class_on(backend: Given[Backend], actor: Given[Actor], class_id: Id, on: Day) -> ClassRollAsOf:
    return await backend.ask(GetClassAsOf(actor=actor, class_id=class_id, as_of=on), ClassRollAsOf)


router = Router("/v1", route_handlers=[school_on, class_on], tags=["students"])
