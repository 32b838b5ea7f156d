"""Guardians, who have no account, are told by text message (10.2, 34.1): once a pupil and thing, where there is a number.

The number is asked for when the message is made, sealed with that message alone, and gone when the message has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from regulation.mark import clause
from service_kit.database import Database, driver, insert_rows
from service_kit.ids import derived
from service_kit.work import EventHandler
from shared_contracts.actors import system
from shared_contracts.admission import NoShows
from shared_contracts.archive import Term
from shared_contracts.delivery import Channel
from shared_contracts.guardians import FindGuardianPhones, GuardianPhones, TermReportsEntered
from shared_contracts.messages import Event

from notifications.context import Notifications, NotificationsWork
from notifications.delivery import policy, store
from notifications.delivery.dispatching import message
from notifications.delivery.tables import guardian_notices

PAGE = 200
STUDENT, ADMISSION = "student", "admission"
REPORTS, NO_SHOW = "reports_sms", "no_show_sms"
TITLES = {REPORTS: "告知监护人：学期综合素质评价已录入", NO_SHOW: "督促监护人：新生未按时报到"}
_TERMS = {Term.AUTUMN: "第一学期", Term.SPRING: "第二学期"}


@clause("34.1")
async def term_reports_entered(work: NotificationsWork, event: TermReportsEntered) -> None:
    ids = {student: derived("term-reports", student, event.school_year, event.term) for student in event.student_ids}
    content = {"school": event.school_name, "term": term_title(event.school_year, event.term)}
    await _keep(work, STUDENT, REPORTS, event.school, content, ids)


@clause("10.2")
async def no_shows(work: NotificationsWork, event: NoShows) -> None:
    """督促其法定监护人送子女入学: once an admission, and not where the child has come by the time the message is made."""
    ids = {one.admission_id: derived("no-show", one.admission_id) for one in event.children}
    await _keep(work, ADMISSION, NO_SHOW, event.school, {"school": event.school_name}, ids)


async def _keep(
    work: NotificationsWork, kind: str, template: str, school: str, content: Mapping[str, str], ids: Mapping[str, str]
) -> None:
    """`ids`: of what is to be said, by whom it is about."""
    rows = [
        {
            "id": id_,
            "kind": kind,
            "subject_id": subject,
            "organisation": school,
            "template": template,
            "content": content,
            "made_at": work.now,
        }
        for subject, id_ in ids.items()
    ]
    await insert_rows(work.tx, guardian_notices, rows, on_conflict="DO NOTHING")
    work.after_commit(work.deps.wake_delivery)


def term_title(school_year: int, term: Term) -> str:
    return f"{school_year}-{school_year + 1}学年{_TERMS[term]}"


# Index Scan using guardian_notices_to_dispatch; what another copy dispatches is passed over.
_TAKE = """
SELECT id, kind, subject_id, organisation, template, content::text AS content FROM guardian_notices
WHERE dispatched_at IS NULL ORDER BY made_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_DISPATCHED = """
UPDATE guardian_notices SET dispatched_at = $2, reached = id = ANY($3::text[]) WHERE id = ANY($1::text[])
"""


@clause("10.2", "34.1")
async def dispatch(db: Database, deps: Notifications) -> int:
    """Some of what is to be said becomes messages, in one transaction. Returns how many. Raises BusError while the registry
    is away: nothing is lost, it is tried again. Where the installation has no text messages, nobody is asked for a number."""
    async with db.unit(deps) as work:
        connection = await driver(work.tx)
        rows = await connection.fetch(_TAKE, PAGE)
        if not rows:
            return 0
        phones: dict[str, str] = {}
        if Channel.SMS in deps.offered:
            found: GuardianPhones = await deps.bus.need(
                FindGuardianPhones(
                    actor=system("notifications"), student_ids=_of(STUDENT, rows), admission_ids=_of(ADMISSION, rows)
                )
            )
            phones = {one.of: one.phone for one in found.items}
        reached = [row for row in rows if row["subject_id"] in phones]
        if reached:
            await store.add_deliveries(work.tx, [_message(work, row, phones[row["subject_id"]]) for row in reached])
        await connection.execute(_DISPATCHED, [row["id"] for row in rows], work.now, [row["id"] for row in reached])
        return len(rows)


def _of(kind: str, rows: Sequence[Any]) -> tuple[str, ...]:
    return tuple(sorted({row["subject_id"] for row in rows if row["kind"] == kind}))


def _message(work: NotificationsWork, row: Any, phone: str) -> dict[str, Any]:
    id_ = derived("delivery", row["id"], Channel.SMS, "guardian")
    content = msgspec.json.decode(row["content"], type=dict[str, str])
    return message(
        work,
        id_,
        Channel.SMS,
        row["template"],
        content,
        guardian_of=row["subject_id"],
        address=work.deps.cipher.seal(phone, store.guardian_context(id_)),
        organisation=row["organisation"],
        title=TITLES[row["template"]],
        shown_to=policy.masked(Channel.SMS, phone),
    )


EVENTS: dict[type[Event], EventHandler] = {TermReportsEntered: term_reports_entered, NoShows: no_shows}
