"""The running stack that a demonstration is shown on, what stands in for the population service, and how one ends."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import httpx
import msgspec
from service_kit.clock import Clock
from shared_contracts.decisions import Outcome

from xueji_local import running
from xueji_local.demo_client import Account, ApiProblem
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_screen import Screen
from xueji_local.generator import NotPossible
from xueji_local.generator_corrected import Unreadable
from xueji_local.layout import Layout
from xueji_local.servers import ServerProblem

_STARTING_SECONDS = 300.0
_GROWING_SECONDS = 900.0
_PASSWORD_IS_OLD = "account.password"  # noqa: S105 - the code of a finding


class Stack(msgspec.Struct, frozen=True, kw_only=True):
    """What `stack.json` says of a running stack."""

    gateway: str
    matcher: str
    accounts: tuple[Account, ...]
    clock: str

    @property
    def today(self) -> date:
        """The day it is for the stack."""
        return Clock(Path(self.clock)).today()


class Grown(msgspec.Struct):
    """What the stand-in says of its line: seed, school year, how many places are known."""

    seed: int
    school_year: int
    generated: int


class Matcher:
    """The stand-in for the population service, asked for its seed and to know enough people."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key

    def grow(self, size: int) -> Grown:
        """Have the line known up to `size`; 0 only asks. Raises DemoProblem."""
        return self._asked({"size": size})

    def know(self, people: Sequence[Mapping[str, str]]) -> None:
        """Have these people known, wherever in the line they stand. Raises DemoProblem."""
        self._asked({"people": list(people)})

    def _asked(self, body: dict[str, object]) -> Grown:
        try:
            response = httpx.post(
                f"{self._url}/v1/population",
                json=body,
                headers={"X-API-Key": self._key},
                timeout=httpx.Timeout(_GROWING_SECONDS, connect=5),
                trust_env=False,
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoProblem(
                f"公安人口信息替身（matcher）没有应答（{type(error).__name__}）。请查看：make logs"
            ) from error
        return msgspec.json.decode(response.content, type=Grown)


def find_stack(layout: Layout, screen: Screen) -> Stack:
    """The running stack; one is started when none runs, one that is starting is waited for."""
    if not running.is_running(layout):
        screen.say("没有正在运行的系统，现在启动（make down 停止）。")
        done = subprocess.run([sys.executable, "-m", "xueji_local", "up"], check=False)
        if done.returncode:
            raise DemoProblem("系统没有启动成功，原因见上。")
    end = time.monotonic() + _STARTING_SECONDS
    while True:
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            return msgspec.json.decode(layout.stack.read_bytes(), type=Stack)
        if time.monotonic() > end or not running.is_running(layout):
            raise DemoProblem("系统没有就绪。请用 make status 查看。")
        time.sleep(0.5)


def matcher_of(layout: Layout, stack: Stack) -> Matcher:
    for line in layout.env_file("matcher").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "XUEJI_MATCHER_API_KEY":
            return Matcher(stack.matcher, value.strip('"'))
    raise DemoProblem(f"{layout.env_file('matcher')} 中没有接口密钥。请用 make reset 重建后再试。")


def carried_out(screen: Screen, demonstrate: Callable[[], int]) -> int:
    """The exit status of a demonstration; what stops it is told: 2, 130 for an interruption."""
    try:
        return demonstrate()
    except (DemoProblem, NotPossible, Unreadable, ServerProblem) as problem:
        screen.problem(str(problem))
    except ApiProblem as problem:
        screen.problem(problem.detail)
        for finding in (one for one in problem.findings if one.outcome is not Outcome.PASS):
            cure = f"（{finding.cure}）" if finding.cure else ""
            screen.note(f"{finding.message}{cure}")
        if any(finding.code == _PASSWORD_IS_OLD for finding in problem.findings):
            screen.note("系统时钟走过了演示账号密码的有效期。请用 make down、make up 重新启动，账号恢复如初。")
    except KeyboardInterrupt:
        screen.say("\n已中断。已经交给系统的工作会继续；make down 停止系统。")
        return 130
    return 2
