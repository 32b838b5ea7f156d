"""A transfer at the console, by hand-like actions in a real browser: looked at first, applied for with its papers, returned,
corrected, approved by all, followed by the guardian on a telephone (Article 24)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from e2e_browser import NARROW, Consoles
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People
from e2e_special import placed, staff, through
from e2e_system import System
from e2e_things import PDF
from e2e_transfer import a_class, registered

pytestmark = [pytest.mark.clause("24.1.2", "24.5.1")]
HOME = "五常市山河镇振兴街12号"


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "居住证.pdf"
    file.write_bytes(PDF)
    return file


def applied(person: dict[str, Any], **changes: str) -> dict[str, str]:
    return {
        "name": person["name"],
        "number": person["document_number"],
        "address": HOME,
        "guardian": "王家长",
        "phone": "13804510001",
        **changes,
    }


async def test_from_the_application_to_the_new_class(
    consoles: Consoles, system: System, cast: Cast, people: People, xinchun: Desk, paper: Path
) -> None:
    _, (person,) = registered(people, xinchun)
    a_class(cast["shanhe.registrar"])

    school = await consoles(system, "shanhe.registrar")
    await school.follow("转学")
    await school.press("发起转学")
    await school.sees(school.dialog)
    await school.fault_free()
    await school.stays("检查", "没有找到可以办理转学的学生", **applied(person, name="查无此人"))
    await school.fault_free()
    await school.answer("检查", name=person["name"])
    await school.sees(school.dialog.get_by_text("最晚办理日期"))
    await school.fault_free()
    await school.dialog.locator("input[type=file]").set_input_files(paper)
    await school.answer("提交", exception="全家随父母工作迁居")
    await school.says(f"转学：{person['name']}")
    number = (await school.page.locator(".head .muted").inner_text()).removeprefix("编号 ").strip()
    await school.clean()

    officer = await consoles(system, "wuchang.officer")
    await officer.go("#/worklist")
    await officer.until_reload(re.compile(re.escape(number)))  # once the queue has been told
    await officer.follow("转学")
    await officer.press_link(person["name"])
    await officer.fault_free()
    await officer.press("退回补正")
    await officer.dialog.get_by_label("居住地址", exact=True).check()
    await officer.answer("退回补正", reason="地址写明门牌号")
    await officer.says("已退回补正")
    await officer.clean()

    await school.go("#/transfers")
    await school.press_link(person["name"])
    await school.says("请更正或补充：居住地址")
    await school.press("补正")
    await school.answer("检查", **applied(person, address=f"{HOME}3单元501"))
    await school.sees(school.dialog.get_by_text("最晚办理日期"))
    await school.dialog.locator("input[type=file]").set_input_files(paper)
    await school.answer("提交", exception="全家随父母工作迁居")
    await school.says("转入学校主管部门核准")
    await school.clean()

    await officer.go("#/transfers")
    await officer.press_link(person["name"])
    await officer.press("核准")
    await officer.answer("核准", reason="情况属实，同意")
    await officer.says("转出学校核准")
    await officer.clean()
    for who in ("xinchun.principal", "nangang.officer"):
        other = await consoles(system, who)
        await other.follow("转学")
        await other.press_link(person["name"])
        await other.press("核准")
        await other.answer("核准")
        await other.clean()
    await school.go("#/transfers")
    await school.press_link(person["name"])
    await school.until_reload("已转入")  # the record moves by itself, a moment after the last approval
    await school.fault_free()
    await school.clean()

    guardian = await consoles(system, size=NARROW)
    page = guardian.page
    await page.goto(f"{system.gateway}/console/zhuanxue.html")
    await page.get_by_label("办理编号").fill(number)
    await page.get_by_label("手机号后四位").fill("0001")
    await guardian.press("查询")
    await guardian.says("已转入")
    await guardian.says("办理转学不收取任何费用")
    assert person["name"] not in await page.locator("main").inner_text()
    await guardian.fault_free()
    await guardian.clean()


@pytest.mark.clause("24.4")
async def test_who_studies_elsewhere_comes_back(
    consoles: Consoles, system: System, cast: Cast, people: People, xinchun: Desk
) -> None:
    """The pupil's page says where the pupil studies; the school with the record says that it is over."""
    staff(cast)
    _, (person,) = registered(people, xinchun, mainstreamed=True)
    case = placed(cast, "special.registrar", person, record_moves=False)
    through(cast, case["id"], "special.officer", "principal", "county.officer")

    registrar = await consoles(system, "xinchun.registrar")
    await registrar.go(f"#/students/{person['student_id']}")
    await registrar.says("学籍保留，没有转出")
    await registrar.fault_free()
    await registrar.press("登记返回本校就读")
    await registrar.sees(registrar.dialog)
    await registrar.fault_free()
    async with registrar.refused(409):
        await registrar.stays("登记返回", "没有写明返回原因", reason="电话13804510001")
    assert (await registrar.dialog.inner_text()).count("没有写明返回原因") == 1
    await registrar.answer("登记返回", reason="康复训练结束")
    await registrar.says("回到学籍所在学校就读")
    assert await registrar.page.get_by_text("学籍保留，没有转出").count() == 0
    assert await registrar.button("登记返回本校就读").count() == 0
    await registrar.clean()

    office = await consoles(system, "nangang.officer")
    await office.go(f"#/students/{person['student_id']}")
    await office.says("回到学籍所在学校就读")
    assert await office.button("登记返回本校就读").count() == 0
    await office.clean()
