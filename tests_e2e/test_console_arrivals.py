"""A child who comes from another province, at the console, in a real browser: applied for by its school, returned, corrected,
approved here, entered twice by the province office, registered, done; also on a telephone (Article 24)."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from e2e_browser import NARROW, Consoles
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_outside import CLERK, SCHOOL, SECOND, document, grade_of, registered_by_its_school
from e2e_people import People, form_of
from e2e_system import System
from e2e_things import PDF
from e2e_transfer import a_class

if TYPE_CHECKING:
    from e2e_console import Console

pytestmark = [pytest.mark.clause("24.5.1", "24.6.1")]
HOME = "道里区新春街8号"
PICTURES = os.environ.get("TEST_PICTURES", "")
"""A folder: each page of the story is kept there, for whoever wants to look at it."""


async def look(console: Console, name: str) -> None:
    await console.fault_free()
    if PICTURES:
        from e2e_console import picture  # where there is a browser

        await picture(console, Path(PICTURES) / f"{name}.png")


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    file = tmp_path / "房产证.pdf"
    file.write_bytes(PDF)
    return file


def applied(person: dict[str, Any], grade: int, **changes: str) -> dict[str, str]:
    return {
        "name": person["name"], "sex": person["sex"], "birth_date": person["birth_date"],
        "document_number": person["document_number"], "student_number": "G" + person["document_number"],
        "there_division": SCHOOL["division"], "school": SCHOOL["name"], "authority": SCHOOL["authority"],
        "grade": str(grade), "division": "230102", "address": HOME, "guardian": "来家长", "phone": "13857110001", **changes,
    }  # fmt: skip


async def test_from_the_application_to_the_record(
    consoles: Consoles, system: System, cast: Cast, people: People, xinchun: Desk, paper: Path
) -> None:
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    person, grade = made.person(row), grade_of(made, row)
    a_class(cast["registrar"])

    async def of(who: str, **more: Any) -> Console:
        return await consoles(system, cast[who].username, password=cast[who].password, **more)

    school = await of("registrar")
    await school.follow("转学")
    await school.press("由外省转入")
    await school.sees(school.dialog)
    await look(school, "1-form")
    wrong = applied(person, grade, student_number="G330106201803050015")
    await school.stays("检查", "外省学籍号（G加身份证号）与填写的证件号码不一致", **wrong)
    await look(school, "2-refused")
    await school.answer("检查", student_number=applied(person, grade)["student_number"])
    await school.sees(school.dialog.get_by_text("最晚办理日期"))
    await look(school, "3-checked")
    await school.dialog.locator("input[type=file]").set_input_files(paper)
    await school.answer("提交", exception="全家随父母工作迁来")
    await school.says(f"转学：{person['name']}")
    await school.says("浙江（330106）")
    number = (await school.page.locator(".head .muted").inner_text()).removeprefix("编号 ").strip()
    await look(school, "4-applied")
    await school.accessible()
    await school.clean()

    officer = await of("county.officer")
    await officer.go("#/worklist")
    await officer.until_reload(re.compile(re.escape(number)))  # once the queue has been told
    await officer.follow("转学")
    await officer.press_link(person["name"])
    await officer.press("退回补正")
    await officer.dialog.get_by_label("监护人电话", exact=True).check()
    await officer.answer("退回补正", reason="电话打不通")
    await officer.says("已退回补正")
    await officer.clean()

    await school.go("#/transfers")
    await school.press_link(person["name"])
    await school.says("请更正或补充：监护人电话")
    await school.press("补正")
    await school.sees(school.dialog.get_by_text("撤下的已有材料"))
    await look(school, "5-correction")
    family = {"address": HOME, "guardian": "来家长", "phone": "13857110002", "exception": "全家随父母工作迁来"}
    await school.answer("提交", **family)
    await school.says("转入学校主管部门核准")
    await school.clean()

    await officer.go("#/transfers")
    await officer.press_link(person["name"])
    await officer.press("核准")
    await officer.answer("核准", reason="情况属实，同意")
    await officer.says("转出学校核准")
    await officer.clean()

    said = document("西教转〔2026〕19号")
    for who, step in ((CLERK, "转出学校核准"), (SECOND, "转出学校主管部门核准")):
        office = await of(who)
        await office.go("#/worklist")
        await office.until_reload(re.compile(re.escape(number)))
        await office.follow("转学")
        await office.press_link(person["name"])
        await office.says(step)
        await office.press("录入外省同意")
        await office.sees(office.dialog)
        await office.dialog.locator("input[type=file]").set_input_files(paper)
        await office.answer(
            "提交", document_number=said["number"], issued_on=said["issued_on"], issuer=said["issuer"]
        )  # fmt: skip
        await office.says("由省教育厅为")
        await look(office, f"6-{who}")
        await office.clean()

    await school.go("#/worklist")
    await school.until_reload(re.compile("为外省转入的学生建籍"))
    await school.go("#/transfers")
    await school.until_reload(re.compile("待转入学校建籍"))
    await school.press_link(person["name"])
    await school.says("各方均已核准，学位已保留")
    await look(school, "7-awaited")
    await school.accessible()
    await school.clean()
    phone = await of("registrar", size=NARROW)
    await phone.go("#/transfers")
    await look(phone, "8-list-narrow")
    await phone.press_link(person["name"])
    await phone.says("各方均已核准，学位已保留")
    await look(phone, "8-awaited-narrow")
    await phone.clean()

    registered_by_its_school(cast, form_of(made, row))
    await school.go("#/transfers")
    await school.press_link(person["name"])
    await school.until_reload("已转入")
    await look(school, "9-done")
    await school.clean()
    await phone.follow("转学")
    await phone.press("由外省转入")
    await phone.sees(phone.dialog)
    await look(phone, "10-form-narrow")
    await phone.clean()
