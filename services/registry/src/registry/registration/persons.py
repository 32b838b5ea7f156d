"""What identity's answer about a person means for a registration (clauses 15.2, 20.1)."""

from __future__ import annotations

from regulation.findings import note, refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import Claimed, Staged


@clause("15.2", "20.1")
def against(answer: Staged | Claimed, registration_id: str, school: str) -> tuple[Finding, ...]:
    """Why this person cannot be registered here: somebody holds the record, or identity itself refuses."""
    holder = answer.holder
    if holder is None or holder.registration_id == registration_id:
        return tuple(finding for finding in answer.findings if finding.outcome is Outcome.REFUSE)
    if holder.school == school:
        message = "该学生已在本校建籍或正在建籍"
        cure = "不需要重复录入；按姓名查找已有的信息"
        code = "person.already_here"
    else:
        message = f"该学生已在其他学校（{holder.school}）建籍或正在建籍；一人一籍，不得重复建立学籍"
        cure = "确已来本校就读的，通过转学办理；对方学校登记有误的，请对方学校撤回"
        code = "person.registered_elsewhere"
    return (refuse("20.1", code, message, cure=cure, fields=("document_number",), school=holder.school),)


@clause("20.1")
def notes(staged: Staged) -> tuple[Finding, ...]:
    """Likely duplicates: to be looked at, no refusal. The other pupil is shown by school and masked number only."""
    found = [finding for finding in staged.findings if finding.outcome is not Outcome.REFUSE]
    for other in staged.likely:
        where = f"在{other.school}" if other.school else "目前没有学籍"
        message = f"与另一名学生（证件号{other.masked_document}，{where}）可能是同一人：{'、'.join(other.reasons)}"
        cure = "核对是否为同一人、证件号是否有误；不是同一人的可以继续"
        found.append(note("20.1", "person.likely_duplicate", message, cure=cure, fields=("name", "birth_date")))
    return tuple(found)
