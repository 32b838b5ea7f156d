"""The rows of one grade of the province, in both databases, as the services would have left them: sealed with their keys,
hashed by their functions. Reproducible but for nonces, salts and the keys themselves.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from identity import names, numbers
from identity.vault import Vault
from matcher import population
from matcher.population import Person, cells, child
from registry.records import journal, kinds
from registry.registration.intake import form_context
from registry.search import facts, terms
from regulation.documents import DocumentKind, mask_document
from regulation.school_year import cohort
from service_kit.clock import ZONE
from service_kit.crypto import FieldCipher
from service_kit.ids import derived, derived_in_line
from shared_contracts.decisions import Decision
from shared_contracts.identity import Member, PersonEntry

from xueji_local.seeding import plan
from xueji_local.seeding.plan import Klass

DECISION = msgspec.json.encode(Decision(findings=()))
DECISION_ID = hashlib.sha256(DECISION).hexdigest()[:32]
IDENTITY = "system:identity"
SOMEBODY = "seed-province"
"""The account that entered and approved all of them."""

L_BEFORE, RENAMED, FOREIGN, MAINSTREAMED, AT_HOME = 0.03, 0.005, 0.03, 0.004, 0.0002
"""Parts of the pupils: whose L became a G; whose name was corrected; with a passport (of a school that takes them);
mainstreamed; taught at home."""
_FOREIGN_NAMES = ("IVANOVA ANNA", "PETROV IVAN", "SMIRNOVA DARYA", "KUZNETSOVA POLINA", "KIM MINJUN", "TANAKA YUI")

COLUMNS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "identity": {
        "persons": ("id", "name", "sex", "birth_date", "area", "document_kind", "document", "document_index",
                    "masked_document", "members", "name_keys", "created_at"),
        "record_claims": ("person_id", "registration_id", "school", "claimed_at"),
        "student_numbers": ("number_index", "person_id", "kind", "number", "masked", "valid_from", "valid_to"),
        "verifications": ("person_id", "attempt", "outcome", "at"),
        "l_serials": ("area", "birth_date", "used"),
    },
    "registry": {
        "classes": ("id", "school", "stage", "cohort", "class_no", "grade", "system"),
        "registrations": ("id", "person_id", "school", "authority", "name", "sex", "birth_date", "document_kind",
                          "masked_document", "masked_members", "overseas", "disability", "placement", "kind",
                          "school_year", "grade", "class_no", "class_id", "enrolled_month", "decision_id",
                          "sheet_printed_at", "verification", "student_number", "number_kind", "registered_at"),
        "profiles": ("id", "form"),
        "cases": ("id", "kind", "subject_id", "parties", "entered_by", "opened_at", "status", "version"),
        "case_decisions": ("case_id", "seq", "step", "decision", "account", "account_name", "role", "organisation",
                           "decided_at"),
        "students": ("id", "person_id", "school", "name", "sex", "birth_date", "document_kind", "masked_document",
                     "student_number", "number_kind", "verification", "stage", "cohort", "placement", "state",
                     "registered_at"),
        "class_memberships": ("student_id", "joined_on", "class_id"),
        "journal": ("student_id", "seq", "kind", "clause", "legal_date", "recorded_at", "actor", "content", "salt",
                    "digest", "previous", "hash"),
        "former_numbers": ("student_id", "ended_at", "number"),
        "former_names": ("student_id", "ended_at", "name"),
        "search_entries": ("n", "student_id", "school", "authority", "terms", *facts.COLUMNS),
        "search_terms": ("authority", "term", "n", *facts.COLUMNS),
    },
}  # fmt: skip


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One grade of a province of `students`. `today`: of the business clock. `seed`: of the matcher's population."""

    students: int
    grade: int
    school_year: int
    today: date
    seed: int


Batch = dict[str, dict[str, list[tuple[Any, ...]]]]
"""Database -> table -> rows."""


class _Numbered(NamedTuple):
    """What identity knows of a pupil: kind and number; the L before it."""

    kind: str
    number: str
    former: str | None


