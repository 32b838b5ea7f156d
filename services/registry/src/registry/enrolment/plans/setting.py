"""Setting plans: judged all together, in force and filed in one transaction, or none of them (clauses 4.2, 4.3).

Issuing and filing (备案) are one act: no plan is in force that the authority above has not before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import msgspec
from regulation.authorisation import Target, check, may
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_year import Stage, grades_of
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.messages import word
from shared_contracts.plans import PlanGiven, PlanResult, PlansChecked, PlansSet, PrecheckPlans, SetPlans

from registry.context import RegistryWork
from registry.enrolment.plans import policy, store, telling
from registry.enrolment.plans.policy import PlanFacts
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration.policy import registration_year

MOST = 1_000
"""Plans of one act at most: a city's schools with both stages."""
SET = word(SetPlans)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What setting one plan would do. `school`: None where it is not within reach. `known`: the plan as it is."""

    row: int
    given: PlanGiven
    school: SchoolFacts | None
    known: Any
    findings: tuple[Finding, ...]
    change_id: str | None = None

    @property
    def refused(self) -> bool:
        return any(finding.outcome is Outcome.REFUSE for finding in self.findings)

    @property
    def outcome(self) -> str:
        if self.refused:
            return "refused"
        if self.known is None:
            return "created"
        same = (self.known["classes"], self.known["places"]) == (self.given.classes, self.given.places)
        return "unchanged" if same and self.known["state"] == "in_force" else "changed"

    def result(self) -> PlanResult:
        outcome: Any = self.outcome
        return PlanResult(
            row=self.row,
            school=self.given.school,
            school_name=self.school.name if self.school else "",
            school_year=self.given.school_year,
            stage=self.given.stage,
            classes=self.given.classes,
            places=self.given.places,
            outcome=outcome,
            version=self.version,
            reason=self.given.reason,
            findings=tuple(finding for finding in self.findings if finding.outcome is not Outcome.PASS),
        )

    @property
    def version(self) -> int | None:
        known: int | None = self.known["version"] if self.known is not None else None
        return known if self.outcome in ("refused", "unchanged") else (known or 0) + 1


@clause("4.2", "4.3")
async def set_plans(work: RegistryWork, command: SetPlans) -> PlansSet | Refused:
    """All of them, or none."""
    if no := check(command.actor, SET, Target(authority=command.actor.organisation)):
        return no
    if no := _too_many(command.plans):
        return no
    await store.lock(work.tx)
    judged = await judge(work, list(enumerate(command.plans, start=1)), own(command.actor), locked=True)
    if stale := next((one for one in judged if _stale(one)), None):
        name = stale.school.name if stale.school else stale.given.school
        return refused("conflict", f"{name}的招生计划已被更改。请刷新后再办理。")
    if bad := [one for one in judged if one.refused]:
        found = [finding for one in bad for finding in _placed(one, len(judged))]
        first = f"{found[0].message}。{found[0].cure}。"
        detail = first if len(judged) == 1 else f"有{len(bad)}项计划不符合要求，没有下达任何计划。{first}"
        return refused("refused", detail, *found[:100])
    await carry_out(work, command.actor, judged)
    return PlansSet(items=tuple(one.result() for one in judged))


@clause("4.2", "4.3")
async def precheck_plans(work: RegistryWork, query: PrecheckPlans) -> PlansChecked | Refused:
    """The same rules; nothing is set."""
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    if no := _too_many(query.plans):
        return no
    return checked(await judge(work, list(enumerate(query.plans, start=1)), own(query.actor)))


def checked(judged: Sequence[Judged]) -> PlansChecked:
    return PlansChecked(items=tuple(one.result() for one in judged), refused=sum(one.refused for one in judged))


def own(actor: Actor) -> Callable[[SchoolFacts], bool]:
    """The schools that the actor's authority supervises itself."""
    return lambda school: may(actor, SET, Target(authority=school.authority))


