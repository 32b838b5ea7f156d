"""What has to be worked out of the final rows, whoever writes them: sealed numbers, keyed hashes, masks, the journal's hash.

The bare program writes rows that are ready; with a `Maker` it makes them too, inside the clock, with the services' own
functions, so that the report tells making from everything else that the system does.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec
from identity import names, numbers
from identity.vault import Vault
from registry.records import journal
from regulation.documents import mask_document
from service_kit.crypto import BlindIndex, FieldCipher
from shared_contracts.identity import PersonEntry

SCHOOL = ""
"""Pupils without a document are indexed by their school; rosters of a benchmark have none."""


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """Identity's keys, base64."""

    field: str
    index: str

    def __repr__(self) -> str:
        return "Keys(…)"


class Rows(msgspec.Struct, kw_only=True):
    """Rows of one table, column by column."""

    table: str
    names: list[str]
    columns: list[list[Any]]

    def column(self, name: str) -> list[Any]:
        return self.columns[self.names.index(name)]

    def put(self, name: str, values: list[Any]) -> None:
        self.columns[self.names.index(name)] = values


class Maker:
    """`learn` before the clock: the plain values of rows. `make` inside it: the columns that follow from them."""

    def __init__(self, keys: Keys) -> None:
        cipher = FieldCipher({"k1": base64.b64decode(keys.field)})
        self._vault = Vault(cipher, BlindIndex(base64.b64decode(keys.index)))
        self._people: dict[str, PersonEntry] = {}
        self._numbers: dict[str, str] = {}
        self._content: dict[str, dict[str, Any]] = {}

    def learn(self, rows: Rows) -> None:
        match rows.table:
            case "persons":
                fields = ("id", "name", "sex", "birth_date", "area", "document_kind", "document", "members")
                for key, name, sex, born, area, kind, document, members in zip(*map(rows.column, fields), strict=True):
                    self._people[key] = PersonEntry(
                        row=0,
                        name=name,
                        sex=sex,
                        birth_date=born,
                        area=area,
                        document_kind=kind,
                        document_number=self._vault.open_document(key, document),
                        members=self._vault.open_members(key, members),
                    )
            case "student_numbers":
                for key, number in zip(rows.column("person_id"), rows.column("number"), strict=True):
                    self._numbers[key] = self._vault.open_number(key, number)
            case "journal":
                for key, content in zip(rows.column("student_id"), rows.column("content"), strict=True):
                    self._content[key] = msgspec.json.decode(content)

    def make(self, rows: Rows) -> None:
        match rows.table:
            case "persons":
                self._persons(rows)
            case "student_numbers":
                self._student_numbers(rows)
            case "journal":
                self._journal(rows)

    def _persons(self, rows: Rows) -> None:
        vault, people = self._vault, [(key, self._people[key]) for key in rows.column("id")]
        rows.put("document", [vault.seal_document(key, one.document_number) for key, one in people])
        rows.put("document_index", [vault.document_index(one, SCHOOL) for _, one in people])
        rows.put("masked_document", [mask_document(one.document_kind, one.document_number) for _, one in people])
        rows.put("members", [vault.seal_members(key, one.members) for key, one in people])
        keys = (names.keys(one.name, one.birth_date) for _, one in people)
        rows.put("name_keys", ["{" + ",".join(map(str, own)) + "}" for own in keys])

    def _student_numbers(self, rows: Rows) -> None:
        vault, numbered = self._vault, [(key, self._numbers[key]) for key in rows.column("person_id")]
        rows.put("number_index", [vault.number_index(number) for _, number in numbered])
        rows.put("number", [vault.seal_number(key, number) for key, number in numbered])
        rows.put("masked", [numbers.mask(number) for _, number in numbered])

    def _journal(self, rows: Rows) -> None:
        fields = ("student_id", "kind", "clause", "legal_date", "recorded_at", "actor")
        entries = [
            journal.entry(
                student,
                (0, journal.GENESIS),
                kind=kind,
                clause=clause,
                legal_date=legal_date,
                recorded_at=recorded_at,
                actor=actor,
                content=self._content[student],
            )
            for student, kind, clause, legal_date, recorded_at, actor in zip(*map(rows.column, fields), strict=True)
        ]
        rows.put("content", [msgspec.json.encode(entry.content).decode() for entry in entries])
        for name in ("salt", "digest", "hash"):
            rows.put(name, [getattr(entry, name) for entry in entries])
