"""Plans from a workbook: the sheet to fill in, and what a filled one would do (clause 4.2)."""

from __future__ import annotations

from regulation.authorisation import Target, check
from regulation.mark import clause
from shared_contracts.decisions import Refused
from shared_contracts.files import Template
from shared_contracts.messages import word
from shared_contracts.plans import GetPlanTemplate, PlanResult, PlansChecked, ReadPlans

from registry.context import RegistryWork
from registry.enrolment.plans import setting, sheet, store
from registry.organisations import store as organisations
from registry.rosters import uploaded

CURE = "请把数据复制到下载的招生计划表后重新上传。"


@clause("4.2")
async def read_plans(work: RegistryWork, query: ReadPlans) -> PlansChecked | Refused:
    """Row by row what it would do; nothing is set. What was shown is then set as a list (`SetPlans`)."""
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    rows = await uploaded.rows(work, "plans", query.file, sheet.LIMITS, cure=CURE)
    if isinstance(rows, Refused):
        return rows
    read = sheet.plans(rows, query.school_year)
    given = [(one.row, one.given) for one in read if one.given is not None]
    judged = {one.row: one for one in await setting.judge(work, given, setting.own(query.actor))}
    items = [judged[one.row].result() if one.row in judged else _unreadable(one, query.school_year) for one in read]
    return PlansChecked(items=tuple(items), refused=sum(item.outcome == "refused" for item in items))


async def get_plan_template(work: RegistryWork, query: GetPlanTemplate) -> Template | Refused:
    """The schools that the authority supervises, with their plans of a year."""
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    codes = await organisations.supervised(work.tx, query.actor.organisation)
    schools = await organisations.schools(work.tx, codes)
    ids = {
        store.plan_id(s.code, query.school_year, stage): (s.code, stage.value)
        for s in schools.values()
        for stage in s.stages
    }
    known = await store.read_plans(work.tx, list(ids))
    planned = {ids[plan]: (row["classes"], row["places"]) for plan, row in known.items() if row["state"] == "in_force"}
    content = sheet.template([schools[code] for code in codes], planned, query.school_year)
    name = f"{query.school_year}年秋季{sheet.TITLE}.xlsx"
    return Template(name=name, content=content, media_type=sheet.MEDIA_TYPE)


def _unreadable(one: sheet.Read, school_year: int) -> PlanResult:
    return PlanResult(
        row=one.row,
        school=one.school,
        school_name=one.name,
        school_year=school_year,
        stage=one.stage,
        classes=0,
        places=0,
        outcome="refused",
        findings=one.findings,
    )
