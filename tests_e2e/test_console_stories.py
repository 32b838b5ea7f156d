"""The main jobs at the console, by hand-like actions in a real browser: what is clicked, typed and read, by whom."""

from __future__ import annotations

import re
from datetime import timedelta

import openpyxl
import pytest
from e2e_browser import NARROW, Consoles
from e2e_flow import desk
from e2e_people import Made, People, read
from e2e_system import System
from xueji_local import province

XINCHUN, QIHUI, SHANHE = (province.schools()[key].code for key in ("xinchun", "qihui", "shanhe"))
pytestmark = pytest.mark.once
"""A browser, and a whole system beside it."""
VALUE = "03 07 12 20 25 31 + 09"


@pytest.fixture(scope="module")
def people(stage: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(stage, tmp_path_factory.mktemp("rosters"))


def with_a_mistake(made: Made) -> Made:
    """The last row's document number has a digit that does not fit."""
    book = openpyxl.load_workbook(made.path)
    sheet = book.worksheets[0]
    titles = [cell.value for cell in sheet[made.roster.header_row]]
    cell = sheet.cell(max(made.rows), titles.index("身份证件号") + 1)
    cell.value = f"{cell.value[:-1]}{'0' if cell.value[-1] != '0' else '1'}"
    book.save(made.path)
    return Made(made.path, made.roster, read(made.path, made.roster.header_row))


# ---- coming in ----------------------------------------------------------------------------------------------------------


async def test_signing_in_by_the_keyboard_alone(consoles: Consoles, stage: System) -> None:
    console = await consoles(stage)
    page, keys = console.page, console.page.keyboard
    await page.goto(stage.gateway)
    await console.sees(page.get_by_role("heading", name="学籍管理"))
    await console.clean()
    await console.has_focus("用户名")  # where one begins
    await keys.type("nangang.officer")
    await keys.press("Tab")
    await keys.type("wrong")
    async with console.refused(401):
        await keys.press("Enter")
        await console.says("用户名或密码")
    await console.fault_free()
    await page.get_by_label("密码").fill(stage.account("nangang.officer")._password)
    await keys.press("Enter")
    await console.sees(console.button("退出"))
    await console.settled()

    await page.evaluate("document.activeElement.blur()")
    await keys.press("Tab")
    await console.has_focus("跳到主要内容")
    await keys.press("Enter")
    await console.sees(page.locator("#main:focus"))

    await console.reach("招生")  # the menu opens, its first link is the next
    await keys.press("Enter")
    await console.sees(page.get_by_role("link", name="招生入学", exact=True))
    await keys.press("Tab")
    await console.has_focus("招生入学")
    await console.reach("招生计划")
    await keys.press("Enter")
    await console.sees(page.get_by_role("heading", name="招生计划"))
    await console.settled()
    await console.reach("下达一所学校")  # and the page's main action
    await keys.press("Enter")
    await console.sees(console.dialog)
    await console.has_focus("学校")  # a dialog takes the focus, keeps it, and gives it back
    for _ in range(12):
        await keys.press("Tab")
        assert await page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
    await keys.press("Escape")
    await console.closed()
    await console.has_focus("下达一所学校")
    await page.evaluate("window.__here = document.querySelector('main h1')")
    await console.reach("跳到主要内容")  # past the menu, and on the same page: nothing of it is lost
    await keys.press("Enter")
    await console.sees(page.locator("#main:focus"))
    await keys.press("Tab")
    await console.settled()
    assert page.url.endswith("#/plans")
    assert await page.evaluate("window.__here.isConnected")
    await console.clean()

    await console.press("退出")
    await console.sees(page.get_by_label("用户名"))
    await page.goto(f"{stage.gateway}/#/plans")
    await console.sees(page.get_by_label("用户名"))
    await console.clean()


# ---- from the roster to the record ------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
async def test_a_roster_becomes_records(consoles: Consoles, stage: System, people: People) -> None:
    made = with_a_mistake(people.roster("xinchun", 3))
    names = [str(row["姓名"]) for row in made.rows.values()]
    registrar = await consoles(stage, "xinchun.registrar")
    await registrar.follow("名册")
    await registrar.page.locator("#workbook").set_input_files(made.path)
    await registrar.says("待确认")
    await registrar.says(re.compile("校验码|证件号"))  # what is wrong, in words, with its clause and its cure
    await registrar.sees(registrar.page.locator(".finding.refuse .clause"))
    await registrar.sees(registrar.page.locator(".finding.refuse .cure"))
    await registrar.fault_free()
    await registrar.press("确认导入 2 名学生")
    await registrar.answer("确认导入")
    await registrar.says("审核中")
    await registrar.sees(registrar.page.locator(".pipeline .here"))
    await registrar.clean()

    teacher = await consoles(stage, "xinchun.teacher", size=NARROW)
    await teacher.go("#/worklist")
    await teacher.until_reload(re.compile("班主任审核"))  # once the queue has been told
    await teacher.fault_free()
    await teacher.follow("建籍审核")
    await teacher.press(names[0])  # one pupil looked at, and decided by himself
    await teacher.sees(teacher.dialog)
    await teacher.fault_free()
    await teacher.press("通过", teacher.dialog)
    await teacher.answer("通过")
    await teacher.press("全部通过")  # the rest as a whole
    await teacher.answer("通过")
    await teacher.says("没有等待您办理的名册")
    await teacher.clean()

    principal = await consoles(stage, "xinchun.principal")
    await principal.follow("建籍审核")
    await principal.press("全部通过")
    await principal.answer("通过")
    await principal.says("没有等待您办理的名册")

    await registrar.press("打印确认表")
    await registrar.sees(registrar.button("登记监护人签字"))
    await registrar.press("登记监护人签字")
    await registrar.answer("登记签字")
    await registrar.clean()

    await principal.follow("建籍审核")
    await principal.press("全部通过")
    await principal.answer("通过")
    await principal.says("没有等待您办理的名册")
    await principal.clean()

    officer = await consoles(stage, "nangang.officer")
    await officer.follow("建籍审核")
    await officer.press("全部通过")
    await officer.answer("通过")
    await officer.says("没有等待您办理的名册")
    await officer.clean()

    await registrar.says("已完成")  # by itself, over the stream of progress
    await registrar.says("已建立学籍")
    await registrar.follow("学生")
    await registrar.page.get_by_label("查找学生").fill(names[0])
    await registrar.press_until("查找", registrar.page.get_by_role("link", name=names[0]))  # found once it is indexed
    await registrar.press_link(names[0])
    await registrar.sees(registrar.page.get_by_role("heading", name=names[0]))
    await registrar.says("公安比对一致")
    await registrar.clean()


@pytest.mark.clause("15.3")
async def test_what_the_principal_returns_is_put_right(consoles: Consoles, stage: System, people: People) -> None:
    made = people.roster("xinchun", 1)
    xinchun = desk(stage, "xinchun")
    roster = xinchun.confirm(xinchun.check(made).id)
    xinchun.approve(roster.id, until="class_teacher")
    (name,) = [str(row["姓名"]) for row in made.rows.values()]

    principal = await consoles(stage, "xinchun.principal")
    await principal.go("#/work")
    await principal.press(name)
    await principal.press("退回更正", principal.dialog)
    await principal.button("退回更正", principal.dialog).click()
    await principal.sees(principal.dialog.locator("[name=reason]"))  # nothing goes without its reason
    await principal.answer("退回更正", reason="联系电话请与监护人核对")
    await principal.clean()

    registrar = await consoles(stage, "xinchun.registrar")
    await registrar.go("#/work")
    await registrar.press(name)
    await registrar.says("联系电话请与监护人核对")
    await registrar.press("更正并重新送审", registrar.dialog)
    await registrar.sees(registrar.dialog.locator("[name=phone]"))
    await registrar.answer("重新送审", phone="13904510000")
    await registrar.says("已更正")
    await registrar.clean()

    await principal.go("#/work")
    await principal.settled()
    teacher = await consoles(stage, "xinchun.teacher")
    await teacher.go("#/work")
    await teacher.press(name)
    await teacher.sees(teacher.button("通过", teacher.dialog))
    await teacher.page.keyboard.press("Escape")
    await teacher.closed()
    await teacher.clean()


# ---- plans and zones --------------------------------------------------------------------------------------------------


@pytest.mark.clause("4.2")
@pytest.mark.clause("4.3")
async def test_a_plan_is_tried_set_and_changed(consoles: Consoles, stage: System) -> None:
    officer = await consoles(stage, "nangang.officer")
    await officer.follow("招生计划")
    await officer.page.get_by_label("学年").select_option("2027")
    await officer.says("还没有下达招生计划")

    await officer.press("下达一所学校")  # a school of another county is named, and nothing is set
    await officer.answer("检查", school=SHANHE, stage="primary", classes="1", places="45")
    await officer.says("有 1 项不符合要求")
    assert await officer.dialog.locator(".finding.refuse .cure").count() >= 1
    assert await officer.dialog.get_by_role("button", name=re.compile("^下达")).count() == 0
    await officer.page.keyboard.press("Escape")
    await officer.closed()

    await officer.press("下达一所学校")
    await officer.answer("检查", school=XINCHUN, stage="primary", classes="4", places="180", reason="南教发〔2026〕9号")
    await officer.says("将下达 1 项计划并报备案")
    await officer.fault_free()
    await officer.press("下达 1 项", officer.dialog)
    await officer.says("已下达 1 项招生计划")
    await officer.clean()

    principal = await consoles(stage, "xinchun.principal")
    await principal.follow("招生计划")
    await principal.page.get_by_label("学年").select_option("2027")
    await principal.press_link("哈尔滨市南岗区新春小学校")
    await principal.says("南教发〔2026〕9号")
    await principal.press("申请调整")
    await principal.answer("提交申请", classes="5", places="225", reason="服务范围内新建小区入住")
    await principal.says("待审批")
    await principal.clean()

    await officer.press_link("调整申请")
    await officer.press("审批")
    await officer.answer("提交", decision="approve", reason="同意")
    await officer.says("批准5班225人")
    await officer.clean()
    await principal.go("#/plans/changes")
    await principal.says("已批准")
    await principal.clean()


@pytest.mark.clause("5.2")
async def test_a_zone_is_set_and_found_by_an_address(consoles: Consoles, stage: System) -> None:
    officer = await consoles(stage, "nangang.officer")
    await officer.follow("招生入学")
    await officer.press_link("学区")
    await officer.press("设定一所学校")
    await officer.answer(
        "设定",
        school=QIHUI,
        stage="junior",
        division="230103",
        streets="哈西街道\n燎原街道",
        reason="南教发〔2026〕3号",
    )
    await officer.says(re.compile("^已设定"))
    await officer.says("哈西街道、燎原街道")
    await officer.press("按住址查学区")
    await officer.answer("查找", division="230103", address="哈尔滨市南岗区哈西街道中兴大道1号", stage="junior")
    await officer.says("查找结果")
    await officer.sees(officer.dialog.get_by_text("启慧学校"))
    await officer.page.keyboard.press("Escape")
    await officer.closed()
    await officer.clean()


# ---- a draw, last: the clock moves --------------------------------------------------------------------------------------


@pytest.mark.clause("17")
async def test_a_grade_is_drawn_and_a_parent_checks_it(consoles: Consoles, stage: System, people: People) -> None:
    qihui = desk(stage, "qihui")
    qihui.confirm(qihui.check(people.roster("qihui", 24)).id)
    grades = [one.grade for one in qihui.registrar.registrations()]
    grade = max(set(grades), key=grades.count)

    registrar = await consoles(stage, "qihui.registrar")
    await registrar.follow("班级与分班")
    await registrar.press("一键分班")
    await registrar.answer("开始准备", grade=str(grade), count="2")
    await registrar.press("试算")
    await registrar.says("不是结果")
    await registrar.fault_free()
    await registrar.clean()
    address = await registrar.page.evaluate("location.hash")

    principal = await consoles(stage, "qihui.principal")
    await principal.go(address)
    code = await principal.page.locator("main table:has(caption:text('分班名单')) tbody code").first.inner_text()
    at = stage.clock.now() + timedelta(hours=30)
    await principal.press("封存名单")
    await principal.answer(
        "封存并公布", public_source="双色球 2026101 期开奖号码", public_at=at.strftime("%Y-%m-%dT%H:%M")
    )
    await principal.closed()
    await principal.says("双色球 2026101 期开奖号码")
    await principal.clean()
    number = await principal.page.locator("main .head p").inner_text()
    public = await principal.page.get_by_role("link", name="公开核对页").get_attribute("href")
    assert public == f"/console/fenban.html#{number}"

    stage.move_to((at + timedelta(days=1)).date())
    principal = await consoles(stage, "qihui.principal")
    await principal.go(address)
    await principal.press("抽签")
    await principal.answer("抽签（只能一次）", public_value=VALUE)
    await principal.press("执行分班")
    await principal.answer("执行")
    await principal.sees(principal.page.get_by_role("heading", name="各班构成"))
    await principal.clean()

    parent = await consoles(stage, size=NARROW)  # without an account
    await parent.page.goto(f"{stage.gateway}/console/fenban.html")
    await parent.page.get_by_label("分班编号").fill(number)
    await parent.press("核对")
    await parent.says("核对无误")
    assert await parent.page.get_by_text("✗").count() == 0
    await parent.page.get_by_label("孩子的编码").press_sequentially(code)
    await parent.says(re.compile(r"^[12] 班$"))
    await parent.fault_free()
    await parent.accessible()
    await parent.clean()
