"""Rounds of verification: opened, followed, closed (clause 3.4)."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from regulation.authorisation import Target, check, reach
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.ids import derived
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.inspection import (
    CloseRound,
    FindingState,
    GetRound,
    ListRounds,
    OpenRound,
    RoundPage,
    RoundState,
    RoundView,
)
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.inspection import asking, policy, store
from registry.inspection.store import OPEN_STATES
from registry.inspection.tables import inspection_rounds
from registry.organisations.tables import organisations as known
from registry.reach import of_schools

_o, _r = known.c, inspection_rounds.c
NO_ROUND = "没有这次核查，或者它不属于您管理的范围。"


@clause("3.4")
async def open_round(work: RegistryWork, command: OpenRound) -> RoundView | Refused:
    """Each school is checked by the worker; what is found there is answered by the school."""
    actor = command.actor
    if no := check(actor, word(command), Target(authority=actor.organisation)):
        return no
    faults = asking.faults_of(
        policy.text_fault("title", command.title, policy.LONGEST_TITLE, "核查名称"),
        policy.day_fault(command.due_on, work.today),
    )
    if faults:
        return asking.told(faults)
    schools = await _schools_of(work, actor, command.schools)
    if isinstance(schools, Refused):
        return schools
    made = await store.add_round(
        work.tx,
        id=command.round_id,
        authority=actor.organisation,
        title=command.title.strip(),
        due_on=command.due_on,
        opened_at=work.now,
        opened_by=actor.account,
        opened_name=actor.name,
    )
    if not made:
        return refused("conflict", "这个核查编号已被使用。请换一个编号。")
    ids = {code: derived("school-check", command.round_id, code) for code in schools}
    await store.ask_checks(work.tx, ids, round_id=command.round_id, by=actor.account, at=work.now)
    return await _round(work, command.round_id)


async def _schools_of(work: RegistryWork, actor: Actor, wanted: Sequence[str]) -> list[str] | Refused:
    """The schools of a round: those named, all under the authority where none is."""
    reached = reach(actor, "registry.check_school")
    if isinstance(reached, Refused):
        return reached
    condition = of_schools(reached, school=_o.code, authority=_o.authority)
    if wanted:
        condition = sa.and_(condition, _o.code.in_(set(wanted)))
    rows = await store.schools(work.tx, condition, None, policy.MOST_SCHOOLS + 1)
    codes = [row["code"] for row in rows]
    if missing := sorted(set(wanted) - set(codes)):
        return refused("not_found", f"没有这些学校，或者不属于您管理的范围：{'、'.join(missing[:10])}。")
    if not codes:
        return refused("conflict", "所辖范围内没有学校，不能开展核查。")
    if len(codes) > policy.MOST_SCHOOLS:
        return refused("too_large", f"一次核查最多{policy.MOST_SCHOOLS}所学校，请分批开展。")
    return codes


@clause("3.4")
async def close_round(work: RegistryWork, command: CloseRound) -> RoundView | Refused:
    round_ = await store.lock_round(work.tx, command.round_id)
    if round_ is None:
        return refused("not_found", NO_ROUND)
    target = Target(authority=round_["authority"])
    if no := check(command.actor, word(command), target, state=round_["state"], missing=NO_ROUND):
        return no
    if command.version is not None and command.version != round_["version"]:
        return refused("conflict", asking.CHANGED)
    view = await _round(work, command.round_id)
    left = sum(view.findings[state] for state in OPEN_STATES)
    if command.note.strip() and (fault := policy.text_fault("note", command.note, policy.LONGEST_TEXT, "说明")):
        return asking.told((fault,))
    if fault := policy.closing_fault(left, command.note):
        return refused("refused", f"{fault.message}。{fault.cure}。", fault)
    await store.change_round(
        work.tx,
        command.round_id,
        state=RoundState.CLOSED,
        closed_at=work.now,
        closing_note=command.note.strip(),
    )
    return await _round(work, command.round_id)


@clause("3.4")
async def get_round(work: RegistryWork, query: GetRound) -> RoundView | Refused:
    rows = await store.rounds(work.tx, _r.id == query.round_id, None, 1)
    if not rows:
        return refused("not_found", NO_ROUND)
    if no := check(query.actor, word(query), Target(authority=rows[0]["authority"]), missing=NO_ROUND):
        return no
    return _round_view(rows[0])


@clause("3.4")
async def list_rounds(work: RegistryWork, query: ListRounds) -> RoundPage | Refused:
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    condition = of_schools(asked.reach, school=sa.literal(""), authority=_r.authority)
    rows = await store.rounds(work.tx, condition, asked.after, asked.rows)
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["opened_at"].isoformat(), row["id"]))
    return RoundPage(items=tuple(map(_round_view, kept)), next_cursor=cursor)


async def _round(work: RegistryWork, round_id: str) -> RoundView:
    (row,) = await store.rounds(work.tx, _r.id == round_id, None, 1)
    return _round_view(row)


def _round_view(row: RowMapping) -> RoundView:
    return RoundView(
        id=row["id"],
        authority=row["authority"],
        authority_name=row["authority_name"] or row["authority"],
        title=row["title"],
        state=RoundState(row["state"]),
        due_on=row["due_on"],
        opened_at=row["opened_at"],
        opened_by=row["opened_name"],
        schools=row["schools"],
        checked=row["checked"],
        records=row["records"],
        findings={state.value: row[state.value] for state in FindingState},
        version=row["version"],
        closed_at=row["closed_at"],
        closing_note=row["closing_note"],
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenRound: open_round,
    CloseRound: close_round,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRound: get_round,
    ListRounds: list_rounds,
}
