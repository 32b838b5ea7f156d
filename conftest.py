"""For the tests of all packages: real PostgreSQL and NATS (see `xueji_local.testing`), how Hypothesis draws, and where they
find what they share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings

pytest_plugins = ["xueji_local.testing"]

# What stands in a folder `support` is there for every test; its modules are named so that no two are alike.
_HOUSE = Path(__file__).parent
for _place in ("libs/*/tests/**/support", "services/*/tests/**/support", "tests_e2e/support"):
    sys.path.extend(sorted(map(str, _HOUSE.glob(_place))))

# A gate says whether a change is right: it draws the same for the same test. `make explore` draws what nobody has tried yet.
# Neither judges by the clock: an example that takes a quarter of a second says that the machine was busy and nothing else.
settings.register_profile("timeless", deadline=None, suppress_health_check=[HealthCheck.too_slow])
_timeless = settings.get_profile("timeless")
settings.register_profile("gate", _timeless, derandomize=True)
settings.register_profile("explore", _timeless, print_blob=True)
settings.load_profile("gate")


def pytest_assertrepr_compare(op: str, left: Any, right: Any) -> list[str] | None:
    """Two structs that should be the same: what of them differs. Outside of tests they show ids alone
    (`shared_contracts.discreet`); here everybody is made up."""
    if op != "==" or not isinstance(left, msgspec.Struct) or type(left) is not type(right):
        return None
    both = ((name, getattr(left, name), getattr(right, name)) for name in left.__struct_fields__)
    return [f"{left!r} == {right!r}", *(f"{name}: {one!r} != {other!r}" for name, one, other in both if one != other)]
