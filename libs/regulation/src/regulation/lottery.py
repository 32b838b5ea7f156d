"""The lottery for a private school's places (随机录取, clause 24.5.4): a pure function of a closed list and a seed, which
anybody can repeat.

    python -m regulation.lottery verify published.json

What is promised:

- how many places there are follows from what stands in the file (24.5.3), and is settled when the list is closed;
- the secret is committed when the list is opened, before anybody is on it, and the public value is named then;
- where there are places for all, all have one, and nothing is drawn;
- otherwise the applicants are put in the order of their lots, `SHA-256(seed:code)`, and the first ones have the places;
  whoever went back before the public value was known makes room for the next, whoever went back later does not;
- so each applicant's chance is the same, whoever came first and however the list is written.

The standard library alone: the published file and a Python are enough. `console/lottery.js` of the gateway is the same
function for a browser; a test holds one against the other.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from regulation import drawing
from regulation.drawing import Check, Unreadable, Verdict

FORMAT = "xueji-transfer-lottery-1"
_RATIO = re.compile(r"[0-9]{1,6}(/[1-9][0-9]{0,5})?")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What is published when the list is opened (公告). `closes_on`: the last day to apply; `public_at`: when the public
    value comes to be known; both ISO 8601. `commitment`: to the secret, bound to `number`."""

    number: str
    school: str
    school_year: int
    term: int
    grade: int
    closes_on: str
    commitment: str
    public_source: str
    public_at: str


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The closed list (封存名单). `free`: free places of the grade on that day; `taken`: seats given to transfers in this
    school year before; `ratio`: as approved, "1/9", or "0" where nothing is approved; `places`: what comes out of it.
    `applicants`: their codes."""

    free: int
    taken: int
    ratio: str
    places: int
    applicants: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Published:
    """What is published: the notice first, the list when it is closed, secret, public value and result after the draw.

    `left`: who went back before the public value was known. Whatever else the file says is not looked at.
    """

    format: str
    notice: Notice
    listing: Listing | None = None
    list_sha256: str | None = None
    left: tuple[str, ...] = ()
    secret: str | None = None
    public_value: str | None = None
    seed: str | None = None
    order: tuple[str, ...] = ()
    winners: tuple[str, ...] = ()


def transferable(free: int, taken: int, ratio: Fraction) -> int:
    """可转入学位: how many more may come into a grade in this school year (24.5.3; the reading is decision record 25).

    The ratio is of the year's free places: those that are free now and those that transfers have taken since the school year
    began. Whole places, rounded down: "不超过". Never more than are free, never below 0.
    """
    return max(0, min(free, int(ratio * (max(free, 0) + taken)) - taken))


def list_hash(notice: Notice, listing: Listing) -> str:
    """SHA-256 of notice and list as one JSON object with sorted keys, the applicants in the order of their codes."""
    whole = dataclasses.asdict(notice) | dataclasses.asdict(listing) | {"applicants": sorted(listing.applicants)}
    return drawing.sha256(drawing.canonical(whole))


def commitment_of(number: str, secret: str) -> str:
    """Published with the notice: it binds the secret to this lottery before anybody has applied."""
    return drawing.commitment_of(FORMAT, number, secret)


def seed_of(secret: str, list_sha256: str, public_value: str) -> str:
    return drawing.seed_of(FORMAT, list_sha256, secret, public_value)


def is_drawn(listing: Listing, left: Collection[str] = ()) -> bool:
    """Whether there are more applicants than places; otherwise all have one."""
    return len(set(listing.applicants) - set(left)) > listing.places


def draw(listing: Listing, seed: str, left: Collection[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All applicants in the order of their lots, and those who have a place."""
    order = drawing.in_order(listing.applicants, seed)
    return order, tuple(code for code in order if code not in set(left))[: listing.places]


# ---- for everybody -------------------------------------------------------------------------------------------------------


def verify(file: Published) -> list[Check]:
    """What was checked, and whether it is as it must be."""
    checks = [("文件格式 format", file.format == FORMAT)]
    notice, listing = file.notice, file.listing
    if listing is None or file.list_sha256 is None:
        return checks
    places = transferable(listing.free, listing.taken, Fraction(listing.ratio))
    applicants = set(listing.applicants)
    checks += [
        ("名单与公布的哈希一致 list", list_hash(notice, listing) == file.list_sha256),
        ("名单中没有重复的编码 codes", len(applicants) == len(listing.applicants)),
        ("可转入学位按空余学位和可转入比例得出 places", places == listing.places),
        ("撤回的都在名单之中 left", set(file.left) <= applicants),
    ]
    if file.secret is not None:
        kept = commitment_of(notice.number, file.secret) == notice.commitment
        checks.append(("种子秘密与事先的承诺一致 commitment", kept))
    if not is_drawn(listing, file.left):
        everybody = tuple(sorted(applicants - set(file.left)))
        checks.append(("申请人数不超过学位，全部录取 all", tuple(sorted(file.winners)) == everybody))
    elif file.secret is not None and file.public_value is not None:
        seed = seed_of(file.secret, file.list_sha256, file.public_value)
        order, winners = draw(listing, seed, file.left)
        checks += [
            ("种子由秘密、名单和公开数值得出 seed", seed == file.seed),
            ("重新计算的抽签次序一致 order", order == file.order),
            ("重新计算的录取名单一致 winners", winners == file.winners),
        ]
    return checks


def read(content: bytes | str) -> Published:
    """The published file. Raises Unreadable where it is none."""
    try:
        found = json.loads(content)
    except ValueError as error:
        raise Unreadable(str(error)) from error
    file: Published = _made(Published, found)
    notice = _made(Notice, found.get("notice"))
    listing = None if file.listing is None else _made(Listing, found["listing"])
    if listing is not None and not _RATIO.fullmatch(listing.ratio):
        raise Unreadable(f"ratio: {listing.ratio}")
    return dataclasses.replace(file, notice=notice, listing=listing)


def _made(what: type[Any], found: Any) -> Any:
    """`what` with the values of its name, each of the type that it says; further ones are left out."""
    if not isinstance(found, Mapping):
        raise Unreadable(f"{what.__name__}: no JSON object")
    values = {}
    for field in dataclasses.fields(what):
        if field.name not in found:
            if field.default is dataclasses.MISSING:
                raise Unreadable(f"{what.__name__}: {field.name} is missing")
            continue
        values[field.name] = _value(f"{what.__name__}.{field.name}", str(field.type), found[field.name])
    return what(**values)


def _value(name: str, kind: str, value: Any) -> Any:
    if kind.startswith("tuple"):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise Unreadable(f"{name}: no list of texts")
        return tuple(value)
    good = {
        "str": isinstance(value, str),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "str | None": value is None or isinstance(value, str),
    }
    if not good.get(kind, True):
        raise Unreadable(f"{name}: {value!r}")
    return value


def _look(content: bytes) -> Verdict:
    file = read(content)
    waits_for = ""
    if file.listing is None:
        waits_for = f"报名截止（{file.notice.closes_on}）"
    elif file.secret is None and is_drawn(file.listing, file.left):
        waits_for = f"公开数值（{file.notice.public_source}）"
    return Verdict(verify(file), waits_for)


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all is as published; 1: something is not; 2: no such file, or it cannot be read."""
    return drawing.command("python -m regulation.lottery", "Recompute a lottery for places.", _look, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
