"""The rules of ending a record and of taking that back, in article order: facts in, findings out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from regulation.clauses import CLAUSES
from regulation.divisions import PROVINCE, chain
from regulation.findings import decide as _decide
from regulation.findings import passed, refuse
from regulation.mark import clause, enforced
from shared_contracts.clearing import Ground, ProtectionKind
from shared_contracts.decisions import Decision, Finding
from shared_contracts.records import StudentState

GROUND_TITLES: Mapping[Ground, str] = MappingProxyType(
    {
        Ground.FRAUD: "通过弄虚作假、冒名顶替等不正当手段骗取入学资格",
        Ground.OUT_OF_AREA: "违反属地化招生原则、违规跨招生区域招生取得学籍",
        Ground.DUAL_RECORD: "拥有双重学籍",
        Ground.FINISHED: "义务教育阶段已毕业、结业",
        Ground.OTHER_VIOLATION: "其他违反义务教育学校招生政策和学籍管理实施细则的行为",
    }
)
PROTECTION_TITLES: Mapping[ProtectionKind, str] = MappingProxyType(
    {
        ProtectionKind.MISSING: "失踪",
        ProtectionKind.CRIMINAL: "被追究刑事责任",
        ProtectionKind.COMPULSORY: "被采取强制性教育措施",
    }
)

VIOLABLE: Final = (
    "4.1", "4.2", "5.1", "6", "7", "8", "9", "12", "13.1", "15.1", "15.2", "16", "17", "19", "20.1", "20.2", "24.2.1",
    "24.2.2", "41",
)  # fmt: skip
"""Clauses on admission, registration and movement against which a record can have been made (the fifth ground)."""

ORDINARY: Mapping[str, str] = MappingProxyType(
    {
        "转学": "转学按第二十四条办理，学籍随学生转接",
        "休学": "休学按第二十五条办理，学籍保留",
        "退学": "义务教育阶段不得退学，符合规定的按退学程序办理",
        "辍学": "辍学学生应劝返复学，学籍保留",
        "出国": "出国（境）按规定程序办理，不以注销代替",
        "厌学": "不得因厌学注销学籍，应劝返复学",
        "成绩": "不得因学业成绩注销学籍",
        "旷课": "不得因旷课注销学籍，应劝返复学",
        "处分": "不得以处分为由注销学籍",
        "死亡": "学生死亡的按第四十二条办理",
    }
)
"""Words of what has a procedure of its own, or may never end a record, and what is to be done instead."""


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """The record that is to end. `protections`: in force; `correction`: how an open correction stands, None without;
    `moved_to`: the school that has the record now, where that is another one than when it was proposed."""

    id: str
    state: StudentState | None
    formal: bool
    protections: tuple[ProtectionKind, ...] = ()
    correction: str | None = None
    under_way: bool = False
    moved_to: str | None = None


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The record that stays, of two of one pupil."""

    id: str
    state: StudentState | None
    formal: bool
    heard: bool
    """Both schools have spoken about the two, or had their time."""


class CancelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`violated`: the clause that the record was made against; `evidence`: how many files; `supervisor`: whether who asks is
    the record's supervising authority, or competent for the pair of doubles."""

    subject: Subject
    ground: Ground
    reason: str
    violated: str | None
    kept: Kept | None
    evidence: int
    supervisor: bool


# ---- Article 15 -----------------------------------------------------------------------------------------------------


@clause("15.4", "39")
def keeps_the_formal(facts: CancelFacts) -> Finding | None:
    """正式学籍号终生不变: of two records the one with the G stays, since no G is ever given again."""
    if facts.kept is None:
        return None
    if facts.subject.formal and not facts.kept.formal:
        return refuse(
            "15.4",
            "cancel.formal_number_lost",
            "要注销的一份有正式学籍号（G），要保留的一份没有；正式学籍号终生不变，不能再次发放",
            cure="保留有正式学籍号的一份，注销另一份；就读学校不同的，随后办理转学",
        )
    return passed("15.4", "cancel.formal_number_kept", "保留的学籍不失去正式学籍号")


# ---- Article 18: who must not be struck off ---------------------------------------------------------------------------

enforced("18", by="students_end_by_law", at="../../migrations/versions/0012_clearing.py")


