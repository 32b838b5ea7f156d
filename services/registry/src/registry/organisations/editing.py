"""Changing one organisation: founding, renaming, revising, another supervising authority, closing. Each from a day on.

An authority's officer decides about what is under the own authority, its superior about an authority itself, the province
about authorities of other provinces, operators about everything (authorisation table).
"""

from __future__ import annotations

from typing import Any

import msgspec
from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.work import CommandHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, word
from shared_contracts.organisations import (
    ChangeSupervision,
    CloseOrganisation,
    CreateOrganisation,
    OrganisationRecord,
    OrganisationView,
    RenameOrganisation,
    ReviseOrganisation,
)

from registry.context import RegistryWork
from registry.handover import leaving as handover
from registry.organisations import changing, policy, store, supervision
from registry.organisations.changing import Planned

MISSING = "没有这个机构，或者它不属于您管理的范围。"
_REVISABLE = ("stages", "system", "ownership", "locality", "accepts_international")

Edit = RenameOrganisation | ReviseOrganisation | ChangeSupervision | CloseOrganisation


@clause("3.1", "44")
async def create_organisation(work: RegistryWork, command: CreateOrganisation) -> OrganisationRecord | Refused:
    (planned,) = await changing.plan(work, [command.organisation], command.effective_from)
    if no := _against(command.actor, command, planned):
        return no
    if planned.before is not None and not planned.findings:
        return refused("conflict", "这个代码已经登记。需要更改的，请在该机构上办理变更。")
    return await _carry_out(work, command, planned)


@clause("44")
async def rename_organisation(work: RegistryWork, command: RenameOrganisation) -> OrganisationRecord | Refused:
    return await _change(work, command, {"name": command.name.strip()})


@clause("2", "44")
async def revise_organisation(work: RegistryWork, command: ReviseOrganisation) -> OrganisationRecord | Refused:
    """School system, locality and so on; what is not given stays."""
    values = {name: getattr(command, name) for name in _REVISABLE if getattr(command, name) is not None}
    if not values:
        return refused("invalid", "没有要变更的内容。请至少填写一项。")
    return await _change(work, command, values, schools_only=True)


@clause("3.1", "13.2", "44")
async def change_supervision(work: RegistryWork, command: ChangeSupervision) -> OrganisationRecord | Refused:
    """Both the authority that gives the school away and the one that gets it must be within the actor's reach."""
    if not command.reason.strip() or not command.reason.isprintable():
        return refused("invalid", "请填写变更原因（如文件名称和文号），不要换行。")
    values: dict[str, Any] = {"authority": command.authority}
    if command.division is not None:
        values["division"] = command.division
    return await _change(work, command, values, schools_only=True)


@clause("44")
async def close_organisation(work: RegistryWork, command: CloseOrganisation) -> OrganisationRecord | Refused:
    """Only what nobody depends on any more; the code stays used."""
    present = await _present(work, command)
    if isinstance(present, Refused):
        return present
    if fault := policy.day_fault(command.effective_from, work.today):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    below, students, under_way = await store.depending(work.tx, command.code)
    known_from = present.known_from or command.effective_from
    found = policy.close_faults(
        present.view,
        command.effective_from,
        known_from,
        below=below,
        students=students,
        under_way=under_way,
        admitting=(await store.admitting(work.tx, [command.code])).get(command.code, 0),
        transferring=(await store.transferring(work.tx, [command.code])).get(command.code, 0),
    )
    if found:
        return refused("refused", "现在不能撤销。" + "；".join(f.message for f in found) + "。", *found)
    await store.close(work.tx, command.code, command.effective_from)
    await handover.schools_changed(work, [command.code])
    await changing.announce(work, [command.code])
    return await _record(work, command.code)


async def _change(
    work: RegistryWork, command: Edit, values: dict[str, Any], *, schools_only: bool = False
) -> OrganisationRecord | Refused:
    present = await _present(work, command)
    if isinstance(present, Refused):
        return present
    before = present.view
    if schools_only and before.kind != "school":
        return refused("invalid", "只有学校可以办理这项变更。")
    if "authority" in values and before.parent == before.authority:
        values = {**values, "parent": values["authority"]}
    after = msgspec.structs.replace(before, **values)
    if after == before:
        return refused("conflict", "与现有信息相同，不需要变更。")
    (planned,) = await changing.plan(work, [after], command.effective_from)
    if no := _against(command.actor, command, planned):
        return no
    return await _carry_out(work, command, planned)


async def _present(work: RegistryWork, command: Edit) -> Planned | Refused:
    """The organisation as it stands, under lock, if the actor may change it and has seen its newest version."""
    await store.lock(work.tx)
    rows = await store.lock_versions(work.tx, [command.code])
    if not rows:
        return refused("not_found", MISSING)
    view: OrganisationView = store.view(rows[0])
    present = Planned(view=view, before=view, number=rows[0]["version"], known_from=rows[0]["valid_from"], findings=())
    if no := _against(command.actor, command, present):
        return no
    if rows[0]["valid_to"] is not None:
        return refused("conflict", f"该机构已自{rows[0]['valid_to']}起撤销，不能再变更。")
    if command.version is not None and command.version != present.number:
        return refused("conflict", f"该机构的信息已被更改（版本{present.number}）。请刷新后再办理。")
    return present


def _against(actor: Actor, command: Command, planned: Planned) -> Refused | None:
    for authority in planned.answerable:
        if no := check(actor, word(command), Target(authority=authority), missing=MISSING):
            return no
    return None


async def _carry_out(
    work: RegistryWork, command: CreateOrganisation | Edit, planned: Planned
) -> OrganisationRecord | Refused:
    if fault := policy.day_fault(command.effective_from, work.today):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    if planned.findings:
        detail = "；".join(f"{f.message}。{f.cure or ''}" for f in planned.findings[:3])
        return refused("refused", detail, *planned.findings)
    reason = getattr(command, "reason", supervision.REASON)
    await changing.carry_out(work, [planned], command.effective_from, command.actor, reason)
    return await _record(work, planned.view.code)


async def _record(work: RegistryWork, code: str) -> OrganisationRecord:
    record = await store.record(work.tx, code)
    assert record is not None
    return record


COMMANDS: dict[type[Command], CommandHandler] = {
    CreateOrganisation: create_organisation,
    RenameOrganisation: rename_organisation,
    ReviseOrganisation: revise_organisation,
    ChangeSupervision: change_supervision,
    CloseOrganisation: close_organisation,
}
