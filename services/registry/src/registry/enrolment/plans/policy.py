"""May an authority set this plan for a school? Pure rules in the order of the articles (clauses 2, 4, 11, 24.2.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from regulation.findings import decide as together
from regulation.findings import passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import Stage
from shared_contracts.decisions import Decision, Finding

from registry.organisations.facts import SchoolFacts


class PlanFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A school and what is to be planned for it. `school_year`, `this_year`: the years that the plan is for and that
    registrations of today are for.

    `taken`: places of this plan that somebody has. `staying`: pupils who are in the school in that year and do not enter
    in it (all that are not graduating). `present`: pupils today. `other_places`: planned for the school's other stage.
    """

    school: SchoolFacts
    stage: Stage
    school_year: int
    this_year: int
    classes: int
    places: int
    taken: int
    staying: int
    present: int
    other_places: int
    parameters: Parameters

    @property
    def total(self) -> int:
        """Pupils of the school once the plan is filled."""
        return self.staying + self.places + self.other_places


def decide(facts: PlanFacts) -> Decision:
    """All findings, passes too, in article order."""
    return together(*(rule(facts) for rule in RULES), policy_version=facts.parameters.version)


@clause("2")
def school_carries_stage(f: PlanFacts) -> Finding:
    facts: dict[str, Any] = {"stages": f.school.stages, "stage": f.stage}
    if f.stage not in f.school.stages:
        carried = "、".join(stage.zh for stage in f.school.stages)
        cure = "核对学校和学段；办学学段有变更的，先变更学校信息"
        message = f"{f.school.name}的学段为{carried}，不设{f.stage.zh}"
        return refuse("2", "plan.stage_not_carried", message, cure=cure, fields=("stage",), **facts)
    return passed("2", "plan.stage_carried", f"学校设有{f.stage.zh}", **facts)


@clause("4.1")
def for_this_or_the_next_year(f: PlanFacts) -> Finding:
    allowed = (f.this_year, f.this_year + 1)
    facts: dict[str, Any] = {"school_year": f.school_year, "allowed": allowed}
    if f.school_year not in allowed:
        message = f"{f.school_year}年秋季招生计划不能在现在下达"
        cure = f"只下达{allowed[0]}年或{allowed[1]}年秋季的招生计划"
        return refuse("4.1", "plan.wrong_year", message, cure=cure, fields=("school_year",), **facts)
    return passed("4.1", "plan.right_year", f"{f.school_year}年秋季招生", **facts)


@clause("4.2", "11")
def no_class_above_standard(f: PlanFacts) -> Finding:
    """Places that fill the classes to the standard size at most: no new over-size class."""
    size = f.parameters.class_size(f.stage)
    most = f.classes * size
    facts: dict[str, Any] = {"classes": f.classes, "places": f.places, "class_size": size, "most": most}
    if f.places > most:
        message = f"{f.classes}个班按{f.stage.zh}标准班额{size}人最多{most}个学位，计划了{f.places}个，将新增超标准班额"
        cure = f"学位不超过{most}个，或增加班数到{-(-f.places // size)}个"
        return refuse("4.2", "plan.over_size_classes", message, cure=cure, fields=("places", "classes"), **facts)
    return passed("4.2", "plan.classes_fit", f"{f.classes}个班，每班不超过{size}人", **facts)


@clause("4.2", "24.2.1")
def no_new_large_school(f: PlanFacts) -> Finding:
    """Under the limit when the plan is filled; a school that is above already may not grow."""
    limit = large_school_limit(f.school, f.parameters)
    facts: dict[str, Any] = {
        "present": f.present,
        "staying": f.staying,
        "places": f.places,
        "other_places": f.other_places,
        "total": f.total,
        "limit": limit,
    }
    most = max(limit, f.present)
    if f.total > most:
        room = max(0, most - f.staying - f.other_places)
        seen = f"计划招满后在校生{f.total}人（留校{f.staying}人，新生{f.places + f.other_places}人）"
        if f.present > limit:
            message = f"{seen}；学校现有{f.present}人，已超过大校额{limit}人，不得再增加"
        else:
            message = f"{seen}，超过大校额{limit}人"
        cure = f"本学段学位不超过{room}个"
        return refuse("4.2", "plan.large_school", message, cure=cure, fields=("places",), **facts)
    return passed("4.2", "plan.not_large", f"计划招满后在校生{f.total}人，大校额为{limit}人", **facts)


@clause("4.3")
def not_below_taken(f: PlanFacts) -> Finding:
    """A place that somebody has is not taken away by a plan."""
    facts: dict[str, Any] = {"places": f.places, "taken": f.taken}
    if f.places < f.taken:
        message = f"已有{f.taken}人占用学位，计划不能减少到{f.places}个"
        cure = f"学位不少于{f.taken}个；确须减少的，先撤回未办结的建籍或录取"
        return refuse("4.3", "plan.below_taken", message, cure=cure, fields=("places",), **facts)
    return passed("4.3", "plan.covers_taken", f"已占用{f.taken}个学位", **facts)


RULES: tuple[Callable[[PlanFacts], Finding], ...] = (
    school_carries_stage,  # 2
    for_this_or_the_next_year,  # 4.1
    no_class_above_standard,  # 4.2
    no_new_large_school,  # 4.2, 24.2.1
    not_below_taken,  # 4.3
)


@clause("24.2.1")
def large_school_limit(school: SchoolFacts, parameters: Parameters) -> int:
    """大校额: of a school of one stage, or of one of nine or twelve years."""
    combined = len(school.stages) > 1
    return parameters.large_school_combined if combined else parameters.large_school_single
