"""When the school with the record may say that its pupil studies there again (clause 24.4). Pure.

The article has four steps for what it calls a transfer: a pupil who goes to another school. Whether the record goes along it
leaves to those who agree on it. Where it stays, the pupil is still one of the old school, and coming back is no transfer: no
place of another is taken, nothing of the record changes. So the school says it, and nobody approves.
"""

from __future__ import annotations

from datetime import date

from regulation.findings import refuse
from regulation.mark import clause
from regulation.purposes import names_number
from shared_contracts.decisions import Finding

LONGEST_REASON = 200


@clause("24.4")
def somewhere_else(since: date | None, *, live: bool) -> Finding | None:
    """`since`: from when the pupil has studied at another school, None for nowhere else. `live`: the record is."""
    if not live:
        message = "学生的学籍已经终止"
        return refuse("24.4", "study_place.record_ended", message, cure="不需要办理")
    if since is None:
        message = "学生没有在其他学校就读的登记"
        return refuse("24.4", "study_place.none", message, cure="不需要办理；刷新后查看学生的就读学校")
    return None


@clause("24.4")
def day_of_return(on: date, since: date, today: date) -> Finding | None:
    """`on`: from which day the pupil studies where the record is. What is to come is said when it has come."""
    if since <= on <= today:
        return None
    message = f"返回日期{on}早于到其他学校就读的日期（{since}）或者晚于今天"
    return refuse("24.4", "study_place.day", message, cure=f"填写{since}至{today}之间的日期", fields=("on",))


@clause("21.1")
def reason_fault(reason: str) -> Finding | None:
    """It stands in the journal for ever, which knows of no numbers."""
    text = reason.strip()
    if text and len(text) <= LONGEST_REASON and text.replace("\n", "").isprintable() and not names_number(text):
        return None
    message = "没有写明返回原因，或者过长、含有特殊字符、证件号或电话号码"
    cure = f"用不超过{LONGEST_REASON}个字写明原因，不写号码"
    return refuse("21.1", "study_place.reason", message, cure=cure, fields=("reason",))
