"""Two services side by side: the registry and the real identity, each on its own PostgreSQL. Questions are asked through
the kit's own transactions; events lie in the outboxes until a test carries them over, once, twice or late."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
from identity.app import SERVICE as IDENTITY
from identity.context import Identity
from identity.matcher import Matcher
from identity.settings import MatcherSettings
from identity.vault import Vault
from kit_recorder import Notebook
from registry.app import SERVICE as REGISTRY
from registry.evidence import store as evidence
from registry.evidence.store import Evidence
from registry.organisations.facts import SchoolFacts
from registry.registration import queries
from registry.registration.intake import form_context
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, PRINCIPAL, SCHOOL, World, actor
from regulation.documents import check_digit
from service_kit import commands, settings
from service_kit.codec import decode_reply
from service_kit.database import Database, driver
from service_kit.ids import new_id
from shared_contracts import clearing as words
from shared_contracts import identity as identity_contract
from shared_contracts import registry as registry_contract
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven, EvidenceKind, ScanState
from shared_contracts.identity import Claim, ClaimPersons, PersonEntry, StagePersons
from shared_contracts.messages import Command, members, subject

BORN = date(2020, 3, 5)
REGISTRY_ACTOR = system("registry")

OFFICER = actor(Role.AUTHORITY_OFFICER, "230102")
LEADER = actor(Role.LEADER, "230102")
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, "230100")
CITY_LEADER = actor(Role.LEADER, "230100")
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, "230202")
FAR_LEADER = actor(Role.LEADER, "230202")
PROVINCE_OFFICER = actor(Role.AUTHORITY_OFFICER, "230000")
PROVINCE_LEADER = actor(Role.LEADER, "230000")
OTHER_REGISTRAR = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
OTHER_PRINCIPAL = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
FAR_REGISTRAR = actor(Role.REGISTRAR, FAR_SCHOOL.code)


class DirectBus:
    """What the registry asks identity, answered by identity's own handlers. `away`: nobody answers."""

    def __init__(self) -> None:
        self.world: ClearingWorld | None = None
        self.away: BaseException | None = None

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        if self.away is not None:
            raise self.away
        assert self.world is not None
        return await self.world.identity_asked(message)