def people(task: Task) -> Iterator[tuple[Klass, int, Person]]:
    """Who sits where: class, place in the grade, child. From the far end of the cohort: demonstrations use the other."""
    year = cohort(task.grade, task.school_year)
    wanted = {county: by[task.grade - 1] for county, by in plan.pupils_by_county(task.students).items()}
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    missing, group = sum(wanted.values()), population.cohort(task.seed, year)
    for ordinal in range(group.size - 1, -1, -1):
        if not missing:
            break
        county = cells()[(ordinal * group.step + group.offset) % group.size % len(cells())][0].code
        if len(waiting[county]) < wanted[county]:
            waiting[county].append(ordinal)
            missing -= 1
    place = 0
    for klass in plan.classes(task.students, task.grade):
        for _ in range(klass.pupils):
            yield klass, place, child(task.seed, year, waiting[klass.school.county].pop())
            place += 1


class Maker:
    """Makes batches of rows; it remembers the L serials and the classes of its grade.

    `vault`: identity's. `forms`: the registry's cipher.
    """

    def __init__(self, task: Task, vault: Vault, forms: FieldCipher) -> None:
        self.task, self._vault, self._forms = task, vault, forms
        self._serials: defaultdict[tuple[str, date], int] = defaultdict(int)
        self._classes: set[str] = set()
        self._first = date(task.school_year, 9, 1)

    def batches(self, size: int) -> Iterator[tuple[int, Batch]]:
        """Pupils of the batch, and its rows. The last one has the used-up serials."""
        batch, many = _empty(), 0
        for klass, place, person in people(self.task):
            self._pupil(batch, klass, place, person)
            many += 1
            if many == size:
                yield many, batch
                batch, many = _empty(), 0
        batch["identity"]["l_serials"] = [(*key, used) for key, used in sorted(self._serials.items())]
        yield many, batch

    def _pupil(self, batch: Batch, klass: Klass, place: int, person: Person) -> None:
        school, task = klass.school.view, self.task
        draw = int.from_bytes(hashlib.blake2b(f"{task.grade}:{place}".encode(), digest_size=8).digest(), "big")
        chances = [(draw >> shift & 0xFFFF) / 0x10000 for shift in (0, 16, 32)]
        at = datetime.combine(self._day(draw), time(9 + (draw >> 48) % 8, (draw >> 52) % 60), ZONE)
        student = derived_in_line(place, "seed-province", "student", task.grade)
        person_id = derived_in_line(place, "seed-province", "person", task.grade)
        foreign = school.accepts_international and chances[0] < FOREIGN
        name = _FOREIGN_NAMES[draw % len(_FOREIGN_NAMES)] if foreign else person.name
        kind = DocumentKind.PASSPORT if foreign else DocumentKind.RESIDENT
        document = f"75{task.grade}{place:06d}" if foreign else person.document_number
        masked = mask_document(kind, document)
        numbered = self._number(person, document, foreign=foreign, upgraded=chances[1] < L_BEFORE)
        verification = "not_matchable" if foreign else "matched"
        placement = self._placement(klass, chances[2])
        stage = _stage(klass)
        year = cohort(klass.grade, task.school_year)
        class_id = derived("class", school.code, stage, year, klass.class_no)
        if class_id not in self._classes:
            self._classes.add(class_id)
            batch["registry"]["classes"].append(
                (class_id, school.code, stage, year, klass.class_no, klass.grade, school.system)
            )
        # ---- identity
        mine = batch["identity"]
        entry = PersonEntry(
            row=0, name=name, sex=person.sex, birth_date=person.birth_date, area=person.county, document_kind=kind,
            document_number=document,
        )  # fmt: skip
        members = tuple(
            Member(slot=slot, document_kind=DocumentKind.RESIDENT, document_number=guardian.document_number)
            for slot, guardian in enumerate(person.guardians, start=1)
        )
        mine["persons"].append((
            person_id, name, person.sex, person.birth_date, person.county, kind.value,
            self._vault.seal_document(person_id, document), self._vault.document_index(entry, school.code), masked,
            self._vault.seal_members(person_id, members), list(names.keys(name, person.birth_date)), at,
        ))  # fmt: skip
        mine["record_claims"].append((person_id, student, school.code, at))
        mine["verifications"].append((person_id, 1, verification, at))
        upgraded_at = at + timedelta(minutes=30)
        shown = numbers.mask(numbered.number)
        for number_kind, number, since, until in (
            *((("L", numbered.former, at, upgraded_at),) if numbered.former else ()),
            (numbered.kind, numbered.number, upgraded_at if numbered.former else at, None),
        ):
            mine["student_numbers"].append((
                self._vault.number_index(number), person_id, number_kind, self._vault.seal_number(person_id, number),
                numbers.mask(number), since, until,
            ))  # fmt: skip
        # ---- registry
        its = batch["registry"]
        month, kind_of = f"{year}09", "new" if klass.grade == 1 else "supplementary"
        disability = "1" if placement == "ordinary" else "2"
        overseas = "51" if foreign else "00"
        masked_members = [[m.slot, mask_document(m.document_kind, m.document_number)] for m in members]
        its["registrations"].append((
            student, person_id, school.code, school.authority, name, person.sex, person.birth_date, kind.value, masked,
            _json(masked_members), overseas, disability, placement, kind_of, task.school_year, klass.grade,
            klass.class_no, class_id, month, DECISION_ID, at, verification, shown, numbered.kind, at,
        ))  # fmt: skip
        form = _form(klass, person, name, kind.value, overseas, disability, month)
        its["profiles"].append((student, self._forms.seal_bytes(msgspec.json.encode(form), form_context(student))))
        parties = _json({"school": school.code, "authority": school.authority})
        its["cases"].append((student, "registration", person_id, parties, SOMEBODY, at, "approved", 1))
        its["case_decisions"].append((
            student, 1, "authority", "approve", SOMEBODY, "载入", "authority_officer", school.authority, at
        ))  # fmt: skip
        its["students"].append((
            student, person_id, school.code, name, person.sex, person.birth_date, kind.value, masked, shown,
            numbered.kind, verification, stage, year, placement, "in_school", at,
        ))  # fmt: skip
        its["class_memberships"].append((student, at.date(), class_id))
        content = {
            "school": school.code, "stage": stage, "school_year": task.school_year, "grade": klass.grade,
            "class_no": klass.class_no, "class_id": class_id, "placement": placement, "kind": kind_of,
            "enrolled_month": month, "decision_id": DECISION_ID, "roster_id": None, "verification": verification,
            "student_number": numbers.mask(numbered.former) if numbered.former else shown,
            "number_kind": "L" if numbered.former else numbered.kind,
        }  # fmt: skip
        end = self._write_down(its, student, (0, journal.GENESIS), kinds.REGISTERED, "15.1", at, content)
        if numbered.former:
            before = {"student_number": numbers.mask(numbered.former), "number_kind": "L"}
            after = {"student_number": shown, "number_kind": numbered.kind}
            changed = kinds.changed(before, after, former_number=before["student_number"])
            end = self._write_down(its, student, end, kinds.NUMBER_UPGRADED, "15.4", upgraded_at, changed)
            its["former_numbers"].append((student, upgraded_at, before["student_number"]))
        all_names = name
        if not foreign and chances[2] > 1 - RENAMED:
            former, renamed_at = _former_name(name, draw), at + timedelta(hours=1)
            changed = kinds.changed({"name": former}, {"name": name})
            self._write_down(its, student, end, "corrected", "40", renamed_at, changed)
            its["former_names"].append((student, renamed_at, former))
            all_names = f"{name}\n{former}"
        n = (klass.grade - 1) * 1_000_000 + place + 1
        own = _terms(all_names)
        group = facts.group(year, stage)
        says = _copied(facts.of(group, klass.class_no, stage, "in_school", placement))
        its["search_entries"].append((n, student, school.code, school.authority, terms.as_text(own), *says))
        its["search_terms"] += [(school.authority, term, n, *says) for term in own]

    def _day(self, draw: int) -> date:
        return min(self._first + timedelta(days=draw % 20), self.task.today)

    def _number(self, person: Person, document: str, *, foreign: bool, upgraded: bool) -> _Numbered:
        if not foreign and not upgraded:
            return _Numbered("G", numbers.formal(document), None)
        key = person.county, person.birth_date
        temporary = numbers.temporary(*key, self._serials[key])
        self._serials[key] += 1
        return _Numbered("L", temporary, None) if foreign else _Numbered("G", numbers.formal(document), temporary)

    @staticmethod
    def _placement(klass: Klass, chance: float) -> str:
        if klass.school.special:
            return "special_school"
        return "home_teaching" if chance < AT_HOME else "mainstreamed" if chance < MAINSTREAMED else "ordinary"

    @staticmethod
    def _write_down(
        rows: dict[str, list[tuple[Any, ...]]], student: str, after: tuple[int, bytes], kind: str, clause: str,
        at: datetime, content: dict[str, Any],
    ) -> tuple[int, bytes]:  # fmt: skip
        """An entry behind the last one; the new end of the chain."""
        one = journal.entry(
            student,
            after,
            kind=kind,
            clause=clause,
            legal_date=at.date(),
            recorded_at=at,
            actor=IDENTITY,
            content=content,
        )
        rows["journal"].append((
            student, one.seq, kind, clause, one.legal_date, at, IDENTITY, _json(content), one.salt, one.digest,
            one.previous, one.hash,
        ))  # fmt: skip
        return one.seq, one.hash


