"""The house as a whole: pages that could drift from the code are held against it."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path

import msgspec
import pytest
from access.settings import AccessSettings
from gateway.settings import GatewaySettings
from hypothesis import given
from hypothesis import strategies as st
from identity.settings import MatcherSettings
from matcher.settings import Settings as StandInSettings
from notifications.settings import NotificationsSettings
from service_kit.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()


def distributions(entries: list[str]) -> set[str]:
    return {re.split(r"[\s>=<\[;]", entry)[0] for entry in entries}


def test_each_dependency_is_justified_and_none_is_listed_in_vain() -> None:
    used = set()
    for file in [*ROOT.glob("libs/*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml"),
                 ROOT / "infra/pyproject.toml", ROOT / "deploy/local/pyproject.toml"]:  # fmt: skip
        project = tomllib.loads(file.read_text())["project"]
        used |= distributions(project["dependencies"])
        for extra in project.get("optional-dependencies", {}).values():
            used |= distributions(extra)
    used = {name for name in used if not name.startswith("xueji-")}
    for group in tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"].values():
        used |= distributions(group)
    page = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| ([a-z][a-z0-9, -]+) \|", page, re.MULTILINE)
    listed = {name for row in rows for name in row.split(", ")} - {"package"}
    assert listed == used


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-browser.lock"])
def test_the_lock_names_versions_and_hashes_and_no_address(name: str) -> None:
    lock = (ROOT / name).read_text()
    assert "--hash=sha256:" in lock
    assert not re.search(r"https?://|file:|--index-url|--find-links|--extra-index-url|^-e ", lock, re.MULTILINE)
    assert not (ROOT / "uv.lock").exists() or "uv.lock" in (ROOT / ".gitignore").read_text()


def test_the_settings_of_the_readme_are_those_of_the_code() -> None:
    known = {"XUEJI_HOME", "XUEJI_GATEWAY_PORT"}
    for kind in (Settings, GatewaySettings, MatcherSettings, AccessSettings, NotificationsSettings):
        known |= {field.encode_name for field in msgspec.structs.fields(kind)}
    known |= {f"XUEJI_{field.name.upper()}" for field in msgspec.structs.fields(StandInSettings)}
    table = README[README.index("## Settings") :]
    assert set(re.findall(r"XUEJI_[A-Z0-9_]+[A-Z]", table)) == known


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/dependencies.md", "deploy/local/README.md"])
def test_each_make_target_that_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", (ROOT / page).read_text())) - {"and", "sure"}
    assert named <= targets


def test_each_relative_link_of_the_readmes_leads_somewhere() -> None:
    for page in ("README.md", "README.zh-CN.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
            assert (ROOT / link).exists(), link


def test_a_machine_that_stops_for_a_moment_fails_no_random_test() -> None:
    """Neither while an example is drawn nor while it runs."""
    in_drawing, in_the_test = iter([1.1]), iter([0.3])  # longer than Hypothesis would take by itself

    def slowly(value: bool) -> bool:
        time.sleep(next(in_drawing, 0))
        return value

    @given(st.lists(st.booleans().map(slowly), min_size=1))
    def drawn(_values: list[bool]) -> None:
        time.sleep(next(in_the_test, 0))

    drawn()
