"""The ratio of the year: the school proposes, its authority decides; whatever was decided stays on record (24.5.3)."""

from __future__ import annotations

from datetime import datetime

from regulation.authorisation import Target, check
from regulation.mark import clause, enforced
from regulation.school_year import SchoolSystem, Stage, grades_of
from service_kit import listing, organisations, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.private_places import (
    DecideRatio,
    GetPrivatePlaces,
    GetRatio,
    GradePlaces,
    ListRatios,
    PrivatePlaces,
    ProposeRatio,
    RatioPage,
    RatioView,
)

from transfer.context import TransferWork
from transfer.private_places import asking, policy, store, telling, views

enforced("24.5.3", by="private_ratios_within_bounds", at="../migrations/versions/0002_private_places.py")
enforced("24.5.3", by="private_ratios_two_persons", at="../migrations/versions/0002_private_places.py")

MISSING = "没有这项可转入比例，或者不属于您管理的范围。"
NO_SCHOOL = "没有这所学校，或者不属于您管理的范围。"


@clause("24.5.3")
async def propose_ratio(work: TransferWork, command: ProposeRatio) -> RatioView | Refused:
    """For the actor's own school. What is in force goes on holding until another one is approved."""
    actor = command.actor
    if no := check(actor, word(command), Target(school=actor.organisation)):
        return no
    if command.numerator < 0 or command.denominator < 1:
        return refused("invalid", "可转入比例的分子应为正整数，分母应为正整数。")
    if not command.reason.isprintable():
        return refused("invalid", "说明中有不可见的字符，请不要换行。")
    facts = await asking.facts(work, actor.organisation)
    if isinstance(facts, Refused):
        return facts
    school, stage = facts.to, Stage(command.stage)
    if school is None:
        return refused("not_found", NO_SCHOOL)
    this_year = policy.year_of(work.today)
    against = policy.may_propose(school, stage, command.numerator, command.denominator, command.school_year, this_year)
    if against:
        return refused("refused", "".join(f"{one.message}。{one.cure}。" for one in against), *against)
    put = await store.put_ratio(
        work.tx,
        {
            "id": command.ratio_id,
            "school": school.code,
            "school_year": command.school_year,
            "stage": stage,
            "years": policy.years(stage, school.system),
            "numerator": command.numerator,
            "denominator": command.denominator,
            "state": "proposed",
            "reason": command.reason.strip(),
            "account": actor.account,
            "proposed_by": actor.name,
            "proposed_at": work.now,
            "version": 1,
        },
    )
    if not put:
        there = await store.ratio(work.tx, command.ratio_id)
        if there is None or there["account"] != actor.account:
            detail = f"本校{command.school_year}学年{stage.zh}的可转入比例已经申报，正在等待审批。"
            return refused("conflict", detail)
    return await _told(work, command.ratio_id)


@clause("24.5.3")
async def decide_ratio(work: TransferWork, command: DecideRatio) -> RatioView | Refused:
    found = await store.ratio(work.tx, command.ratio_id, lock=True)
    row = asking.allowed(command, found, MISSING, of_state=True)
    if isinstance(row, Refused):
        return row
    if command.version is not None and command.version != row["version"]:
        return refused("conflict", f"内容已被更改（版本{row['version']}）。请刷新后再办理。")
    if same := policy.another_person_decides(row["account"], command.actor.account):
        return refused("refused", f"{same.message}。请{same.cure}。", same)
    reason = command.reason.strip()
    if (command.decision == "reject" and not reason) or not reason.isprintable():
        return refused("invalid", "请填写不批准的理由，不要换行。")
    await store.decide_ratio(
        work.tx,
        row["id"],
        {
            "state": "approved" if command.decision == "approve" else "rejected",
            "decided_account": command.actor.account,
            "decided_by": command.actor.name,
            "decided_at": work.now,
            "decision_reason": reason or None,
        },
    )
    return await _told(work, row["id"])


@clause("24.5.3")
async def get_ratio(work: TransferWork, query: GetRatio) -> RatioView | Refused:
    row = asking.allowed(query, await store.ratio(work.tx, query.ratio_id), MISSING)
    return row if isinstance(row, Refused) else views.ratio_view(row)


@clause("24.5.3")
async def list_ratios(work: TransferWork, query: ListRatios) -> RatioPage | Refused:
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    rows = await store.ratio_page(
        work.tx,
        asked.reach,
        school=query.school,
        school_year=query.school_year,
        state=query.state,
        after=asked.after,
        limit=asked.rows,
    )
    kept, cursor = paging.page(rows, asked.limit, lambda row: (_text(row["proposed_at"]), row["id"]))
    return RatioPage(items=tuple(views.ratio_view(row) for row in kept), next_cursor=cursor)


@clause("24.5.3", "24.3.1")
async def get_private_places(work: TransferWork, query: GetPrivatePlaces) -> PrivatePlaces | Refused:
    """What is free in each grade and how much of it transfers may still take, as it stands now."""
    if no := asking.school_known(query, await organisations.find(work.tx, query.school), NO_SCHOOL):
        return no
    facts = await asking.facts(work, query.school)
    if isinstance(facts, Refused):
        return facts
    school = facts.to
    if school is None:
        return refused("not_found", NO_SCHOOL)
    year = policy.year_of(work.today)
    if school.ownership != "private":
        because = f"{school.name}是公办学校，按标准校额、班额内的空余学位接收转学，没有可转入比例"
        return PrivatePlaces(school=school.code, school_name=school.name, school_year=year, grades=(), because=because)
    rounds = await store.running(work.tx, school.code)
    found, because = [], ""
    for stage in (Stage(one) for one in school.stages):
        for grade in grades_of(stage, SchoolSystem(school.system)):
            facts = await asking.facts(work, school.code, grade)
            if isinstance(facts, Refused):
                return facts
            intake = await store.intake(work.tx, school.code, stage, grade, year)
            free, transferable = policy.places_of(facts.room, intake.taken, intake.ratio)
            if against := policy.nobody_in(None, intake.ratio, school.name, year):
                because = f"{against.message}。{against.cure}。"
            running = rounds.get(grade)
            found.append(
                GradePlaces(
                    grade=grade,
                    stage=stage.value,
                    plan=facts.room.plan_places if facts.room else None,
                    pupils=facts.room.pupils if facts.room else 0,
                    held=facts.room.held if facts.room else 0,
                    free=free,
                    taken=intake.taken,
                    ratio=None if intake.ratio is None else str(intake.ratio),
                    transferable=transferable,
                    round=running["number"] if running else None,
                    round_id=running["id"] if running else None,
                )
            )
    return PrivatePlaces(
        school=school.code, school_name=school.name, school_year=year, grades=tuple(found), because=because
    )


async def _told(work: TransferWork, ratio_id: str) -> RatioView | Refused:
    """As it stands now, which the authority's work queue hears of too."""
    row = await store.ratio(work.tx, ratio_id)
    if row is None:
        return refused("not_found", MISSING)
    await telling.ratio_stands(work, row)
    return views.ratio_view(row)


def _text(moment: datetime) -> str:
    return moment.isoformat()


COMMANDS: dict[type[Command], CommandHandler] = {ProposeRatio: propose_ratio, DecideRatio: decide_ratio}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRatio: get_ratio,
    ListRatios: list_ratios,
    GetPrivatePlaces: get_private_places,
}
