"""Entering one pupil by hand: the same checks as a roster's row, and a person claimed at identity (15.1, 15.2).

Between identity's claim and our commit a kill would leave a person claimed for a registration that does not exist.
Therefore the entry is written down first, in a transaction of its own, and crossed out in the one that makes the
registration. What stays written down is carried through by a worker; a claim is repeated without harm.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import timedelta

import msgspec
from regulation.mark import clause
from service_kit.bus import Unavailable, Unknown
from service_kit.database import driver, insert_rows
from service_kit.ids import derived, new_id
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Actor, system
from shared_contracts.decisions import Decision, Finding, Outcome, Refused, refused
from shared_contracts.identity import (
    Claim,
    Claimed,
    ClaimedPersons,
    ClaimPersons,
    KnownPersons,
    KnowPersons,
    Staged,
    StagedPersons,
    StagePersons,
)
from shared_contracts.registry import (
    Approved,
    EnterRegistration,
    Prechecked,
    PrecheckRegistration,
    RegistrationsClosed,
    RegistrationView,
)

from registry.context import Registry, RegistryWork
from registry.form.entry import Entry
from registry.holds import arrivals
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records.store import Klass
from registry.registration import judging, persons, queries, store, tables
from registry.registration.intake import Admission, admit, announce, foreseen, form_context, seat
from registry.rosters.access import names_of

log = logging.getLogger(__name__)

WAITING_ROOM = timedelta(hours=1)
ABANDONED = timedelta(seconds=60)
"""An entry that is older was left by somebody who died; the worker carries it through."""
LOOK_AGAIN = 30.0
"""Seconds between two looks for such entries."""
LONGEST_ID = 64


class Pending(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down before a claim. `admission`: complete but for the person. `digest`: of the whole form,
    document numbers too: the same registration is never entered from two different forms.
    """

    actor: Actor
    admission: Admission
    digest: str

    @property
    def registration_id(self) -> str:
        return self.admission.registration_id

    @property
    def intake(self) -> str:
        """Where in identity's waiting room exactly this form's pupil waits."""
        return derived("entry", self.registration_id, self.digest)


@clause("3.5", "11", "12", "15.1", "19", "20.1", "20.2")
async def precheck_registration(work: RegistryWork, query: PrecheckRegistration) -> Prechecked | Refused:
    """The form and the rules, of the person too, and whether his class would be above the standard size; whether he is
    registered elsewhere is asked when the entry is made."""
    school = await _own_school(work, query.actor)
    if isinstance(school, Refused):
        return school
    judged = await judging.judge(work, school, query.form)
    if judged.entry is None or judged.decision.refused:
        return Prechecked(decision=judged.decision)
    known = await _known(work, school, judged.entry)
    if isinstance(known, Refused):
        return known
    decision = (await judging.with_person(work, judged, known)).decision
    if not decision.refused:
        coming = {Klass(judged.entry.grade, judged.entry.class_no): 1}
        _, notes = await foreseen(work, school, coming, work.today)
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, *notes))
    return Prechecked(decision=decision)


