"""The words of a transfer: grounds, steps, states, and what is applied for. Offered by `transfer` too."""

from __future__ import annotations

from enum import StrEnum

from shared_contracts.evidence import EvidenceGiven
from shared_contracts.holds import Place
from shared_contracts.messages import Message


class Ground(StrEnum):
    """转学理由."""

    HOUSEHOLD_MOVED = "household_moved"  # 户籍随家长迁移 (24.1.1)
    RESIDENCE_CHANGED = "residence_changed"  # 随监护人工作变动，居住地变更 (24.1.2)
    HOUSE_PURCHASE = "house_purchase"  # 城市小学生全家县域内购房迁居 (24.1.2)
    MIGRANT_CHILD = "migrant_child"  # 随迁子女 (24.1.3)
    SPECIAL_EDUCATION = "special_education"  # 特教学校与随班就读互转 (24.4)
    SPECIAL_SCHOOL = "special_school"  # 专门学校 (24.4)


GROUND_TITLES: dict[Ground, str] = {
    Ground.HOUSEHOLD_MOVED: "户籍随家长迁移",
    Ground.RESIDENCE_CHANGED: "随监护人工作变动，居住地变更",
    Ground.HOUSE_PURCHASE: "全家在县域内购房迁居",
    Ground.MIGRANT_CHILD: "随迁子女",
    Ground.SPECIAL_EDUCATION: "特殊教育学校与普通学校随班就读互转",
    Ground.SPECIAL_SCHOOL: "进入或离开专门学校",
}


class Step(StrEnum):
    """The steps of clause 24.5.1 after the receiving school's application, in their order."""

    RECEIVING_AUTHORITY = "receiving_authority"
    RELEASING_SCHOOL = "releasing_school"
    RELEASING_AUTHORITY = "releasing_authority"


STEP_TITLES: dict[Step, str] = {
    Step.RECEIVING_AUTHORITY: "转入学校主管部门核准",
    Step.RELEASING_SCHOOL: "转出学校核准",
    Step.RELEASING_AUTHORITY: "转出学校主管部门核准",
}


class TransferState(StrEnum):
    """Where a transfer stands, for people."""

    OPEN = "open"  # 办理中
    RETURNED = "returned"  # 退回补正
    MOVING = "moving"  # approved by all, the record is on its way
    COMPLETED = "completed"  # 已转入
    NEEDS_ATTENTION = "needs_attention"  # approved by all, could not be carried out
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # nobody went on with it in time


STATE_TITLES: dict[TransferState, str] = {
    TransferState.OPEN: "办理中",
    TransferState.RETURNED: "已退回补正",
    TransferState.MOVING: "学籍转接中",
    TransferState.COMPLETED: "已转入",
    TransferState.NEEDS_ATTENTION: "转接未完成，待处理",
    TransferState.REJECTED: "未获核准",
    TransferState.WITHDRAWN: "已撤回",
    TransferState.EXPIRED: "逾期未办，已失效",
}


class Application(Message, frozen=True, kw_only=True, gc=False):
    """What the guardian applies for, as the receiving school enters it.

    `name`, `number`: of the pupil; identity document or student number, exact. `residence`: where the family lives now;
    `household`: where the pupil is registered now, None where it did not change. `alone_in_household`: the pupil stands
    alone in the household register (24.3.1). `record_moves`: whether the record goes along (24.4: the choice is only there
    for special education and special schools; otherwise it always does). `agreed`: original school and guardian have agreed
    on that (24.4). `phone`: the guardian's, for notices and for following the case.
    """

    name: str
    number: str
    ground: Ground
    residence: Place
    guardian: str
    phone: str
    household: Place | None = None
    alone_in_household: bool = False
    record_moves: bool = True
    agreed: bool = False
    evidence: tuple[EvidenceGiven, ...] = ()
