"""A school gets another registrar (clause 43), over HTTP from the account to the notice: trained first, appointed then,
replaced in the middle of the year by nobody but the authority."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from e2e_api import problem_of
from e2e_clock import CLOCK
from e2e_flow import today
from e2e_system import HANGS, System, wait_for
from shared_contracts.decisions import Outcome

pytestmark = pytest.mark.clause("43")

SCHOOL = "3123000103"  # qihui, in the county 230103
TRAINING = {"title": "学籍管理员岗前培训", "organiser": "哈尔滨市教育局", "completed_on": "2026-08-20"}
TOKEN_STATE_SECONDS = 10.0
"""The gateway hears within seconds that a token counts no more, and on the slowest machine long before the five minutes are
over after which it would have ended by itself."""


@dataclass
class Newcomer:
    """An account made over the API, with the session that it has now."""

    http: httpx.Client
    username: str
    password: str
    token: str = ""

    def sign_in(self) -> dict[str, Any]:
        answer = self.http.post("/v1/sessions", json={"username": self.username, "password": self.password})
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()
        self.token = session["access_token"]
        return session["account"]

    def get(self, path: str) -> httpx.Response:
        return self.http.get(path, headers={"Authorization": f"Bearer {self.token}"})


def newcomer(system: System, name: str) -> Newcomer:
    """As an account administrator makes it; its owner has taken a password of his own."""
    username = f"qihui.{name}{secrets.token_hex(3)}"
    body = {"username": username, "name": name, "organisation": SCHOOL, "roles": ["registrar"]}
    made = system.account("nangang.admin").send("POST", "/v1/accounts", json=body)
    assert made.status_code == 201, made.text
    person = Newcomer(system.anonymous(), username, made.json()["password"])
    assert person.sign_in()["limited"] == "password"
    new = f"{secrets.token_urlsafe(12)}7q"
    changed = person.http.put(
        "/v1/sessions/current/password",
        json={"current": person.password, "new": new},
        headers={"Authorization": f"Bearer {person.token}"},
    )
    assert changed.status_code == 204, changed.text
    person.password = new
    return person


def appointment(username: str, **more: Any) -> dict[str, Any]:
    day = CLOCK.today()
    year = day.year if day.month >= 9 else day.year - 1
    return {
        "username": username,
        "school": SCHOOL,
        "school_year": year,
        "training": TRAINING | {"completed_on": f"{year}-08-20"},
        "begins_on": today(),
        **more,
    }


def test_from_the_account_to_the_replacement(system: System) -> None:
    principal, officer = system.account("qihui.principal"), system.account("nangang.officer")
    first, second = newcomer(system, "lin"), newcomer(system, "su")

    # 先培训后上岗: the role waits, and the refusal says for what.
    assert (account := first.sign_in())["withheld"] == ["registrar"] and account["roles"] == []
    waiting = problem_of(first.get("/v1/rosters"))
    assert waiting.status == 403 and [f.clause for f in waiting.findings] == ["43"], waiting
    untrained = appointment(first.username, training=TRAINING | {"completed_on": "2099-01-01"})
    refused = problem_of(principal.send("POST", "/v1/appointments", json=untrained))
    assert refused.status == 409 and refused.findings[0].code == "appointment.untrained", refused

    made = principal.send("POST", "/v1/appointments", json=appointment(first.username))
    assert made.status_code == 201, made.text
    # The token at hand says still that the role waits: it counts no more, the next one says otherwise.
    wait_for(lambda: first.get("/v1/rosters").status_code == 401, TOKEN_STATE_SECONDS, "the old token ends")
    assert first.sign_in()["roles"] == ["registrar"]
    assert first.get("/v1/rosters").status_code == 200

    # 学年中途原则上不更换: not the school, not the authority without a reason.
    change = appointment(second.username, replaces=made.json()["id"])
    for who, more in ((principal, {"override_reason": "因病离岗"}), (officer, {})):
        refused = problem_of(who.send("POST", "/v1/appointments", json=change | more))
        (finding,) = refused.findings
        assert refused.status == 409 and finding.outcome is Outcome.NEEDS_OVERRIDE and finding.clause == "43", refused
    replaced = officer.send("POST", "/v1/appointments", json=change | {"override_reason": "因病离岗"})
    assert replaced.status_code == 201 and replaced.json()["override_reason"] == "因病离岗", replaced.text
    wait_for(lambda: first.get("/v1/rosters").status_code == 401, TOKEN_STATE_SECONDS, "the former one's token ends")
    assert first.sign_in()["withheld"] == ["registrar"]
    assert second.sign_in()["roles"] == ["registrar"]

    # 基本信息报主管部门: told of both, and seen with the school's others.
    def told() -> list[str]:
        notices = officer.send("GET", "/v1/notices", params={"limit": 200}).json()["items"]
        return [notice["body"] for notice in notices if notice["kind"] == "appointments_changed"]

    wait_for(lambda: any("登记了学籍管理员lin" in body for body in told()), HANGS, "the first is told of")
    wait_for(lambda: any("由su接任" in body for body in told()), HANGS, "the second is told of")
    schools = {item["school"]: item for item in officer.send("GET", "/v1/registrars").json()["items"]}
    assert "su" in schools[SCHOOL]["registrars"] and "lin" not in schools[SCHOOL]["registrars"]

    def pupils() -> int | None:
        items = officer.send("GET", "/v1/registrars").json()["items"]
        return next(item["pupils"] for item in items if item["school"] == SCHOOL)

    wait_for(lambda: pupils() is not None, HANGS, "how many pupils they have is not said")

    # Another county hears and sees nothing of it.
    stranger = system.account("wuchang.officer")
    assert SCHOOL not in {item["school"] for item in stranger.send("GET", "/v1/registrars").json()["items"]}
    reason = {"reason": "调离", "override_reason": "因病离岗"}
    there = f"/v1/appointments/{replaced.json()['id']}/end"
    assert problem_of(stranger.send("POST", there, json=reason)).status == 404
    assert problem_of(principal.send("POST", there, json=reason)).status == 409
    ended = officer.send("POST", there, json=reason)
    assert ended.status_code == 200 and ended.json()["ended_on"] == today(), ended.text


def test_the_overview_does_without_the_registry(breakable: System) -> None:
    officer = breakable.account("nangang.officer")
    breakable.stop("registry")
    try:
        items = officer.send("GET", "/v1/registrars").json()["items"]
    finally:
        breakable.start("registry")
    assert {item["school"] for item in items} >= {SCHOOL}
    assert all(item["pupils"] is None and item["trained"] for item in items if item["school"] == SCHOOL)

    def counted() -> bool:
        """The registry is not waited for for long."""
        again = {item["school"]: item for item in officer.send("GET", "/v1/registrars").json()["items"]}
        return bool(again[SCHOOL]["pupils"] == 0)

    wait_for(counted, HANGS, "the registry is back and nobody's pupils are counted")
