"""When a paper archive may be said to be handed over or received, and when it should have been (clauses 21.2, 48). Pure."""

from __future__ import annotations

from datetime import date

from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.handover import HandoverState

LONGEST_CARRIER = 30


@clause("21.2")
def day_of_handing(on: date, left_on: date, today: date) -> Finding | None:
    """`left_on`: legal day on which the records left."""
    if left_on <= on <= today:
        return None
    message = f"移交日期{on}早于学籍转出日期（{left_on}）或者晚于今天"
    return refuse("21.2", "handover.day", message, cure=f"填写{left_on}至{today}之间的日期", fields=("on",))


@clause("21.2")
def day_of_receipt(on: date, earliest: date, today: date) -> Finding | None:
    """`earliest`: the last day on which any of them was handed over, or on which the records left."""
    if earliest <= on <= today:
        return None
    message = f"签收日期{on}早于移交日期（{earliest}）或者晚于今天"
    return refuse("21.2", "receipt.day", message, cure=f"填写{earliest}至{today}之间的日期", fields=("on",))


def carrier_fault(carried_by: str) -> Finding | None:
    """Who brought or sent them: a name, in one line."""
    name = carried_by.strip()
    if name and len(name) <= LONGEST_CARRIER and name.isprintable():
        return None
    message = "没有填写送交人或邮寄单位，或者填写过长、含有特殊字符"
    cure = f"填写送交人姓名或邮寄单位，不超过{LONGEST_CARRIER}个字"
    return refuse("21.2", "handover.carrier", message, cure=cure, fields=("carried_by",))


def strangers_fault(unknown: int) -> Finding | None:
    """`unknown`: named students that are not in this handover."""
    if not unknown:
        return None
    message = f"所选学生中有{unknown}名不在本批档案中"
    return refuse("21.2", "handover.not_in_it", message, cure="刷新名单后重新选择", fields=("students",))


def nothing_left(left: int, *, receiving: bool) -> Finding | None:
    """`left`: archives that this act would concern."""
    if left:
        return None
    message = "所选档案都已经签收" if receiving else "所选档案都已经移交或者签收"
    return refuse("21.2", "handover.nothing_left", message, cure="不需要再次登记", fields=("students",))


@clause("48")
def is_overdue(state: HandoverState, due_on: date, today: date) -> bool:
    """The last day is in time."""
    return state is not HandoverState.DONE and today > due_on


@clause("21.2", "48")
def state_of(unhanded: int, unreceived: int, *, old_school: bool) -> HandoverState:
    """Whose turn it is. `old_school`: whether there still is one; the papers of a closed school come without its word."""
    if not unreceived:
        return HandoverState.DONE
    return HandoverState.TO_HAND_OVER if unhanded and old_school else HandoverState.TO_RECEIVE