@clause("3.5", "15.1", "15.2", "20.1", "20.2")
async def enter_registration(work: RegistryWork, command: EnterRegistration) -> RegistrationView | Refused:
    """The registration waits for the class teacher then."""
    school = await _own_school(work, command.actor)
    if isinstance(school, Refused):
        return school
    if not 0 < len(command.registration_id) <= LONGEST_ID:
        return refused("invalid", f"建籍编号应为1至{LONGEST_ID}个字符。")
    there = await store.lock(work.tx, command.registration_id)
    if there is not None:
        # Carried through by the worker after a kill, and now asked for again; or somebody else's id.
        if there.entered_by == command.actor.account and there.school == school.code:
            return await queries.view(work, there.id)
        return refused("conflict", "这个建籍编号已被使用。请换一个编号重新录入。")
    judged = await judging.judge(work, school, command.form)
    entry = judged.entry
    if entry is None or judged.decision.refused:
        return _not_entered(judged.decision)
    pending = Pending(
        actor=command.actor,
        admission=_admission(work, command, judged),
        digest=hashlib.sha256(msgspec.json.encode(command.form, order="sorted")).hexdigest(),
    )
    try:
        staged = await _stage(work, pending, school, entry)
        if isinstance(staged, Refused):
            return staged
        known = staged.person_id or (staged.holder.person_id if staged.holder else None)
        judged = await judging.with_person(work, judged, known)
        if judged.decision.refused:
            return _not_entered(judged.decision)
        if against := await _against(work, staged, pending.registration_id, school.code):
            return _told(against)
        pending = _with_persons(pending, staged, judged)
        if not await _write_down(work, school.code, pending):
            return refused(
                "conflict",
                "用这个编号的另一份录入还没有办结。请稍后查看结果，或换一个编号（Idempotency-Key）重新录入。",
            )
        claimed = await _claim(work, school.code, pending)
    except (Unavailable, Unknown):
        # Not known whether it was claimed: what is written down is carried through.
        return refused("unavailable", "身份服务暂时没有应答。请稍后用相同的请求重试，不会重复录入。")
    if isinstance(claimed, Refused):
        if claimed.kind != "unavailable":
            await _cross_out(work.deps, command.registration_id)
        return claimed
    if not await _carry_through(work, school, pending, claimed):
        await _let_go(work.deps, school.code, pending, claimed)
        lapsed = judging.without_place(judged)
        if not lapsed.decision.refused:  # nothing has been lost: what stands against it has come since
            lapsed = await judging.with_person(work, judged, claimed.person_id)
        return _not_entered(lapsed.decision)
    return await queries.view(work, command.registration_id)


