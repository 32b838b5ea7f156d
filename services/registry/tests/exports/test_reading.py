"""A leaked file, whatever was done to it, says whose export it was (clause 45.2)."""

from __future__ import annotations

import asyncio
import csv
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exports_world import ExportsWorld
from kit_deadly import around
from registry.exports import reading
from registry.exports.leak import report
from registry.exports.reading import Found, NotReadable
from registry.exports.watermark import plain
from shared_contracts.exports import ExportApproved

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


@pytest.fixture
def leaked(world: ExportsWorld, tmp_path: Path) -> Callable[..., Any]:
    """`event, path = await leaked()`: the file of two classes of 45."""

    async def make(**changes: Any) -> tuple[ExportApproved, Path]:
        await world.pupils(90)
        event = await world.export(**changes)
        await world.ended(event.export_id)
        return event, await world.file(event, tmp_path)

    return make


def places(found: Found, number: str) -> set[str]:
    return {place.partition("（")[0] for place in found.numbers[number]}


async def test_untouched_it_says_everything_three_times(world: ExportsWorld, leaked: Callable[..., Any]) -> None:
    event, path = await leaked()
    found = reading.read(path, world.mark_key)
    assert list(found.numbers) == [event.number]
    assert places(found, event.number) == {"文档属性", "列标题", "学生排列顺序"}
    assert found.sealed is True and found.properties["申请账号"] == "r1" and found.properties["用途"] == "核对升学名册"


async def test_without_its_banner(world: ExportsWorld, leaked: Callable[..., Any]) -> None:
    event, path = await leaked()
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    for merged in list(sheet.merged_cells.ranges):
        sheet.unmerge_cells(str(merged))
    sheet.delete_rows(1, 3)
    sheet.oddHeader.center.text = sheet.oddFooter.left.text = None
    book.save(path)
    found = reading.read(path, world.mark_key)
    assert places(found, event.number) >= {"列标题", "学生排列顺序"}


async def test_from_the_rows_alone(world: ExportsWorld, leaked: Callable[..., Any], tmp_path: Path) -> None:
    """Values copied to another file: no banner, no titles, no properties, two of the columns, the first rows gone."""
    event, path = await leaked()
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)]
    copied = tmp_path / "copied.csv"
    for columns in ((3, 4), (4, 6)):  # with the names; with the student numbers
        with copied.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows([row[column] for column in columns] for row in rows[3:])
        found = reading.read(copied, world.mark_key)
        assert list(found.numbers) == [event.number]
        assert places(found, event.number) == {"学生排列顺序"}
        assert found.sealed is None and found.properties == {}


async def test_sorted_it_still_has_its_titles_and_properties(
    world: ExportsWorld, leaked: Callable[..., Any], tmp_path: Path
) -> None:
    event, path = await leaked()
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    rows = sorted([[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)], key=lambda row: str(row[3]))
    for at, row in enumerate(rows, start=5):
        for column, value in enumerate(row, start=1):
            sheet.cell(at, column, value)
    book.save(path)
    assert places(reading.read(path, world.mark_key), event.number) == {"列标题", "文档属性"}


async def test_properties_that_were_altered_are_not_believed(world: ExportsWorld, leaked: Callable[..., Any]) -> None:
    event, path = await leaked()
    book = openpyxl.load_workbook(path)
    for item in book.custom_doc_props:
        if item.name == "申请人":
            item.value = "别人"
    book.save(path)
    found = reading.read(path, world.mark_key)
    assert found.sealed is False and "文档属性" not in places(found, event.number)
    assert "已被改动" in "".join(report(found, {}))


async def test_another_system_reads_nothing(world: ExportsWorld, leaked: Callable[..., Any]) -> None:
    _, path = await leaked()
    found = reading.read(path, bytes(32))
    assert found.numbers == {} and found.sealed is False


async def test_titles_are_marked_and_look_alike(world: ExportsWorld, leaked: Callable[..., Any]) -> None:
    _, path = await leaked(fields=("name", "sex"))
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    titles = [str(cell.value) for cell in sheet[4]]
    assert titles != ["姓名", "性别"] and [plain(title) for title in titles] == ["姓名", "性别"]


def test_what_is_no_table(tmp_path: Path) -> None:
    text = tmp_path / "b.csv"
    text.write_bytes(b"\xff\xfe\x00\xff\xff")
    package = tmp_path / "a.xlsx"
    with zipfile.ZipFile(package, "w") as made:
        made.writestr("x", "no workbook")
    for path in (text, package, tmp_path / "none.csv"):
        with pytest.raises((NotReadable, FileNotFoundError)):
            reading.read(path, bytes(32))


def test_properties_of_strangers_are_read_with_care(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><Properties>&a;</Properties>'
    path = tmp_path / "x.xlsx"
    openpyxl.Workbook().save(path)
    with zipfile.ZipFile(path, "a") as package:
        package.writestr("docProps/custom.xml", bomb)
    assert reading.read(path, bytes(32)).properties == {}


async def command(world: ExportsWorld, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "registry", "watermark", *arguments,
        env=around(world.env), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_says_who_when_and_what_for(
    world: ExportsWorld, leaked: Callable[..., Any], tmp_path: Path
) -> None:
    """Also from a piece without properties: the registry itself remembers whose export the number was."""
    event, path = await leaked()
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    piece = tmp_path / "piece.csv"
    with piece.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([cell.value for cell in row] for row in sheet.iter_rows(min_row=5, max_row=49))
    for leak in (path, piece):
        status, out, err = await command(world, str(leak))
        assert (status, err) == (0, "")
        for told in (
            event.number,
            "第一小学",
            "赵学籍",
            "r1",
            "孙局长",
            "2026-11-24 10:00",
            "市招生考试院",
            "核对升学名册",
        ):
            assert told in out, told


async def test_the_command_on_other_files(world: ExportsWorld, tmp_path: Path) -> None:
    clean = tmp_path / "clean.csv"
    clean.write_text("姓名,性别\n王小明,男\n")
    assert (await command(world, str(clean)))[:2] == (1, "没有找到本系统的水印。\n")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(b"\x00\xff\xfe\x81")
    status, _, err = await command(world, str(broken))
    assert status == 2 and "无法读取" in err
    assert (await command(world, str(tmp_path / "none.xlsx")))[0] == 2
