"""Publishing a value for the own division, and taking it back before it takes effect (clause 49).

Both hold the book: whoever publishes sees all that others have published, and two at once cannot together break a bound.
"""

from __future__ import annotations

from collections.abc import Sequence

from regulation.authorisation import Target, check
from regulation.divisions import PROVINCE, full_name
from regulation.mark import clause
from regulation.parameters import Fault, LocalValue, Parameter, ParameterValue, PolicyBook, province_parameters
from service_kit.work import CommandHandler
from shared_contracts.actors import Role
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, word
from shared_contracts.policy import PolicyChanged, PolicyValue, PublishValue, WithdrawValue
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.policy_values import live, policy, store, views

MISSING = "没有这个政策参数值，或者它不是您的机构发布的。"
NO_SUCH = "没有名为“{key}”的政策参数。请从政策参数列表中选择。"
FILINGS = "/v1/policy/filings?state=waiting"


@clause("49")
async def publish(work: RegistryWork, command: PublishValue) -> PolicyValue | Refused:
    """A further value of the actor's own authority, filed to the province where it is not the province's."""
    actor, division = command.actor, command.actor.organisation
    if no := check(actor, word(command), Target(authority=division)):
        return no
    known = views.parameter(command.key)
    if known is None:
        return refused("invalid", NO_SUCH.format(key=command.key[:60]))
    found = [policy.place_fault(division), policy.day_fault(command.valid_from, work.now)]
    found.append(policy.basis_fault(command.basis))
    if wrong := [one for one in found if one is not None]:
        return _refusal(wrong)
    await store.hold_book(work.tx)
    if await store.taken(work.tx, known.key, division, command.valid_from):
        return refused("conflict", f"已有自{command.valid_from}起生效的值。请先撤回它，或使用另一个生效日期。")
    own = ParameterValue(
        division=division,
        valid_from=command.valid_from,
        value=command.value,
        min=command.low,
        max=command.high,
    )
    if against := examine(known, own, await live.local_values(work.tx)):
        return _refusal(against)
    new = store.NewValue(
        id=command.value_id,
        key=known.key,
        division=division,
        valid_from=own.valid_from,
        value=own.value,
        low=own.min,
        high=own.max,
        basis=command.basis.strip(),
        account=actor.account,
        published_by=actor.name,
        published_at=work.now,
    )
    filed = policy.is_filed(division)
    await store.put(work.tx, new, filed=filed)
    await _changed(work, new.id, known.key, own, "published")
    if filed:
        work.emit(_to_be_filed(), PROVINCE)
    for lower in policy.below(division):
        work.emit(_told_below(known, own, lower), lower)
    return await _view(work, new.id)


@clause("49")
async def withdraw(work: RegistryWork, command: WithdrawValue) -> PolicyValue | Refused:
    await store.hold_book(work.tx)
    row = await store.one(work.tx, command.value_id)
    if row is None:
        return refused("not_found", MISSING)
    if no := check(command.actor, word(command), Target(authority=row.division), missing=MISSING):
        return no
    if fault := policy.reason_fault(command.reason):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    if no := await may_end(work, row, "撤回"):
        return no
    reason = command.reason.strip()
    await store.end(work.tx, row.id, "withdrawn", work.now, command.actor.name, reason)
    await store.close_filing(work.tx, row.id, "withdrawn", work.now, command.actor.account, command.actor.name, reason)
    await ended(work, row, "withdrawn")
    return await _view(work, row.id)


async def may_end(work: RegistryWork, row: store.ValueRow, act: str) -> Refused | None:
    """Whether a value may end before it has begun: it has not, and no other value leans on its bounds."""
    if row.state != "published":
        state = {"withdrawn": "已被撤回", "returned": "已被省级教育行政部门退回"}[row.state]
        return refused("conflict", f"该值{state}，不能再{act}。请刷新。")
    if fault := policy.ending_fault(row.valid_from, work.now, act):
        return refused("refused", f"{fault.message}。请{fault.cure}。", fault)
    local = await live.local_values(work.tx)
    gone = (row.key, row.division, row.valid_from)
    left = [one for one in local if (one.key, one.value.division, one.value.valid_from) != gone]
    known = views.parameter(row.key)
    if known is not None and (faults := _new_faults(local, left)):
        found = policy.bounds_faults(known, own_of(row), faults)
        return refused(
            "refused", f"现在不能{act}：有下级的值依据它设定。" + "；".join(f.message for f in found), *found
        )
    return None


async def ended(work: RegistryWork, row: store.ValueRow, act: str) -> None:
    await _changed(work, row.id, row.key, own_of(row), act)


def own_of(row: store.ValueRow) -> ParameterValue:
    return ParameterValue(division=row.division, valid_from=row.valid_from, value=row.value, min=row.low, max=row.high)


def examine(known: Parameter, own: ParameterValue, local: Sequence[LocalValue]) -> tuple[Finding, ...]:
    """Why a value cannot be added to those published; nothing where it can."""
    before, _ = PolicyBook.examine(province_parameters(), local)
    if fault := policy.change_fault(known, own, before.held(known.key, own.division, own.valid_from)):
        return (fault,)
    return policy.bounds_faults(known, own, _new_faults(local, [*local, LocalValue(key=known.key, value=own)]))


def _new_faults(before: Sequence[LocalValue], after: Sequence[LocalValue]) -> list[Fault]:
    """What is wrong afterwards that was not wrong before: what a new release has outlawed is not held against others."""
    _, faults = PolicyBook.examine(province_parameters(), after)
    if not faults:
        return []
    _, known = PolicyBook.examine(province_parameters(), before)
    old = {(fault.key, fault.own) for fault in known}
    return [fault for fault in faults if (fault.key, fault.own) not in old]


async def _changed(work: RegistryWork, value_id: str, key: str, own: ParameterValue, act: str) -> None:
    await store.turn_page(work.tx)
    work.after_commit(work.deps.wake_policy)
    work.emit(
        PolicyChanged(
            value_id=value_id,
            key=key,
            division=own.division,
            valid_from=own.valid_from,
            act=act,  # type: ignore[arg-type]
        ),
        own.division,
    )


def _to_be_filed() -> WorkWaiting:
    return WorkWaiting(
        organisation=PROVINCE,
        role=Role.AUTHORITY_OFFICER,
        kind="policy_filed",
        title="待办：政策参数备案",
        detail="各地报来{count}项政策参数备案，请核对后备案或退回。",
        link=FILINGS,
    )


def _told_below(known: Parameter, own: ParameterValue, lower: str) -> WorkWaiting:
    return WorkWaiting(
        organisation=lower,
        role=Role.AUTHORITY_OFFICER,
        kind="policy_published",
        title="上级调整了政策参数",
        detail=f"{full_name(own.division)}发布了“{known.title}”，自{own.valid_from}起执行。请查看对本地的影响。",
        link=f"/v1/policy/parameters?division={lower}&on={own.valid_from}",
    )


async def _view(work: RegistryWork, value_id: str) -> PolicyValue:
    row = await store.one(work.tx, value_id)
    assert row is not None
    return views.value_view(row, work.today)


def _refusal(found: Sequence[Finding]) -> Refused:
    detail = "；".join(f"{one.message}。请{one.cure}" for one in found[:3])
    more = f"（另有{len(found) - 3}处）" if len(found) > 3 else ""
    return refused("refused", f"不能发布：{detail}{more}。", *found)


COMMANDS: dict[type[Command], CommandHandler] = {PublishValue: publish, WithdrawValue: withdraw}
