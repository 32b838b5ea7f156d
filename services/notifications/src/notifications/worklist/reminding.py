"""The worker that reminds (催办) and tells the authority above (督办), as days pass (clause 24.6.4).

It looks at rows, not at alarms that were set: a last day that has moved because a year's holidays were published is
reminded of by its new day, and a clock that jumps over several marks says the last one only. What has been said of a step is
said once: its mark and the notice are one transaction. Notices of one day, step and organisation are one, with their number.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from datetime import date
from typing import NamedTuple

from service_kit.database import Database
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role

from notifications.context import Notifications, NotificationsWork
from notifications.notices import store as notices
from notifications.notices.policy import COUNT, MERGED, Draft
from notifications.worklist import policy, store
from notifications.worklist.policy import MARKS, SUPERVISES, Mark, Words
from notifications.worklist.store import Due

log = logging.getLogger(__name__)

LOOKS = 15.0
"""Seconds: a look at an index that is empty but for the last days."""
BATCH = 500
FARTHEST = 9
"""The most working days before the last day on which any division may have somebody reminded."""
WORKLIST = "/v1/worklist"


async def run(kit: Kit, deps: Notifications, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        try:
            await remind(kit.db, deps)
        except Exception as error:  # the database is away for a moment
            log.warning("reminders: tried again later: %s", describe(error))
        await pause(stop, LOOKS)


async def remind(db: Database, deps: Notifications) -> int:
    """All that have come to a mark, page by page, each page a transaction. Returns how many rows were reminded of."""
    reminded, after = 0, (date.min, "")
    while True:
        async with db.unit(deps) as work:
            until = policy.looks_ahead(work.today, FARTHEST, deps.calendar)
            rows = await store.due(work.tx, until, after, BATCH)
            reminded += await _say(work, rows)
        if len(rows) < BATCH:
            return reminded
        after = rows[-1].due_on, rows[-1].id


class Said(NamedTuple):
    """What becomes one notice a day, with the number of its rows. `about`: what is told apart within a kind."""

    organisation: str
    role: Role
    kind: str
    about: str
    words: Words
    queue: str


async def _say(work: NotificationsWork, rows: list[Due]) -> int:
    marked: list[tuple[Due, Mark]] = []
    passed: list[tuple[Due, str]] = []
    for one in rows:
        given = policy.marks(
            work.deps.policy.parameters(policy.division_of(one.organisation, one.superior), work.today)
        )
        mark = policy.mark_of(one.due_on, work.today, given, work.deps.calendar)
        if mark is None or mark in one.said:
            continue
        marked.append((one, mark))
        # Marks that it has slept over are over, too.
        passed += [(one, earlier) for earlier in MARKS[: MARKS.index(mark) + 1] if earlier not in one.said]
    if not marked:
        return 0
    new = await store.said(work.tx, passed, work.today)
    marked = [(one, mark) for one, mark in marked if (one.id, mark) in new]
    told: Counter[Said] = Counter()
    for one, mark in marked:
        told.update(_to_whom(one, mark, work))
    for said, number in sorted(told.items()):
        await notices.put(work.tx, _draft(said, number, work.today), work.now)
    return len(marked)


def _draft(said: Said, number: int, today: date) -> Draft:
    return Draft(
        organisation=said.organisation,
        role=said.role,
        kind=said.kind,
        link=f"{WORKLIST}?queue={said.queue}",
        merge=MERGED.join((said.kind, said.organisation, said.role, said.about, today.isoformat())),
        counts={COUNT: number},
        words={"title": said.words.title, "detail": said.words.detail, "due_on": ""},
    )


def _to_whom(one: Due, mark: Mark, work: NotificationsWork) -> list[Said]:
    left = policy.days_left(one.due_on, work.today, work.deps.calendar) or 0
    words = policy.reminder(mark, one.kind_title, one.step_title, left, one.due_on)
    queue = "overdue" if mark == "overdue" else "review"
    about = f"{one.kind} {one.step_title} {one.due_on}"
    said = [Said(one.organisation, Role(role), f"reminder_{mark}", about, words, queue) for role in one.roles]
    if mark == "overdue" and one.superior:
        who = policy.organisation_name(one.organisation) or "所辖学校"
        above = policy.escalation(one.kind_title, one.step_title, who)
        about = f"{one.kind} {one.step_title} {who}"
        said += [Said(one.superior, role, "escalation", about, above, "supervise") for role in SUPERVISES]
    return said
