"""National code tables of the 72-item form (学生基本信息表): what a cell may say, and what it means.

A cell holds a code (`1`), a name (`男`) or both (`1-男`). The form's own value sets go before the standards it
cites.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from regulation import _data
from regulation.clauses import CLAUSES
from regulation.mark import clause


class Entry(msgspec.Struct, frozen=True):
    """One row. `offered`: stands in drop-downs (others are read too); `barred`: the clause that forbids it."""

    code: str
    name: str
    offered: bool = True
    barred: str | None = None

    @property
    def label(self) -> str:
        """`1-男`, as drop-downs and the returned workbook show it."""
        return f"{self.code}-{self.name}"


_SPACES = re.compile(r"\s+")
_BOTH = re.compile(r"([0-9A-Z]{1,6})[-—–_:.、,\s]*(\S.*)", re.IGNORECASE)


def _fold(text: str) -> str:
    """Full-width to half-width (brackets too), no white space, upper case."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).upper()


@clause("14")
class CodeTable:
    """One table. `official_codes` is False where the names are the form's but no digits are published."""

    def __init__(
        self,
        *,
        key: str,
        title: str,
        standard: str,
        entries: tuple[Entry, ...],
        aliases: Mapping[str, str] = MappingProxyType({}),
        official_codes: bool = True,
        note: str = "",
    ) -> None:
        self.key, self.title, self.standard = key, title, standard
        self.entries, self.official_codes, self.note = entries, official_codes, note
        self._by_code = {e.code: e for e in entries}
        self._by_name = {_fold(e.name): e for e in entries}
        if not len(entries) == len(self._by_code) == len(self._by_name):
            raise ValueError(f"code table {key}: a code or a name stands twice")
        for alias, code in aliases.items():
            if self._by_name.setdefault(_fold(alias), self._by_code[code]).code != code:
                raise ValueError(f"code table {key}: alias {alias} stands for two codes")
        widths = {len(e.code) for e in entries}
        self._width = widths.pop() if len(widths) == 1 else 0

    def __repr__(self) -> str:
        return f"CodeTable({self.key}: {len(self.entries)} entries)"

    @property
    def options(self) -> tuple[str, ...]:
        """What a drop-down offers: `1-男`, `2-女`."""
        return tuple(e.label for e in self.entries if e.offered)

    def get(self, code: str) -> Entry | None:
        """By the exact code."""
        return self._by_code.get(code)

    def find(self, text: str) -> Entry | None:
        """By what a person wrote: code, name, alias or `code-name`; full-width and lost zeros are forgiven.

        None when nothing matches, and when code and name contradict each other (`1-女`).
        """
        folded = _fold(text)
        if found := self._by_name.get(folded) or self._code(folded):
            return found
        if both := _BOTH.fullmatch(unicodedata.normalize("NFKC", text).strip()):
            by_code, by_name = self._code(both[1].upper()), self._by_name.get(_fold(both[2]))
            if by_code is not None and by_code is by_name:
                return by_code
        return None

    def suggest(self, text: str, limit: int = 3) -> tuple[str, ...]:
        """Labels near to what was written, for the cure of a refusal; the first ones where nothing is near."""
        folded = _fold(text)
        parts = [folded, *(_fold(p) for p in re.split(r"[-—–_:.、,]", folded) if p)]
        codes = [e.code for p in parts if (e := self._by_name.get(p) or self._code(p)) is not None]
        near = difflib.get_close_matches(folded, self._by_name, n=limit, cutoff=0.5)
        codes += [self._by_name[n].code for n in near]
        labels = [self._by_code[c].label for c in dict.fromkeys(codes) if self._by_code[c].barred is None]
        return tuple(labels[:limit]) or self.options[: max(limit, 5)]

    def _code(self, folded: str) -> Entry | None:
        found = self._by_code.get(folded)
        if found is None and folded.isascii() and folded.isdigit():
            found = self._by_code.get(folded.zfill(self._width))  # Excel keeps "01" as the number 1
        return found


class _Raw(msgspec.Struct, forbid_unknown_fields=True):
    key: str
    title: str
    standard: str
    rows: list[tuple[str, str]]
    note: str = ""
    official_codes: bool = True
    not_offered: tuple[str, ...] = ()
    aliases: dict[str, str] = {}
    barred: dict[str, str] = {}


def _table(raw: _Raw) -> CodeTable:
    for clause_id in raw.barred.values():
        CLAUSES[clause_id]
    return CodeTable(
        key=raw.key,
        title=raw.title,
        standard=raw.standard,
        note=raw.note,
        official_codes=raw.official_codes,
        aliases=raw.aliases,
        entries=tuple(Entry(code, name, code not in raw.not_offered, raw.barred.get(code)) for code, name in raw.rows),
    )


def _countries() -> CodeTable:
    rows = _data.rows("countries.csv")
    return CodeTable(
        key="nationality",
        title="国籍/地区",
        standard="GB/T 2659 (ISO 3166-1 alpha-3)",
        entries=tuple(Entry(r["code"], r["name"]) for r in rows),
        aliases={alias: r["code"] for r in rows for alias in r["aliases"].split("|") if alias},
    )


def _load() -> dict[str, CodeTable]:
    raws = msgspec.convert(_data.toml("codetables.toml")["table"], list[_Raw])
    return {t.key: t for t in (*(_table(raw) for raw in raws), _countries())}


TABLES: Mapping[str, CodeTable] = MappingProxyType(_load())

SEX = TABLES["sex"]  # 性别
ETHNICITY = TABLES["ethnicity"]  # 民族
NATIONALITY = TABLES["nationality"]  # 国籍/地区
DOCUMENT_KIND = TABLES["document_kind"]  # 身份证件类型
OVERSEAS = TABLES["overseas"]  # 港澳台侨外
POLITICAL = TABLES["political"]  # 政治面貌
HEALTH = TABLES["health"]  # 健康状况
HUKOU = TABLES["hukou"]  # 户口性质
ENTRY_WAY = TABLES["entry_way"]  # 入学方式
BOARDING = TABLES["boarding"]  # 就读方式
SOURCE = TABLES["source"]  # 学生来源
YES_NO = TABLES["yes_no"]  # 是否标志
LEFT_BEHIND = TABLES["left_behind"]  # 留守儿童
MAINSTREAMED = TABLES["mainstreamed"]  # 随班就读
DISABILITY = TABLES["disability"]  # 残疾类型
RELATION = TABLES["relation"]  # 家庭关系
COMMUTE = TABLES["commute"]  # 上下学交通方式
SCHOOL_KIND = TABLES["school_kind"]  # 学校标识码类别
SCHOOL_TYPE = TABLES["school_type"]  # 办学类型
