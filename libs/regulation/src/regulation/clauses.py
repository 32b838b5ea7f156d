"""The clauses of the regulation (黑龙江省义务教育阶段学生学籍管理实施细则) and the text of its 52 articles.

A clause id is article.paragraph.item, ``"24.3.4"``. The clauses that ask something of the system are data
(`data/clauses.toml`); the articles' words are `data/regulation.zh.txt`, unchanged.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Literal

import msgspec

from regulation import _data

Force = Literal["must", "principle", "process", "duty", "parameter"]
"""must: nobody overrides it; principle (原则上): the competent authority may, with a reason; process: ordered
steps; duty: recorded, reminded of, reported; parameter: a dated number (`parameters`)."""


class Clause(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One clause. `zh`: its words, shortened; `owner`: the service that holds it; `behaviour`: what that does."""

    id: str
    zh: str
    force: Force
    owner: str
    behaviour: str

    @property
    def article(self) -> int:
        return int(self.id.split(".")[0])

    @property
    def order(self) -> tuple[int, ...]:
        """Sort key: the order of the regulation, `"5.2"` before `"24.1"`."""
        return tuple(int(part) for part in self.id.split("."))


class UnknownClauseError(LookupError):
    """No clause has this id; the text names the nearest ones."""


class Clauses(Mapping[str, Clause]):
    """All clauses by id, in the order of the regulation."""

    def __init__(self, clauses: tuple[Clause, ...]) -> None:
        ordered = sorted(clauses, key=lambda c: c.order)
        self._by_id = {c.id: c for c in ordered}
        if len(self._by_id) != len(clauses):
            raise ValueError("clauses.toml names a clause twice")

    def __getitem__(self, clause_id: str) -> Clause:
        try:
            return self._by_id[clause_id]
        except KeyError:
            raise UnknownClauseError(self._unknown(clause_id)) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def under(self, prefix: str) -> tuple[Clause, ...]:
        """The clause and those below it: ``"24.3"`` gives 24.3.1 to 24.3.4. Raises UnknownClauseError if none."""
        found = tuple(c for c in self._by_id.values() if c.id == prefix or c.id.startswith(prefix + "."))
        if not found:
            raise UnknownClauseError(self._unknown(prefix))
        return found

    def _unknown(self, clause_id: str) -> str:
        article = clause_id.partition(".")[0]
        near = [i for i in self._by_id if i.partition(".")[0] == article]
        near = near or difflib.get_close_matches(clause_id, self._by_id, n=3, cutoff=0.4)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        return f"no clause {clause_id!r} in clauses.toml{hint}"


def _load() -> Clauses:
    return Clauses(msgspec.convert(tuple(_data.toml("clauses.toml")["clause"]), tuple[Clause, ...]))


CLAUSES = _load()

_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")}
_ARTICLE = re.compile(r"第([一二三四五六七八九十]+)条[ \u3000]*")
_CHAPTER = re.compile(r"第[一二三四五六七八九十]+章")


def _number(zh: str) -> int:
    """一 to 九十九."""
    tens, ten, ones = zh.rpartition("十")
    return (10 * _DIGITS.get(tens, 1) if ten else 0) + _DIGITS.get(ones, 0)


@cache
def articles() -> Mapping[int, str]:
    """Number -> the article's text as published, paragraphs divided by line breaks, `第十五条` included."""
    found: dict[int, list[str]] = {}
    current: list[str] | None = None
    for line in _data.text("regulation.zh.txt").splitlines():
        words = line.strip()
        if head := _ARTICLE.match(words):
            current = found.setdefault(_number(head[1]), [])
        elif _CHAPTER.match(words):
            current = None
        if current is not None and words:
            current.append(words)
    return MappingProxyType({number: "\n".join(lines) for number, lines in found.items()})
