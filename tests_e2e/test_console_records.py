"""Records at the console, in a real browser: looked back at, corrected, compared; and what an authority does with schools."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from e2e_browser import Consoles
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_system import System
from e2e_things import PDF
from xueji_local import province

XINCHUN, QIHUI = (province.schools()[key].code for key in ("xinchun", "qihui"))
pytestmark = pytest.mark.once
"""A browser, and a whole system beside it."""


@pytest.fixture(scope="module")
def people(stage: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(stage, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def school(stage: System, people: People) -> Desk:
    """Xinchun with three pupils who have their records."""
    found = desk(stage, "xinchun")
    found.walk(people.roster("xinchun", 3))
    return found


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "户口簿.pdf"
    file.write_bytes(PDF)
    return file


# ---- records ----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("21.1")
async def test_a_student_as_of_a_day(consoles: Consoles, stage: System, school: Desk) -> None:
    student = school.registrar.students()[0]
    registrar = await consoles(stage, "xinchun.registrar")
    await registrar.follow("学生")
    await registrar.page.get_by_label("查找学生").fill(student.name)
    await registrar.press_until("查找", registrar.page.get_by_role("link", name=student.name))
    await registrar.press_link(student.name)
    for section in await registrar.page.get_by_role("tab").all():
        await section.click()
        await registrar.fault_free()
    await registrar.press("查看完整号码")
    await registrar.answer("查看", purpose="与户口簿核对")
    await registrar.sees(registrar.button("隐去"))
    await registrar.press("隐去")

    async with registrar.refused(404):
        await registrar.page.get_by_label("查看某一天的学籍").fill(
            (stage.clock.today() - timedelta(days=400)).isoformat()
        )
        await registrar.press("查看")
        await registrar.sees(registrar.page.locator(".toast.bad"))  # there was no record yet, and that is said
    await registrar.page.get_by_label("查看某一天的学籍").fill(stage.clock.today().isoformat())
    await registrar.press("查看")
    await registrar.says("当日的学籍，不能修改")
    assert await registrar.button("申请更正").count() == 0
    await registrar.press("回到现在")
    await registrar.sees(registrar.button("申请更正"))
    await registrar.clean()


@pytest.mark.clause("40")
async def test_a_name_is_corrected_with_its_evidence(
    consoles: Consoles, stage: System, school: Desk, paper: Path
) -> None:
    student = school.registrar.students()[1]
    right = f"{student.name[0]}若曦"
    registrar = await consoles(stage, "xinchun.registrar")
    await registrar.go(f"#/students/{student.id}")
    await registrar.press("申请更正")
    await registrar.answer("检查", name=right)
    await registrar.sees(registrar.dialog.get_by_label(re.compile("证明材料")))
    await registrar.dialog.get_by_label(re.compile("证明材料")).set_input_files(paper)
    await registrar.answer("提交", reason="公安机关更正姓名")
    await registrar.says("待主管校长审核")
    await registrar.says("户口簿.pdf")
    await registrar.clean()
    address = await registrar.page.evaluate("location.hash")

    for username in ("xinchun.principal", "nangang.officer"):
        one = await consoles(stage, username)
        await one.go(address)
        await one.says(f"{right}，")
        await one.press("同意")
        await one.answer("同意", reason="材料属实")
        await one.clean()
    await registrar.until_reload("已生效")
    await registrar.go(f"#/students/{student.id}")
    await registrar.sees(registrar.page.get_by_role("heading", name=right))
    await registrar.clean()


@pytest.mark.clause("39")
async def test_two_records_are_heard_about_and_decided(
    consoles: Consoles, stage: System, school: Desk, people: People, paper: Path
) -> None:
    there = desk(stage, "qihui")
    there.walk(people.roster("qihui", 1))
    ids = [school.registrar.students()[2].id, there.registrar.students()[0].id]
    pair = school.officer.call("POST", "/v1/duplicates", json={"record_ids": ids, "reason": "群众反映"}).json()
    for username, text in (("xinchun.registrar", "与户口簿核对无误"), ("qihui.registrar", "两名学生，住址不同")):
        one = await consoles(stage, username)
        await one.follow("查重")
        await one.go(f"#/duplicates/{pair['id']}")
        await one.press("陈述意见")
        await one.dialog.get_by_label(re.compile("证明材料")).set_input_files(paper)
        await one.answer("提交", position="different", text=text)
        await one.says(text)
        assert await one.button("陈述意见").count() == 1
        await one.clean()

    officer = await consoles(stage, "nangang.officer")
    await officer.follow("查重")
    await officer.page.locator("main tbody a").first.click()
    await officer.says("已听取")
    await officer.press("处理")
    await officer.answer("提交", decision="different", reason="两校核对，不是同一名学生")
    await officer.says("不是同一人")
    assert await officer.button("处理").count() == 0
    await officer.clean()


# ---- the authority's own ----------------------------------------------------------------------------------------------


@pytest.mark.clause("21.3")
async def test_a_merger_is_seen_before_anything_moves(consoles: Consoles, stage: System, school: Desk) -> None:
    officer = await consoles(stage, "nangang.officer")
    await officer.follow("撤并与区划调整")
    await officer.press("学校合并")
    await officer.answer("保存并预览", title="布局调整", document="哈南教发〔2026〕9号", ended=XINCHUN, into=QIHUI)
    await officer.says("待核准")
    await officer.sees(officer.page.get_by_role("img", name="各班学生的去向"))
    await officer.says("在校生")
    await officer.fault_free()
    await officer.clean()
    assert school.registrar.students()


@pytest.mark.clause("3.4")
@pytest.mark.clause("48")
async def test_a_round_of_verification(consoles: Consoles, stage: System, school: Desk) -> None:
    officer = await consoles(stage, "nangang.officer")
    await officer.follow("核查与整改")
    await officer.press("开展核查")
    await officer.answer("开始", title="2026年秋季学籍信息核查", schools=XINCHUN)
    await officer.says("2026年秋季学籍信息核查")
    await officer.until_reload("整改中")
    await officer.clean()
    round_ = await officer.page.evaluate("location.hash")
    await officer.go("#/inspection")
    await officer.press("责令改正")
    await officer.answer("发出", school=XINCHUN, kind="data_leaked", detail="名单贴在校门口")
    await officer.says("名单贴在校门口")
    finding = await officer.page.evaluate("location.hash")

    principal = await consoles(stage, "xinchun.principal")
    await principal.go(finding)
    await principal.press("答复整改情况")
    await principal.answer("提交", answer="已取下，并对人员进行了教育")
    await principal.says("已答复")
    await principal.clean()
    await officer.go(finding)
    await officer.press("办结")
    await officer.answer("办结")
    await officer.says("已办结")
    await officer.go(round_)
    await officer.press("结束核查")
    await officer.answer("结束", note="继续跟踪")
    await officer.says("已结束")
    await officer.clean()
