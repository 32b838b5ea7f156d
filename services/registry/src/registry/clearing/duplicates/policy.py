"""The rules of two records that may be one pupil's, in article order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec
from regulation.divisions import chain
from regulation.findings import decide as _decide
from regulation.findings import passed, refuse
from regulation.mark import clause
from shared_contracts.decisions import Decision, Finding


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One record of a pair. `there`: counts as a record now; `registered`: more than a registration under way."""

    id: str
    school: str
    authority: str
    there: bool
    registered: bool
    formal: bool


class PairFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`spoke`: schools that have; `due_on`: the last day for it. `decision`, `record_id`: what is to be decided."""

    sides: tuple[Side, Side]
    state: str
    spoke: frozenset[str]
    due_on: date
    today: date
    decision: Literal["different", "correct", "cancel"]
    record_id: str | None


# ---- Article 3 --------------------------------------------------------------------------------------------------------


@clause("3.1", "39")
def competent(a: str, b: str) -> str:
    """The authority that decides about two schools, by their supervising authorities: the one they share, otherwise the
    lowest that both are under; the province at the latest. Two of different provinces: the first one's own."""
    common = [one for one in chain(a) if one in chain(b)]
    return common[-1] if common else a


# ---- Article 20, 39: heard, then decided ------------------------------------------------------------------------------


@clause("39")
def heard(schools: Sequence[str], spoke: frozenset[str], due_on: date, today: date) -> bool:
    """Both schools have spoken, or their time has passed. A pair inside one school hears that school once."""
    return set(schools) <= spoke or today > due_on


@clause("39")
def both_heard(facts: PairFacts) -> Finding:
    schools = [side.school for side in facts.sides]
    if heard(schools, facts.spoke, facts.due_on, facts.today):
        return passed("39", "duplicate.heard", "两校已陈述，或期限已满", due_on=facts.due_on.isoformat())
    silent = sorted(set(schools) - facts.spoke)
    return refuse(
        "39",
        "duplicate.not_heard",
        f"还有{len(silent)}所学校没有陈述，期限到{facts.due_on}为止",
        cure="等待学校陈述，或期限届满后再处理",
        schools=silent,
        due_on=facts.due_on.isoformat(),
    )


@clause("39")
def still_open(facts: PairFacts) -> Finding:
    if facts.state == "open":
        return passed("39", "duplicate.open", "尚未处理")
    return refuse("39", "duplicate.decided", "这一对疑似重复已经处理", cure="刷新后查看；处理有误的，先撤销原处理")


@clause("39", "22", "40")
def names_a_record(facts: PairFacts) -> Finding | None:
    """变更 names the record to correct, 删除 the one to keep: one of the two, and one that is there."""
    if facts.decision == "different":
        return None
    side = next((side for side in facts.sides if side.id == facts.record_id), None)
    what = "要更正" if facts.decision == "correct" else "要保留"
    if side is None:
        return refuse(
            "39",
            "duplicate.record_missing",
            f"没有写明{what}的是两份学籍中的哪一份",
            cure="从两份学籍中选择一份",
            fields=("record_id",),
        )
    if not side.there or not side.registered:
        return refuse(
            "39",
            "duplicate.record_not_there",
            f"{what}的学籍尚未建立或已注销",
            cure="还在建籍审核的，由学校撤回或由主管部门在审核中处理",
            fields=("record_id",),
        )
    return passed("39", "duplicate.record_named", f"已写明{what}的学籍")


@clause("15.4", "39")
def formal_kept(facts: PairFacts) -> Finding | None:
    """Of two records the one with the G is kept, since no G is given twice."""
    if facts.decision != "cancel":
        return None
    keep = next((side for side in facts.sides if side.id == facts.record_id), None)
    drop = next((side for side in facts.sides if side.id != facts.record_id), None)
    if keep is None or drop is None or keep.formal or not drop.formal:
        return None
    return refuse(
        "15.4",
        "duplicate.formal_number_lost",
        "要注销的一份有正式学籍号（G），要保留的一份没有；正式学籍号终生不变，不能再次发放",
        cure="保留有正式学籍号的一份",
        fields=("record_id",),
    )


@clause("39")
def other_can_end(facts: PairFacts) -> Finding | None:
    if facts.decision != "cancel":
        return None
    drop = next((side for side in facts.sides if side.id != facts.record_id), None)
    if drop is None or (drop.there and drop.registered):
        return None
    return refuse(
        "39",
        "duplicate.other_not_there",
        "另一份学籍尚未建立或已注销，不需要注销",
        cure="还在建籍审核的，在审核中否决或由学校撤回",
    )


@clause("39", "20.1", "15.4")
def decide(facts: PairFacts) -> Decision:
    return _decide(
        formal_kept(facts), still_open(facts), both_heard(facts), names_a_record(facts), other_can_end(facts)
    )


@clause("20.1")
def rarity(agreements: Sequence[str], alike: int) -> str:
    """How rare what agrees is, in words: 全省同名同日出生2人."""
    if "name" in agreements and "birth_date" in agreements:
        return f"全省同名同日出生{alike}人"
    if "guardian_document" in agreements:
        return f"监护人证件号相同；全省姓名、出生日期相近的有{alike}人"
    return f"全省姓名、出生日期相近的有{alike}人"


@clause("45.1", "39")
def masked_name(name: str) -> str:
    """What a school sees of a pupil that is not its own: the surname."""
    return name[:1] + "*" * max(len(name) - 1, 1)