def _form(
    klass: Klass, person: Person, name: str, document_kind: str, overseas: str, disability: str, month: str
) -> dict[str, str]:
    """What the family filled in, without document numbers."""
    county = person.county + "000000"
    form = {
        "school_code": klass.school.view.code, "name": name, "sex": person.sex,
        "birth_date": person.birth_date.isoformat(), "birth_place": county, "native_place": county,
        "ethnicity": person.nationality, "nationality": "CHN" if overseas == "00" else "RUS",
        "document_kind": document_kind, "overseas": overseas, "political": "13", "health": "10",
        "household_place": county, "household_kind": "2", "grade": str(klass.grade), "class_no": str(klass.class_no),
        "enrolled_month": month, "entry_way": "11", "boarding": "1", "source": "1",
        "current_address": person.address, "home_address": person.address, "phone": person.guardians[0].phone,
        "postcode": person.postcode, "mainstreamed": "0", "disability": disability,
    }  # fmt: skip
    for slot, guardian in enumerate(person.guardians, start=1):
        form |= {
            f"member{slot}_name": guardian.name, f"member{slot}_relation": "51" if guardian.sex == "1" else "52",
            f"member{slot}_phone": guardian.phone, f"member{slot}_employer": guardian.employer,
            f"member{slot}_guardian": "1", f"member{slot}_document_kind": "1",
        }  # fmt: skip
    return form


def _former_name(name: str, draw: int) -> str:
    """As it stood before somebody corrected it: another character in its end."""
    others = "明红伟丽军芳强敏"
    other = others[draw % len(others)]
    return name[:-1] + (other if name[-1] != other else others[(draw + 1) % len(others)])


def _stage(klass: Klass) -> str:
    return "primary" if klass.grade <= klass.school.system.primary_years else "junior"


@lru_cache(400_000)
def _terms(all_names: str) -> tuple[str, ...]:
    return terms.terms(all_names.split("\n"))


def _copied(own: facts.Facts) -> tuple[int | bytes, ...]:
    """As COPY takes them: PostgreSQL's `"char"` is a byte."""
    return tuple(value if isinstance(value, int) else value.encode() for value in own)


def _empty() -> Batch:
    return {database: {table: [] for table in tables} for database, tables in COLUMNS.items()}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
