"""One-click class assignment (一键分班, clause 17): a pure function of a closed list and a seed, which anybody can repeat.

    python -m regulation.assignment verify published.json

The same list and the same seed give the same classes, in whatever order the pupils stand in the file. What is promised:

- class sizes differ by one at most, those placed by hand beforehand counted, and none is above the standard (clause 11);
- boys and girls differ by one at most from class to class, where what must hold leaves room for it;
- `together` (siblings) are in one class, `apart` are in different ones, or there is no assignment at all;
- of each combination of attributes every class has nearly the same number;
- but for that, chance decides: each pupil's lot is `SHA-256(seed:code)`, and no two seeds have anything in common.

Who gets how many places is settled by the list alone, so that it can be said before the draw that the draw will succeed.
`console/assignment.js` of the gateway is the same function for a browser; a test holds one against the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from regulation import drawing
from regulation.drawing import Check, Lot, lots
from regulation.mark import clause

FORMAT = "xueji-class-assignment-1"
BOY, GIRL = "1", "2"
"""XB: the codes of the national form."""

ROUNDS = 4
"""Searches with the seed's own lots before the one that is known to succeed."""
NODES = 20_000
"""Places tried in one such search."""
MOST_NODES = 200_000
"""Places tried to find out whether the rules can hold at all; rules that are more entangled than that are refused."""
BLAME_NODES = 2_000
"""Places tried for each rule to find out whether it is one of those that stand in each other's way."""


