from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest


class Project:
    """A small project on disk, to read marks from."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("libs/regulation/pyproject.toml", "")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)
