"""Who is told what. Pure: an event in, notices out, in the words that a school or an authority reads.

A notice goes to a role of an organisation, not to a person. Notices with the same `merge` are one: their counts add up and
the text is written anew from the sum.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from regulation.divisions import full_name
from regulation.mark import clause
from shared_contracts.access import AlertRaised
from shared_contracts.actors import Role
from shared_contracts.appointments import AppointmentsChanged
from shared_contracts.exports import ExportStands
from shared_contracts.identity import Verification
from shared_contracts.organisations import OrganisationsChanged
from shared_contracts.registry import (
    CorrectionsNeeded,
    RegistrationState,
    RosterChecked,
    RosterCompleted,
    Step,
    StepReached,
)
from shared_contracts.waiting import COUNT as COUNT_HERE
from shared_contracts.waiting import WorkWaiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A notice to be. `counts` add up over what is merged; `words` are what the text needs besides."""

    organisation: str
    role: Role
    kind: str
    link: str
    merge: str
    counts: Mapping[str, int]
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Text:
    title: str
    body: str


_STEPS = {
    Step.CLASS_TEACHER: "班主任审核",
    Step.PRINCIPAL: "学籍主管校长审核",
    Step.GUARDIAN: "监护人确认签字",
    Step.SCHOOL: "学校审核",
    Step.AUTHORITY: "学籍主管部门核准",
}
_TO_DO = {
    Step.CLASS_TEACHER: "请核对本班学生的信息，逐人或整册审核。",
    Step.PRINCIPAL: "班主任已审核，请复核。",
    Step.GUARDIAN: "请打印确认表，由监护人核对签字，然后登记签字日期。",
    Step.SCHOOL: "监护人已确认，请作学校审核。",
    Step.AUTHORITY: "学校已审核上报，请及时核准。",
}
_ENDED = {
    RegistrationState.AUTHORITY_APPROVED: ("已核准", "学籍主管部门已核准，系统正在生成学籍号。"),
    RegistrationState.REGISTERED: ("已建立学籍", "学籍和学籍号已生成。"),
    RegistrationState.RETURNED: ("被退回更正", "请按退回原因更正后重新送审。"),
    RegistrationState.REJECTED: ("未予建立学籍", "申请已终止。"),
    RegistrationState.WITHDRAWN: ("已撤回", "申请已由学校撤回。"),
}
_MISMATCHES = {
    Verification.NAME_MISMATCH: "姓名不符",
    Verification.SEX_MISMATCH: "性别不符",
    Verification.BIRTH_DATE_MISMATCH: "出生日期不符",
}
_UNUSUAL = {
    "many_pupils": ("短时间内查看大量学生", "查看了 {count} 名学生"),
    "off_hours": ("非工作时段查看较多学生", "在非工作时段查看了 {count} 名学生"),
    "sealed_account": ("已封存账号尝试登录", "已封存，仍有人用正确密码尝试登录"),
    "refused_often": ("频繁越权或查询不存在的对象", "被拒绝 {count} 次"),
    "token_reuse": ("登录令牌被重复使用", "的登录令牌被重复使用，可能被盗用，该会话已终止"),
}
_CHANGES = {
    "appointed": "登记了学籍管理员{name}",
    "replaced": "更换学籍管理员，由{name}接任",
    "ended": "终止了学籍管理员{name}的任用",
}
COUNT = "count"
MERGED = "\x1f"
"""Between the parts of a `merge`."""


# ---- events -> drafts -----------------------------------------------------------------------------------------------


def step_reached(event: StepReached, today: date) -> tuple[Draft, ...]:
    """To the role that acts next, at the school or its authority; how it ended, to the registrar.

    A roster's pupils reach a step in portions: they are one notice. Pupils entered one by one are one notice a day.
    """
    step = event.waits_for
    if step is None and event.state not in _ENDED:
        return ()
    role = event.role or (Role.REGISTRAR if step is None else _ROLES[step])
    group = event.roster_id or today.isoformat()
    return (
        Draft(
            organisation=event.authority if step is Step.AUTHORITY else event.school,
            role=role,
            kind="step_reached",
            link=f"/v1/rosters/{event.roster_id}" if event.roster_id else f"/v1/registrations?state={event.state}",
            merge=_merge("step_reached", event.school, group, event.state, role, event.reason),
            counts={COUNT: event.count},
            words={
                "school_name": event.school_name,
                "state": event.state,
                "step": step or "",
                "reason": event.reason,
            },
        ),
    )


_ROLES = {
    Step.CLASS_TEACHER: Role.CLASS_TEACHER,
    Step.PRINCIPAL: Role.PRINCIPAL,
    Step.GUARDIAN: Role.REGISTRAR,
    Step.SCHOOL: Role.PRINCIPAL,
    Step.AUTHORITY: Role.AUTHORITY_OFFICER,
}