class Klass(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A class to be filled. `placed`: pupils who were placed in it by hand beforehand (clause 17)."""

    class_no: int
    placed: int = 0


class Pupil(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`code`: given to the guardian, says nothing to anybody else. `attributes`: what is balanced besides the sex."""

    code: str
    sex: str
    attributes: dict[str, str] = {}


class Listing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A closed list (封存名单). `standard`: the most that a class may have. `together`, `apart`: codes."""

    number: str
    school: str
    school_year: int
    grade: int
    standard: int
    classes: tuple[Klass, ...]
    pupils: tuple[Pupil, ...]
    together: tuple[tuple[str, ...], ...] = ()
    apart: tuple[tuple[str, ...], ...] = ()


class Placed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: str
    class_no: int


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """What is published: the list and the commitment before the draw; the secret, the public value and the result after.

    `secret`: 32 random bytes as hex. `public_source`: where the public value comes from, named with the list;
    `public_value`: what stood there. Whatever else the file says is about its history and is not looked at.
    """

    format: str
    listing: Listing
    list_sha256: str
    commitment: str
    public_source: str
    secret: str | None = None
    public_value: str | None = None
    seed: str | None = None
    result: tuple[Placed, ...] = ()


class Seats(msgspec.Struct, frozen=True):
    """How many are still to come into a class: in all, and of them boys."""

    class_no: int
    size: int
    boys: int

    @property
    def girls(self) -> int:
        return self.size - self.boys


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why there is no assignment. `rules`: which of `together` and `apart` stand in each other's way."""

    code: str
    message: str
    clause: str = "17"
    rules: tuple[tuple[str, tuple[str, ...]], ...] = ()


class Impossible(Exception):
    """The list has no assignment."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


# ---- what is promised before, and what is drawn from it ------------------------------------------------------------------


def list_hash(listing: Listing) -> str:
    """SHA-256 of the list as JSON with sorted keys, the pupils in the order of their codes."""
    in_order = msgspec.structs.replace(
        listing,
        pupils=tuple(sorted(listing.pupils, key=lambda pupil: pupil.code)),
        classes=tuple(sorted(listing.classes, key=lambda klass: klass.class_no)),
        together=_rules(listing.together),
        apart=_rules(listing.apart),
    )
    return drawing.sha256(drawing.canonical(msgspec.to_builtins(in_order)))


def commitment_of(secret: str, list_sha256: str) -> str:
    """What is published before the draw: it binds the secret to this list and tells nothing of it."""
    return drawing.commitment_of(FORMAT, list_sha256, secret)


def seed_of(secret: str, list_sha256: str, public_value: str) -> str:
    """The secret that nobody at the school knows, the list, and a value that nobody could know beforehand."""
    return drawing.seed_of(FORMAT, list_sha256, secret, public_value)


@clause("11")
def seats(listing: Listing) -> tuple[Seats, ...]:
    """How many each class gets, boys in proportion. Settled by the list alone. Raises Impossible."""
    classes = sorted(listing.classes, key=lambda klass: klass.class_no)
    if not classes:
        raise Impossible(Fault(code="no_class", message="没有可分的班级"))
    whole, extra = divmod(len(listing.pupils) + sum(klass.placed for klass in classes), len(classes))
    largest = whole + (extra > 0)
    if largest > listing.standard:
        needed = -(-(len(listing.pupils) + sum(klass.placed for klass in classes)) // listing.standard)
        message = f"每班将有{largest}人，超过标准班额{listing.standard}人，至少需要{needed}个班"
        raise Impossible(Fault(code="too_few_classes", message=message, clause="11"))
    more = {klass.class_no for klass in sorted(classes, key=lambda klass: (-klass.placed, klass.class_no))[:extra]}
    sizes = [whole + (klass.class_no in more) - klass.placed for klass in classes]
    if min(sizes) < 0:
        full = classes[sizes.index(min(sizes))]
        message = f"{full.class_no}班事先安置了{full.placed}人，各班人数不能相差不超过1人"
        raise Impossible(Fault(code="placed_too_many", message=message))
    all_boys = sum(pupil.sex == BOY for pupil in listing.pupils)
    total = len(listing.pupils)
    boys = [size * all_boys // total if total else 0 for size in sizes]
    by_remainder = sorted(range(len(classes)), key=lambda i: (-(sizes[i] * all_boys % total if total else 0), i))
    for i in by_remainder[: all_boys - sum(boys)]:
        boys[i] += 1
    return tuple(Seats(klass.class_no, size, boy) for klass, size, boy in zip(classes, sizes, boys, strict=True))


@clause("17")
def fault(listing: Listing) -> Fault | None:
    """Why this list has no assignment, whatever the seed; None where every seed gives one."""
    try:
        _feasible(_Rules(listing), seats(listing))
    except Impossible as impossible:
        return impossible.fault
    return None


@clause("17")
def assign(listing: Listing, seed: str) -> dict[str, int]:
    """The class of each pupil, by code. Raises Impossible where the list has no assignment."""
    places = seats(listing)
    rules = _Rules(listing)
    known, strict = _feasible(rules, places)
    held: list[int] | None = None
    for turn in range(ROUNDS):
        if held is None:
            held = rules.search(places, lots(f"{seed}:{turn}"), NODES, strict=strict)
    return _deal(rules, places, known if held is None else held, lots(seed))


# ---- what must hold ------------------------------------------------------------------------------------------------------


class _Unit(msgspec.Struct):
    """Pupils that go into one class together: siblings, or one who must not be with somebody."""

    codes: list[str]
    boys: int
    apart: set[int]

    @property
    def girls(self) -> int:
        return len(self.codes) - self.boys


class _Rules:
    """The pupils that rules are about, as units, and the search for places of theirs."""

    def __init__(self, listing: Listing) -> None:
        self.pupils = sorted(listing.pupils, key=lambda pupil: pupil.code)
        self.sexes = {pupil.code: pupil.sex for pupil in self.pupils}
        self.all = [("together", rule) for rule in _rules(listing.together)]
        self.all += [("apart", rule) for rule in _rules(listing.apart)]
        if len(self.sexes) < len(self.pupils) or not set(self.sexes.values()) <= {BOY, GIRL}:
            raise Impossible(Fault(code="bad_list", message="名单中的编码重复，或性别代码无效"))
        for _, codes in self.all:
            if not set(codes) <= set(self.sexes):
                raise Impossible(Fault(code="unknown_code", message="约束中有名单以外的学生"))
        self.units = _units(self.all, self.sexes)
        self.listing = listing

    def contradicted(self) -> bool:
        return any(i in unit.apart for i, unit in enumerate(self.units))

    def search(self, places: Sequence[Seats], lot: Lot, nodes: int, *, strict: bool) -> list[int] | None:
        """A class (its place in `places`) for each unit; None where there is none, or none was found in so many tries.

        Larger units first, then those with most to keep away from. `strict`: boys and girls have seats of their own.
        """
        if self.contradicted():
            return None
        order = sorted(
            range(len(self.units)),
            key=lambda i: (-len(self.units[i].codes), -len(self.units[i].apart), lot(self.units[i].codes[0])),
        )
        choices = {
            i: sorted(range(len(places)), key=lambda k, i=i: lot(f"{self.units[i].codes[0]}:{places[k].class_no}"))  # type: ignore[misc]
            for i in order
        }
        boys, girls = [place.boys for place in places], [place.girls for place in places]
        size = [place.size for place in places]
        taken: dict[int, int] = {}
        at = [0] * (len(order) + 1)
        depth = tried = 0
        while depth < len(order):
            i = order[depth]
            unit = self.units[i]
            if i in taken:  # back from a dead end: give the place up
                k = taken.pop(i)
                boys[k], girls[k], size[k] = boys[k] + unit.boys, girls[k] + unit.girls, size[k] + len(unit.codes)
            found = False
            while at[depth] < len(places):
                k = choices[i][at[depth]]
                at[depth] += 1
                tried += 1
                if tried > nodes:
                    return None
                fits = boys[k] >= unit.boys and girls[k] >= unit.girls if strict else size[k] >= len(unit.codes)
                if fits and all(taken.get(other) != k for other in unit.apart):
                    taken[i] = k
                    boys[k], girls[k], size[k] = boys[k] - unit.boys, girls[k] - unit.girls, size[k] - len(unit.codes)
                    found = True
                    break
            if found:
                depth += 1
                at[depth] = 0
            elif depth == 0:
                return None
            else:
                depth -= 1
        return [taken[i] for i in range(len(self.units))]


def _feasible(rules: _Rules, places: Sequence[Seats]) -> tuple[list[int], bool]:
    """Places that are known to be possible, and whether each sex can keep to its seats. Raises Impossible."""
    canonical = lots(rules.listing.number)
    for strict in (True, False):
        found = rules.search(places, canonical, MOST_NODES, strict=strict)
        if found is not None:
            return found, strict
    blamed = _blame(rules, places, canonical)
    said = "；".join(f"{'同班' if kind == 'together' else '分开'}：{'、'.join(codes)}" for kind, codes in blamed)
    raise Impossible(Fault(code="rules", message=f"这些约束不能同时满足（{said}）", rules=tuple(blamed)))


def _blame(rules: _Rules, places: Sequence[Seats], lot: Lot) -> list[tuple[str, tuple[str, ...]]]:
    """Of the rules those without which the others could hold; leaving out is final, so that what stays is a conflict."""
    listing, kept = rules.listing, list(rules.all)
    for rule in rules.all:
        fewer = [one for one in kept if one != rule]
        reduced = msgspec.structs.replace(
            listing,
            together=tuple(codes for kind, codes in fewer if kind == "together"),
            apart=tuple(codes for kind, codes in fewer if kind == "apart"),
        )
        if _Rules(reduced).search(places, lot, BLAME_NODES, strict=False) is None:
            kept = fewer
    return kept


def _units(rules: Sequence[tuple[str, tuple[str, ...]]], sexes: Mapping[str, str]) -> list[_Unit]:
    leader: dict[str, str] = {}

    def find(code: str) -> str:
        while leader.setdefault(code, code) != code:
            code = leader[code]
        return code

    for kind, codes in rules:
        for code in codes:
            find(code)
            if kind == "together":
                first, second = sorted((find(codes[0]), find(code)))
                leader[second] = first
    members: defaultdict[str, list[str]] = defaultdict(list)
    for code in sorted(leader):
        members[find(code)].append(code)
    units = [_Unit(codes, sum(sexes[code] == BOY for code in codes), set()) for _, codes in sorted(members.items())]
    unit_of = {code: i for i, unit in enumerate(units) for code in unit.codes}
    for kind, codes in rules:
        if kind == "apart":
            for one in codes:
                units[unit_of[one]].apart |= {unit_of[other] for other in codes if other != one}
    return units


def _rules(rules: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Each in the order of its codes, none twice."""
    return tuple(sorted({tuple(sorted(set(rule))) for rule in rules}))


# ---- all the others ------------------------------------------------------------------------------------------------------


def _deal(rules: _Rules, places: Sequence[Seats], held: Sequence[int], lot: Lot) -> dict[str, int]:
    """Those under rules where the search put them; the others by lot, one combination of attributes after the other."""
    given: dict[str, int] = {}
    for unit, k in zip(rules.units, held, strict=True):
        given |= dict.fromkeys(unit.codes, k)
    free = {BOY: _boys_left(rules, places, given), GIRL: [0] * len(places)}
    for k, place in enumerate(places):
        free[GIRL][k] = place.size - sum(1 for where in given.values() if where == k) - free[BOY][k]
    alike: defaultdict[tuple[str, ...], list[int]] = defaultdict(lambda: [0] * len(places))
    single: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(places))

    def put(pupil: Pupil, k: int) -> None:
        alike[_kind(pupil)][k] += 1
        for name, value in pupil.attributes.items():
            single[name, value][k] += 1

    for pupil in rules.pupils:
        if pupil.code in given:
            put(pupil, given[pupil.code])
    waiting = [pupil for pupil in rules.pupils if pupil.code not in given]
    for pupil in sorted(waiting, key=lambda pupil: (_kind(pupil), lot(pupil.code))):
        open_ = [k for k in range(len(places)) if free[pupil.sex][k] > 0]
        k = min(
            open_,
            key=lambda k: (
                alike[_kind(pupil)][k],
                -free[pupil.sex][k],
                sum(single[item][k] for item in pupil.attributes.items()),
                lot(f"{pupil.code}:{places[k].class_no}"),
            ),
        )
        free[pupil.sex][k] -= 1
        given[pupil.code] = k
        put(pupil, k)
    return {code: places[k].class_no for code, k in sorted(given.items())}


