"""Every page of the console that a role comes to by its menus and by the links on the pages, in a real browser: no script
error, no broken policy, no failed request, a heading, words on everything, and nothing wider than the screen.
"""

from __future__ import annotations

import re

import pytest
from e2e_browser import NARROW, WIDE, Consoles
from e2e_system import System
from e2e_things import Things

# How many kinds of pages each comes to where there is something of everything: a page that is lost is missed.
PEOPLE = {
    "xinchun.registrar": 29,
    "xinchun.teacher": 8,
    "xinchun.principal": 31,
    "nangang.officer": 42,
    "nangang.leader": 42,
    "nangang.auditor": 15,
    "nangang.admin": 7,
}
pytestmark = pytest.mark.once
LOOKED_AT: set[str] = set()
"""Kinds of pages that axe-core has been over: once is enough, it takes its time."""
LINKS = "(all) => all.map((a) => a.getAttribute('href'))"


def kind(address: str) -> str:
    """The page that an address means, whichever thing it shows."""
    return re.sub(r"[0-9a-f-]{36}|\d{4,}|(?<=accounts/)[\w.-]+|(?<=entries:)[\w.-]+", "*", address)


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1280", "390"])
@pytest.mark.parametrize("username", PEOPLE)
async def test_every_page_is_whole(
    consoles: Consoles, system: System, things: Things, username: str, size: dict[str, int]
) -> None:
    console = await consoles(system, username, size=size)
    waiting = ["#/account", *await console.page.locator("nav a").evaluate_all(LINKS)]
    seen, faults = set(), []
    while waiting:
        address = waiting.pop(0)
        if kind(address) in seen:
            continue
        seen.add(kind(address))
        await console.go(address)
        checks = [console.fault_free, console.clean]
        if size is WIDE and kind(address) not in LOOKED_AT:
            LOOKED_AT.add(kind(address))
            checks.append(console.accessible)
        for check in checks:
            try:
                await check()
            except AssertionError as fault:
                faults.append(str(fault))
        waiting += await console.page.locator("main a[href^='#/']").evaluate_all(LINKS)
    assert not faults, "\n".join(faults)
    assert len(seen) >= PEOPLE[username], sorted(seen)


@pytest.mark.clause("10.2", "34.1")
async def test_a_school_looks_at_what_guardians_were_sent(consoles: Consoles, system: System) -> None:
    """The registrar asks for it in the list of messages; a class teacher, who may not, is not offered it."""
    console = await consoles(system, "xinchun.registrar", size=NARROW)
    await console.go("#/deliveries")
    async with console.page.expect_response("**/v1/deliveries?to=guardians*") as coming:
        await console.page.get_by_label("发给谁").select_option("guardians")
    assert (await coming.value).status == 200
    await console.says("没有发送记录。")  # this system has no gateway for text messages
    await console.fault_free()
    await console.clean()
    teacher = await consoles(system, "xinchun.teacher")
    await teacher.go("#/deliveries")
    assert not await teacher.page.get_by_label("发给谁").count()
    await teacher.clean()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("<p style='width: 2000px'>x</p>", "px wide"),
        ("<input>", "a field without a label"),
        ("<label>x<select></select></label><textarea placeholder='y'></textarea>", "a field without a label"),
        ("<button></button>", "nothing to read on it"),
        ("<a href='#/x'><img alt=''></a>", "nothing to read on it"),
        ("<img>", "a picture without words"),
        ("<progress></progress>", "a bar without words"),
        ("<table><tr><th scope=col>x</th></tr></table>", "a table without a name"),
        ("<table><caption>x</caption><tr><td>y</td></tr></table>", "a table without heads"),
        ("<b id=x></b><b id=x></b>", "an id twice"),
        ("<p tabindex=3>x</p>", "an order of its own"),
        ("<dialog open>x</dialog>", "a dialog without a name"),
    ],
)
async def test_the_look_at_a_page_finds(consoles: Consoles, system: System, fault: str, said: str) -> None:
    console = await consoles(system)
    await console.page.set_content(f"<main><h1>x</h1>{fault}</main>")
    with pytest.raises(AssertionError, match=said):
        await console.fault_free()


async def test_axe_finds_what_is_too_pale(consoles: Consoles, system: System) -> None:
    console = await consoles(system)
    await console.page.set_content("<main><h1>x</h1><p style='color: #ccc'>pale</p></main>")
    with pytest.raises(AssertionError, match="color-contrast"):
        await console.accessible()


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("setTimeout(() => { throw new Error('broken') })", "script error: broken"),
        ("console.error('lost')", "console: lost"),
        ("fetch('/v1/nowhere')", "404: GET"),
        ("fetch('http://127.0.0.1:9/').catch(() => {})", "content security policy: connect-src"),
        ("document.body.innerHTML = '<b style=\"color: red\">x</b>'", "content security policy: style-src-attr"),
        ("document.body.append(Object.assign(document.createElement('script'), { text: '1' }))", "script-src-elem"),
    ],
)
async def test_the_watch_over_the_browser_finds(consoles: Consoles, system: System, act: str, said: str) -> None:
    console = await consoles(system)
    await console.page.goto(system.gateway)
    await console.clean()
    await console.page.evaluate(f"() => {{ {act} }}")
    with pytest.raises(AssertionError, match=re.escape(said)):
        for _ in range(200):  # the browser tells of it a moment later
            await console.clean()
            await console.page.wait_for_timeout(100)
