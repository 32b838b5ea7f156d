"""Who may do what to a case. Each function returns what stands against it: nothing means go on."""

from __future__ import annotations

from collections.abc import Mapping

from regulation.authorisation import ROLE_TITLES
from regulation.findings import refuse
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Finding

from casework.kinds import DECISION_TITLES, ENTRANT, CaseKind, Decision, StepKind
from casework.state import Standing

STATUS_TITLES: dict[str, str] = {
    "open": "办理中",
    "returned": "已退回补正",
    "approved": "已核准",
    "rejected": "已被否决",
    "withdrawn": "已撤回",
}


def may_decide(
    kind: CaseKind,
    standing: Standing,
    step: str,
    actor: Actor,
    *,
    parties: Mapping[str, str],
    decision: Decision,
    reason: str,
    entered_by: str,
    override: bool = False,
) -> tuple[Finding, ...]:
    """The right step, the right role of the right organisation, nobody twice where two pairs of eyes are asked
    for, and a reason for whatever is not a plain approval. `parties`: organisation by party.
    """
    try:
        wanted = kind.step(step)
    except KeyError:
        return (_no(kind, "step_unknown", f"{kind.title}没有这个环节", _steps(kind)),)
    out_of_turn = _turn(kind, standing, wanted)
    if out_of_turn is not None:
        return (out_of_turn,)
    return (
        *may_take(kind, standing, wanted, actor, parties=parties, entered_by=entered_by),
        *_manner(kind, wanted, decision, reason, override),
    )


def may_reroute(
    kind: CaseKind,
    standing: Standing,
    actor: Actor,
    *,
    parties: Mapping[str, str],
    moved: Mapping[str, str],
    reason: str,
    entered_by: str,
) -> tuple[Finding, ...]:
    """Whoever has to decide the present step may hand parties that it names to other organisations."""
    if standing.status != "open" or standing.step is None:
        return (_ended(kind, standing),)
    step = kind.step(standing.step)
    found = list(may_take(kind, standing, step, actor, parties=parties, entered_by=entered_by))
    if not moved or set(moved) - set(step.may_reroute):
        found.append(_no(kind, "reroute_not_possible", f"{step.title}环节不能改派这些单位", "由有权改派的单位办理"))
    if not reason.strip():
        found.append(_no(kind, "reason_required", "改派须写明原因", "填写原因后重新提交", "reason"))
    return tuple(found)


def may_take(
    kind: CaseKind, standing: Standing, step: StepKind, actor: Actor, *, parties: Mapping[str, str], entered_by: str
) -> tuple[Finding, ...]:
    """Whether somebody may act at a step, its turn aside: also at one outside the order of the kind, which comes after
    the last."""
    return (
        *_place(kind, step.title, party=step.party, roles=step.roles, actor=actor, parties=parties),
        *_two_pairs_of_eyes(kind, standing, step, actor, entered_by),
    )


def may_resubmit(kind: CaseKind, standing: Standing, actor: Actor, parties: Mapping[str, str]) -> tuple[Finding, ...]:
    """A returned case is sent on its way again by whoever enters cases of its kind."""
    found = [*_entrant(kind, "重新提交", actor, parties), *_entrant_alone(kind, standing, "重新提交", actor)]
    if standing.status != "returned":
        message = f"{kind.title}{STATUS_TITLES[standing.status]}，没有退回补正，不能重新提交"
        found.append(_no(kind, "not_returned", message, "需要更正的，请办理环节的审核人先退回"))
    return tuple(found)


def may_withdraw(
    kind: CaseKind, standing: Standing, actor: Actor, parties: Mapping[str, str], reason: str
) -> tuple[Finding, ...]:
    """A case that has not ended may be taken back by those who enter cases of its kind, with a reason."""
    found = [*_entrant(kind, "撤回", actor, parties), *_entrant_alone(kind, standing, "撤回", actor)]
    if standing.status not in ("open", "returned"):
        found.append(_ended(kind, standing))
    if not reason.strip():
        found.append(_no(kind, "reason_required", "撤回须写明原因", "填写原因后重新提交", "reason"))
    return tuple(found)


# ---- what they are made of ----------------------------------------------------------------------------------