@clause("18")
def not_protected(facts: CancelFacts) -> Finding:
    """未完成义务教育的未成年犯、被采取强制性教育措施的、失踪的: the record is kept as long as the cause lasts."""
    if facts.subject.protections:
        kinds = "、".join(PROTECTION_TITLES[kind] for kind in facts.subject.protections)
        return refuse(
            "18",
            "cancel.protected",
            f"该生登记有学籍保护（{kinds}），保护期间不得注销其学籍",
            cure="保留学籍；原因消除后由主管教育行政部门解除保护，并及时安排复学",
            protections=[str(kind) for kind in facts.subject.protections],
        )
    return passed("18", "cancel.not_protected", "没有正在生效的学籍保护")


# ---- Article 22: five grounds and no sixth -----------------------------------------------------------------------------

enforced("22", by="record_ends_by_law", at="../../migrations/versions/0012_clearing.py")


@clause("22")
def supervisor_asks(facts: CancelFacts) -> Finding:
    """由学校主管教育行政部门注销: no school ends a record, and no other authority either."""
    if not facts.supervisor:
        return refuse(
            "22",
            "cancel.not_supervisor",
            "学籍只能由学校的主管教育行政部门注销",
            cure="报学生所在学校的主管教育行政部门；两校分属不同部门的双重学籍，由共同的上级部门决定",
        )
    return passed("22", "cancel.supervisor", "由学校的主管教育行政部门办理")


@clause("22")
def can_end(facts: CancelFacts) -> Finding:
    state = facts.subject.state
    if state is None:
        return refuse(
            "22",
            "cancel.no_record",
            "学籍还没有建立，不需要注销",
            cure="在建籍审核中否决，或由学校撤回建籍申请",
        )
    if state is StudentState.TRANSFERRED_OUT:
        message, cure = "该学籍已转往外省，不需要注销", "学生的学籍在外省；转出有误的，与外省协商后由外省学校申请转回"
        return refuse("22", "cancel.transferred_out", message, cure=cure)
    if state is StudentState.CANCELLED or facts.subject.under_way:
        return refuse(
            "22",
            "cancel.already",
            "该学籍已经注销" if state is StudentState.CANCELLED else "该学籍已有正在办理的注销",
            cure="刷新后查看；注销有误的，由上级主管部门恢复",
        )
    return passed("22", "cancel.stands", "学籍存在，没有其他注销在办")


@clause("22", "21.2")
def where_it_was(facts: CancelFacts) -> Finding | None:
    """What was found out was found out about the record at the school that had it. Who has gone to another school since
    (a transfer was carried out first) keeps the record: it is looked at anew where it is."""
    if (there := facts.subject.moved_to) is None:
        return None
    return refuse(
        "22",
        "cancel.moved_meanwhile",
        f"提出注销之后，该生的学籍已经转到{there}",
        cure="撤回这项注销；仍有注销情形的，由现在学校的主管教育行政部门核实后重新提出",
    )


@clause("22")
def ground_holds(facts: CancelFacts) -> Finding:
    """Each ground is held against what the system knows of the record."""
    title = GROUND_TITLES[facts.ground]
    return _HOLDS[facts.ground](facts) or passed("22", f"cancel.{facts.ground}", title, ground=str(facts.ground))


def _finished(facts: CancelFacts) -> Finding | None:
    if facts.subject.state in (StudentState.GRADUATED, StudentState.COMPLETED):
        return None
    return refuse(
        "22",
        "cancel.not_finished",
        "该生档案中没有毕业或结业记录，不能以“已毕业、结业”为由注销",
        cure="先按程序办理毕业或结业；确属其他情形的，选择相应的注销情形",
        state=str(facts.subject.state),
    )


def _dual(facts: CancelFacts) -> Finding | None:
    kept = facts.kept
    if kept is None:
        return refuse(
            "22",
            "cancel.kept_missing",
            "双重学籍须写明保留哪一份学籍，并先听取两校意见",
            cure="在“查重”中登记这两份学籍，听取两校意见后作出“保留一份、注销另一份”的处理",
        )
    if kept.id == facts.subject.id or kept.state is None or kept.state is StudentState.CANCELLED:
        return refuse(
            "22",
            "cancel.kept_not_there",
            "要保留的学籍不存在、尚未建立或已注销",
            cure="核对要保留的是哪一份学籍",
        )
    if not kept.heard:
        return refuse(
            "39",
            "cancel.not_heard",
            "两校的陈述还没有交齐，期限也未届满",
            cure="等待两校陈述，或期限届满后再处理",
        )
    return None


