"""Install each service from its own pyproject.toml into an environment of its own, and import its wiring.

Third-party packages come from the lock (constraints), our own libraries from this checkout as built wheels: what a
service imports without declaring it fails here.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV = str(ROOT / ".venv" / "bin" / "uv")


def own_packages() -> dict[str, tuple[Path, list[str]]]:
    """Distribution -> (folder, our own distributions that it needs)."""
    found = {}
    for file in [*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]:
        project = tomllib.loads(file.read_text())["project"]
        needs = [re.split(r"[\s>=<\[;]", d)[0] for d in project["dependencies"]]
        found[project["name"]] = (file.parent, [n for n in needs if n.startswith("xueji-")])
    return found


def closure(name: str, packages: dict[str, tuple[Path, list[str]]]) -> set[str]:
    return {name}.union(*(closure(need, packages) for need in packages[name][1]))


def main() -> None:
    packages = own_packages()
    with tempfile.TemporaryDirectory() as scratch:
        wheels = Path(scratch) / "wheels"
        for folder, _ in packages.values():
            run(UV, "build", "--wheel", "--quiet", "--no-build-isolation", "--python", sys.executable,
                "--out-dir", str(wheels), str(folder))  # fmt: skip
        constraints = Path(scratch) / "constraints.txt"
        constraints.write_text(
            "\n".join(re.findall(r"^[a-z0-9._-]+==\S+", (ROOT / "requirements.lock").read_text(), re.M))
        )
        for name, (folder, _) in sorted(packages.items()):
            if folder.parent.name != "services":
                continue
            venv = Path(scratch) / name
            run(UV, "venv", "--quiet", "--python", sys.executable, str(venv))
            own = [str(next(wheels.glob(need.replace("-", "_") + "-*.whl"))) for need in closure(name, packages)]
            run(UV, "pip", "install", "--quiet", "--python", str(venv / "bin" / "python"), "-c", str(constraints), *own)
            python = str(venv / "bin" / "python")
            run(python, "-c", f"import {folder.name}.app", cwd=scratch)
            run(python, "-m", folder.name, "--help", cwd=scratch)
            print(f"{folder.name}: installs and imports by itself", flush=True)  # noqa: T201


def run(*args: str, cwd: str | Path = ROOT) -> None:
    done = subprocess.run(args, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(args[:4])} …\n{done.stdout[-3000:]}")


if __name__ == "__main__":
    main()
