"""The question and its answers: does a person with this number exist, and are name, sex and birth date the same?"""

from __future__ import annotations

import unicodedata
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from matcher.discreet import Discreet

BATCH = 1000
"""Items of one request at most."""

Sex = Literal["1", "2"]


class Outcome(StrEnum):
    MATCHED = "matched"
    NOT_FOUND = "not_found"
    NAME_MISMATCH = "name_mismatch"
    SEX_MISMATCH = "sex_mismatch"
    BIRTH_DATE_MISMATCH = "birth_date_mismatch"


class Record(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person of the population, as far as a match looks. `sex`: GB/T 2261.1."""

    document_number: Annotated[str, msgspec.Meta(min_length=1, max_length=30)]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    sex: Sex
    birth_date: date


class Item(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One question. `id` is the caller's own key and comes back with the answer."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    name: Annotated[str, msgspec.Meta(max_length=100)]
    sex: Sex
    birth_date: date
    document_number: Annotated[str, msgspec.Meta(max_length=30)]


class MatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    items: Annotated[tuple[Item, ...], msgspec.Meta(min_length=1, max_length=BATCH)]


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    id: str
    outcome: Outcome


class MatchResponse(msgspec.Struct, frozen=True, kw_only=True):
    """One answer per item, in the order of the items."""

    answers: tuple[Answer, ...]


# Every dot people type between the parts of a name. GB/T 36340 asks for U+00B7; keyboards and old systems give others.
_DOTS = dict.fromkeys(map(ord, "•‧∙⋅●・･．.。᛫・"), "·")


def plain_name(name: str) -> str:
    """A name as it is compared: NFC, no white space of any width, one kind of middle dot.

    NFC and not NFKC: a compatibility form is another character in the register.
    """
    return "".join(unicodedata.normalize("NFC", name).translate(_DOTS).split())


def plain_number(number: str) -> str:
    return "".join(number.split()).upper()


def compare(item: Item, record: Record | None) -> Outcome:
    """The first difference in the order number, name, sex, birth date."""
    if record is None:
        return Outcome.NOT_FOUND
    if plain_name(item.name) != plain_name(record.name):
        return Outcome.NAME_MISMATCH
    if item.sex != record.sex:
        return Outcome.SEX_MISMATCH
    if item.birth_date != record.birth_date:
        return Outcome.BIRTH_DATE_MISMATCH
    return Outcome.MATCHED
