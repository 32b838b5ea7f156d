"""What kinds of entries a journal has, what each is called, and what its content must say.

Whoever changes a student adds a kind here, and gives the content two objects, `before` and `after`, whose keys are those
of `shared_contracts.records.StudentView` (`name`, `sex`, `school`, `stage`, `grade`, `class_no`, `placement`, `state`,
`student_number`, `number_kind`, `verification`, `former_numbers`, `masked_document`, …), only those that change: `changed`
makes them. A record as of a day is folded from these (`records.as_of`): what is not said there did not happen.

    Change(student_id=…, kind="corrected", clause="39", legal_date=…,
           content=changed(before={"name": "王小名"}, after={"name": "王小明"}, case_id=…))

Beside them the content may say what it likes, without floats, document numbers, full student numbers and addresses. A
former number is added to `former_numbers` by the fold where `student_number` changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

REGISTERED: Final = "registered"
NUMBER_UPGRADED: Final = "number_upgraded"
VERIFICATION_CHANGED: Final = "verification_changed"
CUSTODY_PASSED: Final = "custody_passed"

TITLES: Final[dict[str, str]] = {
    REGISTERED: "建立学籍",
    "number_issued": "发放学籍号",
    NUMBER_UPGRADED: "临时学籍号转为正式学籍号",
    VERIFICATION_CHANGED: "公安比对结果变更",
    CUSTODY_PASSED: "学籍转接",
    "archive_entry": "补充档案内容",
    "archive_entry_superseded": "更正档案内容",
    "evidence_filed": "证明材料归档",
    "corrected": "学籍信息更正",
    "class_assigned": "编入班级",
    "class_moved": "调整班级",
    "placement_changed": "就读方式变更",
    "cancelled": "注销学籍",
    "reinstated": "恢复学籍",
    "merged": "重复学籍合并",
    "merge_undone": "撤销重复学籍合并",
    "protected": "登记学籍保护",
    "protection_ended": "解除学籍保护",
    "form_updated": "更新学生信息",
    "custody_reorganised": "学校合并、撤销，学籍移交",
    "redivided": "行政区划调整",
    "move_undone": "撤回学籍移交",
    "promoted": "升级",
    "transferred": "转学",
    "transferred_out": "转往外省",
    "returned": "由外省转回",
    "study_elsewhere": "在其他学校就读，学籍保留",
    "study_ended": "回到学籍所在学校就读",
    "stage_continued": "升入初中",
    "graduated": "毕业",
    "completed": "结业",
}
"""Chinese titles: the closed set of kinds, in one place."""

BEFORE: Final = "before"
AFTER: Final = "after"


def title(kind: str) -> str:
    """As people read it; an entry of a kind of tomorrow is shown by its name."""
    return TITLES.get(kind, kind)


def changed(before: Mapping[str, Any], after: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The content of an entry by which something of the student becomes something else.

    Only what differs is kept. Raises ValueError where the two do not speak of the same keys.
    """
    if before.keys() != after.keys():
        raise ValueError("before and after speak of different things")
    differing = [key for key in before if before[key] != after[key]]
    return {
        **more,
        BEFORE: {key: before[key] for key in differing},
        AFTER: {key: after[key] for key in differing},
    }
