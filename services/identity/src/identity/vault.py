"""Everything that seals and opens personal data, and finds it by keyed hash: the only module that sees plain numbers go
in or out of the database. Contexts bind a sealed value to its row and column.
"""

from __future__ import annotations

import msgspec
from service_kit.crypto import BlindIndex, FieldCipher
from service_kit.settings import Settings
from shared_contracts.decisions import Finding
from shared_contracts.identity import KeyFields, Member, PersonEntry

from identity import numbers


class Waiting(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row of the waiting room: the entry, its numbers normalised, and what staging worked out, which claiming need
    not do again. `index`: of the document; `name_keys`: see `names`; `member_keys`: see `Vault`; `findings`: refusals."""

    entry: PersonEntry
    index: bytes
    name_keys: tuple[int, ...]
    member_keys: tuple[int, ...]
    findings: tuple[Finding, ...] = ()


_encode = msgspec.msgpack.Encoder().encode
_waiting = msgspec.msgpack.Decoder(Waiting)
_key_fields = msgspec.msgpack.Decoder(KeyFields)
_members = msgspec.msgpack.Decoder(tuple[Member, ...])


class Vault:
    """`cipher` opens with every key of XUEJI_FIELD_KEYS and seals with the first; `index` has a key of its own."""

    def __init__(self, cipher: FieldCipher, index: BlindIndex) -> None:
        self._cipher, self._index = cipher, index

    @classmethod
    def from_settings(cls, settings: Settings) -> Vault:
        return cls(FieldCipher.from_settings(settings), BlindIndex.from_settings(settings))

    # ---- finding ----

    def document_index(self, entry: PersonEntry, school: str) -> bytes:
        """Of an entry whose document number is normalised."""
        if entry.document_number:
            return self._index.of(numbers.document_key(entry.document_kind, entry.document_number))
        return self._index.of(numbers.undocumented_key(school, entry.name, entry.sex, entry.birth_date))

    def document_indexes(self, number: str) -> list[bytes]:
        """Of a normalised document number whose kind is not known."""
        return [self._index.of(key) for key in numbers.document_keys(number)]

    def member_keys(self, members: tuple[Member, ...]) -> tuple[int, ...]:
        """Keys (signed 64 bit, distinct) under which pupils with the same guardian meet: cut from the keyed hash of each
        guardian's document, so that nothing of it can be read back."""
        found = {
            int.from_bytes(self._index.of(numbers.document_key(m.document_kind, m.document_number))[:8], signed=True)
            for m in members
            if m.document_number
        }
        return tuple(sorted(found))

    def number_index(self, student_number: str) -> bytes:
        return self._index.of(numbers.number_key(student_number))

    # ---- sealing ----

    def seal_row(self, intake_id: str, row: Waiting) -> bytes:
        return self._cipher.seal_bytes(_encode(row), f"intake_rows:{intake_id}:{row.entry.row}".encode())

    def open_row(self, intake_id: str, row: int, sealed: bytes) -> Waiting:
        return _waiting.decode(self._cipher.open_bytes(sealed, f"intake_rows:{intake_id}:{row}".encode()))

    def seal_document(self, person_id: str, number: str) -> bytes | None:
        return self._cipher.seal(number, f"persons.document:{person_id}".encode()) if number else None

    def open_document(self, person_id: str, sealed: bytes | None) -> str:
        return "" if sealed is None else self._cipher.open(sealed, f"persons.document:{person_id}".encode())

    def seal_members(self, person_id: str, members: tuple[Member, ...]) -> bytes | None:
        if not members:
            return None
        return self._cipher.seal_bytes(_encode(members), f"persons.members:{person_id}".encode())

    def open_members(self, person_id: str, sealed: bytes | None) -> tuple[Member, ...]:
        if sealed is None:
            return ()
        return _members.decode(self._cipher.open_bytes(sealed, f"persons.members:{person_id}".encode()))

    def seal_number(self, person_id: str, student_number: str) -> bytes:
        return self._cipher.seal(student_number, f"student_numbers.number:{person_id}".encode())

    def seal_elsewhere(self, person_id: str, student_number: str) -> bytes:
        return self._cipher.seal(student_number, f"elsewhere_numbers.number:{person_id}".encode())

    def seal_correction(self, staging_id: str, values: KeyFields) -> bytes:
        return self._cipher.seal_bytes(_encode(values), f"staged_corrections:{staging_id}".encode())

    def open_correction(self, staging_id: str, sealed: bytes) -> KeyFields:
        return _key_fields.decode(self._cipher.open_bytes(sealed, f"staged_corrections:{staging_id}".encode()))

    def open_number(self, person_id: str, sealed: bytes) -> str:
        return self._cipher.open(sealed, f"student_numbers.number:{person_id}".encode())
