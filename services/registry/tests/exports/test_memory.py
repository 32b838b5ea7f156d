"""The writing child's memory does not grow with the rows; nor does the service hold the workbook (clause 45.2)."""

from __future__ import annotations

import asyncio
import re
import struct
import sys
from pathlib import Path

import msgspec
import pytest
from registry.exports.sheet import Column, Row, Rows, SheetOrder

pytestmark = [pytest.mark.slow]
HEAD = struct.Struct(">I")
CHUNK = 1_000


async def peak(rows: int) -> tuple[int, int]:
    """(kB of memory at most, bytes of the workbook) of a child that writes so many rows of eight columns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry.exports.job", "export",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin and process.stdout
    columns = tuple(Column(key=f"c{i}", title=f"列{i}", tells=i == 0) for i in range(8))
    order = SheetOrder(
        number="DC-2026-000001", columns=columns, banner=("一", "二", "三"), footer="", properties={}, creator="",
        mark_key=bytes(32),
    )  # fmt: skip

    async def send(message: object) -> None:
        body = msgspec.msgpack.encode(message)
        process.stdin.write(HEAD.pack(len(body)) + body)  # type: ignore[union-attr]
        await process.stdin.drain()  # type: ignore[union-attr]

    await send(order)
    for start in range(0, rows, CHUNK):
        chunk = tuple(
            Row(group=str(i // 45), values=tuple(f"学生{i}-{column}" for column in range(8)))
            for i in range(start, start + CHUNK)
        )
        await send(Rows(rows=chunk))
    status = Path(f"/proc/{process.pid}/status").read_text()
    await send(Rows(rows=()))
    size = 0
    while head := await process.stdout.read(4):
        head += await process.stdout.readexactly(4 - len(head)) if len(head) < 4 else b""
        size += len(await process.stdout.readexactly(HEAD.unpack(head)[0]))
    assert await process.wait() == 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]), size


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
async def test_twenty_times_the_rows_in_the_same_memory() -> None:
    small, large = await peak(2_000), await peak(40_000)
    assert large[1] > 10 * small[1], "the files do differ"
    assert large[0] < small[0] + 8_000, f"{small[0]} kB for 2,000 rows, {large[0]} kB for 40,000"
