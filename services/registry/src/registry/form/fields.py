"""The national form's fields (学生基本信息表, 72 items) and the column 学校标识码 that rosters begin with.

The data are `fields.csv`. `no` is the item's number on the form; 0 is the school's code, and what has no number is not
of the form but asked for by a clause (是否送教上门, clause 17).
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import msgspec
from regulation.codetables import TABLES, CodeTable

Kind = Literal[
    "school",  # the school's own code
    "name",
    "text",
    "code",  # a code table
    "date",
    "month",
    "division",  # 12-digit statistical division code (统计用区划代码)
    "document",
    "grade",
    "class",
    "phone",
    "postcode",
    "email",
    "number",
]

Required = Literal[
    "yes",
    "no",
    "mainland",  # unless the pupil has a document of Hong Kong, Macao, Taiwan or abroad (clause 50)
    "document",  # unless the kind of document is Z
    "member",  # where the family member has a name
]

MEMBERS = (1, 2)
"""The two family members the form asks for."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field. `key`: its stable name in programs; `header`: its column's title; `variants`: titles accepted as well.

    `max`: characters; `personal`: masked in messages; `table`: the code table of a `code` field.
    """

    no: int | None
    key: str
    header: str
    kind: Kind
    table: str = ""
    required: Required = "no"
    max: int
    personal: bool
    variants: tuple[str, ...] = ()

    @property
    def codes(self) -> CodeTable | None:
        return TABLES[self.table] if self.table else None

    @property
    def member(self) -> int | None:
        """1 or 2 for a family member's field."""
        return int(self.key[6]) if self.key.startswith("member") else None


def _load() -> tuple[Field, ...]:
    text = files("registry.form").joinpath("fields.csv").read_text(encoding="utf-8")
    rows = [
        {
            **row,
            "no": row["no"] or None,
            "personal": row["personal"] == "yes",
            "variants": tuple(filter(None, row["variants"].split("|"))),
        }
        for row in csv.DictReader(text.splitlines())
    ]
    return tuple(msgspec.convert(rows, list[Field], strict=False))


FIELDS: tuple[Field, ...] = _load()
"""In the form's order: the school's code, items 1 to 72, then what is not of the form."""

BY_KEY: Mapping[str, Field] = MappingProxyType({field.key: field for field in FIELDS})

DOCUMENT_FIELDS = frozenset(field.key for field in FIELDS if field.kind == "document")
"""Document numbers: they stay with identity and are never kept with the form."""

_BRACKETS = re.compile(r"[(\[【（].*?[)\]】）]")
_NOISE = re.compile(r"[\s*＊:：、.。]+|^\d+|必填")


def fold(header: str) -> str:
    """A title as people write it, reduced to what counts: no white space, stars, numbering, full-width forms."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", header))


def _titles() -> dict[str, Field]:
    titles: dict[str, Field] = {}
    for field in FIELDS:
        for title in (field.header, *field.variants):
            for form in {fold(title), _BRACKETS.sub("", fold(title))}:
                if titles.setdefault(form, field) is not field:
                    raise ValueError(f"title {title} stands for two fields")
    return titles


_TITLES = _titles()


def by_header(header: str) -> Field | None:
    """The field of a column by its title, or None for a column that is not of the form."""
    folded = fold(header)
    return _TITLES.get(folded) or _TITLES.get(_BRACKETS.sub("", folded))
