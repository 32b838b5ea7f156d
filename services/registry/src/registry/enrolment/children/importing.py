"""Looking at a county's list and taking it in, in chunks, by a worker under a lease. A kill at any line is safe.

Document numbers are in the file alone: it is read again for each stage, and they go on to identity, which finds or makes
the persons. What may pass (identity, the bus, the database away) is tried again; only the file can fail a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.ids import derived
from service_kit.leases import Worker
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Finding, Outcome, Refused
from shared_contracts.identity import KnownPerson, KnownPersons, KnowPersons, PersonEntry
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.desk import Desk
from registry.enrolment.children import imports, policy, sheet, store
from registry.enrolment.children.imports import Import
from registry.enrolment.children.policy import ChildFacts
from registry.enrolment.children.sheet import ReadRow
from registry.enrolment.children.store import Sealed, Standing
from registry.enrolment.zones import store as zones
from registry.rosters import uploaded
from registry.rosters.access import names_of
from registry.rosters.child import ChildDied
from registry.rosters.uploaded import CannotRead

WAKE = "children"
CHUNK = 500
KEPT = timedelta(days=30)
CRASHES = 5
LISTS = Counter("children_lists_total", "Stages of lists of children", ["stage", "outcome"])


class Lists(Worker[Desk, Import]):
    """One stage of one list at a time."""

    name = "list of children"
    lease = imports.LEASE
    desk = Desk
    poll = 5.0
    wake = WAKE
    sweeping = 300.0

    async def take(self, tx: AsyncConnection, desk: Desk) -> Import | None:
        return await imports.take(tx, desk.owner)

    async def do(self, desk: Desk, work: Import) -> None:
        await (check(desk, work) if work.state == "checking" else take_in(desk, work))

    async def give_up(self, desk: Desk, work: Import, error: Exception) -> bool:
        if isinstance(error, CannotRead):
            await _fail(desk, work, str(error))
            return True
        if isinstance(error, ChildDied) and work.failures >= CRASHES:
            await _fail(desk, work, "文件无法处理（内容过大或已损坏）。请把数据复制到空白模板后重新上传。")
            return True
        return False

    async def sweep(self, desk: Desk) -> None:
        """Lists that nobody confirmed: their files, the only place of document numbers outside identity, go."""
        async with desk.unit() as work:
            gone = await imports.expired(work.tx, work.now - KEPT)
        for file in gone:
            await desk.deps.files.delete(file.id)

    def passes(self, error: Exception) -> bool:
        return isinstance(error, ChildDied) or super().passes(error)

    def count(self, work: Import, outcome: str, seconds: float) -> None:
        LISTS.labels(work.state, outcome).inc()


WORKER = Lists()
run = WORKER.run


@clause("5.1", "5.2", "12", "15.2")
async def check(desk: Desk, one: Import) -> None:
    """The dry run: every row is judged, nobody is made known and nothing is listed."""
    async with desk.db.transaction() as tx:
        after = await imports.looked_at(tx, one.id)
    rows = [row for row in await _rows(desk, one) if row.row > after]
    for chunk in _chunks(rows):
        desk.go_on()
        people = await _know(desk, one, chunk, make=False)
        async with desk.unit() as work:
            judged = await judge(work, one, chunk, people)
            await imports.put_rows(work.tx, judged)
            await imports.stage(work.tx, one.id, desk.owner, state="checking")
    async with desk.unit() as work:
        await imports.stage(work.tx, one.id, desk.owner, state="checked")
        work.emit(
            WorkWaiting(
                organisation=one.county,
                role=Role.AUTHORITY_OFFICER,
                kind="children_list_checked",
                title="适龄儿童名单已检查完毕",
                detail="上传的适龄儿童名单已逐行检查，请查看结果并确认列入名单。",
                link=f"/v1/children-lists/{one.id}",
            ),
            one.id,
        )


@clause("5.2")
async def take_in(desk: Desk, one: Import) -> None:
    """The accepted rows onto the list: known to identity first (it may be told twice), then listed in one transaction.

    What has changed since the dry run (registered meanwhile, listed elsewhere) is refused now, row by row.
    """
    async with desk.db.transaction() as tx:
        left = set(await imports.to_take(tx, one.id))
    if left:
        rows = [row for row in await _rows(desk, one) if row.row in left]
        for chunk in _chunks(rows):
            desk.go_on()
            people = await _know(desk, one, chunk, make=True)
            async with desk.unit() as work:
                await _list(work, one, chunk, people)
                await imports.stage(work.tx, one.id, desk.owner, state="taking")
    await desk.deps.files.delete(one.file.id)
    async with desk.unit() as work:
        await imports.stage(work.tx, one.id, desk.owner, state="done")


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _rows(desk: Desk, one: Import) -> list[ReadRow]:
    """The file's rows, read in a child process. Raises CannotRead, ChildDied."""
    rows = await uploaded.read(desk.deps.files, "children", one.file.id)
    return list(sheet.children(rows, one.county, one.created_at.date()))


def _chunks(rows: Sequence[ReadRow]) -> list[Sequence[ReadRow]]:
    return [rows[i : i + CHUNK] for i in range(0, len(rows), CHUNK)]


async def _know(desk: Desk, one: Import, chunk: Sequence[ReadRow], *, make: bool) -> dict[int, KnownPerson]:
    """What identity knows of the chunk's persons, by row."""
    entries = tuple(person(row) for row in chunk if row.child is not None)
    if not entries:
        return {}
    reply: KnownPersons | Refused = await desk.ask(
        KnowPersons(
            command_id=derived("children", one.id, "make" if make else "look", entries[0].row, entries[-1].row),
            actor=system("registry"),
            organisation=one.county,
            rows=entries,
            make=make,
        )
    )
    if isinstance(reply, Refused):  # of a chunk that we made: a fault of ours
        raise RuntimeError(f"identity refuses a chunk: {reply.detail}")  # noqa: TRY004
    return {known.row: known for known in reply.rows}


