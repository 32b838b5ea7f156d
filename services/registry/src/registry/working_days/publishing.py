"""The province publishes a year's holidays, or the whole notice again with what was corrected (24.6.4).

It holds the book of policy values: every copy of every service hears of both by one number.
"""

from __future__ import annotations

from collections.abc import Sequence

from regulation.authorisation import Target, check
from regulation.calendar import Calendar, Notice
from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.work import CommandHandler
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, word
from shared_contracts.working_days import NoticeVersion, PublishWorkingDays, WorkingDaysPublished, YearDays

from registry.context import RegistryWork
from registry.policy_values import store as book
from registry.working_days import policy, store


@clause("24.6.4")
async def publish(work: RegistryWork, command: PublishWorkingDays) -> NoticeVersion | Refused:
    actor = command.actor
    if no := check(actor, word(command), Target(authority=PROVINCE), missing=policy.PROVINCES):
        return no
    days = notice_of(command.days)
    await book.hold_book(work.tx)
    there = await store.in_force(work.tx)
    held = next((one for one in there if one.year == days.year), None)
    version = held.version if held else 0
    if (command.replaces or 0) != version:
        return refused("conflict", _CHANGED.format(year=days.year) if version else _NOTHING.format(year=days.year))
    before, after = calendars([one.days for one in there], days)
    found = [
        *policy.source_faults(command.notice.strip(), command.title),
        *policy.examine(days, before, after, held.days if held else None, work.now),
    ]
    if found:
        return _refusal(found)
    row = await store.put(
        work.tx,
        command.notice_id,
        days,
        version=version + 1,
        notice=command.notice.strip(),
        title=command.title.strip(),
        account=actor.account,
        name=actor.name,
        at=work.now,
    )
    await store.settle(work.tx, days.year, "published")
    await book.turn_page(work.tx)
    work.after_commit(work.deps.wake_policy)
    off, worked = policy.changed(before, after, days.year)
    work.emit(
        WorkingDaysPublished(
            notice_id=row.id,
            year=row.year,
            version=row.version,
            number=row.number,
            first_changed=min((*off, *worked), default=None),
        ),
        str(row.year),
    )
    return view(row)


_CHANGED = "{year}年的安排已经发布过，或者又有更正。请刷新，核对现在的安排后再更正。"
_NOTHING = "{year}年的安排还没有发布过，没有可更正的。请作为新的安排发布。"


def calendars(there: Sequence[Notice], proposed: Notice) -> tuple[Calendar, Calendar]:
    """As it is counted now, and as it would be."""
    return Calendar(notices=there), Calendar(notices=[*(one for one in there if one.year != proposed.year), proposed])


def notice_of(days: YearDays) -> Notice:
    return Notice(year=days.year, holidays=tuple(days.holidays), worked=tuple(days.worked))


def view(row: store.NoticeRow) -> NoticeVersion:
    return NoticeVersion(
        id=row.id,
        days=YearDays(year=row.year, holidays=tuple(row.holidays), worked=tuple(row.worked)),
        version=row.version,
        notice=row.notice,
        title=row.title,
        published_at=row.published_at,
        published_by=row.published_by,
        in_force=row.last,
    )


def _refusal(found: Sequence[Finding]) -> Refused:
    detail = "；".join(f"{one.message}。请{one.cure}" for one in found[:3])
    more = f"（另有{len(found) - 3}处）" if len(found) > 3 else ""
    return refused("refused", f"不能发布：{detail}{more}。", *found)


COMMANDS: dict[type[Command], CommandHandler] = {PublishWorkingDays: publish}
