"""A class's list as a workbook: the sheet to fill in, and what stands in a filled one (clause 24.6.1)."""

from __future__ import annotations

from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.work import QueryHandler
from shared_contracts.attendance import MOST_SEATED, AttendanceRead, GetAttendanceTemplate, ReadAttendance
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import Template
from shared_contracts.messages import Query, word

from registry.attendance import sheet
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.rosters import uploaded

CURE = "请把数据复制到下载的就读名单表后重新上传。"
MISSING = "没有这所学校，或者不属于您管理的范围。"


@clause("24.6.1")
async def read_attendance(work: RegistryWork, query: ReadAttendance) -> AttendanceRead | Refused:
    """Row by row; nobody is looked for and nothing is kept. What was read is then compared as a list (`CheckAttendance`)."""
    if no := await _may(work, query):
        return no
    rows = await uploaded.rows(work, "attendance", query.file, sheet.LIMITS, cure=CURE)
    if isinstance(rows, Refused):
        return rows
    lines = sheet.lines(rows)
    if len(lines) > MOST_SEATED:
        return refused("too_large", f"表中的学生超过{MOST_SEATED}名。请一个班一份。")
    return AttendanceRead(rows=lines, refused=sum(one.seated is None for one in lines))


async def attendance_template(work: RegistryWork, query: GetAttendanceTemplate) -> Template | Refused:
    if no := await _may(work, query):
        return no
    return Template(name=f"{sheet.TITLE}.xlsx", content=sheet.template(), media_type=sheet.MEDIA_TYPE)


async def _may(work: RegistryWork, query: ReadAttendance | GetAttendanceTemplate) -> Refused | None:
    school = await organisations.school(work.tx, query.school)
    target = Target() if school is None else Target(school=school.code, authority=school.authority)
    if no := check(query.actor, word(query), target, missing=MISSING):
        return no
    return refused("not_found", MISSING) if school is None else None


QUERIES: dict[type[Query], QueryHandler] = {
    ReadAttendance: read_attendance,
    GetAttendanceTemplate: attendance_template,
}
