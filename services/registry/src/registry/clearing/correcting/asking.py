"""Asking identity about new key fields: it alone sees document numbers, checks them and keeps them until they hold."""

from __future__ import annotations

from datetime import timedelta

from service_kit.bus import Unavailable, Unknown
from service_kit.ids import derived, new_id
from shared_contracts.actors import system
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import CheckCorrection, KeyFields, StageCorrection, StagedCorrection

from registry.clearing.record import Record
from registry.context import RegistryWork

WAITING_ROOM = timedelta(hours=1)
"""What no committed case asks for is forgotten after this."""
_REGISTRY = system("registry")
_SILENT = "身份服务暂时没有应答。请稍后用相同的请求重试，不会重复提交。"


def staging_id(correction_id: str, version: int) -> str:
    """Each proposal of a case is kept under a name of its own: one that was never committed overwrites none that was."""
    return derived("staged-correction", correction_id, version)


async def check(work: RegistryWork, subject: Record, values: KeyFields) -> StagedCorrection | Refused:
    query = CheckCorrection(actor=_REGISTRY, person_id=subject.person_id, registration_id=subject.id, values=values)
    return await _ask(work, query)


async def stage(work: RegistryWork, subject: Record, staging: str, values: KeyFields) -> StagedCorrection | Refused:
    command = StageCorrection(
        command_id=new_id(),  # repeated it stages the same again; its answer may never come from memory
        actor=_REGISTRY,
        staging_id=staging,
        person_id=subject.person_id,
        registration_id=subject.id,
        values=values,
        expires_at=work.now + WAITING_ROOM,
    )
    return await _ask(work, command)


async def _ask(work: RegistryWork, message: CheckCorrection | StageCorrection) -> StagedCorrection | Refused:
    try:
        reply: StagedCorrection | Refused = await work.deps.bus.ask(message)
    except (Unavailable, Unknown):
        return refused("unavailable", _SILENT)
    return reply
