"""The statutory calendar in the console: a year that is not known says so, a notice is looked at before it is published."""

from __future__ import annotations

import re

import pytest
from e2e_browser import NARROW, WIDE, Consoles
from e2e_cast import Cast
from e2e_system import System
from regulation.calendar import LAST_RELEASED

pytestmark = [pytest.mark.clause("24.6.4")]


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
async def test_the_province_looks_before_it_publishes(
    consoles: Consoles, system: System, cast: Cast, size: dict[str, int]
) -> None:
    year = max(LAST_RELEASED, system.clock.today().year) + 1
    if year != system.clock.today().year + 1:
        pytest.skip("this release brings next year's holidays: nothing is to be published")
    officer = cast["province.officer"]
    console = await consoles(system, officer.username, size=size, password=officer.password)
    await console.go("#/policy/workdays")
    await console.page.get_by_label("年份").select_option(str(year))
    await console.says(re.compile(f"{year}年的节假日安排还没有发布，期限只按周六、周日计算"))
    await console.press("发布")
    await console.fill(holidays="元旦")
    await console.press("测算影响", console.dialog)
    await console.says(re.compile("“元旦”不是日期"))
    # Half a year: refused with what is missing; the dialog stays open.
    await console.fill(holidays=f"{year}-01-01至{year}-01-03，{year}-02-05 至 {year}-02-12")
    await console.press("测算影响", console.dialog)
    await console.says(re.compile("缺少清明节、劳动节"))
    # The whole of it: what it would change, and only then it can be published.
    rest = ["04-04至{0}-04-06", "05-01至{0}-05-05", "06-09", "09-15", "10-01至{0}-10-07"]
    days = [f"{year}-01-01", f"{year}-02-05至{year}-02-12", *(f"{year}-{one.format(year)}" for one in rest)]
    await console.fill(holidays="\n".join(days))
    await console.press("测算影响", console.dialog)
    await console.says("全年工作日")
    await console.sees(console.button("发布", console.dialog))
    await console.fault_free()
    # Another day than the one that was looked at: it has to be looked at again.
    await console.fill(holidays="\n".join([*days, f"{year}-06-10"]))
    await console.sees(console.button("测算影响", console.dialog))
    await console.press("取消", console.dialog)
    await console.closed()
    await console.clean()
