"""A city narrows, a county follows, the province files: policy values through the gateway, in every copy (clause 49)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from e2e_api import Api, problem_of
from e2e_cast import COUNTY, NEIGHBOUR, Cast
from e2e_clock import CLOCK
from e2e_flow import today
from e2e_system import HANGS, System, wait_for
from shared_contracts.policy import PolicyValue, PolicyView, SchoolCalendar, Simulation

KEY = "large_school_single"
"""Nobody's school in the demonstration is anywhere near it."""


def day(after: int) -> str:
    return (CLOCK.today() + timedelta(days=after)).isoformat()


def new(value: Any, after: int = 30, **more: Any) -> dict[str, Any]:
    return {"key": KEY, "value": value, "valid_from": day(after), "basis": "哈教规〔2026〕3号", **more}


def held(who: Api, on: str, division: str = COUNTY) -> tuple[Any, str, str]:
    view = who.want(PolicyView, "GET", "/v1/policy/parameters", params={"division": division, "on": on})
    (found,) = [parameter for parameter in view.parameters if parameter.key == KEY]
    return found.held.value, found.held.division, view.version


@pytest.mark.clause("49")
def test_from_the_proposal_to_the_filing(system: System, cast: Cast) -> None:
    county, registrar = system.account("nangang.officer"), system.account("xinchun.registrar")

    # Looked at first: nothing is written.
    looked = county.want(
        Simulation, "POST", "/v1/policy/simulations", json={"key": KEY, "value": 1, "valid_from": day(30)}
    )
    assert looked.findings == ()
    assert [county_.county for county_ in looked.counties] == [COUNTY]
    outside = problem_of(county.call("POST", "/v1/policy/values", json=new(2001)))
    assert (outside.status, outside.findings[0].code, outside.findings[0].clause) == (
        409,
        "policy.outside_bounds",
        "49",
    )
    assert "1至2000人" in outside.findings[0].message
    assert held(county, day(30))[:2] == (2000, "230000")

    # Published: every copy of the service knows it before its day; it holds there and nowhere else.
    value = county.want(PolicyValue, "POST", "/v1/policy/values", json=new(1800))
    wait_for(lambda: held(registrar, day(30))[0] == 1800, HANGS, "the value has not come into the book")
    assert held(registrar, day(30)) == (1800, COUNTY, f"230000@2006-09-01 {COUNTY}@{day(30)}")
    assert held(registrar, day(29))[:2] == (2000, "230000")
    assert held(registrar, day(30), NEIGHBOUR)[:2] == (2000, "230000")

    # Filed to the province, which is told, and returns it in time: it does not take effect, and the county hears why.
    officer = cast["province.officer"]

    def notices(who: Any) -> list[str]:
        return [notice["title"] for notice in who("GET", "/v1/notices?limit=200").json()["items"]]

    wait_for(lambda: "待办：政策参数备案" in notices(officer.send), HANGS, "the province has not been told")
    filings = officer.send("GET", "/v1/policy/filings?state=waiting").json()["items"]
    assert value.id in [filing["id"] for filing in filings]
    answer = officer.send(
        "POST",
        f"/v1/policy/filings/{value.id}/decisions",
        json={"decision": "return", "reason": "缺少集体研究记录"},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["value"]["standing"] == "returned"
    wait_for(lambda: held(registrar, day(30))[0] == 2000, HANGS, "the returned value still stands in the book")
    wait_for(lambda: "政策参数备案被退回" in notices(county.call), HANGS, "the county has not been told")

    # Another one, acknowledged; then taken back before its day.
    second = county.want(PolicyValue, "POST", "/v1/policy/values", json=new(1900))
    done = officer.send("POST", f"/v1/policy/filings/{second.id}/decisions", json={"decision": "acknowledge"})
    assert done.json()["state"] == "acknowledged"
    assert second.id not in [
        filing["id"] for filing in officer.send("GET", "/v1/policy/filings?state=waiting").json()["items"]
    ]
    gone = county.want(PolicyValue, "POST", f"/v1/policy/values/{second.id}/withdrawal", json={"reason": "另行发文"})
    assert (gone.standing, gone.filing) == ("withdrawn", "acknowledged")
    history = county.call("GET", f"/v1/policy/values?division={COUNTY}&key={KEY}").json()["items"]
    assert [one["standing"] for one in history] == ["withdrawn", "returned"]


@pytest.mark.clause("49")
def test_narrower_bounds_name_whom_they_would_outlaw(system: System, cast: Cast) -> None:
    city, county = cast["city.leader"], system.account("wuchang.officer")
    lower = county.want(PolicyValue, "POST", "/v1/policy/values", json=new(1500, 40))
    answer = city.send("POST", "/v1/policy/values", json=new(1900, 40, low=1600, high=1900))
    assert answer.status_code == 409, answer.text
    assert [finding["code"] for finding in answer.json()["findings"]] == ["policy.outlaws_lower"]
    assert answer.json()["findings"][0]["facts"]["division"] == NEIGHBOUR
    county.want(PolicyValue, "POST", f"/v1/policy/values/{lower.id}/withdrawal", json={"reason": "服从上级规定"})
    made = city.send("POST", "/v1/policy/values", json=new(1900, 40, low=1600, high=1900))
    assert made.status_code == 201, made.text
    refused = problem_of(county.call("POST", "/v1/policy/values", json=new(1500, 41)))
    assert refused.findings[0].facts["bounds_of"] == "230100"
    value_id = made.json()["id"]
    assert city.send("POST", f"/v1/policy/values/{value_id}/withdrawal", json={"reason": "测试"}).status_code == 200


@pytest.mark.clause("45.2", "49")
def test_what_is_published_comes_to_the_services_that_use_it(system: System, cast: Cast) -> None:
    leader = cast["county.leader"]
    made = leader.send("POST", "/v1/policy/values", json={**new(150_000, 60), "key": "export_max_rows"})
    assert made.status_code == 201, made.text
    kept = "SELECT published::text FROM policy_replica"
    wait_for(lambda: "150000" in system.value("access", kept), HANGS, "access has not heard of the county's cap")
    path = f"/v1/policy/values/{made.json()['id']}/withdrawal"
    assert leader.send("POST", path, json={"reason": "测试"}).status_code == 200
    wait_for(lambda: "150000" not in system.value("access", kept), HANGS, "access still has what was taken back")


@pytest.mark.clause("4.1", "10.1")
def test_the_school_calendar_is_everybodys(system: System) -> None:
    registrar = system.account("xinchun.registrar")
    year = registrar.want(SchoolCalendar, "GET", "/v1/policy/calendar?school_year=2026")
    assert year.division == COUNTY
    assert (year.autumn_first.isoformat(), year.enrolment_last.isoformat()) == ("2026-09-01", "2026-09-30")


@pytest.mark.clause("49")
def test_the_same_publication_sent_twice_is_one(cast: Cast) -> None:
    leader = cast["county.leader"]
    key = {"Idempotency-Key": f"twice-{today()}"}
    body = {**new(45, 50), "key": "class_size_junior"}
    first, second = [leader.send("POST", "/v1/policy/values", json=body, headers=key) for _ in range(2)]
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    other = leader.send("POST", "/v1/policy/values", json={**body, "value": 44}, headers=key)
    assert other.status_code == 409
    value_id = first.json()["id"]
    assert leader.send("POST", f"/v1/policy/values/{value_id}/withdrawal", json={"reason": "测试"}).status_code == 200


@pytest.mark.clause("49")
@pytest.mark.slow
def test_the_registry_killed_at_each_write_of_a_publication(breakable: System) -> None:
    """Nothing half: no value without its filing, and the same request sent again publishes it once."""
    leader = breakable.account("nangang.officer")
    for number, table in enumerate(("policy_values", "policy_filings", "outbox")):
        body, key = new(1700 - number, 70 + number), f"killed-at-{table}"
        with ThreadPoolExecutor(1) as pool:
            with breakable.held("registry", f"LOCK TABLE {table} IN SHARE MODE"):
                asked = pool.submit(leader.send, "POST", "/v1/policy/values", json=body, key=key)
                breakable.wait_blocked("registry", table)
                breakable.kill("registry")
            breakable.start("registry")
            asked.result()
        again = leader.send("POST", "/v1/policy/values", json=body, key=key)
        assert again.status_code == 201, again.text
        rows = """SELECT count(*) FROM policy_values v JOIN policy_filings f ON f.value_id = v.id
                  WHERE v.value = $1::text::jsonb"""
        assert breakable.value("registry", rows, str(body["value"])) == 1
        assert breakable.value("registry", "SELECT version FROM policy_book") == number + 1
        on = body["valid_from"]
        wait_for(lambda on=on, want=body["value"]: held(leader, on)[0] == want, HANGS, "it has not come into the book")
