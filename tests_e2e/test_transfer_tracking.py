"""A guardian's digits are guessed at through two gateways: what is counted is counted for both, whether there is such a case
or not (24.6.3, 24.6.4)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from e2e_cast import Cast
from e2e_flow import Desk
from e2e_people import People
from e2e_system import HANGS, System
from e2e_transfer import opened, registered
from xueji_local.processes import free_port
from xueji_local.programs import Child

pytestmark = [pytest.mark.clause("24.6.3", "24.6.4")]
FREE = 5
NOBODYS = "ZX20261234567890"


@pytest.fixture
def gateways(system: System, tmp_path: Path) -> Iterator[list[httpx.Client]]:
    """The system's own, and another process beside it over the same bus."""
    own, port = system.child("gateway").program, free_port()
    environment = own.environment | {"XUEJI_HTTP_PORT": str(port)}
    second = Child(msgspec.structs.replace(own, environment=environment, port=port), tmp_path / "gateway.log")
    second.start()
    try:
        second.wait_ready()
        with (
            system.anonymous() as one,
            httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANGS, trust_env=False) as two,
        ):
            yield [one, two]
    finally:
        second.stop()


def ask(gateway: httpx.Client, number: str, digits: str, key: str) -> httpx.Response:
    body = {"number": number, "digits": digits}
    return gateway.post("/v1/transfers/tracking", json=body, headers={"Idempotency-Key": key})


def test_two_gateways_count_together_and_tell_nothing(
    cast: Cast, people: People, xinchun: Desk, shanhe: Desk, gateways: list[httpx.Client]
) -> None:
    _, (person,) = registered(people, xinchun)
    number = opened(cast, person)["number"]
    assert ask(gateways[1], number, "0001", "right-before").json()["number"] == number

    def tried(asked: str) -> list[tuple[int, str, bool]]:
        said = []
        for nth in range(FREE + 3):
            answer = ask(gateways[nth % 2], asked, "9999", f"wrong-{asked}-{nth}")
            kind = answer.json()["type"].rpartition(":")[2]
            said.append((answer.status_code, kind, "retry-after" in answer.headers))
        return said

    free = [(404, "not_found", False)] * (FREE - 1) + [(404, "not_found", True)]
    said = tried(number)
    for gateway in gateways:  # at once: nobody is locked out for longer than half a minute
        locked = ask(gateway, number, "0001", "right-while-locked")
        assert locked.status_code == 429 and 1 <= int(locked.headers["retry-after"]) <= 30
    assert said == [*free, *[(429, "too_many_attempts", True)] * 3]
    assert tried(NOBODYS) == said, "a number that there is and one that there is not look alike"
