"""What must hold before schools are merged or closed or counties re-divided (clauses 2, 3.1, 11, 13.2, 21.3, 24.2.1, 44).

Each rule looks at facts and says what stands in the way; a preview shows all of it, and the worker asks once more before
it begins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import msgspec
from regulation.divisions import chain
from regulation.findings import needs_override, note, refuse
from regulation.mark import clause
from regulation.school_year import grade_name
from shared_contracts.decisions import Finding


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """A school that is to end. `registrations`, `admissions`, `corrections`, `transfers` (of pupils who are to come or to
    leave): under way; `later`: pupils who came after the day it is to hold from."""

    code: str
    name: str
    authority: str
    known_from: date
    registrations: int
    admissions: int
    later: int
    corrections: int = 0
    transfers: int = 0


class Receiving(msgspec.Struct, frozen=True, kw_only=True):
    """A school that takes pupils. `pupils`: in school now; `coming`: by this operation; `most`: where the large school
    begins."""

    code: str
    name: str
    authority: str
    pupils: int
    coming: int
    most: int


class ClassRoom(msgspec.Struct, frozen=True, kw_only=True):
    """A class that takes pupils one by one. `exists`: whether the school has it; `standard`: the standard class size."""

    title: str
    exists: bool
    pupils: int
    coming: int
    standard: int


@clause("3.1")
def reach_faults(organisation: str, authorities: Mapping[str, str]) -> tuple[Finding, ...]:
    """An authority reorganises what is under it. `authorities`: the supervising one of each school concerned."""
    return tuple(
        refuse(
            "3.1",
            "reorganisation.out_of_reach",
            f"学校{school}不属于本教育行政部门管理",
            cure="由双方共同的上级教育行政部门办理",
            fields=("plan",),
            school=school,
        )
        for school, authority in sorted(authorities.items())
        if organisation not in chain(authority)
    )


@clause("21.3", "44")
def naming_faults(
    ended: Sequence[str], receiving: Sequence[str], present: Iterable[str], *, taken: Mapping[str, str]
) -> tuple[Finding, ...]:
    """The schools named are there, each once, and none receives pupils while it ends. `taken`: schools that another
    operation has in hand, with its title."""
    found = []
    known = set(present)
    for code in dict.fromkeys((*ended, *receiving)):
        if code not in known:
            cure = "核对学校标识码；已撤销的学校不能再办理"
            found.append(_no("44", "no_such_school", f"没有学校{code}，或者已经撤销", cure))
        elif code in taken:
            found.append(_no("44", "in_hand", f"学校{code}正在办理“{taken[code]}”", "等该项办理结束，或者先取消该项"))
    for code in sorted({code for code in ended if ended.count(code) > 1}):
        found.append(_no("21.3", "twice", f"学校{code}列了两次", "每所学校只列一次"))
    for code in sorted(set(ended) & set(receiving)):
        found.append(_no("21.3", "into_itself", f"学校{code}既被撤并又接收学生", "选择另一所学校接收"))
    if not ended:
        found.append(_no("21.3", "nothing", "没有要撤并的学校", "至少填写一所学校"))
    return tuple(found)


@clause("13.2", "21.3", "24.5.1", "40", "44")
def ending_faults(school: Ending, effective_from: date) -> tuple[Finding, ...]:
    """A school ends with nothing under way: what parents have signed for it is decided there, or taken back.

    Corrections wait for its principal. Doubles and cancellations do not: they are about records, and go with them.
    """
    found = []
    if effective_from <= school.known_from:
        message = f"{school.name}的现行信息自{school.known_from}起有效，撤销须晚于该日"
        found.append(_no("44", "too_early", message, f"使用晚于{school.known_from}的生效日期", "effective_from"))
    if school.later:
        message = f"{school.name}有{school.later}名学生在{effective_from}之后建籍、入班"
        found.append(_no("21.1", "came_later", message, "使用更晚的生效日期", "effective_from"))
    if school.registrations:
        message = f"{school.name}还有{school.registrations}项建籍申请或名册没有办结"
        found.append(_no("13.2", "registrations", message, "先核准，或者由学校撤回后到接收学校重新办理"))
    if school.admissions:
        message = f"{school.name}还有{school.admissions}名录取的新生没有建籍"
        found.append(_no("5.2", "admissions", message, "先改派到其他学校，或者等建籍办结"))
    if school.corrections:
        message = f"{school.name}还有{school.corrections}项关键信息更正没有办结"
        found.append(_no("40", "corrections", message, "先办结或撤回更正；撤并后由接收学校重新申请"))
    if school.transfers:
        message = f"{school.name}还有{school.transfers}项转学没有办结（转入的保留着学位，转出的还没有转走）"
        cure = "先办结、撤回，或者由主管教育行政部门改派到其他学校、终止办理；撤并后由接收学校重新申请"
        found.append(_no("24.5.1", "transfers", message, cure))
    return tuple(found)


@clause("44")
def day_note(effective_from: date, today: date) -> tuple[Finding, ...]:
    if effective_from <= today:
        return ()
    return (note("44", "reorganisation.waits", f"核准后到{effective_from}自动办理", cure=None),)


@clause("2")
def stage_faults(school: str, lacking: Iterable[int]) -> tuple[Finding, ...]:
    """`lacking`: grades that pupils would come in and that the receiving school does not carry."""
    return tuple(
        _no("2", "no_such_grade", f"{school}没有{grade_name(grade)}", "选择设有该年级的学校", grade=grade)
        for grade in sorted(set(lacking))
    )


@clause("24.2.1")
def size_faults(school: Receiving) -> tuple[Finding, ...]:
    """大校额: in principle a school does not grow past it."""
    after = school.pupils + school.coming
    if not school.coming or after <= school.most:
        return ()
    message = f"并入后{school.name}在校生{after}人，超过大校额{school.most}人"
    cure = "由上级教育行政部门写明原因后核准，或者分到几所学校"
    return (
        needs_override(
            "24.2.1",
            "reorganisation.large_school",
            message,
            cure=cure,
            pupils=school.pupils,
            coming=school.coming,
            most=school.most,
        ),
    )


@clause("11")
def room_faults(room: ClassRoom) -> tuple[Finding, ...]:
    """A class that is there takes pupils up to the standard size; whole classes come as they are."""
    if not room.exists:
        return (_no("11", "no_such_class", f"{room.title}不存在", "选择该校已有的班级，或者留空由学校以后分班"),)
    after = room.pupils + room.coming
    if after <= room.standard:
        return ()
    message = f"{room.title}现有{room.pupils}人，再安排{room.coming}人将超过标准班额{room.standard}人"
    return (_no("11", "class_full", message, "安排到其他班级，或者留空由学校以后分班"),)


@clause("21.3")
def placing_faults(
    unplaced: Mapping[str, int], unknown_classes: Iterable[str], unknown_pupils: Iterable[str], twice: Iterable[str]
) -> tuple[Finding, ...]:
    """A school is closed when each of its pupils has a place elsewhere. `unplaced`: so many of each class."""
    found = [
        _no("21.3", "unplaced", f"{title}还有{count}名学生没有安排去处", "按班或者逐人安排接收学校", pupils=count)
        for title, count in unplaced.items()
    ]
    for what, things in (("班级", unknown_classes), ("学生", unknown_pupils)):
        count = len(list(things))
        if count:
            message = f"安排中有{count}个{what}不在这所学校" if what == "班级" else f"安排中有{count}名学生不在这所学校"
            found.append(_no("21.3", "not_here", message, "重新预览后按列出的班级和学生安排"))
    if count := len(set(twice)):
        found.append(_no("21.3", "placed_twice", f"有{count}个班级或学生安排了两次", "每个班级、学生只安排一次"))
    return tuple(found)


@clause("21.3")
def keeper_faults(school: str, keeper: str, *, kind: str | None, authority: str) -> tuple[Finding, ...]:
    """`kind`: what the unit is that is to keep the archive, None where it is not there; `authority`: the school's."""
    if kind == "school" and keeper != school:
        return ()
    if kind in ("county", "city", "province") and keeper in chain(authority):
        return ()
    return (
        _no(
            "21.3",
            "keeper",
            f"{keeper}不能管理{school}的学籍档案",
            "指定本地另一所学校，或者主管教育行政部门及其上级",
            keeper=keeper,
        ),
    )


