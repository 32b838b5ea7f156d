"""The web console as somebody uses it who has a mouse, a keyboard and no idea of the API; and what the browser saw."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from e2e_browser import WIDE, Browser
from e2e_system import System
from playwright.async_api import ConsoleMessage, Error, Locator, Page, Request, Response, expect

SECONDS = 45.0
"""How long anything on a page may take: two busy cores, a whole system beside the browser, all other tests beside both."""
expect.set_options(timeout=SECONDS * 1000)

AXE = Path(str(resources.files("axe_playwright_python"))) / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The browser's own word about a policy that was broken, kept from the first script on; and what was said for a few seconds
# and may be gone before a busy machine looks.
WATCH = """
window.__broken = [];
window.__said = [];
addEventListener("securitypolicyviolation", (e) => window.__broken.push(`${e.violatedDirective}: ${e.blockedURI}`));
new MutationObserver((changes) => {
  for (const { target, addedNodes } of changes) {
    if (target.id === "toasts") for (const one of addedNodes) window.__said.push(one.textContent);
  }
}).observe(document, { childList: true, subtree: true });
"""
# What the keyboard is at, as it is read out: without the star of what must be filled in and the arrow of a menu.
FOCUSED = """() => {
  const e = document.activeElement;
  const words = e.getAttribute("aria-label") ?? e.labels?.[0]?.querySelector("span")?.textContent ?? e.textContent;
  return words.replace(/ \\*$/, "").trim();
}"""
FAULTS = Path(__file__).with_name("e2e_faults.js").read_text()
"""A function that tells what is wrong with a page, line by line."""


@dataclass
class Console:
    """One person in front of one page. `seen`: what the browser complained of since the last look."""

    page: Page
    system: System
    who: str = ""
    seen: list[str] = field(default_factory=list)
    _expected: set[int] = field(default_factory=set)
    _open: set[Request] = field(default_factory=set)

    # ---- coming and going ---------------------------------------------------------------------------------------------

    async def sign_in(self, username: str, password: str = "") -> Console:
        """By the form, as a demonstration account or, with its `password`, as any other."""
        await self.page.goto(self.system.gateway)
        await self.page.get_by_label("用户名").fill(username)
        await self.page.get_by_label("密码").fill(password or self.system.account(username)._password)
        await self.page.get_by_role("button", name="登录").click()
        await expect(self.page.get_by_role("button", name="退出")).to_be_visible()
        self.who = username
        await self.settled()
        return self

    async def go(self, address: str) -> None:
        """An address of the console: `#/plans`. Back to where one is already loads it again."""
        async with self._leaving():
            await self.page.evaluate(
                "(to) => { if (location.hash === to) dispatchEvent(new Event('hashchange')); else location.hash = to; }",
                address,
            )

    async def follow(self, link: str) -> None:
        """A link of the navigation, through its menu where it stands in one."""
        named = re.compile(rf"^{re.escape(link)}(\d|$)")  # some carry a count
        target = self.page.locator("nav").get_by_role("link", name=named)
        if not await target.is_visible():
            await (
                self.page.locator("nav details", has=self.page.locator("a", has_text=named)).locator("summary").click()
            )
        async with self._leaving():
            await target.click()

    @asynccontextmanager
    async def _leaving(self) -> AsyncIterator[None]:
        """What was there before is gone afterwards, and what has come is complete."""
        await self.page.evaluate("window.__former = document.querySelector('main').lastElementChild")
        yield
        end = time.monotonic() + SECONDS
        # Not `wait_for_function`: it evaluates in the page, whose policy forbids that.
        while await self.page.evaluate("window.__former?.isConnected ?? false"):
            assert time.monotonic() < end, f"{self.page.url} does not come after {SECONDS:g} s"
            await asyncio.sleep(0.02)
        await self.settled()

    async def settled(self) -> None:
        """The page has its heading and waits for nothing any more (but for streams of progress, which do not end)."""
        await expect(self.page.locator("main h1")).to_be_visible()
        end = time.monotonic() + SECONDS
        quiet = 0
        while (
            quiet < 3
        ):  # an answer may lead to the next question: the page has its turn in between, however busy the machine
            assert time.monotonic() < end, f"still waits for {[one.url for one in self._open]} after {SECONDS:g} s"
            await self.page.evaluate("new Promise((done) => setTimeout(done, 40))")
            quiet = 0 if self._open else quiet + 1

    # ---- hands --------------------------------------------------------------------------------------------------------

    def button(self, name: str, within: Locator | None = None) -> Locator:
        return (within or self.page).get_by_role("button", name=name, exact=True)

    @property
    def dialog(self) -> Locator:
        """The one that is open: the last."""
        return self.page.locator("dialog[open]").last

    async def press(self, name: str, within: Locator | None = None) -> None:
        await self._forget()
        await self.button(name, within).first.click()

    async def turn(self, name: str) -> None:
        """A button of the page that leads to another one, or to the same with other things in it."""
        async with self._leaving():
            await self.press(name)

    async def press_until(self, name: str, there: Locator, seconds: float = 120.0) -> None:
        """Again and again, as somebody does who knows that it has to come."""
        end = time.monotonic() + seconds
        while not await there.count():
            assert time.monotonic() < end, f"not there after {seconds:g} s: {await self.page.inner_text('main')}"
            await self.press(name)
            await self.settled()

    async def press_link(self, name: str) -> None:
        """A link of the page to another one."""
        async with self._leaving():
            await self.page.locator("main").get_by_role("link", name=name, exact=True).first.click()

    async def reach(self, name: str) -> None:
        """With Tab alone, to what is called so. Fails when it comes round without finding it."""
        for _ in range(80):
            if await self._focused() == name:
                return
            await self.page.keyboard.press("Tab")
        raise AssertionError(f"the keyboard does not come to {name!r}")

    async def has_focus(self, name: str) -> None:
        """The keyboard is there, or gets there: a dialog that closes gives it back one step later."""
        end = time.monotonic() + SECONDS
        while (found := await self._focused()) != name:
            assert time.monotonic() < end, f"the keyboard is at {found!r}, not at {name!r}"
            await asyncio.sleep(0.02)

    async def _focused(self) -> str:
        found: str = await self.page.evaluate(FOCUSED)
        return found

    async def answer(self, confirm: str, /, **values: str) -> None:
        """Fill the open dialog by the names of its fields and send it: it closes, and the page is settled."""
        box = await self.dialog.element_handle()
        assert box
        await self.fill(**values)
        await self.fault_free()
        await self._forget()
        await self.button(confirm, self.dialog).click()
        end = time.monotonic() + SECONDS
        while await box.evaluate("(e) => e.isConnected"):
            assert time.monotonic() < end, f"the dialog stays open: {await box.inner_text()}"
            await asyncio.sleep(0.02)
        await self.settled()

    async def stays(self, confirm: str, says: str, /, **values: str) -> None:
        """Fill the open dialog and send it: it says what stands against it, and all that was filled in stays."""
        await self.fill(**values)
        await self.button(confirm, self.dialog).click()
        await self.sees(self.dialog.get_by_role("alert").get_by_text(says))
        for name, value in values.items():
            assert await self.dialog.locator(f"[name={name}]").input_value() == value, f"{name} was lost"
        await self.settled()

    async def fill(self, **values: str) -> None:
        for name, value in values.items():
            given = self.dialog.locator(f"[name={name}]")
            if await given.evaluate("(e) => e.tagName") == "SELECT":
                await given.select_option(value)
            else:
                await given.fill(value)

    async def closed(self) -> None:
        """No dialog is open any more: what was sent was taken."""
        box = self.page.locator("dialog[open]")
        with suppress(AssertionError):
            await expect(box).to_have_count(0)
        if await box.count():
            raise AssertionError(f"the dialog stays open: {await box.last.inner_text()}")

    async def sees(self, one: Locator) -> None:
        await expect(one.first).to_be_visible()

    async def until_reload(self, text: str | re.Pattern[str], seconds: float = 120.0) -> None:
        """It stands there at last (a text: exactly so), for somebody who looks at the page again and again."""
        end = time.monotonic() + seconds
        while not await self.page.locator("main").get_by_text(text, exact=True).filter(visible=True).count():
            assert time.monotonic() < end, (
                f"{text!r} is not there after {seconds:g} s: {await self.page.inner_text('main')}"
            )
            await asyncio.sleep(0.3)
            await self.go(await self.page.evaluate("location.hash"))

    async def says(self, text: str | re.Pattern[str]) -> None:
        """It stands in the page, where it can be seen; or it did for a few seconds, in answer to what was pressed last."""
        there = self.page.locator("main, dialog[open], #toasts").get_by_text(text).filter(visible=True)
        end = time.monotonic() + SECONDS
        while not await there.count() and not await self._said(text):
            assert time.monotonic() < end, (
                f"{self.page.url} does not say {text!r}: {await self.page.inner_text('body')}"
            )
            await asyncio.sleep(0.05)

    async def _said(self, text: str | re.Pattern[str]) -> bool:
        said: list[str] = await self.page.evaluate("window.__said ?? []")
        return any(text in one if isinstance(text, str) else text.search(one) for one in said)

    async def _forget(self) -> None:
        await self.page.evaluate("window.__said = []")

    # ---- what the browser saw -------------------------------------------------------------------------------------------

    def watch(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.seen.append(f"script error: {error}"))
        self.page.on("request", lambda request: request.url.endswith("/events") or self._open.add(request))
        self.page.on("requestfinished", self._finished)
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._response)

    @asynccontextmanager
    async def refused(self, *statuses: int) -> AsyncIterator[None]:
        """Within, the server may answer so: what is tried is not allowed."""
        self._expected |= set(statuses)
        try:
            yield
            await self.settled()
        finally:
            self._expected -= set(statuses)

    def _console(self, message: ConsoleMessage) -> None:
        # The failed answer itself is kept by `_response`, with its address.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.seen.append(f"console: {message.text}")

    def _finished(self, request: Request) -> None:
        self._open.discard(request)

    def _failed(self, request: Request) -> None:
        self._open.discard(request)
        if request.failure != "net::ERR_ABORTED":  # a page that was left asks for nothing more
            self.seen.append(f"request failed: {request.method} {request.url} {request.failure}")

    def _response(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self._expected:
            self.seen.append(f"{response.status}: {response.request.method} {response.url}")

    async def fault_free(self) -> None:
        """Nothing in the page that some cannot read, reach or fit on their screen."""
        faults: list[str] = await self.page.evaluate(FAULTS)
        assert not faults, "\n".join([f"{self.who} at {self.page.url}", *faults])

    async def accessible(self) -> None:
        """What axe-core says against it: names, roles, contrast, order (WCAG 2.2 AA and good habits)."""
        if await self.page.evaluate("typeof axe === 'undefined'"):
            await self.page.evaluate(AXE.read_text())
        found = await self.page.evaluate(f"axe.run(document, {{ runOnly: {RULES} }})")
        faults = [
            f"{broken['id']}, {broken['help']}: {node['html'][:160]}"
            for broken in found["violations"]
            for node in broken["nodes"]
        ]
        assert not faults, "\n".join([f"{self.who} at {self.page.url}", *faults])

    async def clean(self) -> None:
        """The browser had nothing to complain of since the last time."""
        broken: list[str] = await self.page.evaluate("window.__broken ?? ['the watch was not there']")
        seen, self.seen = [*self.seen, *(f"content security policy: {one}" for one in broken)], []
        assert not seen, "\n".join([f"{self.who} at {self.page.url}", *seen])


@asynccontextmanager
async def console_of(browser: Browser, system: System, size: Any = WIDE) -> AsyncIterator[Console]:
    page = await browser.page()
    page.set_default_timeout(SECONDS * 1000)
    await page.set_viewport_size(size)
    await page.add_init_script(WATCH)
    made = Console(page, system)
    made.watch()
    try:
        yield made
    finally:
        with suppress(Error):
            await page.close()


async def picture(console: Console, path: Path) -> str:
    """How it looks now, and the address it is at. For whoever reads of a failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        await console.page.screenshot(path=path, full_page=True)
    except Error as problem:
        return f"no picture: {problem.message}"
    return f"{path} ({console.who}, {console.page.url})"
