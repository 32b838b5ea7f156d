"""Duplicates when asked (20.1, 39): reported, heard, decided, taken back; and scans."""

from __future__ import annotations

from typing import Any

from regulation.authorisation import MISSING, Target, absent, check
from regulation.mark import clause
from service_kit import paging
from service_kit.ids import derived
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import (
    DecideDuplicate,
    DuplicatePage,
    DuplicateView,
    GetDuplicate,
    Ground,
    ListDuplicates,
    ReportDuplicate,
    StateDuplicate,
    UndoDuplicate,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.clearing import filing, record
from registry.clearing.cancelling import ending
from registry.clearing.cancelling import handlers as cancelling
from registry.clearing.cancelling import policy as ending_policy
from registry.clearing.correcting import store as corrections
from registry.clearing.duplicates import policy, scans, store
from registry.clearing.duplicates.store import Pair
from registry.clearing.duplicates.views import may_see, view, views
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.records import store as records

REPORTED = "人工登记"
Sides = tuple[Record, Record]


@clause("20.1", "3.1")
async def list_duplicates(work: RegistryWork, query: ListDuplicates) -> DuplicatePage | Refused:
    page = filing.asked(query)
    if isinstance(page, Refused):
        return page
    rows = await store.page(
        work.tx,
        state=None if query.state is None else str(query.state),
        decider=query.actor.organisation if query.to_decide else None,
        **page.rows(),
    )
    kept, cursor = paging.page(rows, page.limit, lambda row: (row.found_at.isoformat(), row.id))
    return DuplicatePage(items=tuple(await views(work, query.actor, kept)), next_cursor=cursor)


@clause("20.1", "3.1")
async def get_duplicate(work: RegistryWork, query: GetDuplicate) -> DuplicateView | Refused:
    pair = await store.get(work.tx, query.duplicate_id)
    if pair is None or not may_see(query.actor, await _sides(work, pair)):
        return absent(query.actor, word(query), MISSING)
    return await view(work, query.actor, pair)


@clause("20.1", "39")
async def report_duplicate(work: RegistryWork, command: ReportDuplicate) -> DuplicateView | Refused:
    """What no search finds, people know. The pair is the same whoever reports it, and however often."""
    a, b = sorted(command.record_ids)
    found = await record.read(work.tx, [a, b])
    if len(found) < len({a, b}) or any(check(command.actor, word(command), side.target) for side in found.values()):
        return absent(command.actor, word(command), MISSING)
    if bad := filing.in_order(command.reason, missing="请写明两份学籍可能是同一人的理由。"):
        return bad
    if a == b:
        return refused("invalid", "两份学籍是同一份。请选择两份不同的学籍。")
    sides = found[a], found[b]
    if not all(side.live for side in sides):
        return refused("conflict", "两份学籍中有一份已不是有效学籍，不需要登记。")
    decider = policy.competent(sides[0].authority, sides[1].authority)
    days = work.deps.policy.parameters(decider, work.today).hearing_working_days
    due_on = work.deps.calendar.add_working_days(work.today, days).date
    row: dict[str, Any] = {
        "id": store.pair_id(a, b),
        "a": a,
        "b": b,
        "agreements": (),
        "reasons": (f"{REPORTED}：{command.reason.strip()}",),
        "alike": 0,
        "source": "report",
        "found_at": work.now,
        "due_on": due_on,
        "clock_from": work.today,
        "clock_days": days,
    }
    if await store.put(work.tx, [row]):
        for school in {side.school for side in sides}:
            filing.tell(
                work,
                school,
                [Role.REGISTRAR],
                "duplicate_found",
                "有{count}对疑似重复学籍需要陈述",
                "有人登记了与本校学生可能是同一人的学籍。请核对并在期限内陈述意见、上传证明材料。",
                "/v1/duplicates?state=open",
                due_on=due_on,
            )
    pair = await store.get(work.tx, row["id"])
    assert pair is not None
    return await view(work, command.actor, pair)


@clause("39")
async def state_duplicate(work: RegistryWork, command: StateDuplicate) -> DuplicateView | Refused:
    """听取意见: each school speaks once, with its papers, for its own side."""
    if bad := filing.in_order(command.text, missing="请写明学校核对的情况。"):
        return bad
    pair = await store.lock(work.tx, command.duplicate_id)
    if pair is None or not may_see(command.actor, await _sides(work, pair), word(command)):
        return absent(command.actor, word(command), MISSING)
    if pair.state != "open":
        return refused("conflict", "这一对疑似重复已经处理，不再接受陈述。")
    said = await store.state(
        work.tx,
        {
            "pair_id": pair.id,
            "school": command.actor.organisation,
            "position": command.position,
            "text": command.text.strip(),
            "account": command.actor.account,
            "account_name": command.actor.name,
            "stated_at": work.now,
        },
    )
    if not said:
        return refused("conflict", "本校已经陈述过。需要补充的，请联系主管教育行政部门。")
    to = store.papers(pair.id, command.actor.organisation)
    attached = await evidence.attach(work, command.evidence, to=to, actor=command.actor)
    if isinstance(attached, Refused):
        return attached
    return await view(work, command.actor, pair)


@clause("39", "22", "40")
async def decide_duplicate(work: RegistryWork, command: DecideDuplicate) -> DuplicateView | Refused:
    """佐证, 变更 or 删除. What ends a record takes a second person: the leader decides the cancellation."""
    if bad := filing.in_order(command.reason, missing="请写明处理的依据。"):
        return bad
    pair = await store.lock(work.tx, command.duplicate_id)
    if pair is None:
        return absent(command.actor, word(command), MISSING)
    await records.lock_students(work.tx, [pair.a, pair.b])
    sides = await _sides(work, pair)
    decider = policy.competent(sides[0].authority, sides[1].authority)
    if no := check(command.actor, word(command), Target(authority=decider)):
        return no
    if command.version is not None and command.version != pair.version:
        return filing.changed(pair.version)
    statements = (await store.statements(work.tx, [pair.id])).get(pair.id, [])
    facts = policy.PairFacts(
        sides=(_side(sides[0]), _side(sides[1])),
        state=pair.state,
        spoke=frozenset(row["school"] for row in statements),
        due_on=pair.due_on,
        today=work.today,
        decision=command.decision,
        record_id=command.record_id,
    )
    decision = policy.decide(facts)
    if decision.refused:
        return filing.refusal(decision)
    if command.decision == "cancel":
        against = await _propose(work, command, pair, sides, decider)
        if against is not None:
            return against
    else:
        state = "different" if command.decision == "different" else "correcting"
        record_id = None if command.decision == "different" else command.record_id
        await store.decide(
            work.tx, pair.id, state, command.actor, command.reason.strip(), work.now, record_id=record_id
        )
        if record_id is not None:
            _ask_for_correction(work, next(side for side in sides if side.id == record_id))
    return await _again(work, command.actor, pair.id)


async def _propose(
    work: RegistryWork, command: DecideDuplicate, pair: Pair, sides: Sides, decider: str
) -> Refused | None:
    keep, drop = sides if sides[0].id == command.record_id else (sides[1], sides[0])
    cancellation_id = derived("cancellation", pair.id, pair.version)
    said = [await filing.papers(work.tx, to) for to in await store.statement_papers(work.tx, pair.id)]
    proposed = await cancelling.propose(
        work,
        cancellation_id,
        command.actor,
        drop,
        ending_policy.Kept(id=keep.id, state=keep.state, formal=keep.formal, heard=True),
        authority=decider,
        ground=Ground.DUAL_RECORD,
        reason=command.reason.strip(),
        violated=None,
        papers=command.evidence,
        said=sum(map(len, said)),
        pair_id=pair.id,
    )
    if isinstance(proposed, Refused):
        return proposed
    await store.decide(
        work.tx,
        pair.id,
        "cancelling",
        command.actor,
        command.reason.strip(),
        work.now,
        record_id=keep.id,
        cancellation_id=cancellation_id,
    )
    return None


def _ask_for_correction(work: RegistryWork, side: Record) -> None:
    filing.tell(
        work,
        side.school,
        [Role.REGISTRAR],
        "duplicate_to_correct",
        "有{count}份学籍需要更正关键信息",
        "主管教育行政部门认定本校学籍信息有误造成重复。请上传户口簿等材料，申请关键信息更正。",
        "/v1/duplicates?state=correcting",
    )


@clause("39", "22")
async def undo_duplicate(work: RegistryWork, command: UndoDuplicate) -> DuplicateView | Refused:
    """A decision is taken back by the leader of the same authority: what was merged, while nothing has happened since."""
    if bad := filing.in_order(command.reason, missing="请写明撤销处理的理由。"):
        return bad
    seen = await store.get(work.tx, command.duplicate_id)
    cancellation = None
    if seen is not None and seen.state == "merged" and seen.cancellation_id is not None:
        cancellation = await ending.lock(work, seen.cancellation_id)
    pair = await store.lock(work.tx, command.duplicate_id)
    if pair is None:
        return absent(command.actor, word(command), MISSING)
    sides = await _sides(work, pair)
    decider = policy.competent(sides[0].authority, sides[1].authority)
    if no := check(command.actor, word(command), Target(authority=decider), state=pair.state):
        return no
    if pair.state == "merged":
        if cancellation is None:
            return refused("conflict", "这一对的处理刚刚有变动。请刷新后再办理。")
        begun = await ending.begin_reinstating(work, cancellation, command.actor, command.reason.strip())
        if begun is not None:
            return begun
        return await _again(work, command.actor, pair.id)
    if pair.state == "correcting" and (open_ := await corrections.open_of(work.tx, pair.record_id or "")):
        return refused("conflict", f"更正正在办理（{open_.opened_by}申请）。请先由学校撤回或在审核中否决。")
    await store.reopen(work.tx, pair.id, work.deps.calendar, work.today)
    return await _again(work, command.actor, pair.id)


# ---- shared -----------------------------------------------------------------------------------------------------------


async def _sides(work: RegistryWork, pair: Pair) -> Sides:
    found = await record.read(work.tx, [pair.a, pair.b])
    return found[pair.a], found[pair.b]


def _side(side: Record) -> policy.Side:
    return policy.Side(
        id=side.id,
        school=side.school,
        authority=side.authority,
        there=side.live,
        registered=side.registered,
        formal=side.formal,
    )


async def _again(work: RegistryWork, actor: Actor, pair_id: str) -> DuplicateView:
    pair = await store.get(work.tx, pair_id)
    assert pair is not None
    return await view(work, actor, pair)


COMMANDS: dict[type[Command], CommandHandler] = {
    ReportDuplicate: report_duplicate,
    StateDuplicate: state_duplicate,
    DecideDuplicate: decide_duplicate,
    UndoDuplicate: undo_duplicate,
    **scans.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {
    ListDuplicates: list_duplicates,
    GetDuplicate: get_duplicate,
    **scans.QUERIES,
}
