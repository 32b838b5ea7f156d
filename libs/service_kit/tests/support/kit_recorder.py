"""A recorder that keeps what it is told to publish: for tests of handlers, which have no bus."""

from __future__ import annotations

from typing import Any, cast

from service_kit.audit import NotRecorded, Recorder
from shared_contracts.audit import Audited


class Notebook(Recorder):
    """`away`: the audit log cannot be written."""

    def __init__(self, service: str) -> None:
        super().__init__(service, cast("Any", None))
        self.published: list[Audited] = []
        self.away = False

    async def publish(self, entry: Audited) -> None:
        if self.away:
            raise NotRecorded("away")
        self.published.append(entry)
