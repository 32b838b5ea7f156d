"""To which zone an address belongs (clause 5.2): pure, and the same answer for the same words on every machine.

A zone names streets and communities of a division, or none for the whole of it. Of all names that stand in an address the
longest wins; two schools that both have it share the address, which is said and settled by nobody here.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import msgspec
from regulation.mark import clause

NUMERALS = frozenset("0123456789〇零一二三四五六七八九十百")
_FOLDED = (("臺", "台"), ("裏", "里"), ("衚", "胡"), ("衕", "同"))
_SIGNS = re.compile(r"[\W_]+")  # all but letters and digits of any script


class Area(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`division`: 6 digits. `streets`: names of streets and communities; none for the whole division."""

    division: str
    streets: tuple[str, ...] = ()


class ZoneOf(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a school of this stage serves on the day that is looked at."""

    zone_id: str
    school: str
    areas: tuple[Area, ...]


class Matched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A zone that has the address. `street`: as the zone writes it; empty where it has the whole division."""

    zone_id: str
    school: str
    street: str


def normalise(text: str) -> str:
    """An address as it is compared: full-width forms, white space and punctuation do not count."""
    folded = unicodedata.normalize("NFKC", text)
    for other, usual in _FOLDED:
        folded = folded.replace(other, usual)
    return _SIGNS.sub("", folded.casefold())


class Zones:
    """The zones of one stage on one day, ready to be asked many times."""

    def __init__(self, zones: Iterable[ZoneOf]) -> None:
        names: dict[str, dict[str, dict[str, Matched]]] = defaultdict(lambda: defaultdict(dict))
        for zone in zones:
            for area in zone.areas:
                for street in area.streets or ("",):
                    one = Matched(zone_id=zone.zone_id, school=zone.school, street=street)
                    names[area.division][normalise(street)].setdefault(zone.school, one)
        self._names = {
            division: sorted(
                ((name, tuple(found[school] for school in sorted(found))) for name, found in of.items()),
                key=lambda pair: (-len(pair[0]), pair[0]),
            )
            for division, of in names.items()
        }

    @clause("5.2", "19")
    def of(self, division: str, address: str) -> tuple[Matched, ...]:
        """The zones that have this address, in the order of their schools: more than one where zones overlap."""
        text = normalise(address)
        length = -1
        found: dict[str, Matched] = {}
        for name, matched in self._names.get(division, ()):
            if len(name) < length:
                break
            if name not in text or not _stands_in(name, text):  # hundreds of names, of which one is there
                continue
            length = len(name)
            for one in matched:
                found.setdefault(one.school, one)
        return tuple(found[school] for school in sorted(found))


def _stands_in(name: str, text: str) -> bool:
    """一路 does not stand in 十一路, and 建设街 not in 建设街道: a name is looked for as a whole word."""
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at] if at else "", text[at + len(name) : at + len(name) + 1]
        counted_on = name[:1] in NUMERALS and before in NUMERALS and before != ""
        goes_on = (name[-1:] == "街" and after == "道") or (name[-1:] in NUMERALS and after in NUMERALS and after != "")
        if not counted_on and not goes_on:
            return True
        at = text.find(name, at + 1)
    return False
