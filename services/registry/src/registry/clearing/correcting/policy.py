"""The rules of correcting key fields, and of keeping the rest up to date, in article order. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec
from regulation.findings import decide as _decide
from regulation.findings import passed, refuse
from regulation.mark import clause, enforced
from shared_contracts.clearing import CancellationState
from shared_contracts.decisions import Decision, Finding
from shared_contracts.records import StudentState


class CorrectionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`open`: another correction of the pupil is under way; `evidence`: how many files; `identity`: what identity found
    against the values (birth digits, another holder of the document, nothing that changes); `members`: slots of family
    members whose documents are given, `named`: slots that the form has."""

    state: StudentState | None
    open: bool
    evidence: int
    reason: str
    cancellation: CancellationState | None = None
    identity: tuple[Finding, ...] = ()
    members: tuple[int, ...] = ()
    named: tuple[int, ...] = ()


KEPT: Final = (
    StudentState.IN_SCHOOL,
    StudentState.SUSPENDED,
    StudentState.RETAINED,
    StudentState.GRADUATED,
    StudentState.COMPLETED,
)

# ---- Article 21: kept up to date --------------------------------------------------------------------------------------

KEY: Final = frozenset({"name", "sex", "document_kind", "document_number", "birth_date"})
"""关键信息: changed by an approved correction alone; the birth date not even by that."""

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "birth_date": "出生日期不予变更（第四十条）",
        "name": "姓名按关键信息更正程序办理（第四十条）",
        "sex": "性别按关键信息更正程序办理（第四十条）",
        "document_kind": "身份证件按关键信息更正程序办理（第四十条）",
        "document_number": "身份证件号按关键信息更正程序办理（第四十条）",
        "grade": "就读年级不予变更（第四十一条）",
        "class_no": "班级按调班程序办理",
        "enrolled_month": "入学年月在建籍时确定",
        "entry_way": "入学方式在建籍时确定",
        "school_code": "学校变更按转学办理（第二十四条）",
        "overseas": "港澳台侨外身份在建籍时核定（第九条、第五十条）",
        "disability": "残疾类型影响就读方式，由学校另行申请核定（第十七条）",
        "mainstreamed": "随班就读标注由学校另行申请核定（第十七条）",
        "home_teaching": "送教上门由学校另行申请核定（第十七条）",
        "auxiliary_number": "学籍辅号由系统生成",
        "member1_document_kind": "监护人证件用于查重，改动按关键信息更正程序办理",
        "member1_document_number": "监护人证件用于查重，改动按关键信息更正程序办理",
        "member2_document_kind": "监护人证件用于查重，改动按关键信息更正程序办理",
        "member2_document_number": "监护人证件用于查重，改动按关键信息更正程序办理",
    }
)
"""Fields of the form that the school does not simply write over, and where each is changed."""


@clause("21.1", "40", "41")
def against_plain(keys: frozenset[str], known: frozenset[str]) -> tuple[Finding, ...]:
    """What of a plain update is none. `known`: the form's fields."""
    found = [
        refuse(
            "41" if key == "grade" else "40" if key in KEY else "21.1",
            "update.not_plain",
            f"不能直接修改：{ELSEWHERE[key]}",
            cure="按相应程序办理；其他项目可以直接更新",
            fields=(key,),
        )
        for key in sorted(keys & ELSEWHERE.keys())
    ]
    unknown = sorted(keys - known)
    if unknown:
        found.append(
            refuse(
                "21.1",
                "update.unknown_field",
                f"没有这些项目：{'、'.join(unknown[:5])}",
                cure="请使用《学生基本信息表》的项目名称",
                fields=tuple(unknown[:20]),
            )
        )
    return tuple(found)


# ---- Article 40 -------------------------------------------------------------------------------------------------------

enforced("40", by="students_key_fields", at="../../migrations/versions/0012_clearing.py")
enforced("40", by="registrations_member_documents", at="../../migrations/versions/0012_clearing.py")
enforced("40", by="students_birth_date", at="../../migrations/versions/0012_clearing.py")


@clause("40")
def record_stands(facts: CorrectionFacts) -> Finding:
    if facts.state not in KEPT:
        if facts.state is StudentState.TRANSFERRED_OUT:
            message, cure = "该学籍已转往外省，本省不再更正", "由外省现就读学校办理"
            return refuse("40", "correction.transferred_out", message, cure=cure)
        cancelled = facts.state is StudentState.CANCELLED
        return refuse(
            "40",
            "correction.no_record",
            "该学籍已注销，不再更正" if cancelled else "学籍还没有建立，不需要更正",
            cure="注销有误的，报上级主管部门恢复" if cancelled else "在建籍审核中退回补正，或撤回后重新录入",
        )
    if facts.cancellation is CancellationState.REINSTATING:
        return refuse("40", "correction.no_record", "该学籍正在恢复", cure="恢复完成后再办理，通常不超过一分钟")
    return passed("40", "correction.record_stands", "学籍存在")


@clause("40")
def one_at_a_time(facts: CorrectionFacts) -> Finding:
    if facts.open:
        return refuse(
            "40",
            "correction.already_open",
            "该生已有正在办理的更正",
            cure="办结或撤回正在办理的更正后再申请",
        )
    return passed("40", "correction.only_one", "没有其他更正在办")


@clause("40")
def on_evidence(facts: CorrectionFacts) -> Finding:
    """以户籍和出生证明为依据: nothing is corrected on somebody's word."""
    if facts.evidence < 1:
        return refuse(
            "40",
            "correction.evidence_missing",
            "更正关键信息须附户口簿等证明材料",
            cure="上传户口簿、身份证件或公安机关证明后重新提交",
            fields=("evidence",),
        )
    return passed("40", "correction.evidence", f"附有{facts.evidence}份证明材料", evidence=facts.evidence)


@clause("40", "14")
def members_named(facts: CorrectionFacts) -> tuple[Finding, ...]:
    """A document belongs to a family member who stands on the form with a name."""
    return tuple(
        refuse(
            "14",
            "correction.no_such_member",
            f"《学生基本信息表》中没有成员{slot}，不能填写其证件",
            cure=f"先在学籍信息中填写成员{slot}的姓名和关系，再申请更正其证件",
            fields=(f"member{slot}_document_number",),
        )
        for slot in sorted(set(facts.members) - set(facts.named))
    )


@clause("40", "15.2", "39")
def decide(facts: CorrectionFacts, policy_version: str = "") -> Decision:
    return _decide(
        record_stands(facts),
        one_at_a_time(facts),
        facts.identity,
        members_named(facts),
        on_evidence(facts),
        policy_version=policy_version,
    )
