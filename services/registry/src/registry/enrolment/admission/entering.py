"""Children who come in by an application: their data checked as a list's rows are, known to identity, judged."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from regulation.school_year import Stage
from service_kit.bus import BusError
from service_kit.ids import derived
from shared_contracts.actors import system
from shared_contracts.admission import ChildGiven
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.identity import KnownPerson, KnownPersons, KnowPersons

from registry.context import RegistryWork
from registry.enrolment.children import policy, sheet, store
from registry.enrolment.children.importing import listed, person
from registry.enrolment.children.policy import ChildFacts
from registry.enrolment.children.sheet import ReadRow
from registry.enrolment.children.store import Standing
from registry.rosters.access import names_of

AWAY = "身份服务暂时没有应答。请稍后用相同的请求重试，不会重复办理。"


class Entered(msgspec.Struct, frozen=True, kw_only=True):
    """One child. `findings`: without what passed; nothing is entered of one whom they refuse."""

    read: ReadRow
    known: KnownPerson | None
    standing: Standing
    findings: tuple[Finding, ...]

    @property
    def refused(self) -> bool:
        return any(finding.outcome is Outcome.REFUSE for finding in self.findings)

    @property
    def person_id(self) -> str:
        assert self.known is not None and self.known.person_id is not None
        return self.known.person_id


async def enter(
    work: RegistryWork,
    given: Sequence[ChildGiven],
    *,
    act: str,
    organisation: str,
    county: str,
    school_year: int,
    stage: Stage,
    make: bool = True,
) -> list[Entered] | Refused:
    """Each child with what stands against it, in the order given. `act`: names the asking of identity, so that a repeat
    is one; `make`: False for a dry run, which makes nobody known. The household may be anywhere here."""
    read = list(sheet.once(_read(work, one, number, county) for number, one in enumerate(given, start=1)))
    entries = tuple(person(row) for row in read if row.child is not None)
    people: dict[int, KnownPerson] = {}
    if entries:
        command = KnowPersons(
            command_id=derived("know", act, "make" if make else "look"),
            actor=system("registry"),
            organisation=organisation,
            rows=entries,
            make=make,
        )
        try:
            reply: KnownPersons | Refused = await work.deps.bus.ask(command)
        except BusError:
            return refused("unavailable", AWAY)
        if isinstance(reply, Refused):
            return reply
        people = {known.row: known for known in reply.rows}
    ids = [known.person_id for known in people.values() if known.person_id]
    standings = await store.standings(work.tx, ids, stage)
    codes = {s.admission[1] for s in standings.values() if s.admission}
    codes |= {s.school for s in standings.values() if s.school} | {p.holder.school for p in people.values() if p.holder}
    names = tuple((await names_of(work.tx, codes)).items())
    parameters = work.deps.policy.parameters(county, work.today)
    out = []
    for row in read:
        known = people.get(row.row)
        standing = standings.get((known.person_id if known else None) or "", Standing())
        found = [*row.findings, *(known.findings if known else ())]
        if row.child is not None and known is not None:
            facts = ChildFacts(
                birth_date=row.child.birth_date,
                division=row.child.division,
                county=county,
                school_year=school_year,
                stage=stage,
                parameters=parameters,
                household=False,
                admitted_to=standing.admission[1] if standing.admission else None,
                holder=standing.school or (known.holder.school if known.holder else None),
                record=standing.record,
                graduated_stage=standing.graduated_stage,
                names=names,
            )
            found.extend(policy.decide(facts))
        found = [finding for finding in found if finding.outcome is not Outcome.PASS]
        out.append(Entered(read=row, known=known, standing=standing, findings=tuple(found)))
    return out


async def put(
    work: RegistryWork, entered: Sequence[Entered], *, county: str, school_year: int, origin: str, stage: Stage
) -> None:
    """Children who stand on no list yet onto one of their own; those on a county's list stay as they are."""
    rows = []
    for one in entered:
        assert one.known is not None
        rows.append(listed(work, one.read, one.known, county, school_year, origin=origin, stage=stage))
    await store.put(work.tx, rows)


def child_id(one: Entered, stage: Stage) -> str:
    return store.child_id(one.person_id, stage)


def _read(work: RegistryWork, one: ChildGiven, number: int, county: str) -> ReadRow:
    cells = {
        "name": one.name,
        "sex": one.sex,
        "birth_date": one.birth_date.isoformat(),
        "document_kind": one.document_kind,
        "document_number": one.document_number,
        "division": one.division,
        "address": one.address,
        "guardian": one.guardian,
        "phone": one.phone,
    }
    return sheet.read_child(number, cells, county, work.today)