def _turn(kind: CaseKind, standing: Standing, wanted: StepKind) -> Finding | None:
    if standing.status == "returned":
        message = f"{kind.title}已退回补正，现在不能办理{wanted.title}"
        return _no(kind, "returned", message, "补正并重新提交后再办理")
    if standing.status != "open" or standing.step is None:
        return _ended(kind, standing)
    if standing.step == wanted.name:
        return None
    waits = kind.step(standing.step).title
    if kind.position(wanted.name) < kind.position(standing.step):
        return _no(kind, "step_done", f"{wanted.title}已经办理，现在等待{waits}", "刷新后查看当前状态")
    message = f"现在等待{waits}，还不能办理{wanted.title}；各环节依次办理，不得跳过"
    return _no(kind, "step_too_early", message, f"先完成{waits}")


def _place(
    kind: CaseKind,
    what: str,
    *,
    party: str,
    roles: tuple[Role, ...],
    actor: Actor,
    parties: Mapping[str, str],
) -> tuple[Finding, ...]:
    if not actor.has(*roles):
        who = "或".join(ROLE_TITLES[role] for role in roles)
        return (_no(kind, "wrong_role", f"{what}须由{who}办理", f"由{who}的账号登录后办理"),)
    if parties.get(party) != actor.organisation:
        cure = "由办理单位的账号登录后办理"
        return (_no(kind, "wrong_organisation", f"{what}不由您所在的单位办理", cure),)
    return ()


def _entrant(kind: CaseKind, what: str, actor: Actor, parties: Mapping[str, str]) -> tuple[Finding, ...]:
    return _place(kind, what, party=kind.entrant_party, roles=kind.entrant_roles, actor=actor, parties=parties)


def apart(standing: Standing, step: StepKind, entered_by: str) -> dict[str, str]:
    """Accounts that have had a part in the case which whoever takes this step must not have had, and which part."""
    entrant = {entered_by: ENTRANT} if ENTRANT in step.distinct_from else {}
    return {account: part for part, account in standing.deciders if part in step.distinct_from} | entrant


def apart_from_entering(kind: CaseKind, standing: Standing) -> dict[str, str]:
    """Accounts that have decided a case, and so do not correct it or take it back, where an account has one part in it."""
    return {account: part for part, account in standing.deciders if part != ENTRANT} if kind.one_part else {}


def _two_pairs_of_eyes(
    kind: CaseKind, standing: Standing, step: StepKind, actor: Actor, entered_by: str
) -> tuple[Finding, ...]:
    had = apart(standing, step, entered_by).get(actor.account)
    if had is None:
        return ()
    message = f"{step.title}不能由录入人自己办理"
    if had != ENTRANT:
        message = f"{step.title}与{kind.step(had).title}不能由同一账号办理"
    return (_no(kind, "same_person", message, f"由另一位{ROLE_TITLES[step.roles[0]]}办理"),)


def _entrant_alone(kind: CaseKind, standing: Standing, what: str, actor: Actor) -> tuple[Finding, ...]:
    had = apart_from_entering(kind, standing).get(actor.account)
    if had is None:
        return ()
    message = f"{kind.step(had).title}由您办理过，不能再由您{what}"
    return (_no(kind, "same_person", message, f"由另一位{ROLE_TITLES[kind.entrant_roles[0]]}办理"),)


def _manner(kind: CaseKind, step: StepKind, decision: Decision, reason: str, override: bool) -> tuple[Finding, ...]:
    found = []
    if decision not in step.decisions:
        possible = "、".join(DECISION_TITLES[d] for d in step.decisions)
        message = f"{step.title}不能作出“{DECISION_TITLES[decision]}”的决定"
        found.append(_no(kind, "decision_not_possible", message, f"可以选择：{possible}", "decision"))
    if override and not step.may_override:
        message = f"{step.title}无权突破“原则上”的规定"
        found.append(_no(kind, "override_not_possible", message, "由主管教育行政部门决定", "override"))
    if (decision != "approve" or override) and not reason.strip():
        what = "突破“原则上”的规定" if override else DECISION_TITLES[decision]
        found.append(_no(kind, "reason_required", f"{what}须写明原因", "填写原因后重新提交", "reason"))
    return tuple(found)


def _ended(kind: CaseKind, standing: Standing) -> Finding:
    message = f"{kind.title}{STATUS_TITLES[standing.status]}，已经办结"
    return _no(kind, "ended", message, "刷新后查看当前状态；需要再办的，重新发起")


def _steps(kind: CaseKind) -> str:
    return "环节依次为：" + "、".join(step.title for step in kind.steps)


def _no(kind: CaseKind, code: str, message: str, cure: str, *fields: str) -> Finding:
    return refuse(kind.clause, f"case.{code}", message, cure=cure, fields=fields, case=kind.name)