async def judge(
    work: RegistryWork,
    given: Sequence[tuple[int, PlanGiven]],
    within_reach: Callable[[SchoolFacts], bool],
    *,
    locked: bool = False,
    change_id: str | None = None,
) -> list[Judged]:
    """Every plan by the rules, with the others of the set in mind. A few statements, whatever their number.

    `locked`: the plans stay as they are until the end of the transaction. `change_id`: what the one plan answers.
    """
    schools = await organisations.schools(work.tx, {one.school for _, one in given})
    ids = {_id(one): one for _, one in given}
    if locked:
        await organisations.share(work.tx, list(schools))
        known = await store.lock_plans(work.tx, list(ids))
    else:
        known = await store.read_plans(work.tx, list(ids))
    taken = await store.taken_of(work.tx, list(known))
    years = sorted({one.school_year for _, one in given})
    systems = {code: school.system for code, school in schools.items()}
    pupils = {year: await store.pupils(work.tx, systems, year) for year in years}
    planned = await store.places_of(work.tx, list(schools), years)
    planned |= {(one.school, one.school_year, one.stage): one.places for _, one in given}
    twice = _twice(given)
    judged = []
    for row, one in given:
        school = schools.get(one.school)
        if school is None or not within_reach(school):
            judged.append(Judged(row=row, given=one, school=None, known=None, findings=(_beyond(one.school),)))
            continue
        facts = PlanFacts(
            school=school,
            stage=Stage(one.stage),
            school_year=one.school_year,
            this_year=registration_year(work.today),
            classes=one.classes,
            places=one.places,
            taken=taken.get(_id(one), 0),
            staying=pupils[one.school_year][one.school].staying,
            present=pupils[one.school_year][one.school].present,
            other_places=planned.get((one.school, one.school_year, other_stage(one.stage)), 0),
            parameters=work.deps.policy.parameters(school.division, work.today),
        )
        found = policy.decide(facts).findings
        found = (*found, twice[row]) if row in twice else found
        found = found if one.reason.isprintable() else (*found, _no_line())
        plan = known.get(_id(one))
        judged.append(Judged(row=row, given=one, school=school, known=plan, findings=found, change_id=change_id))
    return judged


async def carry_out(work: RegistryWork, actor: Actor, judged: Sequence[Judged]) -> None:
    """New versions of what changes, in force and filed; schools and the authority above are told."""
    rows = []
    filed = await _filed_with(work, {one.school.authority for one in judged if one.school is not None})
    for one in judged:
        if one.outcome == "unchanged" or one.school is None:
            continue
        rows.append(
            {
                "id": _id(one.given),
                "school": one.given.school,
                "school_year": one.given.school_year,
                "stage": one.given.stage,
                "grade": grades_of(Stage(one.given.stage), one.school.system)[0],
                "authority": one.school.authority,
                "filed_with": filed[one.school.authority],
                "classes": one.given.classes,
                "places": one.given.places,
                "version": one.version,
                "reason": one.given.reason.strip(),
                "change_id": one.change_id,
            }
        )
    await store.put(work.tx, rows, actor, work.now)
    telling.plans_set(work, rows)


def other_stage(stage: str) -> str:
    return Stage.JUNIOR.value if stage == Stage.PRIMARY else Stage.PRIMARY.value


async def _filed_with(work: RegistryWork, authorities: Collection[str]) -> dict[str, str]:
    """报市级备案: a county's plans go to its city. A city's or the province's own stay there: the clause names nobody."""
    kinds = await organisations.kinds(work.tx)
    found = {}
    for code in authorities:
        above = await organisations.authority_of(work.tx, code) if kinds.get(code) == "county" else None
        found[code] = above or code
    return found


def _placed(one: Judged, count: int) -> list[Finding]:
    """What is refused of one plan; where there are several it says of which."""
    found = [finding for finding in one.findings if finding.outcome is Outcome.REFUSE]
    if count == 1:
        return found
    return [
        msgspec.structs.replace(f, message=f"第{one.row}项：{f.message}", facts=f.facts | {"row": one.row})
        for f in found
    ]


def _id(one: PlanGiven) -> str:
    return store.plan_id(one.school, one.school_year, one.stage)


def _stale(one: Judged) -> bool:
    """Somebody else has set it since the actor looked."""
    if one.given.version is None or one.school is None:
        return False
    return one.given.version != (one.known["version"] if one.known is not None else 0)


def _too_many(plans: Sequence[PlanGiven]) -> Refused | None:
    if not plans:
        return refused("invalid", "没有招生计划。请至少填写一所学校。")
    if len(plans) > MOST:
        return refused("too_large", f"一次最多下达{MOST}项招生计划，请分批办理。")
    return None


def _twice(given: Sequence[tuple[int, PlanGiven]]) -> dict[int, Finding]:
    first: dict[str, int] = {}
    found = {}
    for row, one in given:
        earlier = first.setdefault(_id(one), row)
        if earlier != row:
            message = f"与第{earlier}行是同一所学校、同一学段的计划"
            cure = "同一学校同一学段只保留一行"
            found[row] = refuse("4.2", "plan.twice", message, cure=cure, fields=("school", "stage"), first_row=earlier)
    return found


def _no_line() -> Finding:
    message, cure = "说明中有换行或不可见的字符", "说明写成一行，如文件名称和文号"
    return refuse("4.2", "plan.reason_unreadable", message, cure=cure, fields=("reason",))


def _beyond(school: str) -> Finding:
    return refuse(
        "3.1",
        "plan.out_of_reach",
        f"{school}：没有这所学校，或者它不由本单位主管",
        cure="核对学校标识码；由该校的主管教育行政部门下达",
        fields=("school",),
        school=school,
    )
