"""What identity says about a row, as findings of the roster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from regulation.divisions import PROVINCE
from regulation.findings import note, refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import Holder, Likely
from shared_contracts.registry import RowState


@clause("15.2", "20.1")
def held(holder: Holder, school: str, names: Mapping[str, str]) -> tuple[RowState, tuple[Finding, ...]]:
    """One person, one record: held by the same school, there is nothing to do; by another, the row is refused."""
    if holder.school == school:
        found = note(
            "15.2",
            "roster.already_here",
            "该学生已在本校建籍（或正在建籍），不重复建籍",
            cure="不需要处理；信息有误的，在该学生的建籍申请或学籍中更正",
            fields=("document_number",),
        )
        return RowState.ALREADY_HERE, (found,)
    if holder.school == PROVINCE:
        found = refuse(
            "15.2",
            "roster.transferred_out",
            "该身份证件的学生学籍已转往外省，一人只有一个学籍，学籍号终身不变",
            cure="不能重新建籍；学生回本省就读的，请由主管教育行政部门与省教育厅联系办理转回；不是同一学生的，请核对证件号",
            fields=("document_number",),
        )
        return RowState.REFUSED, (found,)
    name = names.get(holder.school, holder.school)
    found = refuse(
        "15.2",
        "roster.registered_elsewhere",
        f"该身份证件的学生已在{name}建籍（或正在建籍），一人只有一个学籍",
        cure=f"转入的学生请由本校发起转学申请；不是同一学生的，请核对证件号；仍有疑问的，联系{name}",
        fields=("document_number",),
        school=holder.school,
        school_name=name,
    )
    return RowState.REFUSED, (found,)


@clause("20.1")
def alike(others: Iterable[Likely], names: Mapping[str, str]) -> tuple[Finding, ...]:
    """Likely duplicates: to be looked at, they stop nothing."""
    return tuple(
        note(
            "20.1",
            "roster.likely_duplicate",
            f"可能与已有学生重复：{other.name}，{other.birth_date}出生，证件号{other.masked_document}"
            f"{_at(other, names)}（{'、'.join(other.reasons)}）",
            cure="请与家长核对是否为同一人；确为不同学生的可以继续，同一人的请勿重复建籍",
            fields=("name", "birth_date"),
            person_id=other.person_id,
        )
        for other in others
    )


def _at(other: Likely, names: Mapping[str, str]) -> str:
    return f"，在{names.get(other.school, other.school)}" if other.school else ""


def turned_down(detail: str) -> Finding:
    """Identity refused a whole chunk, for good."""
    return Finding(
        code="roster.identity_refused",
        outcome=Outcome.REFUSE,
        message=detail,
        cure="请下载退回的表格，重新上传这些行",
    )


def state_of(findings: Iterable[Finding]) -> RowState:
    """Of an accepted row's findings: `warned` where there is something to look at."""
    return RowState.WARNED if any(f.outcome is not Outcome.PASS for f in findings) else RowState.VALID
