"""Names compared: the keys under which likely duplicates meet (clause 20.1). Pure.

Two people of one birth date share a key when their names are equal, when one character was left out, added or replaced
(deletion keys: the name with each character left out), or when they sound alike (pinyin without tones, and without the
differences that northern speakers and input methods confuse). A key is a 64-bit number, so that the database finds
candidates through an ordinary GIN index over `int8[]`: trigram similarity is useless for names of two or three
characters. Whether a candidate is likely enough to be reported is decided by `policy.likely`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from regulation import pinyin

_SEPARATORS = re.compile(r"[\s·•・‧∙⋅.．\-]+")

# What is heard or typed for one another: retroflex and dental initials, front and back nasals, l and n at the start.
_CONFUSED = (
    (re.compile(r"^([zcs])h"), r"\1"),
    (re.compile(r"^n(?=[aeiouv])"), "l"),
    (re.compile(r"([aei])ng$"), r"\1n"),
)


def normalise(name: str) -> str:
    """A name as it is compared: full-width forms folded, blanks and separating dots left out, Latin letters folded."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", name)).casefold()


@lru_cache(maxsize=8_192)
def _plain(syllable: str) -> str:
    for pattern, replacement in _CONFUSED:
        syllable = pattern.sub(replacement, syllable)
    return syllable


def sound(name: str) -> str:
    """How a name sounds, confusable sounds made one: equal for 王晓明 and 王小名. Syllables stay apart."""
    return "'".join(map(_plain, pinyin.syllables(normalise(name))))


def one_character_apart(a: str, b: str) -> bool:
    """Whether exactly one character was left out, added or replaced between two normalised names."""
    if a == b or abs(len(a) - len(b)) > 1:
        return False
    if len(a) == len(b):
        return sum(x != y for x, y in zip(a, b, strict=True)) == 1
    short, long = sorted((a, b), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))


def keys(name: str, birth_date: date) -> tuple[int, ...]:
    """The keys (signed 64 bit, sorted, distinct) under which this name and birth date are found.

    Names of one or two characters get no deletion keys: half the province would be near them, and nothing a rule could
    use would be found (a character left out still meets the full key of the shorter name).
    """
    name = normalise(name)
    variants = {name, "~" + sound(name)}
    if len(name) > 2:
        variants.update(name[:i] + name[i + 1 :] for i in range(len(name)))
    day = birth_date.isoformat().encode()
    return tuple(sorted(_hash(day, variant) for variant in variants))


def keys_of_all(written: Iterable[str], birth_date: date) -> tuple[int, ...]:
    """The keys of several names of one person, empty ones left out: a former name is found like the present one."""
    return tuple(sorted({one for name in written if name for one in keys(name, birth_date)}))


def key(name: str, birth_date: date) -> int:
    """The one key of exactly this name and birth date."""
    return _hash(birth_date.isoformat().encode(), normalise(name))


def _hash(day: bytes, variant: str) -> int:
    digest = hashlib.blake2b(variant.encode(), digest_size=8, salt=day).digest()
    return int.from_bytes(digest, "big", signed=True)