def _boys_left(rules: _Rules, places: Sequence[Seats], given: Mapping[str, int]) -> list[int]:
    """Seats for the boys that are still to come: as planned, or as near to it as those who have theirs already allow."""
    boys, all_ = [0] * len(places), [0] * len(places)
    for code, k in given.items():
        all_[k] += 1
        boys[k] += rules.sexes[code] == BOY
    room = [place.size - all_[k] for k, place in enumerate(places)]
    left = [min(max(place.boys - boys[k], 0), room[k]) for k, place in enumerate(places)]
    coming = sum(sex == BOY for code, sex in rules.sexes.items() if code not in given)
    while sum(left) > coming:
        k = max((k for k in range(len(places)) if left[k] > 0), key=lambda k: (boys[k] + left[k] - places[k].boys, k))
        left[k] -= 1
    while sum(left) < coming:
        open_ = (k for k in range(len(places)) if left[k] < room[k])
        k = min(open_, key=lambda k: (boys[k] + left[k] - places[k].boys, k))
        left[k] += 1
    return left


def _kind(pupil: Pupil) -> tuple[str, ...]:
    """Sex and all attributes: pupils of one kind are dealt out evenly."""
    return (pupil.sex, *(f"{name}={value}" for name, value in sorted(pupil.attributes.items())))


