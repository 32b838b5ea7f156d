"""The marks of an exported workbook, and what is read back out of a leaked one.

What is hidden is 64 bits: the export's number (28 bits: year and serial) and a keyed check (36 bits), so that no file but
one of ours decodes, and nobody without the key can forge or find a mark. They stand in three places:

1. document properties: number, who, when, purpose in words, under a seal that shows whether they were altered;
2. each column's title: 32 characters of no width behind the visible ones;
3. the order of the pupils: each 21 pupils of one class stand in that one of their 21! = 5.1e19 orders whose rank is the
   64 bits; the order of rank 0 is that of a keyed hash of one telling column (name, number). No value is altered. It
   outlives deleted titles, properties, columns and rows, copying as values, and CSV; sorting a whole class undoes it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from regulation.mark import clause

T = TypeVar("T")

BLOCK: Final = 21
"""Pupils of one mark in the rows: the smallest number with more orders than 64 bits have values."""
LONGEST: Final = 32
"""Characters of a mark in a title."""

_SIGNS: Final = "\u200b\u200c\u200d\u2060"
_INVISIBLE: Final = re.compile(f"[{_SIGNS}]")
_NUMBER: Final = re.compile(r"^DC-(\d{4})-(\d{6,7})$")
_FIRST_YEAR: Final = 2020
_CHECK_BITS: Final = 36
_SERIAL_BITS: Final = 22


def mark_key(files_key: str) -> bytes:
    """The secret of the marks, from the file store's (base64): a key that is not rotated, as leaks surface late."""
    return hmac.new(base64.b64decode(files_key), b"xueji export watermark", hashlib.sha256).digest()


def payload(key: bytes, number: str) -> int:
    """The 64 bits of an export number. Raises ValueError for what is none (years 2020 to 2083, serials below 4,194,304)."""
    found = _NUMBER.match(number)
    if found is None:
        raise ValueError("not an export number")
    year, serial = int(found[1]) - _FIRST_YEAR, int(found[2])
    if not (0 <= year < 64 and 0 <= serial < 1 << _SERIAL_BITS):
        raise ValueError("an export number out of range")
    head = year << _SERIAL_BITS | serial
    return head << _CHECK_BITS | _check(key, head)


def number_of(key: bytes, bits: int) -> str | None:
    """The number behind 64 bits, None where the check says that they are no mark of ours."""
    head, check = bits >> _CHECK_BITS, bits & ((1 << _CHECK_BITS) - 1)
    if head >= 1 << 28 or check != _check(key, head):
        return None
    return f"DC-{_FIRST_YEAR + (head >> _SERIAL_BITS)}-{head & ((1 << _SERIAL_BITS) - 1):06d}"


def _check(key: bytes, head: int) -> int:
    digest = hmac.new(key, b"mark" + head.to_bytes(4, "big"), hashlib.sha256).digest()
    return int.from_bytes(digest[:5], "big") >> (40 - _CHECK_BITS)


# ---- titles ---------------------------------------------------------------------------------------------------------


@clause("45.2")
def marked_title(title: str, bits: int) -> str:
    """The title as it looks, and 32 characters that nobody sees."""
    return title + "".join(_SIGNS[bits >> shift & 3] for shift in range(62, -2, -2))


def plain(text: str) -> str:
    """A text as one sees it: without invisible characters, in one form of width, without blanks around."""
    return unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).strip()


def title_bits(text: str) -> int | None:
    """The 64 bits behind a title, None where there are none."""
    signs = _INVISIBLE.findall(text)
    if len(signs) != LONGEST:
        return None
    bits = 0
    for sign in signs:
        bits = bits << 2 | _SIGNS.index(sign)
    return bits


# ---- the order of rows ----------------------------------------------------------------------------------------------


@clause("45.2")
def arranged(key: bytes, rows: Sequence[T], texts: Sequence[str], bits: int) -> list[T] | None:
    """These `BLOCK` rows in the order that tells the 64 bits; None where two have the same text (`texts`: one a row)."""
    places = _places(key, texts)
    if places is None:
        return None
    left = [rows[place] for place in places]
    out = []
    for digit in _digits(bits):
        out.append(left.pop(digit))
    return out


def order_bits(key: bytes, texts: Sequence[str]) -> int | None:
    """The number of the order in which `BLOCK` rows stand, None where two have the same text or it is over 64 bits."""
    places = _places(key, texts)
    if places is None:
        return None
    rank_of = {place: rank for rank, place in enumerate(places)}
    left = list(range(BLOCK))
    bits = 0
    for place in range(BLOCK):
        digit = left.index(rank_of[place])
        left.pop(digit)
        bits = bits * (BLOCK - place) + digit
    return bits if bits < 1 << 64 else None


def _places(key: bytes, texts: Sequence[str]) -> list[int] | None:
    """Places of the rows in the order of rank 0: by the keyed hash of what one sees in them."""
    seen = [plain(text) for text in texts]
    if len(seen) != BLOCK or len(set(seen)) < BLOCK or "" in seen:
        return None
    hashes = [hmac.digest(key, text.encode(), "sha256") for text in seen]
    return sorted(range(BLOCK), key=hashes.__getitem__)


def _digits(bits: int) -> list[int]:
    """A number in the factorial system: the first digit below 21, the last below 1."""
    digits = []
    for base in range(1, BLOCK + 1):
        bits, digit = divmod(bits, base)
        digits.append(digit)
    return digits[::-1]


# ---- properties -----------------------------------------------------------------------------------------------------


def seal(key: bytes, properties: Mapping[str, str]) -> str:
    """A seal over the properties: altered, added or missing ones do not fit it."""
    text = "\x1f".join(f"{name}\x1e{value}" for name, value in sorted(properties.items()))
    return hmac.new(key, b"properties" + text.encode(), hashlib.sha256).hexdigest()