def person(row: ReadRow) -> PersonEntry:
    assert row.child is not None
    one = row.child
    return PersonEntry(
        row=row.row,
        name=one.name,
        sex="1" if one.sex == "1" else "2",
        birth_date=one.birth_date,
        document_kind=one.document_kind,
        document_number=one.document_number,
        area=one.division,
    )


async def judge(
    work: RegistryWork, one: Import, chunk: Sequence[ReadRow], people: Mapping[int, KnownPerson]
) -> list[dict[str, Any]]:
    """Each row as it is kept."""
    known = await store.standings(work.tx, _ids(people), Stage.PRIMARY)
    codes = {s.admission[1] for s in known.values() if s.admission} | {s.school for s in known.values() if s.school}
    counties = {s.listed_by for s in known.values() if s.listed_by} | {
        p.holder.school for p in people.values() if p.holder
    }
    served = await zones.holding(work.tx, [one.county], Stage.PRIMARY, work.today)
    matches = {
        row.row: matched[0]
        for row in chunk
        if row.child is not None and (matched := served.of(row.child.division, row.child.address))
    }
    names = await names_of(work.tx, codes | counties)
    parameters = work.deps.policy.parameters(one.county, work.today)
    out = []
    for row in chunk:
        outcome, found = _judged(one, row, people.get(row.row), known, names, parameters)
        match = matches.get(row.row)
        out.append(
            {
                "import_id": one.id,
                "row": row.row,
                "outcome": outcome,
                "name": row.name,
                "masked_document": row.masked,
                "birth_date": row.child.birth_date if row.child else None,
                "school": match.school if match else None,
                "street": match.street if match else None,
                "findings": found,
            }
        )
    return out


def _ids(people: Mapping[int, KnownPerson]) -> list[str]:
    return [one.person_id for one in people.values() if one.person_id]


def _judged(
    one: Import,
    row: ReadRow,
    known: KnownPerson | None,
    standings: Mapping[str, Standing],
    names: Mapping[str, str],
    parameters: Any,
) -> tuple[str, tuple[Finding, ...]]:
    if row.child is None or known is None:
        return "refused", row.findings
    found = [*row.findings, *known.findings]
    standing = standings.get(known.person_id or "", Standing())
    if standing.child_id is not None and standing.listed_by == one.county:
        return "known", tuple(f for f in found if f.outcome is Outcome.REFUSE)
    found.extend(
        policy.decide(
            ChildFacts(
                birth_date=row.child.birth_date,
                division=row.child.division,
                county=one.county,
                school_year=one.school_year,
                stage=Stage.PRIMARY,
                parameters=parameters,
                listed_by=standing.listed_by,
                admitted_to=standing.admission[1] if standing.admission else None,
                holder=standing.school or (known.holder.school if known.holder else None),
                record=standing.record,
                graduated_stage=standing.graduated_stage,
                names=tuple(names.items()),
            )
        )
    )
    found = [finding for finding in found if finding.outcome is not Outcome.PASS]
    return "refused" if any(f.outcome is Outcome.REFUSE for f in found) else "accepted", tuple(found)


async def _list(work: RegistryWork, one: Import, chunk: Sequence[ReadRow], people: Mapping[int, KnownPerson]) -> None:
    judged = await judge(work, one, chunk, people)
    rows = []
    for row, kept in zip(chunk, judged, strict=True):
        known = people.get(row.row)
        if kept["outcome"] == "accepted" and row.child is not None and known is not None and known.person_id:
            rows.append(listed(work, row, known, one.county, one.school_year, import_id=one.id))
    await store.put(work.tx, rows)
    ids = {row["row"]: row["id"] for row in rows}
    done = []
    for kept in judged:
        number = kept["row"]
        found = people.get(number)
        again = store.child_id(found.person_id, Stage.PRIMARY) if found and found.person_id else None
        outcome = "accepted" if number in ids else kept["outcome"]
        if outcome == "known":  # listed by this very list before a kill, or by another one meanwhile
            outcome, ids[number] = "accepted", again or ""
        done.append((number, ids.get(number), outcome, kept["findings"]))
    await imports.taken(work.tx, one.id, done)


def listed(
    work: RegistryWork,
    row: ReadRow,
    known: KnownPerson,
    county: str,
    school_year: int,
    *,
    origin: str = "household",
    stage: str = Stage.PRIMARY,
    import_id: str | None = None,
) -> dict[str, Any]:
    """A row of `children`."""
    assert row.child is not None and known.person_id is not None
    one = row.child
    child = store.child_id(known.person_id, stage)
    sealed = Sealed(address=one.address, guardian=one.guardian, phone=one.phone)
    return {
        "id": child,
        "person_id": known.person_id,
        "stage": stage,
        "county": county,
        "origin": origin,
        "school_year": school_year,
        "name": one.name,
        "sex": one.sex,
        "birth_date": one.birth_date,
        "document_kind": one.document_kind,
        "masked_document": known.masked_document,
        "division": one.division,
        "sealed": store.seal(work.deps.cipher, child, sealed),
        "import_id": import_id,
        "row": row.row,
        "listed_at": work.now,
    }


async def _fail(desk: Desk, one: Import, problem: str) -> None:
    async with desk.unit() as work:
        await imports.stage(work.tx, one.id, desk.owner, state="failed", problem=problem)
    await desk.deps.files.delete(one.file.id)
