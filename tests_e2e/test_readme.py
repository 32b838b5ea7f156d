"""What the README shows runs as it stands there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from e2e_system import System, running_system

ROOT = Path(__file__).resolve().parents[1]


def test_the_clients_example_runs(system: System, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / ".xueji").mkdir()
    shutil.copy(system.layout.stack, tmp_path / ".xueji" / "stack.json")
    done = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    said = re.fullmatch(r"(\d+) bytes; (\d+) rosters\n", done.stdout)
    assert said, done.stdout
    size, rosters = said.groups()
    assert int(size) > 5_000 and int(rosters) >= 0


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_what_it_tells_to_make_is_there(page: str) -> None:
    helped = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True).stdout
    told = set(re.findall(r"^make ([a-z0-9-]+)|`make ([a-z0-9-]+)", (ROOT / page).read_text(), re.MULTILINE))
    names = {first or second for first, second in told}
    assert {"demo", "demo-transfer"} <= names
    assert names - {"help"} <= set(re.findall(r"^  make (\S+)", helped, re.MULTILINE))


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_the_demonstration_ends_as_planted() -> None:
    """`make demo` on a system of its own: the first day, 60 rows, every hard case, both workbooks again, a draw; and
    `make demo-transfer` behind it."""
    with running_system() as fresh, fresh.found():
        done = subprocess.run(
            [sys.executable, "-m", "xueji_local.demo", "--rows", "60"],
            env={**os.environ, "XUEJI_HOME": str(fresh.layout.home)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        after = subprocess.run(
            [sys.executable, "-m", "xueji_local.demo_transfer"],
            env={**os.environ, "XUEJI_HOME": str(fresh.layout.home)},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    assert after.returncode == 0, after.stdout[-3000:] + after.stderr[-2000:]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert "没有重复建籍" in done.stdout
    assert "重新计算的分班结果一致" in done.stdout
