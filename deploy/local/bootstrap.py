"""Make the project's environment on a machine that has only Python 3.11+ and pip. Standard library only.

Creates `.venv`, installs `uv` at the version and hash of `requirements.lock`, lets it install the rest of the lock
(hashes checked) and then the workspace's own packages in editable form. Nothing happens when nothing has changed since
the last time: the stamp holds a digest of the lock and of every pyproject.toml.

`bootstrap.py browser` adds what the browser tests need, out of a lock of its own: a third of a gigabyte that nobody
who only runs the system should fetch. A machine for which no such browser is made is told so; that is no error here
(`tests_e2e` then looks for an installed one, and says when it finds none).
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / ".xueji-stamp"
BROWSER_LOCK = ROOT / "requirements-browser.lock"
BROWSER_STAMP = VENV / ".xueji-browser-stamp"
PACKAGES = sorted(
    p.parent
    for pattern in ("libs/*", "services/*", "infra", "deploy/local")
    for p in ROOT.glob(f"{pattern}/pyproject.toml")
)


def say(text: str) -> None:
    print(f"[setup] {text}", flush=True)  # noqa: T201 - a terminal program, before any logger exists


def stop(text: str) -> None:
    raise SystemExit(f"[setup] {text}")


def digest() -> str:
    h = hashlib.sha256(sys.version.encode())
    for path in [LOCK, ROOT / "pyproject.toml", *(p / "pyproject.toml" for p in PACKAGES)]:
        h.update(path.read_bytes())
    return h.hexdigest()


def bin_dir() -> Path:
    return VENV / ("Scripts" if os.name == "nt" else "bin")


def run(args: list[str], what: str) -> None:
    done = subprocess.run(args, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        stop(
            f"{what} failed:\n{done.stdout[-4000:]}\nCure: check the network and the package index, then repeat; "
            f"`rm -rf {VENV.name}` starts from nothing."
        )


def lines_of(name: str) -> str:
    """The entry of one distribution in the lock, with its hashes."""
    found = re.search(rf"^{name}==.*?(?=^\S|\Z)", LOCK.read_text(), re.MULTILINE | re.DOTALL)
    if not found:
        stop(f"{LOCK.name} has no entry for {name}; run `make lock`.")
    return found.group(0)  # type: ignore[union-attr]


def add_browser() -> None:
    """After `main`: driver first, so that a machine without the wheels' Chromium can use one that is installed."""
    # Whatever changes the environment as a whole takes these packages away again: `uv pip sync`.
    wanted = digest() + hashlib.sha256(BROWSER_LOCK.read_bytes()).hexdigest()
    if BROWSER_STAMP.exists() and BROWSER_STAMP.read_text() == wanted:
        return
    begun = time.monotonic()
    say("browser tests: driver and Chromium (the lock, hashes checked; some 300 MB the first time)")
    uv, python = str(bin_dir() / "uv"), str(bin_dir() / "python")
    install = [uv, "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--python", python, "-r"]
    entries = re.split(r"^(?=\S)", BROWSER_LOCK.read_text(), flags=re.MULTILINE)
    driver = VENV / "browser-driver.txt"
    driver.write_text("".join(entry for entry in entries if not entry.startswith(("pyside6", "shiboken6"))))
    for what, lock in (("driver", driver), ("Chromium", BROWSER_LOCK)):
        done = subprocess.run([*install, str(lock)], cwd=ROOT, text=True, capture_output=True, check=False)
        if done.returncode:
            say(f"no {what} out of a package here; the browser tests need an installed one:\n{done.stderr[-600:]}")
            return
    BROWSER_STAMP.write_text(wanted)
    say(f"browser ready in {time.monotonic() - begun:.0f} s")


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the one place where an older Python may stand
        stop(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}. Cure: make PYTHON=python3.12 ...")
    wanted = digest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return
    begun = time.monotonic()
    python = bin_dir() / "python"
    if not python.exists():
        say("1/3 environment .venv")
        # Without pip inside: some distributions ship venv without ensurepip; the pip outside installs into it.
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)], "python -m venv")
    uv = bin_dir() / "uv"
    say("2/3 uv")
    only_uv = VENV / "uv.txt"
    only_uv.write_text(lines_of("uv"))
    run(
        [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--require-hashes",
            "-r",
            str(only_uv),
        ],
        "installing uv",
    )
    say("3/3 packages (the lock, hashes checked)")
    env_python = ["--python", str(python)]
    run([str(uv), "pip", "sync", "--quiet", "--require-hashes", *env_python, str(LOCK)], "installing the lock")
    editable = [arg for package in PACKAGES for arg in ("-e", str(package))]
    run(
        [
            str(uv),
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--no-sources",
            "--offline",
            *env_python,
            *editable,
        ],
        "installing the workspace",
    )
    STAMP.write_text(wanted)
    say(f"ready in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    add_browser() if sys.argv[1:] == ["browser"] else main()