def _other(facts: CancelFacts) -> Finding | None:
    if facts.violated is None or facts.violated not in VIOLABLE:
        known = "、".join(VIOLABLE)
        return refuse(
            "22",
            "cancel.clause_missing",
            "以“其他违反招生政策和实施细则的行为”注销的，须写明违反的条款",
            cure=f"从招生和建籍的条款中选择：{known}",
            fields=("violated",),
        )
    if word := next((word for word in ORDINARY if word in facts.reason), None):
        return refuse(
            "22",
            "cancel.ordinary_change",
            f"“{word}”不是注销学籍的情形",
            cure=ORDINARY[word],
            fields=("reason",),
        )
    return None


def _nothing(_facts: CancelFacts) -> Finding | None:
    return None


_HOLDS: Mapping[Ground, Callable[[CancelFacts], Finding | None]] = MappingProxyType(
    {
        Ground.FRAUD: _nothing,
        Ground.OUT_OF_AREA: _nothing,
        Ground.DUAL_RECORD: _dual,
        Ground.FINISHED: _finished,
        Ground.OTHER_VIOLATION: _other,
    }
)


@clause("22")
def proven(facts: CancelFacts) -> Finding:
    """经查有下列情形之一: what was found has to be on paper."""
    if facts.evidence < 1:
        return refuse(
            "22",
            "cancel.evidence_missing",
            "注销学籍须附查实的证明材料",
            cure="上传调查结论、决定等材料后重新提交",
            fields=("evidence",),
        )
    return passed("22", "cancel.evidence", f"附有{facts.evidence}份证明材料", evidence=facts.evidence)


# ---- Article 40 -----------------------------------------------------------------------------------------------------


@clause("40", "22")
def no_correction_applies(facts: CancelFacts) -> Finding | None:
    """A correction that was approved and is being carried out is waited for; one that is only asked for ends with the
    record."""
    if facts.subject.correction == "applying":
        return refuse(
            "40",
            "cancel.correction_applies",
            "该生的关键信息更正已核准、正在生效",
            cure="稍后再办理，通常不超过一分钟",
        )
    return None


@clause("18", "22", "39", "15.4", "40")
def decide(facts: CancelFacts, policy_version: str = "") -> Decision:
    """All findings in article order."""
    return _decide(
        keeps_the_formal(facts),
        not_protected(facts),
        supervisor_asks(facts),
        can_end(facts),
        where_it_was(facts),
        ground_holds(facts),
        proven(facts),
        no_correction_applies(facts),
        policy_version=policy_version,
    )


# ---- taking it back -------------------------------------------------------------------------------------------------


class UndoFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`by`: the organisation that wants it; `authority`: that cancelled. `doubles`: it was a merge. `since`: journals in
    which something has happened since; `protected`."""

    by: str
    authority: str
    doubles: bool
    cancelled: bool
    since: int


@clause("22")
def superior_undoes(facts: UndoFacts) -> Finding:
    """恢复由上级主管部门决定; the province, that has none above it, decides itself. A merge is taken back by whoever is
    competent for the pair, too."""
    above = chain(facts.authority)[:-1]
    if facts.by in above or facts.by == facts.authority == PROVINCE or (facts.doubles and facts.by == facts.authority):
        return passed("22", "reinstate.superior", "由有权的主管教育行政部门办理")
    return refuse(
        "22",
        "reinstate.not_superior",
        "被注销的学籍由作出注销决定的部门的上级主管部门恢复",
        cure="报上级主管教育行政部门办理",
    )


@clause("22", "39")
def nothing_since(facts: UndoFacts) -> Finding:
    """What has happened to either record since would be lost, or mean something else."""
    if not facts.cancelled:
        return refuse("22", "reinstate.not_cancelled", "该学籍现在不是注销状态", cure="刷新后查看当前状态")
    if facts.since:
        return refuse(
            "22",
            "reinstate.something_since",
            f"注销后学籍中又有{facts.since}项变动，不能原样恢复",
            cure="按现在的学籍状况另行处理，例如重新办理建籍",
            since=facts.since,
        )
    return passed("22", "reinstate.nothing_since", "注销以后没有其他变动，可以原样恢复")


@clause("22", "39")
def undo(facts: UndoFacts) -> Decision:
    return _decide(superior_undoes(facts), nothing_since(facts))


assert set(VIOLABLE) <= set(CLAUSES), "clauses that are none"
