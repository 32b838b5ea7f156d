"""The service as its callers meet it: a process of its own, real HTTP, every fault."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from matcher.matching import BATCH
from matcher.population import Person, person
from xueji_local.processes import free_port

SEED, SIZE, KEY = 11, 1500, "only-for-this-test"


class Running:
    def __init__(self, data: Path, **more: str) -> None:
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")} | {
            "XUEJI_HTTP_PORT": str(port),
            "XUEJI_MATCHER_API_KEY": KEY,
            "XUEJI_MATCHER_DATA": str(data / "population.sqlite"),
            "XUEJI_MATCHER_SEED": str(SEED),
            "XUEJI_MATCHER_SIZE": str(SIZE),
            "XUEJI_MATCHER_SCHOOL_YEAR": "2026",
            **more,
        }
        self.log = (data / "log").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "matcher", "serve"], env=self.environment, stderr=self.log
        )
        self.client = httpx.Client(base_url=self.url, headers={"X-API-Key": KEY}, timeout=10)
        self.wait()

    def wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            assert self.process.poll() is None, self.logged()
            try:
                if httpx.get(self.url + "/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        raise AssertionError("not ready: " + self.logged())

    def logged(self) -> str:
        self.log.seek(0)
        return self.log.read()

    def stop(self) -> int:
        self.client.close()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(15)
        self.log.close()
        return code

    def match(self, *items: dict[str, Any]) -> httpx.Response:
        return self.client.post("/v1/matches", json={"items": items})

    def faults(self, **faults: Any) -> None:
        assert self.client.put("/v1/faults", json=faults).status_code == 200


def item(p: Person, **change: Any) -> dict[str, Any]:
    return {
        "id": p.document_number[-4:],
        "name": p.name,
        "sex": p.sex,
        "birth_date": p.birth_date.isoformat(),
        "document_number": p.document_number,
    } | change


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    service = Running(tmp_path_factory.mktemp("matcher"))
    yield service
    assert service.stop() == 0


@pytest.fixture
def matcher(running: Running) -> Iterator[Running]:
    yield running
    running.wait()
    running.faults()


@pytest.mark.clause("15.3")
def test_each_outcome(matcher: Running) -> None:
    p, stranger = person(SEED, 0), person(SEED, SIZE)
    response = matcher.match(
        item(p, id="1"),
        item(p, id="2", name="王不是"),
        item(p, id="3", sex="2" if p.sex == "1" else "1"),
        item(p, id="4", birth_date="2019-01-01"),
        item(stranger, id="5"),
        item(p, id="6", document_number=" " + p.document_number.lower()),
        item(p, id="7", document_number="M1234567(8)"),
    )
    assert response.status_code == 200
    outcomes = ["matched", "name_mismatch", "sex_mismatch", "birth_date_mismatch", "not_found", "matched", "not_found"]
    assert response.json() == {"answers": [{"id": str(n), "outcome": o} for n, o in enumerate(outcomes, 1)]}


def test_a_full_batch_and_one_too_many(matcher: Running) -> None:
    items = [item(person(SEED, i)) for i in range(BATCH)]
    answers = matcher.match(*items).json()["answers"]
    assert [a["id"] for a in answers] == [i["id"] for i in items]
    assert {a["outcome"] for a in answers} == {"matched"}
    too_many = matcher.match(*items, items[0])
    assert too_many.status_code == 400
    assert too_many.headers["content-type"] == "application/problem+json"
    assert too_many.json()["errors"][0]["key"] == "items"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{}",
        b'{"items": []}',
        b'{"items": [{"id": "1", "name": "x", "sex": "3", "birth_date": "2020-01-01", "document_number": "1"}]}',
        b'{"items": [{"id": "1", "name": "x", "sex": "1", "birth_date": "2020-02-30", "document_number": "1"}]}',
    ],
)
def test_bad_bodies_are_problems_without_the_values(matcher: Running, body: bytes) -> None:
    response = matcher.client.post("/v1/matches", content=body)
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["status"] == 400
    assert "2020-02-30" not in response.text


def test_a_body_too_large(matcher: Running) -> None:
    assert matcher.client.post("/v1/matches", content=b" " * 3_000_000).status_code == 413


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/matches"), ("POST", "/v1/population"), ("PUT", "/v1/faults"), ("GET", "/v1/faults")],
)
@pytest.mark.parametrize("key", [None, "", "wrong", "密钥"])
def test_nothing_without_the_key(matcher: Running, method: str, path: str, key: str | None) -> None:
    headers = {} if key is None else {"X-API-Key": key.encode()}
    response = httpx.request(method, matcher.url + path, json={}, headers=headers)  # type: ignore[arg-type]
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


def test_unknown_paths_and_methods_are_problems(matcher: Running) -> None:
    assert matcher.client.get("/v1/population/1").status_code == 404
    response = matcher.client.get("/v1/matches")
    assert (response.status_code, response.headers["content-type"]) == (405, "application/problem+json")


def test_people_can_be_added_and_the_line_extended(matcher: Running) -> None:
    someone = {"name": "欧阳䶮", "sex": "1", "birth_date": "2020-05-05", "document_number": "230102202005050012"}
    question = {"id": "x", **someone}
    assert matcher.match(question).json()["answers"][0]["outcome"] == "not_found"
    assert matcher.client.post("/v1/population", json={"people": [someone]}).json()["added"] == 1
    assert matcher.match(question).json()["answers"][0]["outcome"] == "matched"

    later = item(person(SEED, SIZE + 99))
    assert matcher.match(later).json()["answers"][0]["outcome"] == "not_found"
    grown = matcher.client.post("/v1/population", json={"size": SIZE + 100}).json()
    assert grown == {"seed": SEED, "school_year": 2026, "generated": SIZE + 100, "added": 100}
    assert matcher.client.post("/v1/population", json={"size": SIZE + 100}).json()["added"] == 0
    assert matcher.match(later).json()["answers"][0]["outcome"] == "matched"
    assert matcher.client.post("/v1/population", json={"size": 10**9}).status_code == 400


def test_delay(matcher: Running) -> None:
    matcher.faults(delay_ms=2000)
    begun = time.monotonic()
    assert matcher.match(item(person(SEED, 1))).status_code == 200
    assert time.monotonic() - begun >= 2
    with pytest.raises(httpx.ReadTimeout):
        matcher.client.post("/v1/matches", json={"items": [item(person(SEED, 1))]}, timeout=0.1)
    assert httpx.get(matcher.url + "/health/ready").elapsed.total_seconds() < 2


def test_status_twice_then_well_again(matcher: Running) -> None:
    matcher.faults(status=503, retry_after=7, times=2)
    responses = [matcher.match(item(person(SEED, 1))) for _ in range(3)]
    assert [r.status_code for r in responses] == [503, 503, 200]
    assert responses[0].headers["retry-after"] == "7"
    assert responses[0].headers["content-type"] == "application/problem+json"


def test_rate_limit(matcher: Running) -> None:
    matcher.faults(rate_limit=0.02)  # one in fifty seconds, whatever else this machine does meanwhile
    responses = [matcher.match(item(person(SEED, 1))) for _ in range(3)]
    assert [r.status_code for r in responses] == [200, 429, 429]
    assert 1 <= int(responses[-1].headers["retry-after"]) <= 50
    assert responses[-1].headers["content-type"] == "application/problem+json"


def test_wrong_answers(matcher: Running) -> None:
    items = [item(person(SEED, i)) for i in range(400)]
    matcher.faults(wrong_answers=0.5)
    outcomes = [a["outcome"] for a in matcher.match(*items).json()["answers"]]
    assert 120 < outcomes.count("matched") < 280
    assert len(set(outcomes)) == 5
    assert outcomes == [a["outcome"] for a in matcher.match(*items).json()["answers"]]


def test_down_by_breaking_the_connection(matcher: Running) -> None:
    matcher.faults(down={"how": "close"})
    for _ in range(2):
        with pytest.raises(httpx.RemoteProtocolError):
            matcher.match(item(person(SEED, 1)))
    matcher.faults()
    assert matcher.match(item(person(SEED, 1))).status_code == 200


def test_down_by_refusing_connections(matcher: Running) -> None:
    matcher.faults(down={"how": "refuse", "seconds": 4})
    end = time.monotonic() + 4
    refused = False
    while time.monotonic() < end and not refused:
        try:
            httpx.get(matcher.url + "/health/live", timeout=1)
        except httpx.ConnectError:
            refused = True
        time.sleep(0.05)
    assert refused
    matcher.wait(20)
    assert matcher.match(item(person(SEED, 1))).status_code == 200
    assert matcher.client.get("/v1/faults").json()["down"] is None


@pytest.mark.parametrize(
    "faults", [{"delay_ms": -1}, {"status": 200}, {"wrong_answers": 2}, {"down": True}, {"dwon": {}}]
)
def test_bad_faults_are_refused(matcher: Running, faults: dict[str, Any]) -> None:
    assert matcher.client.put("/v1/faults", json=faults).status_code == 400


def test_metrics_count_outcomes_and_the_log_holds_no_person(matcher: Running) -> None:
    p = person(SEED, 3)
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    matcher.client.post(
        "/v1/matches", json={"items": [item(p)]}, headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    )
    text = httpx.get(matcher.url + "/metrics").text
    assert 'matcher_answers_total{outcome="matched"}' in text
    people = next(line for line in text.splitlines() if line.startswith("matcher_people "))
    assert float(people.split()[1]) >= SIZE
    logged = matcher.logged()
    assert trace in logged
    assert p.name not in logged and p.document_number not in logged and KEY not in logged


def test_the_api_describes_itself(matcher: Running) -> None:
    assert "/v1/matches" in httpx.get(matcher.url + "/schema/openapi.json").json()["paths"]


def test_a_second_start_keeps_the_people_and_production_has_no_switches(tmp_path: Path) -> None:
    first = Running(tmp_path)
    assert "added" in first.logged()
    assert first.stop() == 0
    second = Running(tmp_path, XUEJI_ENV="production")
    assert "people added" not in second.logged()
    assert second.match(item(person(SEED, SIZE - 1))).json()["answers"][0]["outcome"] == "matched"
    for method, path in [("PUT", "/v1/faults"), ("GET", "/v1/faults"), ("POST", "/v1/population")]:
        assert second.client.request(method, path, json={}).status_code == 404
    assert second.stop() == 0


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({}, "XUEJI_MATCHER_API_KEY is not set\nXUEJI_MATCHER_DATA is not set"),
        ({"XUEJI_MATCHER_API_KEY": KEY, "XUEJI_MATCHER_DATA": "x", "XUEJI_MATCHER_SIZE": "many"}, "XUEJI_MATCHER_SIZE"),
        ({"XUEJI_MATCHER_API_KEY": KEY, "XUEJI_MATCHER_DATA": "x", "XUEJI_ENV": "test"}, "XUEJI_ENV"),
    ],
)
def test_bad_settings_are_said_at_once(environment: dict[str, str], message: str) -> None:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")}
    done = subprocess.run(
        [sys.executable, "-m", "matcher", "serve"],
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert message in done.stderr and KEY not in done.stderr and "Traceback" not in done.stderr


def test_a_port_taken_is_said_with_the_way_out(running: Running, tmp_path: Path) -> None:
    environment = running.environment | {"XUEJI_MATCHER_DATA": str(tmp_path / "x.sqlite")}
    done = subprocess.run(
        [sys.executable, "-m", "matcher", "serve"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2 and "Cure" in done.stderr and "Traceback" not in done.stderr