class ClearingWorld(World):
    def __init__(self, registry_env: dict[str, str], identity_env: dict[str, str]) -> None:
        bus = DirectBus()
        super().__init__(registry_env, bus)
        bus.world = self
        self.bus = bus
        self.identity_env = identity_env
        loaded = settings.load(identity_env)
        own = MatcherSettings(matcher_url="http://127.0.0.1:9", matcher_api_key="nobody")
        self.identity_db = Database.from_settings(loaded, self.clock, "identity")
        self.identity = Identity(
            settings=own, vault=Vault.from_settings(loaded), matcher=Matcher(own), wake_matching=lambda: None
        )
        self.identity_notebook = Notebook("identity")
        self._serial = 0
        self._carried: dict[str, int] = {"registry": 0, "identity": 0}

    async def shut(self) -> None:
        await self.identity.matcher.close()
        await self.identity_db.close()
        await super().shut()

    # ---- identity ----------------------------------------------------------------------------------------------

    async def identity_asked(self, message: Any) -> Any:
        if isinstance(message, Command):
            handler = IDENTITY.commands[type(message)]
            reply = await commands.once(
                self.identity_db, self.clock, self.identity, handler, message, self.identity_notebook
            )
        else:
            handler = IDENTITY.queries[type(message)]
            reply = await commands.ask(
                self.identity_db, self.clock, self.identity, handler, message, self.identity_notebook
            )
        return decode_reply(identity_contract.REPLIES[type(message)], reply)

    async def identity_told(self, event: Any) -> None:
        async with self.identity_db.unit(self.identity) as work:
            await IDENTITY.events[type(event)](work, event)

    async def identity_sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.identity_db.transaction() as tx:
            return await (await driver(tx)).fetch(statement, *values)

    async def waiting(self, service: str) -> list[Any]:
        """Events in a service's outbox that were not carried over, and that the other one takes."""
        sql, contract, taker = (
            (self.sql, registry_contract, IDENTITY)
            if service == "registry"
            else (self.identity_sql, identity_contract, REGISTRY)
        )
        kinds = {subject(kind): kind for kind in members(contract.Events)}
        rows = await sql("SELECT seq, subject, payload FROM outbox WHERE seq > $1 ORDER BY seq", self._carried[service])
        found = [(row["seq"], msgspec.json.decode(row["payload"], type=kinds[row["subject"]])) for row in rows]
        return [(seq, event) for seq, event in found if type(event) in taker.events]

    async def carry(self) -> int:
        """Carry everything over, there and back, until nothing waits. How many events."""
        total = 0
        while True:
            moved = 0
            for service, tell in (("registry", self.identity_told), ("identity", self.tell)):
                for seq, event in await self.waiting(service):
                    await tell(event)
                    self._carried[service] = seq
                    moved += 1
            total += moved
            if not moved:
                return total

    async def carry_one(self, service: str) -> None:
        """The next event of a service, if one waits."""
        tell = self.identity_told if service == "registry" else self.tell
        for seq, event in (await self.waiting(service))[:1]:
            await tell(event)
            self._carried[service] = seq

    # ---- pupils -------------------------------------------------------------------------------------------------

    def document(self, born: date = BORN, sex: str = "1", area: str = "230102") -> str:
        self._serial += 1
        first17 = f"{area}{born:%Y%m%d}{self._serial * 2 + (1 if sex == '1' else 0):03d}"
        return first17 + check_digit(first17)

    async def registered(self, school: SchoolFacts = SCHOOL, *, kind: str = "L", **changes: Any) -> str:
        """A pupil with a record, known to identity: claimed, admitted, approved, numbered. Returns the record's id."""
        registration_id = await self.under_way(school, **changes)
        await self.sql(
            "UPDATE cases SET status = 'approved', step = NULL, due_on = NULL WHERE id = $1", registration_id
        )
        (row,) = await self.sql("SELECT person_id FROM registrations WHERE id = $1", registration_id)
        self._serial += 1
        number = identity_contract.Issued(
            person_id=row["person_id"],
            registration_id=registration_id,
            kind=identity_contract.NumberKind(kind),
            masked=f"{kind}23**************{self._serial:02d}",
            verification=identity_contract.Verification.MATCHED
            if kind == "G"
            else identity_contract.Verification.NAME_MISMATCH,
        )
        await self.tell(identity_contract.NumbersIssued(numbers=(number,), issued_at=self.clock.now()))
        index = self.identity.vault.number_index(registration_id)
        await self.identity_sql(
            """INSERT INTO student_numbers (number_index, person_id, kind, number, masked, valid_from)
               VALUES ($1, $2, $3, '\\x00', $4, $5) ON CONFLICT DO NOTHING""",
            index,
            row["person_id"],
            kind,
            number.masked,
            self.clock.now(),
        )
        return registration_id

    async def under_way(self, school: SchoolFacts = SCHOOL, **changes: Any) -> str:
        """A registration that waits for its class teacher, its person claimed at identity."""
        values: dict[str, Any] = {"name": "王小明", "sex": "1", "birth_date": BORN, "document_kind": "1"} | changes
        members_ = values.pop("members", ())
        number = values.pop("document_number", None)
        if number is None:
            number = self.document(values["birth_date"], values["sex"]) if values["document_kind"] == "1" else ""
        entry = PersonEntry(
            row=1, area=values.pop("area", "230102"), document_number=number, members=members_,
            **{key: values[key] for key in ("name", "sex", "birth_date", "document_kind")},
        )  # fmt: skip
        admission = self.admission(school, **values)
        intake = new_id()
        await self.identity_asked(
            StagePersons(
                command_id=new_id(), actor=REGISTRY_ACTOR, intake_id=intake, school=school.code, rows=(entry,),
                expires_at=self.clock.now() + timedelta(hours=1),
            )
        )  # fmt: skip
        reply = await self.identity_asked(
            ClaimPersons(
                command_id=new_id(), actor=REGISTRY_ACTOR, intake_id=intake, school=school.code,
                claims=(Claim(row=1, registration_id=admission.registration_id),),
            )
        )  # fmt: skip
        (claimed,) = reply.claims
        assert claimed.person_id, claimed
        admission = msgspec.structs.replace(
            admission, person_id=claimed.person_id, masked_document=claimed.masked_document
        )
        (registration_id,) = await self.admit(admission, school=school)
        return registration_id

    async def fill_form(self, registration_id: str, **fields: str) -> None:
        """The form of a record says this, too."""
        async with self.db.unit(self.deps) as work:
            form = await queries.read_form(work, registration_id) | fields
        sealed = self.deps.cipher.seal_bytes(msgspec.json.encode(form), form_context(registration_id))
        await self.sql("UPDATE profiles SET form = $2 WHERE id = $1", registration_id, sealed)

    async def form(self, registration_id: str) -> dict[str, str]:
        async with self.db.unit(self.deps) as work:
            return await queries.read_form(work, registration_id)

    async def paper(self, who: Actor, kind: EvidenceKind = EvidenceKind.OTHER) -> EvidenceGiven:
        """An uploaded file of the actor's organisation."""
        evidence_id = new_id()
        row = Evidence(
            id=evidence_id, organisation=who.organisation, account=who.account, uploaded_by=who.name,
            uploaded_at=self.clock.now(), name="材料.pdf", media_type="application/pdf", size=1, sha256="0" * 64,
            file_id=evidence_id, scan=ScanState.CLEAN, kind=kind, attached_to=None, place=0, shared_with=None,
        )  # fmt: skip
        async with self.db.transaction() as tx:
            await evidence.put(tx, row)
        return EvidenceGiven(evidence_id=evidence_id, kind=kind)

    # ---- acts ---------------------------------------------------------------------------------------------------

    async def propose(self, student_id: str, who: Actor = OFFICER, **more: Any) -> Any:
        values: dict[str, Any] = {"ground": words.Ground.FRAUD, "reason": "经查，入学材料系伪造"} | more
        papers = values.pop("evidence", None)
        return await self.do(
            words.ProposeCancellation(
                command_id=self.id(),
                actor=who,
                cancellation_id=values.pop("cancellation_id", None) or self.id("cancellation"),
                student_id=student_id,
                evidence=(await self.paper(who),) if papers is None else papers,
                **values,
            )
        )

    async def decide_cancellation(
        self, cancellation_id: str, who: Actor = LEADER, decision: str = "approve", **more: Any
    ) -> Any:
        return await self.do(
            words.DecideCancellation(
                command_id=self.id(),
                actor=who,
                cancellation_id=cancellation_id,
                decision=decision,  # type: ignore[arg-type]
                **more,
            )
        )

    async def cancel(self, student_id: str, who: Actor = OFFICER, leader: Actor = LEADER, **more: Any) -> Any:
        proposed = await self.propose(student_id, who, **more)
        assert not isinstance(proposed, Refused), proposed
        decided = await self.decide_cancellation(proposed.id, leader)
        assert not isinstance(decided, Refused), decided
        return decided

    async def reinstate(self, cancellation_id: str, who: Actor = CITY_LEADER, reason: str = "复核认定注销有误") -> Any:
        return await self.do(
            words.ReinstateRecord(command_id=self.id(), actor=who, cancellation_id=cancellation_id, reason=reason)
        )

    async def decide_correction(
        self, correction: str, step: str, decision: str = "approve", *, who: Actor | None = None, **more: Any
    ) -> Any:
        return await self.do(
            words.DecideCorrection(
                command_id=self.id(),
                actor=who or {"principal": PRINCIPAL, "authority": OFFICER}[step],
                correction_id=correction,
                step=words.CorrectionStep(step),
                decision=decision,  # type: ignore[arg-type]
                **more,
            )
        )

    async def student(self, student_id: str) -> Any:
        (row,) = await self.sql("SELECT * FROM students WHERE id = $1", student_id)
        return row

    async def kinds(self, student_id: str) -> list[str]:
        rows = await self.sql("SELECT kind FROM journal WHERE student_id = $1 ORDER BY seq", student_id)
        return [row["kind"] for row in rows]

    async def holders(self) -> dict[str, str]:
        """Registration by person, as identity has it."""
        rows = await self.identity_sql("SELECT person_id, registration_id FROM record_claims")
        return {row["person_id"]: row["registration_id"] for row in rows}
