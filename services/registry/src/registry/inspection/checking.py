"""Going through the records of schools, 500 at a time: one transaction a batch, under the lock of its check.

A kill rolls back one batch, and whoever takes the check next goes on after the last one that was committed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import asyncpg
import msgspec
from regulation.parameters import Parameters
from regulation.school_year import Stage
from service_kit.database import Database
from service_kit.ids import derived
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role
from shared_contracts.inspection import FindingKind, Issue, RoundState
from shared_contracts.waiting import WorkWaiting

from registry.context import Registry, RegistryWork
from registry.inspection import quality, store, watching
from registry.inspection.policy import WORDS
from registry.inspection.store import Check, Score
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration.intake import form_context
from registry.registration.policy import entry_deadline, registration_year

log = logging.getLogger(__name__)

BATCH = 500
POLL = 2.0  # seconds
WAKE = "inspection"
SYSTEM = "system:registry"
_read_form = msgspec.json.Decoder(dict[str, str]).decode


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Checks as they are asked for, and once a day the look at what Article 48 forbids."""
    while not stop.is_set():
        try:
            async with kit.db.unit(deps) as work:
                await watching.look(work)
            while not stop.is_set() and await step(kit.db, deps):
                pass
        except Exception as error:  # the database is away, or ours: nothing is lost, the next round goes on
            log.exception("inspection: tried again: %s", describe(error))
        await pause(stop, POLL)


async def step(db: Database, deps: Registry) -> bool:
    """One batch of the oldest check; False where none waits."""
    async with db.unit(deps) as work:
        check = await store.take(work.tx)
        if check is None:
            return False
        school = await organisations.school(work.tx, check.school)
        rows = [] if school is None else await store.records(work.tx, check.school, check.after_id, BATCH)
        if school is not None and rows:
            check = await _batch(work, check, school, rows)
        if len(rows) < BATCH:
            await _end(work, check, school)
        return True


def examined(work: RegistryWork, row: asyncpg.Record, parameters: Parameters) -> tuple[Issue, ...]:
    """What is wrong with one record (a row of `store.records`)."""
    form = {} if row["form"] is None else _read_form(work.deps.cipher.open_bytes(row["form"], form_context(row["id"])))
    registered_on = row["registered_at"].astimezone(work.now.tzinfo).date()
    deadline = entry_deadline(row["enrolled_month"], parameters.registration_months) if row["enrolled_month"] else None
    return quality.examine(
        quality.RecordFacts(
            birth_date=row["birth_date"],
            school_year=registration_year(work.today),
            grade=row["grade"],
            placement=row["placement"],
            document_kind=row["document_kind"],
            documented=bool(row["masked_document"]),
            verification=row["verification"],
            registered_on=registered_on,
            updated_on=row["updated_on"] or registered_on,
            to_correct=row["correction"] is not None,
            entered_late=deadline is not None and registered_on > deadline,
            form=form,
            today=work.today,
            parameters=parameters,
        )
    )


async def _batch(work: RegistryWork, check: Check, school: SchoolFacts, rows: Sequence[asyncpg.Record]) -> Check:
    parameters = work.deps.policy.parameters(school.division, work.today)
    counts, scores = Counter(check.counts), []
    for row in rows:
        issues = examined(work, row, parameters)
        counts.update(issue.code for issue in issues)
        codes = tuple(issue.code for issue in issues)
        scores.append(Score(student_id=row["id"], score=quality.score(issues), codes=codes))
    await store.put_scores(work.tx, check, scores)
    check = msgspec.structs.replace(
        check,
        after_id=rows[-1]["id"],
        records=check.records + len(rows),
        perfect=check.perfect + sum(one.score == quality.FULL for one in scores),
        points=check.points + sum(one.score for one in scores),
        counts=dict(counts),
    )
    await store.progress(work.tx, check)
    return check


async def _end(work: RegistryWork, check: Check, school: SchoolFacts | None) -> None:
    """The school as a whole, and what its round finds there. A school that was closed meanwhile has nothing to mend."""
    own = () if school is None else await _of_school(work, check, school)
    score = quality.school_score(check.records, check.points, own)
    await store.finish(work.tx, check, own=[issue.code for issue in own], score=score, on=work.today)
    if check.round_id is not None:
        await _told(work, check, own)


async def _of_school(work: RegistryWork, check: Check, school: SchoolFacts) -> tuple[Issue, ...]:
    parameters = work.deps.policy.parameters(school.division, work.today)
    combined = len(school.stages) > 1
    sizes = await store.class_sizes(work.tx, school.code)
    return quality.examine_school(
        quality.SchoolFacts(
            classes=tuple((row["pupils"], parameters.class_size(Stage(row["stage"]))) for row in sizes),
            records=check.records,
            temporary=await store.temporary(work.tx, school.code),
            large_from=parameters.large_school_combined if combined else parameters.large_school_single,
            parameters=parameters,
        )
    )


async def _told(work: RegistryWork, check: Check, own: Sequence[Issue]) -> None:
    """One finding an issue; the round is open to answers when its last school is done."""
    assert check.round_id is not None
    round_ = await store.lock_round(work.tx, check.round_id)
    assert round_ is not None
    counts = {**check.counts, **{issue.code: 0 for issue in own}}
    rows = [_finding(check, round_, code, records) for code, records in sorted(counts.items())]
    made = await store.add_findings(work.tx, rows)
    await store.note(work.tx, made, "raised", account=SYSTEM, name="系统", at=work.now)
    if made:
        work.emit(_to_school(check.school, len(made), round_["due_on"]), check.school)
    if not await store.checks_left(work.tx, check.round_id):
        await store.change_round(work.tx, check.round_id, state=RoundState.OPEN)
        work.emit(_to_authority(round_["authority"], check.round_id), check.round_id)


def _finding(check: Check, round_: Any, code: str, records: int) -> dict[str, Any]:
    issue = quality.CATALOGUE[code]
    return {
        "id": derived("inspection-finding", round_["id"], check.school, code),
        "school": check.school,
        "authority": round_["authority"],
        "round_id": round_["id"],
        "kind": FindingKind.DATA_QUALITY,
        "code": code,
        "detail": f"{issue.title}（{records}名学生）" if records else issue.title,
        "records": records,
        "source": "system",
        "raised_at": round_["opened_at"],
        "due_on": round_["due_on"],
    }


def _to_school(school: str, count: int, due_on: date) -> WorkWaiting:
    return WorkWaiting(
        organisation=school,
        role=Role.PRINCIPAL,
        kind="inspection_findings",
        title="有{count}项学籍信息问题需要整改",
        detail="主管教育行政部门开展学籍信息核查，请组织逐人核对更正，并在期限前答复。",
        link=f"/v1/inspection-findings?school={school}",
        count=count,
        due_on=due_on,
    )


def _to_authority(authority: str, round_id: str) -> WorkWaiting:
    return WorkWaiting(
        organisation=authority,
        role=Role.AUTHORITY_OFFICER,
        kind="inspection_round_open",
        title="学籍信息核查已完成检查",
        detail="各校的问题清单已经生成，请跟进整改答复。",
        link=f"/v1/inspection-rounds/{round_id}",
    )


def cure_of(kind: FindingKind, code: str) -> tuple[str, str, str]:
    """(title, clause, cure) of a finding."""
    if (issue := quality.CATALOGUE.get(code)) is not None:
        return issue.title, issue.clause, issue.cure
    words = watching.BY_CODE.get(code) or WORDS[kind]
    return words.title, words.clause, words.cure