@clause("44")
def redividing_faults(
    *,
    empty: bool,
    unknown: Sequence[str],
    unchanged: Sequence[str],
    still_under: Mapping[str, int],
    admitting: Mapping[str, int],
) -> tuple[Finding, ...]:
    """`unknown`: authorities named that are not there; `unchanged`: schools that are there already; `still_under`: what an
    authority that is to end would still have under it; `admitting`: children and applications that it has not decided on."""
    found = []
    if empty:
        found.append(_no("44", "nothing", "没有要调整的内容", "至少填写一所学校、一个县区或一项更名"))
    for code in unknown:
        found.append(_no("3.1", "no_such_authority", f"没有教育行政部门{code}，或者已经撤销", "核对行政区划代码"))
    for code in unchanged:
        found.append(_no("44", "unchanged", f"学校{code}已经归该教育行政部门管理", "从方案中去掉这所学校"))
    for code, count in still_under.items():
        found.append(_no("44", "has_below", f"{code}还有{count}个下属机构", "把其下属机构全部划出后再撤销"))
    for code, count in admitting.items():
        message = f"{code}还有{count}名适龄儿童等待安排，或入学申请没有办结"
        found.append(_no("44", "is_admitting", message, "先安排这些儿童入学，办结申请，再撤销"))
    return tuple(found)


@clause("44")
def undo_faults(changed: int, closed: Sequence[str]) -> tuple[Finding, ...]:
    """Taken back is only what stands as it was left. `changed`: records to which something has happened since."""
    found = []
    if changed:
        message = f"有{changed}名学生办理后又有学籍变动"
        found.append(_no("21.1", "changed_since", message, "不能整体撤回；个别学生通过转学办理"))
    for code in closed:
        found.append(_no("44", "closed_since", f"机构{code}已经撤销", "不能整体撤回"))
    return tuple(found)


def _no(clause_id: str, code: str, message: str, cure: str, field: str = "plan", **facts: object) -> Finding:
    return refuse(clause_id, f"reorganisation.{code}", message, cure=cure, fields=(field,), **facts)