async def worker(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Carry through what was left between a claim and its registration."""
    while not stop.is_set():
        while not stop.is_set() and (registration_id := await _abandoned(kit)) is not None:
            try:
                await _resume(kit, deps, registration_id)
            except (Unavailable, Unknown) as error:
                log.warning("an entry waits for identity: %s", describe(error))
            except Exception as error:
                log.exception("an entry could not be carried through, again later: %s", describe(error))
        await pause(stop, LOOK_AGAIN)


async def _abandoned(kit: Kit) -> str | None:
    """The oldest abandoned entry. It counts as new again, so that one that cannot be done holds up no other."""
    now = kit.clock.now()
    async with kit.db.transaction() as tx:
        found: str | None = await (await driver(tx)).fetchval(
            """UPDATE pending_entries SET created_at = $2 WHERE registration_id = (
                   SELECT registration_id FROM pending_entries WHERE created_at < $1
                   ORDER BY created_at LIMIT 1 FOR UPDATE SKIP LOCKED)
               RETURNING registration_id""",
            now - ABANDONED,
            now,
        )
    return found


async def _resume(kit: Kit, deps: Registry, registration_id: str) -> None:
    """Claim and register, or forget it where the person cannot be registered here any more."""
    async with kit.db.unit(deps) as work:
        row = await (await driver(work.tx)).fetchrow(
            "SELECT school, sealed FROM pending_entries WHERE registration_id = $1 FOR UPDATE", registration_id
        )
        if row is None:
            return
        pending = _opened(deps, registration_id, row["sealed"])
        claimed = await _claim(work, row["school"], pending)
        if isinstance(claimed, Refused):
            if claimed.kind == "unavailable":
                raise Unavailable("identity could not carry out a claim")
            await _delete(work, registration_id)
            log.info("an entry left behind could not be carried through: %s", registration_id)
            return
        school = await organisations.school(work.tx, row["school"])
        if school is None or not await _carry_through(work, school, pending, claimed):
            work.emit(_released(row["school"], pending, claimed), registration_id)
            await _delete(work, registration_id)
            log.info("an entry left behind has no school or no place any more: %s", registration_id)
            return
        log.info("an entry left behind was carried through: %s", registration_id)


# ---- before -------------------------------------------------------------------------------------------------


async def _own_school(work: RegistryWork, actor: Actor) -> SchoolFacts | Refused:
    school = await organisations.school(work.tx, actor.organisation)
    if school is None:
        return refused("forbidden", "您的单位不是系统中的学校，不能录入学生。请联系主管教育行政部门。")
    return school


def _not_entered(decision: Decision) -> Refused:
    findings = decision.of(Outcome.REFUSE)
    detail = f"有{len(findings)}处不符合要求，没有录入。"
    if len(findings) == 1:
        detail = f"{findings[0].message}。{findings[0].cure or ''}"
    return refused("refused", detail, *decision.findings)


def _admission(work: RegistryWork, command: EnterRegistration, judged: judging.Judged) -> Admission:
    entry, facts = judged.entry, judged.facts
    assert entry is not None and facts is not None
    sealed = work.deps.cipher.seal_bytes(msgspec.json.encode(entry.form), form_context(command.registration_id))
    return Admission(
        registration_id=command.registration_id,
        roster_id=None,
        row=None,
        person_id="",
        masked_document="",
        masked_members=(),
        name=entry.name,
        sex=entry.sex,
        birth_date=entry.birth_date,
        document_kind=entry.document_kind,
        overseas=entry.overseas,
        disability=entry.disability,
        grade=entry.grade,
        class_no=entry.class_no,
        placement=entry.placement,
        enrolled_month=entry.enrolled_month,
        kind=facts.kind,
        form_blob=sealed,
        decision=judged.decision,
        entered_by=command.actor.account,
    )


# ---- identity -----------------------------------------------------------------------------------------------


async def _stage(work: RegistryWork, pending: Pending, school: SchoolFacts, entry: Entry) -> Staged | Refused:
    """Into identity's waiting room.

    Neither this nor a claim may answer from memory what was true at an earlier try: each try has its own id, and
    identity knows by the intake and the registration what it has.
    """
    stage = StagePersons(
        command_id=new_id(),
        actor=pending.actor,
        intake_id=pending.intake,
        school=school.code,
        rows=(entry.person(1),),
        expires_at=work.now + WAITING_ROOM,
    )
    reply: StagedPersons | Refused = await work.deps.bus.ask(stage)
    if isinstance(reply, Refused):
        return reply
    return reply.rows[0]


async def _known(work: RegistryWork, school: SchoolFacts, entry: Entry) -> str | Refused | None:
    """Who has this document already; nobody is made, nobody waits."""
    if not entry.document_number:
        return None
    command = KnowPersons(
        command_id=new_id(), actor=system("registry"), organisation=school.code, rows=(entry.person(1),)
    )
    try:
        reply: KnownPersons | Refused = await work.deps.bus.ask(command)
    except (Unavailable, Unknown):
        return refused("unavailable", "身份服务暂时没有应答。请稍后重试。")
    if isinstance(reply, Refused):
        return reply
    known = reply.rows[0]
    return known.person_id or (known.holder.person_id if known.holder else None)


def _with_persons(pending: Pending, staged: Staged, judged: judging.Judged) -> Pending:
    """What identity said beside its refusals: masks of the family's documents, likely duplicates (a note)."""
    decision = judged.decision
    person = None if judged.facts is None else judged.facts.person
    notes = persons.notes(staged)
    if notes:
        decision = msgspec.structs.replace(decision, findings=(*decision.findings, *notes))
    return msgspec.structs.replace(
        pending,
        admission=msgspec.structs.replace(
            pending.admission,
            masked_members=staged.masked_members,
            decision=decision,
            admission_id=None if person is None else person.admission_id,
            arrival=None if person is None or person.arrival is None else person.arrival.case_id,
            kind=pending.admission.kind if judged.facts is None else judged.facts.kind,
        ),
    )


async def _claim(work: RegistryWork, school: str, pending: Pending) -> Claimed | Refused:
    """The person for this registration. Repeating it is safe: identity knows who holds whom."""
    registration_id = pending.registration_id
    reply: ClaimedPersons | Refused = await work.deps.bus.ask(
        ClaimPersons(
            command_id=new_id(),
            actor=pending.actor,
            intake_id=pending.intake,
            school=school,
            claims=(Claim(row=1, registration_id=registration_id),),
        )
    )
    if isinstance(reply, Refused):
        return reply
    claimed = reply.claims[0]
    if claimed.person_id is None:
        return _told(await _against(work, claimed, registration_id, school))
    return claimed


async def _against(
    work: RegistryWork, answer: Staged | Claimed, registration_id: str, school: str
) -> tuple[Finding, ...]:
    holder = persons.in_the_way(answer, registration_id)
    names = await names_of(work.tx, {holder.school}) if holder else {}
    return persons.against(answer, registration_id, school, names)


def _told(findings: tuple[Finding, ...]) -> Refused:
    detail = "；".join(f"{finding.message}。{finding.cure or ''}" for finding in findings[:3])
    return refused("refused", detail, *findings)


async def _carry_through(work: RegistryWork, school: SchoolFacts, pending: Pending, claimed: Claimed) -> bool:
    """Registration and crossing out, in one transaction. The waiting room empties by itself.

    False where the plan has no place left (clause 4.3), or where a school has come to expect the child from another province
    since the rules looked (24.6.1): nothing is written, and the person is to be let go of.
    """
    registration_id = pending.registration_id
    admission = msgspec.structs.replace(
        pending.admission, person_id=claimed.person_id or "", masked_document=claimed.masked_document
    )
    fitting, beyond = await seat(work, school, [admission])
    if beyond or (admission.arrival is None and await arrivals.elsewhere(work, admission.person_id)):
        return False
    if await admit(work, school, fitting, held=True):
        await announce(work, school, None, 1, registration_id)
    await _delete(work, registration_id)
    return True


async def _let_go(deps: Registry, school: str, pending: Pending, claimed: Claimed) -> None:
    """Cross out what was written down and have identity free the person, although the command itself is refused."""
    async with deps.outside.unit(deps) as work:
        await _delete(work, pending.registration_id)
        work.emit(_released(school, pending, claimed), pending.registration_id)


def _released(school: str, pending: Pending, claimed: Claimed) -> RegistrationsClosed:
    person = Approved(registration_id=pending.registration_id, person_id=claimed.person_id or "")
    return RegistrationsClosed(school=school, closed=(person,), reason="withdrawn")


# ---- written down -------------------------------------------------------------------------------------------


async def _write_down(work: RegistryWork, school: str, pending: Pending) -> bool:
    """Whether this very form is written down now; False where another one is under this id."""
    deps = work.deps
    sealed = deps.cipher.seal_bytes(msgspec.json.encode(pending), form_context(pending.registration_id))
    row = {
        "registration_id": pending.registration_id,
        "school": school,
        "sealed": sealed,
        "created_at": work.now,
    }
    async with deps.outside.transaction() as tx:
        if await insert_rows(
            tx,
            tables.pending_entries,
            [row],
            on_conflict="(registration_id) DO NOTHING",
            returning=("registration_id",),
        ):
            return True
        there: bytes | None = await (await driver(tx)).fetchval(
            "SELECT sealed FROM pending_entries WHERE registration_id = $1", pending.registration_id
        )
    return there is not None and _opened(deps, pending.registration_id, there).digest == pending.digest


def _opened(deps: Registry, registration_id: str, sealed: bytes) -> Pending:
    return msgspec.json.decode(deps.cipher.open_bytes(sealed, form_context(registration_id)), type=Pending)


async def _cross_out(deps: Registry, registration_id: str) -> None:
    """Nothing was claimed: forget the entry. A kill before this only lets the worker find the same."""
    async with deps.outside.transaction() as tx:
        await (await driver(tx)).execute("DELETE FROM pending_entries WHERE registration_id = $1", registration_id)


async def _delete(work: RegistryWork, registration_id: str) -> None:
    await (await driver(work.tx)).execute("DELETE FROM pending_entries WHERE registration_id = $1", registration_id)
