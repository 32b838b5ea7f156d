"""What a city reports of its transfers, and who has overdue steps, at the console: from the queue to what is filed for ever,
from the province's table to the case (24.6.4, 24.6.5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest
from e2e_browser import NARROW, Consoles
from e2e_cast import Cast
from e2e_flow import desk
from e2e_people import People
from e2e_system import System, wait_for
from e2e_transfer import STEPS, decide, get, opened, registered

if TYPE_CHECKING:
    from e2e_console import Console

pytestmark = [pytest.mark.once, pytest.mark.clause("24.6.4", "24.6.5")]
"""A browser, and a whole system beside it: its clock moves beyond two last days."""
BEFORE = date(2026, 9, 21)
"""Within ten working days of the report's last day, within ten of the application."""
AFTER = date(2026, 11, 3)
TERM = "2026.autumn"


@pytest.fixture(scope="module")
def cast(stage: System) -> Iterator[Cast]:
    made = Cast(stage)
    yield made
    made.close()


@pytest.fixture(scope="module")
def numbers(stage: System, cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two transfers of one city: one through all its steps, one that nobody looks at."""
    people = People(stage, tmp_path_factory.mktemp("rosters"))
    _, (moves, waits) = registered(people, desk(stage, "xinchun"), 2)
    moved = opened(cast, moves)
    for step, who in STEPS:
        decide(cast, moved["id"], step, who)
    path = f"/v1/transfers/{moved['id']}"
    wait_for(lambda: get(cast["shanhe.registrar"], path)["state"] == "completed", 30, "the record did not move")
    waiting = opened(cast, waits)
    stage.move_to(BEFORE)
    return {"moved": moved["number"], "waits": waiting["number"]}


async def of(consoles: Consoles, stage: System, cast: Cast, who: str, **more: dict[str, int]) -> Console:
    return await consoles(stage, cast[who].username, password=cast[who].password, **more)


async def test_a_city_files_what_it_has_looked_at(
    consoles: Consoles, stage: System, cast: Cast, numbers: dict[str, str]
) -> None:
    city = await of(consoles, stage, cast, "city.officer")
    await city.go("#/worklist")
    await city.until_reload("2026年秋季学期转学情况报省备案")
    await city.press_link("2026年秋季学期转学情况报省备案")
    await city.says("哈尔滨市教育局2026年秋季学期转学情况")
    await city.fault_free()
    figures = city.page.locator(".bars").first
    await city.sees(figures.get_by_role("link", name="哈尔滨市南岗区教育局"))
    await city.sees(figures.get_by_text("转入 1，转出 0"))
    async with city.page.expect_response("**/workbook") as coming:
        await city.press("下载汇总表")
    answer = await coming.value
    assert answer.status == 200 and "2026" in unquote(answer.headers["content-disposition"])

    await city.press("报送省教育厅")
    await city.sees(city.dialog.get_by_text("以后办结的转学计入下一次报表"))
    await city.sees(city.dialog.get_by_text("还有1件转学正在办理"))
    await city.fault_free()
    await city.press("取消", city.dialog)
    await city.closed()
    await city.says("未报送")
    await city.clean()

    county = await of(consoles, stage, cast, "county.officer", size=NARROW)
    await county.go("#/transfer-reports")
    await county.says("哈尔滨市南岗区教育局（哈尔滨市教育局）2026年秋季学期转学情况")
    assert not await county.button("报送省教育厅").count()
    async with county.page.expect_response("**/workbook") as coming:  # of its own lines
        await county.press("下载汇总表")
    answer = await coming.value
    assert answer.status == 200 and "南岗区" in unquote(answer.headers["content-disposition"])
    await county.fault_free()
    await county.clean()

    stage.move_to(AFTER)
    city = await of(consoles, stage, cast, "city.officer")
    await city.go("#/transfer-reports")
    await city.says("哈尔滨市教育局2027年春季学期转学情况")
    await city.page.get_by_label("学期").select_option(TERM)
    await city.press("查看")
    await city.says("逾期未报送")
    await city.press("报送省教育厅")
    await city.sees(city.dialog.get_by_text("报送期限为2026年9月30日，已经超过"))
    await city.answer("报送，之后不能更改", note="系统切换，报送推迟")
    await city.says("已报送省教育厅备案")
    await city.says("系统切换，报送推迟")
    assert not await city.button("报送省教育厅").count()
    await city.clean()

    province = await of(consoles, stage, cast, "province.officer")
    await province.follow("转学统计")
    await province.page.get_by_label("学期").select_option(TERM)
    await province.press("查看")
    await province.sees(
        province.page.get_by_role("row").filter(has_text="哈尔滨市").get_by_text("逾期报送", exact=True)
    )
    await province.sees(province.page.get_by_role("row").filter(has_text="齐齐哈尔市").get_by_text("逾期未报送"))
    await province.accessible()
    await province.press_link("哈尔滨市教育局")
    await province.press_link("哈尔滨市南岗区教育局")
    await province.says("哈尔滨市南岗区教育局（哈尔滨市教育局）2026年秋季学期转学情况")
    await province.press_link("返回")
    await province.says("系统切换，报送推迟")
    await province.fault_free()
    await province.clean()


async def test_from_the_table_of_overdue_steps_to_the_case(
    consoles: Consoles, stage: System, cast: Cast, numbers: dict[str, str]
) -> None:
    if stage.clock.today() < AFTER:
        stage.move_to(AFTER)
    province = await of(consoles, stage, cast, "province.officer")
    await province.follow("逾期环节")
    await province.says("现在逾期 1，已办但逾期 0")
    await province.fault_free()
    await province.accessible()
    for name in ("哈尔滨市教育局", "五常市教育局"):
        await province.press_link(name)
    await province.press_link("五常市教育局")
    await province.says("现在逾期 1 件")
    await province.sees(province.page.get_by_text("转入学校主管部门核准"))
    await province.fault_free()
    await province.press_link(numbers["waits"])
    await province.says(f"编号 {numbers['waits']}")
    await province.clean()

    city = await of(consoles, stage, cast, "city.officer", size=NARROW)
    await city.go("#/late-steps")
    await city.page.get_by_label("汇总").select_option("organisation")
    await city.turn("查看")
    await city.fault_free()
    await city.page.get_by_label("已办结的自").fill("2026-01-01")
    await city.turn("查看")
    await city.says("2026-01-01 以来在期限之后办结")
    await city.clean()
