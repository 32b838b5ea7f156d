"""`python -m registry watermark FILE`: for whoever has found a file that should not be where it is."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from service_kit import settings
from service_kit.clock import ZONE, Clock
from service_kit.database import Database
from service_kit.settings import Settings

from registry.exports import reading, store, watermark
from registry.exports.reading import Found, NotReadable
from registry.exports.store import Export

WORD = "watermark"


def main(arguments: Sequence[str]) -> None:
    """Prints what was found. Ends with status 1 where the file carries no mark of ours, 2 where it cannot be read."""
    parser = argparse.ArgumentParser(
        prog=f"python -m registry {WORD}", description="Whose export a leaked file (xlsx, xls, csv) is"
    )
    parser.add_argument("file", type=Path)
    path: Path = parser.parse_args(arguments).file
    loaded = settings.load()
    if not loaded.files_key:
        sys.exit("registry: XUEJI_FILES_KEY is not set: the marks are read with a key derived from it")
    try:
        found = reading.read(path, watermark.mark_key(loaded.files_key))
    except (NotReadable, OSError):
        print("文件无法读取：应为 xlsx、xls 工作簿或 csv 文本表格。", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    known = asyncio.run(_known(loaded, list(found.numbers))) if found.numbers and loaded.database_url else {}
    print("\n".join(report(found, known)))  # noqa: T201 - the command's answer
    sys.exit(0 if found.numbers else 1)


async def _known(loaded: Settings, numbers: Sequence[str]) -> dict[str, Export]:
    db = Database.from_settings(loaded, Clock.from_settings(loaded), "registry-watermark")
    try:
        async with db.transaction() as tx:
            found = [await store.by_number(tx, number) for number in numbers]
    finally:
        await db.close()
    return {export.number: export for export in found if export is not None}


def report(found: Found, known: dict[str, Export]) -> list[str]:
    """Lines for people. `known`: what the registry itself remembers of an export."""
    lines = [] if found.numbers else ["没有找到本系统的水印。"]
    for number, places in found.numbers.items():
        lines.append(f"导出编号：{number}")
        lines.append(f"　水印位置：{'、'.join(places)}")
        export = known.get(number)
        if export is not None:
            by, leader = export.approved.requester, export.approved.approver
            moment = export.approved.approved_at.astimezone(ZONE)
            lines += [
                f"　申请人：{by.organisation_name}（{by.organisation}） {by.name}（账号 {by.account}）",
                f"　核准人：{leader.organisation_name} {leader.name}，{moment:%Y-%m-%d %H:%M}",
                f"　接收方：{export.approved.recipient.name}",
                f"　用途：{export.approved.purpose}",
            ]
    if found.properties:
        state = {True: "完整", False: "已被改动", None: "缺少校验，不可信"}[found.sealed]
        lines.append(f"文档属性（{state}）：")
        lines += [f"　{name}：{value}" for name, value in found.properties.items()]
    return lines