def roster_checked(event: RosterChecked, _today: date) -> tuple[Draft, ...]:
    totals = event.totals
    counts = {
        "rows": totals.rows,
        "valid": totals.valid,
        "warned": totals.warned,
        "refused": totals.refused,
        "already_here": totals.already_here,
    }
    return (_roster("roster_checked", event, counts, event.problem or ""),)


def roster_completed(event: RosterCompleted, _today: date) -> tuple[Draft, ...]:
    return (_roster("roster_completed", event, event.numbers),)


@clause("15.3")
def corrections_needed(event: CorrectionsNeeded, today: date) -> tuple[Draft, ...]:
    """The school is told to clear up a mismatch; the pupils keep their L numbers meanwhile."""
    return (
        Draft(
            organisation=event.school,
            role=Role.REGISTRAR,
            kind="corrections_needed",
            link="/v1/registrations?to_correct=true",
            merge=_merge("corrections_needed", event.school, today.isoformat()),
            counts=Counter(str(verification) for _, verification in event.registrations),
        ),
    )


@clause("45.1")
def alert_raised(event: AlertRaised, _today: date) -> tuple[Draft, ...]:
    """The auditors of the authority look at it; what it was they write down."""
    return (
        Draft(
            organisation=event.authority,
            role=Role.AUDITOR,
            kind="alert_raised",
            link="/v1/audit/alerts?state=open",
            merge=_merge("alert_raised", event.alert_id),
            counts={COUNT: event.count},
            words={"kind": event.kind, "account": event.account, "organisation": event.organisation},
        ),
    )


@clause("45.2")
def export_stands(event: ExportStands, _today: date) -> tuple[Draft, ...]:
    """The leaders of the authority hear that a request waits, whoever asked hears what became of it."""
    waits = event.stands == "waits"
    return (
        Draft(
            organisation=event.authority if waits else event.organisation,
            role=Role.LEADER if waits else event.role,
            kind="export_stands",
            link=f"/v1/exports/{event.export_id}",
            merge=_merge("export_stands", event.export_id, event.stands, str(event.revision)),
            counts={COUNT: 1},
            words={
                "stands": event.stands,
                "number": event.number,
                "organisation_name": event.organisation_name,
                "reason": event.reason,
            },
        ),
    )


@clause("43")
def appointments_changed(event: AppointmentsChanged, today: date) -> tuple[Draft, ...]:
    """基本信息报主管部门: the officers of the school's authority hear of each change of its registrars."""
    return (
        Draft(
            organisation=event.authority,
            role=Role.AUTHORITY_OFFICER,
            kind="appointments_changed",
            link=f"/v1/appointments?school={event.school}",
            merge=_merge("appointments_changed", event.school, event.username, event.change, today.isoformat()),
            counts={COUNT: 1},
            words={"school_name": event.school_name, "name": event.name, "change": event.change},
        ),
    )


@clause("3.1", "44")
def organisations_changed(event: OrganisationsChanged, _today: date) -> tuple[Draft, ...]:
    """Of a school that goes to another authority hear both authorities and the school."""
    return tuple(
        Draft(
            organisation=organisation,
            role=role,
            kind="supervision_changed",
            link=f"/v1/organisations/{one.code}",
            merge=_merge("supervision_changed", one.code, str(one.version), organisation),
            counts={COUNT: 1},
            words={
                "school_name": one.name,
                "from": one.former_authority,
                "to": one.authority,
                "day": f"{one.valid_from:%Y年%-m月%-d日}",
            },
        )
        for one in event.organisations
        if one.former_authority and one.authority
        for organisation, role in (
            (one.code, Role.REGISTRAR),
            (one.former_authority, Role.AUTHORITY_OFFICER),
            (one.authority, Role.AUTHORITY_OFFICER),
        )
    )


def work_waiting(event: WorkWaiting, today: date) -> tuple[Draft, ...]:
    """What a capability says itself. One notice a day of one kind and link; a reminder on a later day is a new one."""
    return (
        Draft(
            organisation=event.organisation,
            role=event.role,
            kind=event.kind,
            link=event.link,
            merge=_merge("work_waiting", event.organisation, event.role, event.kind, event.link, today.isoformat()),
            counts={COUNT: event.count},
            words={
                "title": event.title,
                "detail": event.detail,
                "due_on": "" if event.due_on is None else f"{event.due_on:%Y年%-m月%-d日}",
            },
        ),
    )


def _roster(kind: str, event: RosterChecked | RosterCompleted, counts: Mapping[str, int], problem: str = "") -> Draft:
    return Draft(
        organisation=event.school,
        role=Role.REGISTRAR,
        kind=kind,
        link=f"/v1/rosters/{event.roster_id}",
        merge=_merge(kind, event.roster_id),
        counts=counts,
        words={"file_name": event.file_name, "problem": problem},
    )


def _merge(*parts: str) -> str:
    return MERGED.join(parts)