# ---- for everybody -------------------------------------------------------------------------------------------------------


def verify(published: Published) -> list[Check]:
    """What was checked, and whether it is as it must be."""
    checks = [
        ("格式 format", published.format == FORMAT),
        ("名单与公布的哈希一致 list", list_hash(published.listing) == published.list_sha256),
    ]
    if published.secret is None or published.public_value is None:
        return checks
    list_sha256, secret = published.list_sha256, published.secret
    checks.append(("种子秘密与事先的承诺一致 commitment", commitment_of(secret, list_sha256) == published.commitment))
    seed = seed_of(secret, list_sha256, published.public_value)
    checks.append(("种子由秘密、名单和公开数值得出 seed", seed == published.seed))
    try:
        result = assign(published.listing, seed)
    except Impossible:
        result = {}
    said = {one.code: one.class_no for one in published.result}
    checks.append(("重新计算的分班结果一致 result", bool(result) and result == said))
    return checks


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all is as published; 1: something is not; 2: no such file, or it cannot be read."""
    return drawing.command("python -m regulation.assignment", "Recompute a class assignment.", _look, arguments)


def _look(content: bytes) -> drawing.Verdict:
    try:
        published = msgspec.json.decode(content, type=Published)
    except msgspec.MsgspecError as error:
        raise drawing.Unreadable(str(error)) from error
    waits_for = f"公开数值（{published.public_source}）" if published.secret is None else ""
    return drawing.Verdict(verify(published), waits_for)


if __name__ == "__main__":
    raise SystemExit(main())
