"""Forms of numbers: how a document is indexed, how a student number is made, shown and read (clause 15.3). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from regulation.documents import DocumentKind, l_body, mask_document, normalise, read_resident
from regulation.mark import clause
from shared_contracts.identity import NumberKind

from identity import names

_STUDENT_NUMBER = re.compile(r"([GLJ])([0-9]{17}[0-9X])")


def document_key(kind: str, number: str) -> str:
    """What the blind index of a normalised document number is made of: the same text for the same document.

    A number that is a right resident identity number counts as one whatever kind the school chose: a pupil entered as
    "Z-其他" with the number of an identity card is the pupil of that card.
    """
    kind = DocumentKind.RESIDENT.value if read_resident(number) else kind
    return f"document:{kind}:{number}"


def undocumented_key(school: str, name: str, sex: str, birth_date: date) -> str:
    """The index text of a pupil without any document number (kind Z).

    Such a pupil is one person inside a school, so that the same roster uploaded twice makes nobody twice. In another
    school he is another person and at most a likely duplicate: nothing proves more.
    """
    return f"undocumented:{school}:{names.normalise(name)}:{sex}:{birth_date.isoformat()}"


def document_keys(number: str) -> Iterator[str]:
    """All index texts under which a person with this normalised document number may stand, whatever its kind."""
    if number:
        yield from dict.fromkeys(document_key(kind, number) for kind in DocumentKind)


@clause("15.3")
def formal(document_number: str) -> str:
    """正式学籍号: G and the resident identity number."""
    return f"{NumberKind.G}{document_number}"


@clause("15.3")
def temporary(area: str, birth_date: date, serial: int) -> str:
    """临时学籍号: L and a body that is nobody's identity number. Raises ValueError when no serial is left."""
    return f"{NumberKind.L}{l_body(area, birth_date, serial)}"


def number_key(student_number: str) -> str:
    return f"number:{student_number}"


def read(text: str) -> str | None:
    """A student number (G, L, or the national system's J) as it was typed, in its one written form; None if it is none."""
    number = normalise(text)
    return number if _STUDENT_NUMBER.fullmatch(number) else None


def mask(student_number: str) -> str:
    """The letter and the ends: a G number holds an identity number, so it is masked like one."""
    return student_number[0] + mask_document(DocumentKind.RESIDENT, student_number[1:])