# ---- drafts -> words --------------------------------------------------------------------------------------------------


def text(draft: Draft, counts: Mapping[str, int]) -> Text:
    """The words for a draft with these counts (its own, or the sum of what was merged)."""
    own_words = _waiting_text if "title" in draft.words else _TEXTS[draft.kind]
    return own_words(draft.words, counts)


def _waiting_text(words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    title, detail = (words[part].replace(COUNT_HERE, str(counts[COUNT])) for part in ("title", "detail"))
    return Text(title, detail + (f"请于{words['due_on']}前办理。" if words["due_on"] else ""))


def _step_text(words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    who = f"{words['school_name']} {counts[COUNT]} 名学生"
    if words["step"]:
        step = Step(words["step"])
        return Text(f"待办：{_STEPS[step]}", f"{who}已送到「{_STEPS[step]}」。{_TO_DO[step]}")
    title, to_do = _ENDED[RegistrationState(words["state"])]
    reason = f"原因：{words['reason']}。" if words["reason"] else ""
    return Text(title, f"{who}{title}。{reason}{to_do}")


def _checked_text(words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    name = words["file_name"]
    if words["problem"]:
        return Text("名册无法读取", f"《{name}》：{words['problem']}")
    parts = [f"共 {counts['rows']} 行，可导入 {counts['valid'] + counts['warned']} 行"]
    if counts["warned"]:
        parts.append(f"其中 {counts['warned']} 行有提示")
    if counts["refused"]:
        parts.append(f"拒绝 {counts['refused']} 行")
    if counts["already_here"]:
        parts.append(f"已在本校 {counts['already_here']} 行")
    return Text("名册检查完成", f"《{name}》{'，'.join(parts)}。请核对后确认导入。")


def _completed_text(words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    issued = "，".join(f"{kind} 学籍号 {count} 个" for kind, count in sorted(counts.items()) if count)
    detail = f"，{issued}" if issued else ""
    temporary = "L 为临时学籍号，公安比对成功后自动转为 G。" if counts.get("L") else ""
    return Text("名册办理完成", f"《{words['file_name']}》的学籍已全部建立{detail}。{temporary}")


def _corrections_text(_words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    kinds = "，".join(f"{name} {counts[kind]} 名" for kind, name in _MISMATCHES.items() if counts.get(kind))
    return Text(
        "公安比对不一致，请核实",
        f"{sum(counts.values())} 名学生的信息与公安人口信息不一致（{kinds}）。请对照户口簿核实并更正；"
        "更正前使用 L 临时学籍号，不影响办理业务。",
    )


def _alert_text(words: Mapping[str, str], counts: Mapping[str, int]) -> Text:
    title, what = _UNUSUAL[words["kind"]]
    who = f"账号 {words['account']}（机构 {words['organisation']}）"
    return Text(f"预警：{title}", f"{who}{what.format(count=counts[COUNT])}。请核实情况，登记处理结论。")


_EXPORTS = {
    "waits": ("待办：核准导出申请", "{organisation_name}申请导出学籍信息（{number}）。请上传书面核准文件后办理。"),
    "returned": ("导出申请被退回", "导出申请 {number} 被退回。原因：{reason}。请修改后重新提交。"),
    "rejected": ("导出申请未获核准", "导出申请 {number} 未获核准。原因：{reason}。"),
    "ready": ("导出文件已生成", "导出申请 {number} 的文件可以下载，只能下载一次。"),
    "failed": ("导出文件没有生成", "导出申请 {number} 的文件没有生成：{reason}"),
}


def _export_text(words: Mapping[str, str], _counts: Mapping[str, int]) -> Text:
    title, body = _EXPORTS[words["stands"]]
    return Text(title, body.format_map({**words, "reason": words["reason"].rstrip("。")}))


def _appointments_text(words: Mapping[str, str], _counts: Mapping[str, int]) -> Text:
    what = _CHANGES[words["change"]].format(name=words["name"])
    return Text("学籍管理员变动", f"{words['school_name']}{what}。可查看培训记录和任用情况。")


def _supervision_text(words: Mapping[str, str], _counts: Mapping[str, int]) -> Text:
    return Text(
        "主管教育行政部门变更",
        f"自{words['day']}起，{words['school_name']}的主管教育行政部门由{_authority(words['from'])}变更为"
        f"{_authority(words['to'])}。未办结的建籍申请已转交新的主管部门，已作出的审核有效。",
    )


def _authority(code: str) -> str:
    return f"{full_name(code).removeprefix('黑龙江省') or '黑龙江省'}教育行政部门"


_TEXTS = {
    "step_reached": _step_text,
    "roster_checked": _checked_text,
    "roster_completed": _completed_text,
    "corrections_needed": _corrections_text,
    "alert_raised": _alert_text,
    "export_stands": _export_text,
    "appointments_changed": _appointments_text,
    "supervision_changed": _supervision_text,
}
