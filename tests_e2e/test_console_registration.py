"""One pupil entered by hand at the console: the national form by its sections, checked as often as one likes, each fault
beside its field with what to do about it, sent when nothing stands against it (clauses 14, 15.1)."""

from __future__ import annotations

import re

import pytest
from e2e_browser import NARROW, Consoles
from e2e_flow import Desk
from e2e_people import People, form_of
from e2e_system import System

CHINESE = "零一二三四五六七八九"
pytestmark = [pytest.mark.clause("14", "15.1")]


async def test_a_pupil_is_entered_by_hand(consoles: Consoles, system: System, people: People, xinchun: Desk) -> None:
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    form = form_of(made, row)
    school = await consoles(system, "xinchun.registrar")
    page = school.page
    await school.go("#/rosters")
    await school.press_link("录入一名学生")
    assert await page.locator("fieldset").count() == 8
    await school.fault_free()
    await school.accessible()

    await school.press("检查")
    await school.says(re.compile(r"有 \d+ 处需要更正"))
    name = page.locator("[name=name]")
    assert await name.get_attribute("aria-invalid") == "true"
    await school.sees(page.locator("#said-name .finding.refuse"))
    assert await page.locator("[name=talents]").get_attribute("aria-invalid") is None
    assert not await school.button("提交建籍").count()
    await school.fault_free()

    for key, value in form.items():
        given = page.locator(f"form [name='{key}']")
        if not await given.count():
            continue  # the school's own code
        text = str(value)
        if await given.evaluate("(e) => e.tagName") == "SELECT":
            code = (
                str(CHINESE.index(text[0])) if key == "grade" and text[0] in CHINESE else text.split("-", maxsplit=1)[0]
            )
            chosen = await given.locator(f"option[value='{code}']").count()
            await given.select_option(**({"value": code} if chosen else {"label": text}))
        elif await given.get_attribute("type") == "date":
            await given.fill(re.sub(r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3", text))
        else:
            await given.fill(text)
    right = str(form["document_number"])
    await page.locator("[name=document_number]").fill(f"{right[:-1]}{'1' if right[-1] == '0' else '0'}")
    await school.press("检查")
    await school.says("有 1 处需要更正")
    await school.sees(page.locator("#said-document_number .cure"))
    assert not await page.locator("#said-name .finding.refuse").count()
    await school.has_focus(
        await page.locator("[name=document_number]").evaluate(
            "(e) => e.labels[0].querySelector('span').textContent.replace(/ \\*$/, '')"
        )
    )

    await page.locator("[name=document_number]").fill(right)
    await school.press("检查")
    await school.says("检查通过，可以提交")
    await page.locator("[name=talents]").fill("围棋")  # what is sent is what was checked
    assert not await school.button("提交建籍").count()
    await school.press("检查")
    await school.says("检查通过，可以提交")
    await school.press("提交建籍")
    await school.sees(school.dialog)
    await school.fault_free()
    await school.answer("提交")
    await school.says("已经提交，等待班主任审核")
    await school.clean()
    (entered,) = [one for one in xinchun.registrar.registrations() if one.name == form["name"]]
    assert entered.state == "entered"


async def test_the_number_says_birth_date_and_sex(consoles: Consoles, system: System) -> None:
    school = await consoles(system, "xinchun.registrar", size=NARROW)
    await school.go("#/registration")
    page = school.page
    await page.locator("[name=sex]").select_option("2")
    await page.locator("[name=document_number]").fill("230102201903070039")
    await page.locator("[name=document_number]").press("Tab")
    assert await page.locator("[name=birth_date]").input_value() == "2019-03-07"
    assert await page.locator("[name=sex]").input_value() == "2", "what was chosen stays"
    await page.locator("[name=current_address]").fill("哈尔滨市南岗区新春街1号")
    await school.press("通信地址、家庭地址与现住址相同")
    assert await page.locator("[name=home_address]").input_value() == "哈尔滨市南岗区新春街1号"
    await school.fault_free()
    await school.clean()
