"""The evidence worker: has files looked at that no scanner has seen, and removes what nothing was made of.

One file a transaction, under a lock that other copies pass over: a kill at any line leaves the file as it was.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from prometheus_client import Counter
from regulation.authorisation import is_school
from service_kit.files import FileBroken, FileMissing
from service_kit.pausing import pause
from service_kit.scanning import ScannerAway
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role
from shared_contracts.evidence import ScanState
from shared_contracts.waiting import WorkWaiting

from registry.context import Registry, RegistryWork
from registry.evidence import store
from registry.evidence.store import Evidence

log = logging.getLogger(__name__)

POLL = 15.0  # seconds
AGAIN = timedelta(minutes=1)
"""Between two tries of one file."""
UNUSED = timedelta(days=30)
"""An upload that nothing was made of is nobody's evidence: it is not kept (clause 45.3)."""

SCANNED = Counter("evidence_scanned_total", "Verdicts on evidence after its upload", ["outcome"])


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        try:
            while not stop.is_set():
                async with kit.db.unit(deps) as work:
                    if not (await scan_one(work) or await forget_one(work)):
                        break
        except Exception as error:  # the database is away for a moment
            log.warning("evidence: tried again later: %s", describe(error))
        await pause(stop, POLL)


async def scan_one(work: RegistryWork) -> bool:
    """Look at one file. False where there is none, or no scanner to look at it."""
    scanner = work.deps.scanner
    if scanner is None:
        return await store.no_scanner(work.tx) > 0
    one = await store.take_unscanned(work.tx, work.now - AGAIN)
    if one is None:
        return False
    try:
        verdict = await scanner.scan(work.deps.files.stream(one.file_id))
    except (ScannerAway, FileMissing, FileBroken) as error:
        log.warning("evidence %s: no verdict: %s", one.id, type(error).__name__)
        SCANNED.labels("away").inc()
        await store.scanned(work.tx, one.id, one.scan, None, work.now)
        return True
    state = ScanState.CLEAN if verdict.clean else ScanState.INFECTED
    if not verdict.clean:
        log.warning("evidence %s is infected: nobody can open it any more", one.id)
        work.emit(_virus_found(one), one.id)
    SCANNED.labels(str(state)).inc()
    await store.scanned(work.tx, one.id, state, verdict.signature, work.now)
    return True


def _virus_found(one: Evidence) -> WorkWaiting:
    """Whoever uploaded it has to bring the paper again; what it was attached to stands without it."""
    return WorkWaiting(
        organisation=one.organisation,
        role=Role.REGISTRAR if is_school(one.organisation) else Role.AUTHORITY_OFFICER,
        kind="evidence_infected",
        title="有{count}个证明材料含有病毒，已隔离",
        detail="这些文件已不能打开。请查杀电脑病毒后，用原件重新扫描上传。",
        link="/v1/evidence-files",
    )


async def forget_one(work: RegistryWork) -> bool:
    """Remove one upload that was never attached: the content first, so that a kill leaves a row that is found again."""
    one = await store.take_unused(work.tx, work.now - UNUSED)
    if one is None:
        return False
    await work.deps.files.delete(one.file_id)
    await store.forget(work.tx, one.id)
    return True
