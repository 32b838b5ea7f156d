from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import registry_pupils as pupils
from registry.form.entry import Checked
from registry.organisations.facts import SchoolFacts


@pytest.fixture(scope="session")
def school() -> SchoolFacts:
    return pupils.SCHOOL


@pytest.fixture(scope="session")
def special_school() -> SchoolFacts:
    return pupils.SPECIAL_SCHOOL


@pytest.fixture
def form() -> Callable[..., dict[str, Any]]:
    return pupils.pupil


@pytest.fixture
def number() -> Callable[..., str]:
    return pupils.resident


@pytest.fixture
def check() -> Callable[..., Checked]:
    """`check(at=school, **changes)`: the check of the pupil with changes."""
    return pupils.check
