"""A real browser for the console's tests: which one, and how it is started (docs/adr/0023).

`TEST_BROWSER=auto` (default) takes the Chromium out of the lock's packages, else one that is installed; where neither
starts, the tests are skipped and say so. `required` makes that an error, `packaged` allows no installed one, anything
else is the path of a Chromium.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import httpx
from noto_cjk_sans_otc import FONT_PATH
from xueji_local.processes import free_port

if TYPE_CHECKING:
    from e2e_console import Console
    from playwright.async_api import Browser as Chromium
    from playwright.async_api import BrowserContext, Page, Playwright

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
"""Screens, in pixels: a desk's and a telephone's."""
INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
PATIENCE = 60.0
"""Seconds that a browser may take to start."""


Consoles = Callable[..., "Awaitable[Console]"]
"""The fixture `consoles`: `await consoles(system, "xinchun.registrar", size=NARROW)`."""


class NoBrowser(Exception):
    """In words: what was tried, and what is missing."""


class Browser(Protocol):
    """`name`: with its version, for whoever reads the output."""

    name: str

    async def page(self) -> Page:
        """A page that shares no cookie and no storage with any other."""


def asked_for() -> str:
    return os.environ.get("TEST_BROWSER", "") or "auto"


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """The browser of the choice. Raises NoBrowser."""
    if importlib.util.find_spec("playwright") is None:
        raise NoBrowser("the driver (playwright) is not installed: make setup-browser")
    from playwright.async_api import async_playwright

    asked, tried = asked_for(), []
    async with AsyncExitStack() as stack:
        driver = await stack.enter_async_context(async_playwright())
        ways = [] if "/" in asked else [_packaged(driver)]
        if "/" in asked:
            ways += [_installed(driver, asked)]
        elif asked != "packaged":
            ways += [_installed(driver, path) for name in INSTALLED if (path := shutil.which(name))]
        for way in ways:
            try:
                browser = await stack.enter_async_context(way)
            except NoBrowser as problem:
                tried.append(str(problem))
            else:
                yield browser
                return
        raise NoBrowser("; ".join([*tried, f"installed ones are looked for as {', '.join(INSTALLED)}"]))


class _Installed:
    def __init__(self, browser: Chromium, path: str) -> None:
        self._browser = browser
        self.name = f"{path} {browser.version}"

    async def page(self) -> Page:
        context = await self._browser.new_context(locale="zh-CN")
        return await context.new_page()


@asynccontextmanager
async def _installed(driver: Playwright, path: str) -> AsyncIterator[Browser]:
    from playwright.async_api import Error

    try:
        # As root there is no sandbox; the only pages are the ones under test.
        browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=False, env=_with_font())
    except Error as problem:
        raise NoBrowser(f"{path} does not start: {problem.message[:400]}") from problem
    try:
        yield _Installed(browser, path)
    finally:
        await browser.close()


class _Packaged:
    def __init__(self, context: BrowserContext, process: subprocess.Popen[str], name: str) -> None:
        self._context, self._process = context, process
        self.name = name

    async def page(self) -> Page:
        async with self._context.expect_page() as opened:
            assert self._process.stdin
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        return await opened.value


@asynccontextmanager
async def _packaged(driver: Playwright) -> AsyncIterator[Browser]:
    """Qt WebEngine in a process of its own. It knows no contexts: its program makes a profile for each page."""
    if importlib.util.find_spec("PySide6") is None:
        raise NoBrowser("no Chromium out of a package is installed: make setup-browser")
    port = free_port()
    environment = _with_font() | {
        "QT_QPA_PLATFORM": "offscreen",
        "QTWEBENGINE_REMOTE_DEBUGGING": f"127.0.0.1:{port}",
        "QTWEBENGINE_DISABLE_SANDBOX": "1",  # as root there is none; the only pages are the ones under test
        "QTWEBENGINE_CHROMIUM_FLAGS": "--disable-gpu --lang=zh-CN",
    }
    program = Path(__file__).with_name("e2e_qt.py")
    process = subprocess.Popen(
        [sys.executable, str(program)], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        name = await _listening(process, port)
        browser = await driver.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", no_defaults=True)
        yield _Packaged(browser.contexts[0], process, name)
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.to_thread(process.wait, 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _with_font() -> dict[str, str]:
    """The environment of a browser that has Chinese characters on a machine without any: pages get their real widths."""
    font = Path(FONT_PATH)
    config = Path(tempfile.mkdtemp(prefix="xueji-fonts-")) / "fonts.conf"
    config.write_text(
        '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>'
        f'<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{font.parent}</dir></fontconfig>'
    )
    return dict(os.environ) | {"FONTCONFIG_FILE": str(config)}


async def _listening(process: subprocess.Popen[str], port: int) -> str:
    """What it calls itself, once it answers."""
    end = asyncio.get_running_loop().time() + PATIENCE
    async with httpx.AsyncClient(trust_env=False) as http:
        while asyncio.get_running_loop().time() < end:
            if process.poll() is not None:
                raise NoBrowser(f"the packaged Chromium (Qt WebEngine) does not start here: {_why()}")
            try:
                answer = await http.get(f"http://127.0.0.1:{port}/json/version")
                agent = answer.json()["User-Agent"]
                return "packaged " + next(word for word in agent.split() if word.startswith("Chrome/"))
            except httpx.TransportError:
                await asyncio.sleep(0.1)
    raise NoBrowser(f"the packaged Chromium (Qt WebEngine) did not answer within {PATIENCE:g} s")


def _why() -> str:
    """In most cases a library of the system that is missing: its name is what the administrator needs."""
    code = "import PySide6.QtWebEngineWidgets"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return (done.stderr.strip().splitlines() or ["it ended at once"])[-1]
