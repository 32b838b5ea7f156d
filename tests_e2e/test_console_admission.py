"""Admission and corrections as people do them in the console: a child found by its document, a workbook of zones that is
looked at first, pupils of a private school, an international pupil, a guardian's document; schools found by name."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from e2e_api import XLSX, done
from e2e_browser import NARROW, WIDE, Consoles
from e2e_cast import COUNTY, SCHOOL, Cast, Member
from e2e_children import child, listed, number, plan, zone
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_people import People
from e2e_system import System
from e2e_things import PDF
from regulation.documents import check_digit
from shared_contracts.actors import Role
from xueji_local import province

if TYPE_CHECKING:
    from e2e_console import Console

JINGPO, ABROAD = (province.schools()[key] for key in ("jingpo", "songbei-waiyu"))
FILE = {"name": "材料.pdf", "mimeType": "application/pdf", "buffer": PDF}


async def enter(console: Console, member: Member) -> Console:
    """Somebody of the cast signs in by the form."""
    await console.page.goto(console.system.gateway)
    await console.page.get_by_label("用户名").fill(member.username)
    await console.page.get_by_label("密码").fill(member.password)
    await console.press("登录")
    await console.sees(console.button("退出"))
    console.who = member.username
    await console.settled()
    return console


async def attach(console: Console, label: str, file: Any = None) -> None:
    await console.dialog.get_by_label(label).set_input_files(file or FILE)


async def chosen(console: Console, field: str, part: str, code: str, name: str) -> None:
    """What somebody types of a name becomes a code, and the name is said."""
    from playwright.async_api import expect

    box = console.dialog.locator(f"[name={field}]")
    await box.fill(part)
    await expect(console.dialog.locator(f"datalist option[value='{code}']")).to_be_attached()
    await box.fill(code)  # as a browser fills in what is chosen from the list
    await console.sees(console.dialog.get_by_text(name, exact=True))


@pytest.mark.clause("6")
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
async def test_a_deferral_for_the_child_whose_booklet_is_at_hand(
    consoles: Consoles, system: System, cast: Cast, size: dict[str, int]
) -> None:
    name = "延缓甲" if size is WIDE else "延缓乙"
    row = child(name)
    listed(cast["county.officer"], [row])
    console = await consoles(system, "xinchun.registrar", size=size)
    await console.go("#/admissions/applications")
    await console.press("受理延缓入学申请")
    await console.fill(name=name, document_number=number())
    await console.press("查找", console.dialog)
    await console.says(re.compile("没有这名儿童"))
    await console.answer("查找", name=name, document_number=row["身份证件号"])
    await console.says(f"受理延缓入学申请：{name}")
    assert row["身份证件号"] not in await console.dialog.inner_text()
    await attach(console, "诊断证明")
    await console.answer("受理", cause="health", institution="哈尔滨市第一医院", reason="术后休养")
    await console.closed()
    await console.says(name)
    found = done(cast["registrar"].send("GET", "/v1/deferrals"))["items"]
    assert [one["state"] for one in found if one["name"] == name] == ["open"]
    await console.clean()


@pytest.mark.clause("5.2")
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
async def test_zones_by_workbook_and_the_one_school_by_its_name(
    consoles: Consoles, system: System, cast: Cast, size: dict[str, int]
) -> None:
    plan(cast)
    officer, street = cast["county.officer"], f"工作簿{size['width']}街"
    zone(officer, "矩阵大街", "果戈里大街")
    book = openpyxl.load_workbook(io.BytesIO(officer.send("GET", "/v1/attendance-zones/workbook").content))
    page = book.worksheets[0]
    last = page.max_row + 1
    for at, text in enumerate((SCHOOL, "", "1-小学", COUNTY, street), start=1):
        page.cell(last, at).value = text
    page.cell(last + 1, 1).value, page.cell(last + 1, 3).value = "2123999999", "1-小学"

    async def check() -> None:
        out = io.BytesIO()
        book.save(out)
        await console.press("上传学区表")
        await attach(console, "学区表（.xlsx）", {"name": "学区.xlsx", "mimeType": XLSX, "buffer": out.getvalue()})
        await console.answer("检查", valid_from=CLOCK.today().isoformat())
        await console.says("检查结果")

    console = await consoles(system, "nangang.officer", size=size)
    await console.go("#/admissions/zones")
    await check()
    await console.says("有 1 行不符合要求，没有设定任何学区。请更正后重新上传。")
    await console.says("单元格：学校标识码")
    await console.press("关闭", console.dialog)
    page.delete_rows(last + 1)
    await check()
    await console.says(street)
    await console.answer(f"自 {CLOCK.today().isoformat()} 起设定", reason="南教发〔2026〕6号")
    await console.closed()
    where = {"division": COUNTY, "address": f"{street}8号"}
    (served,) = done(officer.send("POST", "/v1/attendance-zones/searches", json=where))["items"]
    assert served["school"] == SCHOOL

    await console.press("设定一所学校")
    await chosen(console, "school", served["school_name"][-5:], SCHOOL, served["school_name"])
    await chosen(console, "division", "南岗区", COUNTY, "哈尔滨市南岗区")
    await console.press("取消", console.dialog)
    await console.clean()


@pytest.mark.clause("8")
async def test_a_private_school_hands_in_its_scheme_with_files_and_admits(
    consoles: Consoles, system: System, cast: Cast
) -> None:
    head = cast.member("jingpo.principal", JINGPO.code, Role.PRINCIPAL)
    clerk = cast.member("jingpo.registrar", JINGPO.code, Role.REGISTRAR, training="岗前培训")
    officer = cast.member("jingpo.officer", JINGPO.division, Role.AUTHORITY_OFFICER)
    plan(cast, school=JINGPO.code, authority=JINGPO.division)
    console = await enter(await consoles(system), head)
    await console.go("#/schemes")
    await console.press("报送方案")
    await attach(console, "附件（盖章的方案、董事会决议等，最多10个）")
    await console.answer("报送", title="招生方案", body="一、免试入学。\n二、报名超过计划的，随机录取。")
    await console.closed()
    await console.says("材料.pdf")
    await console.clean()

    console = await enter(await consoles(system), officer)
    await console.go("#/schemes")
    await console.press_link("招生方案")
    await console.says("材料.pdf")
    await console.press("审批")
    await console.answer("提交", decision="approve", reason="同意")
    await console.closed()
    await console.clean()

    console = await enter(await consoles(system, size=NARROW), clerk)
    await console.go("#/admissions/applications")
    await console.press("录取民办学校新生")
    await console.answer("开始", stage="primary")
    for name, document in (("民办甲", number()), ("民办乙", "230102202003070000")):
        await console.press("加一名学生")
        await console.answer(
            "加入名单", name=name, sex="1", birth_date="2020-03-07", document_kind="1", document_number=document,
            division=COUNTY, address="东安区1号", guardian="家长丁", phone="13904510003",
        )  # fmt: skip
        await console.closed()
    await console.press("检查")
    await console.says("有学生不符合要求，请更正后重新检查；没有录取任何人。")
    await console.page.locator("main tr", has_text="民办乙").get_by_role("button", name="移出").click()
    await console.press("检查")
    await console.press("录取 1 名")
    await console.answer("录取")
    await console.closed()
    await console.says("已录取 1 名学生。")
    (admitted,) = done(clerk.send("GET", "/v1/admissions"))["items"]
    assert (admitted["name"], admitted["way"]) == ("民办甲", "private")
    await console.clean()


@pytest.mark.clause("9")
async def test_an_international_pupil_applies(consoles: Consoles, system: System, cast: Cast) -> None:
    clerk = cast.member("abroad.registrar", ABROAD.code, Role.REGISTRAR, training="岗前培训")
    console = await enter(await consoles(system), clerk)
    await console.go("#/admissions/applications")
    await console.press("受理国际学生申请")
    await attach(console, "有效身份证件（护照等）的复印件")
    await console.answer(
        "受理", stage="junior", name="安娜·彼得罗娃", sex="2", birth_date="2014-03-07", document_kind="A",
        document_number="72N1234567", division=COUNTY, address="果戈里大街3号", guardian="彼得罗夫", phone="13904510004",
    )  # fmt: skip
    await console.closed()
    await console.says("安娜·彼得罗娃")
    await console.clean()


@pytest.mark.clause("40", "14")
async def test_a_guardians_document_is_asked_to_be_corrected(
    consoles: Consoles, system: System, people: People, xinchun: Desk, cast: Cast
) -> None:
    roster = xinchun.walk(people.roster("xinchun", 1))
    (registration,) = xinchun.registrar.registrations(roster=roster.id)
    right = "23010219810202777"
    console = await consoles(system, "xinchun.registrar")
    await console.go(f"#/students/{registration.id}")
    await console.press("申请更正")
    await console.answer("检查", member1_kind="1", member1_number=right + check_digit(right))
    await attach(console, "证明材料（户口簿、公安机关证明等）")
    await console.answer("提交", reason="监护人证件号录入有误")
    await console.closed()
    await console.says("成员1证件")
    assert right not in await console.page.inner_text("main")
    await console.clean()


@pytest.mark.clause("48")
async def test_a_school_is_found_by_name_wherever_one_is_asked_for(
    consoles: Consoles, system: System, cast: Cast
) -> None:
    from playwright.async_api import expect

    name = done(cast["county.officer"].send("GET", f"/v1/organisations/{SCHOOL}"))["organisation"]["name"]
    console = await consoles(system, "nangang.officer")
    for address, button, field in (
        ("#/plans", "下达一所学校", "school"),
        ("#/inspection", "责令改正", "school"),
        ("#/reorganisations", "学校撤销", "school"),
        ("#/exports", "申请导出", "organisation"),
    ):
        await console.go(address)
        await console.press(button)
        await chosen(console, field, name[-5:], SCHOOL, name)
        await console.fault_free()
        await console.press("取消", console.dialog)
    await console.go("#/inspection")
    await console.press("开展核查")
    finder = console.dialog.get_by_label("按名称查找并加入：只检查这些学校（不填则检查全部）")
    await finder.fill(name[-5:])
    await expect(console.dialog.locator(f"datalist option[value='{SCHOOL}']")).to_be_attached()
    await finder.fill(SCHOOL)
    await expect(console.dialog.locator("[name=schools]")).to_have_value(SCHOOL)
    await console.press("取消", console.dialog)
    await console.clean()


def test_no_dialog_asks_for_a_thing_by_its_internal_number() -> None:
    """The console's own words: whoever adds a field with an id in it is told."""
    console = Path(str(__import__("gateway.console", fromlist=["x"]).__file__)).parent
    for script in console.glob("*.js"):
        text = script.read_text()
        assert "儿童编号" not in text, script.name
        assert 'label: "学校标识码"' not in text, script.name
