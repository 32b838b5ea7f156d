"""A round: its list is opened with the secret committed, and drawn once; who looks at it (24.5.4).

Closing and carrying out are the worker's (`settling`): nobody decides when a list that is over is closed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json

from regulation import lottery
from regulation.authorisation import check
from regulation.drawing import new_secret
from regulation.mark import clause, enforced
from regulation.school_calendar import terms
from service_kit import listing, organisations, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.private_places import (
    Applicants,
    DrawRound,
    GetPublishedRound,
    GetRound,
    ListApplicants,
    ListRounds,
    OpenRound,
    PublishedRound,
    RoundPage,
    RoundView,
)

from transfer.context import TransferWork
from transfer.private_places import asking, policy, store, telling, views

enforced("24.5.4", by="private_rounds_stay", at="../migrations/versions/0002_private_places.py")
enforced("24.5.4", by="private_rounds_no_more_than_places", at="../migrations/versions/0002_private_places.py")

MISSING = "没有这个报名批次，或者不属于您管理的范围。"
NO_SCHOOL = "没有这所学校，或者不属于您管理的范围。"
NOT_PUBLISHED = "没有公布过这个编号的报名批次。请核对编号。"
SECRET = "private-round:{id}"  # noqa: S105 - what a sealed secret is bound to


@clause("24.5.4")
async def open_round(work: TransferWork, command: OpenRound) -> RoundView | Refused:
    """The list is announced with its last day, the source of the public value and the commitment to the secret."""
    if no := asking.school_known(command, await organisations.find(work.tx, command.school), NO_SCHOOL):
        return no
    there = await store.round_(work.tx, command.round_id)
    if there is not None:
        same = (there["school"], there["grade"]) == (command.school, command.grade)
        return views.round_view(there) if same else refused("conflict", "这个批次编号已被使用。请重新提交。")
    facts = await asking.facts(work, command.school, command.grade)
    if isinstance(facts, Refused):
        return facts
    school = facts.to
    if school is None:
        return refused("not_found", NO_SCHOOL)
    stage = policy.stage_in(school, command.grade)
    if stage is None:
        return refused("refused", f"{school.name}没有{command.grade}年级。")
    parameters = work.deps.policy.parameters(school.division, work.today)
    year = policy.year_of(work.today)
    intake = await store.intake(work.tx, school.code, stage, command.grade, year)
    _, transferable = policy.places_of(facts.room, intake.taken, intake.ratio)
    against = policy.may_be_opened(school, facts.room, intake.ratio, transferable, year) + policy.may_open(
        closes_on=command.closes_on,
        public_at=command.public_at,
        now=work.now,
        days=parameters.transfer_round_days,
        longest=parameters.transfer_round_most_days,
        hours=parameters.lottery_notice_hours,
    )
    if against:
        return refused("refused", "".join(f"{one.message}。{one.cure}。" for one in against), *against)
    term = policy.term_of(work.today, terms(school.division, year, parameters))
    prefix = f"YH-{year}-{term}-{school.code}-{command.grade}-"
    number = f"{prefix}{await store.numbers_like(work.tx, prefix) + 1:02d}"
    secret = new_secret()
    notice = lottery.Notice(
        number=number,
        school=school.code,
        school_year=year,
        term=term,
        grade=command.grade,
        closes_on=command.closes_on.isoformat(),
        commitment=lottery.commitment_of(number, secret),
        public_source=command.public_source,
        public_at=command.public_at.astimezone(work.now.tzinfo).isoformat(),
    )
    opened = await store.put_round(
        work.tx,
        {
            "id": command.round_id,
            "number": number,
            "school": school.code,
            "school_name": school.name,
            "grade": command.grade,
            "stage": stage,
            "school_year": year,
            "term": term,
            "state": "open",
            "version": 1,
            "opened_at": work.now,
            "opened_by": command.actor.name,
            "closes_on": command.closes_on,
            "notice": json.dumps(dataclasses.asdict(notice), ensure_ascii=False),
            "public_source": command.public_source,
            "public_at": command.public_at,
            "commitment": notice.commitment,
            "secret": work.deps.cipher.seal_bytes(secret.encode(), context(command.round_id)),
        },
    )
    if not opened:
        return refused("conflict", "本年级已有一个没有办结的报名批次。请待其办结后再开始新的批次。")
    return await _shown(work, command.round_id)


@clause("24.5.4")
async def draw_round(work: TransferWork, command: DrawRound) -> RoundView | Refused:
    """Once: the result is what the list, the secret and the public value make it. Whoever went back before the value was
    known has made room; whoever did so later keeps a place that nobody else gets in this round."""
    found = await store.lock_round(work.tx, command.round_id)
    row = asking.allowed(command, found, MISSING, of_state=True)
    if isinstance(row, Refused):
        return row
    if early := policy.draw_moment_come(row["public_at"], work.now):
        return refused("refused", f"{early.message}。", early)
    listing = views.listing_of(row)
    assert listing is not None
    on_list = await store.on_list(work.tx, row["id"], listed=True)
    gone = tuple(one.code for one in on_list if one.gone and one.gone_at is not None and one.gone_at < row["public_at"])
    secret = work.deps.cipher.open_bytes(row["secret"], context(row["id"])).decode()
    seed = lottery.seed_of(secret, row["list_sha256"], command.public_value)
    order, winners = await asyncio.to_thread(lottery.draw, listing, seed, gone)
    await store.put_outcomes(
        work.tx, row["id"], {code: policy.outcome(code, gone, winners) for code in order}, work.now
    )
    await store.change_round(
        work.tx,
        row["id"],
        {
            "state": "decided",
            "public_value": command.public_value,
            "revealed": secret,
            "seed": seed,
            "gone": list(gone),
            "ranked": list(order),
            "winners": list(winners),
            "drawn_at": work.now,
            "drawn_by": command.actor.name,
        },
    )
    await telling.round_stands(work, command.round_id)
    return await _shown(work, command.round_id)


@clause("24.5.4")
async def get_round(work: TransferWork, query: GetRound) -> RoundView | Refused:
    row = asking.allowed(query, await store.round_(work.tx, query.round_id), MISSING)
    return row if isinstance(row, Refused) else views.round_view(row)


@clause("24.5.4")
async def list_rounds(work: TransferWork, query: ListRounds) -> RoundPage | Refused:
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    rows = await store.round_page(
        work.tx, asked.reach, school=query.school, state=query.state, after=asked.after, limit=asked.rows
    )
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["opened_at"].isoformat(), row["id"]))
    return RoundPage(items=tuple(views.round_view(row) for row in kept), next_cursor=cursor)


@clause("24.5.4")
async def list_applicants(work: TransferWork, query: ListApplicants) -> Applicants | Refused:
    """Names and codes: what the school tells the guardians."""
    row = asking.allowed(query, await store.round_(work.tx, query.round_id), MISSING)
    if isinstance(row, Refused):
        return row
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await store.named(work.tx, query.round_id, after=str(after[0]) if after else None, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda one: (one["code"],))
    return Applicants(items=views.applicants(kept), next_cursor=cursor)


@clause("24.5.4")
async def published_round(work: TransferWork, query: GetPublishedRound) -> PublishedRound | Refused:
    """For everybody, from the opening on."""
    if no := check(query.actor, word(query)):
        return no
    row = await store.round_of_number(work.tx, query.number)
    return refused("not_found", NOT_PUBLISHED) if row is None else PublishedRound(document=views.published(row))


def context(round_id: str) -> bytes:
    """What the sealed secret is bound to."""
    return SECRET.format(id=round_id).encode()


async def _shown(work: TransferWork, round_id: str) -> RoundView:
    row = await store.round_(work.tx, round_id)
    assert row is not None
    return views.round_view(row)


COMMANDS: dict[type[Command], CommandHandler] = {OpenRound: open_round, DrawRound: draw_round}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRound: get_round,
    ListRounds: list_rounds,
    ListApplicants: list_applicants,
    GetPublishedRound: published_round,
}
