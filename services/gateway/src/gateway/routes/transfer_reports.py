"""What the cities report of their transfers (24.6.5), and where steps are overdue (24.6.4)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.files import Template
from shared_contracts.transfer_reports import (
    By,
    Figures,
    GetCountyReport,
    GetCountyReportWorkbook,
    GetLateTable,
    GetReport,
    GetReportWorkbook,
    LateCases,
    LateTable,
    ListLateCases,
    ListReports,
    ReportList,
    ReportView,
    SubmitReport,
    Term,
)

from gateway.answers import download
from gateway.backend import BULK, Backend
from gateway.openapi import about
from gateway.routes.params import Cursor, Limit

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
County = Annotated[str, PathParameter(pattern=r"^\d{6}$", description="县（市、区）代码，6 位")]
City = Annotated[str, PathParameter(pattern=r"^\d{6}$", description="市（地）代码，6 位")]
Year = Annotated[str, PathParameter(pattern=r"^20[2-9]\d$", description="报送的年份")]
InTerm = Annotated[Term, PathParameter(description="spring 春季学期（3月30日前），autumn 秋季学期（9月30日前）")]


Count = Annotated[int, msgspec.Meta(ge=0, le=10_000_000)]
Since = Annotated[date | None, QueryParameter(description="统计逾期办理的开始日期，不给则为最近半年")]
Within = Annotated[str | None, QueryParameter(pattern=r"^\d{6}$", description="只看这个教育行政部门所辖的（6 位代码）")]


class Seen(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    transfers_in: Count
    transfers_out: Count
    within: Count
    from_outside: Count
    to_outside: Count
    overridden: Count
    late: Count


class Filed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`seen`: the totals that were looked at; where they are others by now, nothing is filed (409)."""

    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    seen: Seen | None = None


@get("/", **about("各市（地）转学情况报送", "24.6.5"))
async def reports(
    backend: Given[Backend],
    actor: Given[Actor],
    year: Annotated[int | None, QueryParameter(ge=2020, le=2099, description="报送的年份，不给则为即将报送的")] = None,
    term: Annotated[Term | None, QueryParameter(description="spring 春季学期，autumn 秋季学期")] = None,
) -> ReportList:
    return await backend.ask(ListReports(actor=actor, year=year, term=term), ReportList)


@get("/late-steps", **about("转学环节逾期情况，逾期多的在前", "24.6.4"))
async def late_steps(
    backend: Given[Backend],
    actor: Given[Actor],
    since: Since = None,
    within: Within = None,
    by: Annotated[
        By, QueryParameter(description="city 按市（地），county 按主管部门，organisation 按单位")
    ] = "organisation",
) -> LateTable:
    return await backend.ask(GetLateTable(actor=actor, since=since, within=within, by=by), LateTable)


@get("/late-steps/{late_organisation:str}", **about("一个单位逾期的转学环节", "24.6.4"))
async def late_cases(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    late_organisation: Annotated[str, PathParameter(pattern=r"^\d{6}(\d{4})?$", description="学校或教育行政部门代码")],
    since: Since = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> LateCases:
    query = ListLateCases(actor=actor, organisation=late_organisation, since=since, cursor=cursor, limit=limit)
    return await backend.ask(query, LateCases)


@get("/counties/{county:str}/{report_year:str}/{term:str}", **about("一个县（市、区）一个学期的转学情况", "24.6.5"))
async def county_report(
    backend: Given[Backend], actor: Given[Actor], county: County, report_year: Year, term: InTerm
) -> ReportView:
    query = GetCountyReport(actor=actor, county=county, year=int(report_year), term=term)
    return await backend.ask(query, ReportView, timeout=BULK)


@get(
    "/counties/{county:str}/{report_year:str}/{term:str}/workbook",
    **about("一个县（市、区）的转学情况汇总表（Excel）", "24.6.5", produces=XLSX),
)
async def county_workbook(
    backend: Given[Backend], actor: Given[Actor], county: County, report_year: Year, term: InTerm
) -> Response[bytes]:
    query = GetCountyReportWorkbook(actor=actor, county=county, year=int(report_year), term=term)
    return _file(await backend.ask(query, Template, timeout=BULK))


@get("/{city:str}/{report_year:str}/{term:str}", **about("一个市（地）一个学期的转学情况", "24.6.5"))
async def report(
    backend: Given[Backend], actor: Given[Actor], city: City, report_year: Year, term: InTerm
) -> ReportView:
    return await backend.ask(
        GetReport(actor=actor, city=city, year=int(report_year), term=term), ReportView, timeout=BULK
    )


@get(
    "/{city:str}/{report_year:str}/{term:str}/workbook",
    **about("转学情况汇总表（Excel）", "24.6.5", produces=XLSX),
)
async def workbook(
    backend: Given[Backend], actor: Given[Actor], city: City, report_year: Year, term: InTerm
) -> Response[bytes]:
    query = GetReportWorkbook(actor=actor, city=city, year=int(report_year), term=term)
    return _file(await backend.ask(query, Template, timeout=BULK))


def _file(made: Template) -> Response[bytes]:
    return download(made)


@post(
    "/{city:str}/{report_year:str}/{term:str}/submission",
    status_code=200,
    **about("报送转学情况（报省教育厅备案），之后不能更改", "24.6.5", problems=(415,)),
)
async def submit(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    command_id: Given[str],
    city: City,
    report_year: Year,
    term: InTerm,
    data: JSONBody[Filed],
) -> ReportView:
    command = SubmitReport(
        command_id=command_id,
        actor=actor,
        city=city,
        year=int(report_year),
        term=term,
        note=data.note,
        seen=None if data.seen is None else Figures(**msgspec.structs.asdict(data.seen)),
    )
    return await backend.ask(command, ReportView, timeout=BULK)


router = Router(
    "/v1/transfer-reports",
    route_handlers=[reports, late_steps, late_cases, county_report, county_workbook, report, workbook, submit],
    tags=["transfers"],
)
