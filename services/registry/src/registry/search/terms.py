"""Under which terms a name is found, and whether a query finds it. Pure.

A query finds a name when one of the name's terms begins with it. Terms of 王小明: the name from each of its characters on
(王小明, 小明, 明: so a part is found, too), its pinyin (wangxiaoming) and its initials (wxm). A name in Latin letters is
found from the beginning of each of its words. Nothing in a query is a wildcard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from regulation import pinyin
from regulation.mark import clause
from shared_contracts.decisions import Refused, refused
from shared_contracts.search import Matched

SEPARATOR = "\n"
"""Before each term of an entry's text."""
LAST = "\U0010ffff"
"""Follows every character that a term may have."""
LONGEST = 60
"""Characters of a query and of a term; a longer name is found by its first ones."""
FEWEST_LETTERS = 2

_WORDS = re.compile(r"[\s·•・‧∙⋅.．\-'’]+")
_SIGNS = re.compile(r"[\W_]+")  # all but letters and digits of any script
_UMLAUT = str.maketrans(dict.fromkeys("üǖǘǚǜ", "v"))


def fold(text: str) -> str:
    """A name or a query as they are compared: full width, case, tones, blanks, dots and signs make no difference; ü is v.

    Wildcards of any database, controls and NUL are signs: they are left out.
    """
    if text.isascii() and text.isalnum():  # pinyin, of which every name has two terms
        return text.lower()[:LONGEST]
    text = unicodedata.normalize("NFKC", text).casefold().translate(_UMLAUT)
    return unicodedata.normalize("NFC", _SIGNS.sub("", unicodedata.normalize("NFD", text)))[:LONGEST]


@clause("15.4")
def readable(text: str) -> str | Refused:
    """A query folded; a refusal that says what is wanted where nothing can be found by it."""
    folded = fold(text)
    if not folded:
        return refused("invalid", "请输入姓名、拼音、拼音首字母或号码；符号不能用来查找。")
    if folded.isascii() and len(folded) < FEWEST_LETTERS:
        return refused("invalid", f"用拼音或首字母查找的，请至少输入{FEWEST_LETTERS}个字母。")
    return folded


def _names(name: str) -> Iterable[str]:
    words = [word for word in map(fold, _WORDS.split(name)) if word]
    whole = fold("".join(words))
    if whole.isascii():
        for place in range(len(words)):
            yield fold("".join(words[place:]))
    else:
        for place in range(len(whole)):
            yield whole[place:]


def _sounds(name: str) -> Iterable[tuple[str, str]]:
    """Pinyin and initials; none for a name that is written in Latin letters."""
    whole = fold(name)
    if whole and not whole.isascii():
        for reading in pinyin.readings(whole):
            yield fold("".join(reading)), fold("".join([syllable[:1] for syllable in reading]))


def terms(names: Iterable[str]) -> tuple[str, ...]:
    """All terms of a person's names, sorted, each once."""
    found: set[str] = set()
    for name in names:
        found.update(_names(name))
        for whole, initials in _sounds(name):
            found |= {whole, initials}
    return tuple(sorted(found))


def as_text(all_terms: Iterable[str]) -> str:
    return "".join(SEPARATOR + term for term in all_terms)


def from_text(text: str) -> list[str]:
    return text.split(SEPARATOR)[1:]


def how(query: str, name: str, *, exact: bool = False) -> Matched | None:
    """By what a folded query finds a name; None where it does not. `exact`: the whole name, as it is written."""
    if exact:
        return Matched.NAME if query == fold(name) else None
    if any(term.startswith(query) for term in _names(name)):
        return Matched.NAME
    for whole, initials in _sounds(name):
        if whole.startswith(query):
            return Matched.PINYIN
        if initials.startswith(query):
            return Matched.INITIALS
    return None


def found(query: str, name: str, former: Sequence[str], *, exact: bool = False) -> tuple[Matched, str | None] | None:
    """Why a record is found: by its name as it is now, or by a former one, which is named then. None: it is not."""
    if matched := how(query, name, exact=exact):
        return matched, None
    for one in former:
        if how(query, one, exact=exact):
            return Matched.FORMER_NAME, one
    return None
