"""Files, and the acts of a school and of the worker on them."""

from __future__ import annotations

from typing import Any

from kit_clamd import EICAR
from registry.evidence import store, worker
from registry_world import REGISTRAR, World
from shared_contracts.actors import Actor
from shared_contracts.evidence import MOST_BYTES, GetEvidence, KeepEvidence

PDF = b"%PDF-1.7\n" + b"page " * 40_000 + b"\n%%EOF"
VIRUS = b"%PDF-1.7\n" + EICAR + b"\n%%EOF"


async def keep(world: World, content: bytes = PDF, who: Actor = REGISTRAR, **more: Any) -> Any:
    file = await world.deps.files.put("户口簿.pdf", "text/plain", content, MOST_BYTES + 10)
    command = KeepEvidence(command_id=world.id("command"), actor=who, evidence_id=world.id("evidence"), file=file)
    return await world.do(type(command)(**{n: getattr(command, n) for n in command.__struct_fields__} | more))


async def attach(world: World, *ids: Any, to: str = "correction:1", who: Actor = REGISTRAR, **more: Any) -> Any:
    async with world.db.unit(world.deps) as work:
        return await store.attach(work, ids, to=to, actor=who, **more)


async def look(world: World) -> bool:
    async with world.db.unit(world.deps) as work:
        return await worker.scan_one(work) or await worker.forget_one(work)


async def see(world: World, evidence_id: str, who: Actor = REGISTRAR) -> Any:
    return await world.ask(GetEvidence(actor=who, evidence_id=evidence_id))


async def student(world: World) -> str:
    one = await world.one()
    await world.bring_to(one, "done")
    await world.number(one)
    return one
