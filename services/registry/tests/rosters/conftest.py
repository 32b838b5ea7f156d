from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for folder in (Path(__file__).parent, Path(__file__).parents[1] / "form"):
    sys.path.insert(0, str(folder / "support"))

import registry_pupils as pupils
import roster_workbooks as workbooks
from registry.organisations.facts import SchoolFacts


@pytest.fixture(scope="session")
def school() -> SchoolFacts:
    return pupils.SCHOOL


@pytest.fixture(scope="session")
def pupil() -> Callable[..., dict[str, Any]]:
    """`pupil(serial, **changes)`: a first-year pupil as the form has it; serials differ in their numbers."""
    return pupils.pupil


@pytest.fixture(scope="session")
def resident() -> Callable[..., str]:
    return pupils.resident


@pytest.fixture(scope="session")
def workbook() -> Callable[..., bytes]:
    return workbooks.make_workbook


@pytest.fixture(scope="session")
def change() -> Callable[..., bytes]:
    return workbooks.repack


@pytest.fixture(scope="session")
def read_part() -> Callable[..., bytes]:
    return workbooks.part
