"""How Chinese names are read: pinyin without tones, `v` for ü, and the readings that some characters have in names only.

It stands here because services compare names and find them by the same readings, and policies may use it: it is pure.
"""

from __future__ import annotations

import itertools
import os
from functools import lru_cache

os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")  # characters are asked for one by one: 47,000 phrases less to load

from pypinyin import Style, lazy_pinyin

# Readings that a character has as a surname only (first character, or the first two for a compound surname).
SURNAMES = {
    "曾": "zeng", "单": "shan", "解": "xie", "盖": "ge", "区": "ou", "查": "zha", "仇": "qiu", "朴": "piao",
    "翟": "zhai", "覃": "qin", "冼": "xian", "洗": "xian", "缪": "miao", "召": "shao", "宓": "fu", "郇": "xun",
    "隗": "wei", "员": "yun", "繁": "po", "黑": "he", "折": "she", "种": "chong", "重": "chong", "乐": "yue",
    "钻": "zuan", "长": "chang", "不": "fou", "秘": "bi", "薄": "bo", "那": "na", "尉": "wei", "华": "hua",
    "任": "ren", "纪": "ji", "燕": "yan", "宁": "ning", "应": "ying", "祭": "zhai",
}  # fmt: skip
COMPOUND_SURNAMES = {
    "尉迟": ("yu", "chi"), "万俟": ("mo", "qi"), "单于": ("chan", "yu"), "澹台": ("tan", "tai"),
    "长孙": ("zhang", "sun"), "令狐": ("ling", "hu"), "宰父": ("zai", "fu"), "皇甫": ("huang", "fu"),
}  # fmt: skip
# Characters that parents give with either reading.
GIVEN = {
    "乐": ("le", "yue"), "茜": ("qian", "xi"), "行": ("xing", "hang"), "长": ("chang", "zhang"), "朝": ("chao", "zhao"),
    "重": ("zhong", "chong"), "盛": ("sheng", "cheng"), "晟": ("sheng", "cheng"), "莘": ("shen", "xin"),
    "柏": ("bai", "bo"), "泊": ("bo", "po"),
}  # fmt: skip
MOST = 8
"""Ways of reading one name at most."""


@lru_cache(maxsize=32_768)
def usual(character: str) -> str:
    """The usual reading of one character, toneless (`lv` for lü); the character itself where it has none."""
    return "".join(lazy_pinyin(character, style=Style.NORMAL))


def syllables(name: str) -> tuple[str, ...]:
    """The likeliest reading of a name, character by character. The first character is read as the surname."""
    compound = COMPOUND_SURNAMES.get(name[:2])
    if compound is not None:
        return (*compound, *map(usual, name[2:]))
    return (SURNAMES.get(name[:1]) or usual(name[:1]), *map(usual, name[1:]))


def readings(name: str) -> tuple[tuple[str, ...], ...]:
    """All ways in which somebody may read a name, the likeliest first: 单乐 is shan le, shan yue, dan le, dan yue."""
    choices: list[tuple[str, ...]] = [_given(character) for character in name]
    likely = syllables(name)
    head = 2 if name[:2] in COMPOUND_SURNAMES else 1
    for place in range(min(head, len(name))):
        choices[place] = tuple(dict.fromkeys((likely[place], usual(name[place]))))
    return tuple(itertools.islice(itertools.product(*choices), MOST))


@lru_cache(maxsize=32_768)
def _given(character: str) -> tuple[str, ...]:
    return GIVEN.get(character) or (usual(character),)
