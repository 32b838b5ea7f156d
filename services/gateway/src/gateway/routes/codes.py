"""The code tables of the national form and the divisions, for whoever shows or fills in a form."""

from __future__ import annotations

import msgspec
from litestar import Response, Router, get
from regulation.codetables import TABLES
from regulation.divisions import DIVISIONS, full_name

from gateway.openapi import about


class Code(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`offered`: stands in drop-downs; others are read too. `barred`: the clause that forbids it."""

    code: str
    name: str
    offered: bool = True
    barred: str | None = None


class CodeTableView(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    title: str
    standard: str
    entries: tuple[Code, ...]


class Division(msgspec.Struct, frozen=True, kw_only=True):
    """`name` in full: 黑龙江省哈尔滨市道里区."""

    code: str
    name: str


class CodeTables(msgspec.Struct, frozen=True, kw_only=True):
    tables: tuple[CodeTableView, ...]
    divisions: tuple[Division, ...]


ALL = CodeTables(
    tables=tuple(
        CodeTableView(
            key=table.key,
            title=table.title,
            standard=table.standard,
            entries=tuple(Code(code=e.code, name=e.name, offered=e.offered, barred=e.barred) for e in table.entries),
        )
        for table in TABLES.values()
    ),
    divisions=tuple(Division(code=code, name=full_name(code)) for code in DIVISIONS),
)


@get("/", **about("学生基本信息表的代码表与行政区划", "14"))
async def code_tables() -> Response[CodeTables]:
    return Response(ALL, headers={"Cache-Control": "private, max-age=3600"})


router = Router("/v1/code-tables", route_handlers=[code_tables], tags=["code-tables"])
