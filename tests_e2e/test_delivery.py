"""Notices that leave the system, over HTTP: an address is proved and gets mail, another system's webhook is signed, what is
wrong is said (clause 45.3)."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import e2e_truth
import pytest
from e2e_api import Api, done
from e2e_flow import Desk, desk
from e2e_people import People
from e2e_system import HANGS, System, running_system, wait_for
from notifications.delivery import signing
from xueji_local.sink import Sink


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """Mail, text messages and webhooks arrive here, beside the test."""
    loop, made = asyncio.new_event_loop(), Sink()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(made.start(), loop).result(HANGS)
    yield made
    asyncio.run_coroutine_threadsafe(made.stop(), loop).result(HANGS)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(HANGS)


@pytest.fixture(scope="module")
def open_system(sink: Sink) -> Iterator[System]:
    """A system of this module's own: it has channels."""
    with running_system(notifications=sink.settings()) as running:
        yield running


@pytest.fixture(scope="module")
def school(open_system: System) -> Desk:
    return desk(open_system, "xinchun")


def arrived(sink: Sink, channel: str, text: str) -> Any:
    def look() -> Any:
        return next((one for one in sink.taken if one.channel == channel and text in one.subject + one.text), None)

    return wait_for(look, HANGS, f"no {channel} with {text}")


def prove(who: Api, sink: Sink, channel: str, address: str) -> None:
    done(who.send("POST", "/v1/contacts", json={"channel": channel, "address": address}))
    code = re.search(r"\d{6}", arrived(sink, channel, "验证码").text)
    assert code is not None
    wrong = f"{(int(code.group()) + 1) % 10**6:06d}"
    done(who.send("POST", f"/v1/contacts/{channel}/confirmation", json={"code": wrong}), 422)
    shown = done(who.send("POST", f"/v1/contacts/{channel}/confirmation", json={"code": code.group()}))
    assert [one["verified"] for one in shown["items"] if one["channel"] == channel] == [True]
    assert address not in json.dumps(shown)


@pytest.mark.clause("45.3")
def test_what_waits_reaches_whoever_is_not_looking(
    open_system: System, school: Desk, sink: Sink, tmp_path: Path
) -> None:
    prove(school.teacher, sink, "email", "qian@example.cn")
    prove(school.teacher, sink, "sms", "13800138000")
    admin = open_system.account("nangang.admin")
    hook = {"url": f"http://127.0.0.1:{sink.http_port}/hook", "topics": ["work", "reminder", "result"]}
    made = done(admin.send("POST", "/v1/webhooks", json=hook), 201)

    pupils = People(open_system, tmp_path).roster("xinchun", 2)
    roster_id = school.check(pupils).id
    school.confirm(roster_id)
    school.approve(roster_id)
    e2e_truth.settled(open_system)  # what is told of it is written down at a time that is past when the clock is moved
    now = open_system.clock.now()
    open_system.move_to((now + timedelta(days=1)).date(), hour=10)  # past the minutes in which portions come together
    mail = arrived(sink, "email", "待办：班主任审核")
    assert mail.to == "qian@example.cn" and "请登录系统" in mail.text
    assert arrived(sink, "sms", "待办：班主任审核").to == "13800138000"

    def sent() -> list[dict[str, Any]] | None:
        items: list[dict[str, Any]] = done(school.teacher.send("GET", "/v1/deliveries"))["items"]
        return items if {one["state"] for one in items} == {"sent"} else None

    assert mail.id in {one["id"] for one in wait_for(sent, HANGS, "what has arrived is not written down") or []}
    assert done(school.principal.send("GET", "/v1/deliveries"))["items"] == []

    pushed = arrived(sink, "webhook", "待办：学籍主管部门核准")
    assert signing.genuine(made["secret"], pushed.headers, pushed.text.encode())
    assert pushed.id in {one["id"] for one in done(admin.send("GET", "/v1/deliveries"))["items"]}
    for one in sink.taken:
        assert not re.search(r"\d{15}", one.text), "a number of a pupil has left the system"

    done(school.teacher.send("POST", "/v1/contacts/sms/topics", json={"topics": []}))
    assert school.teacher.send("DELETE", "/v1/contacts/email").status_code == 204
    left = done(school.teacher.send("GET", "/v1/contacts"))["items"]
    assert [(one["channel"], one["topics"]) for one in left] == [("sms", [])]
    assert done(admin.send("DELETE", f"/v1/webhooks/{made['webhook']['id']}"))["ended_at"]


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/contacts", {"channel": "fax", "address": "1"}, "channel"),
    ("/v1/contacts", {"channel": "email", "address": ""}, "address"),
    ("/v1/contacts", {"channel": "email", "address": "x" * 255}, "address"),
    ("/v1/contacts", {"channel": "email", "address": "a@b.cn\r\nBcc: c@d.cn"}, "address"),
    ("/v1/contacts", {"channel": "sms", "address": "12345"}, "address"),
    ("/v1/contacts", {"channel": "sms"}, "address"),
    ("/v1/contacts", {"channel": "sms", "address": "13800138000", "more": 1}, "more"),
    ("/v1/contacts/sms/confirmation", {"code": "12345"}, "code"),
    ("/v1/contacts/sms/confirmation", {"code": "abcdef"}, "code"),
    ("/v1/contacts/fax/confirmation", {"code": "123456"}, "channel"),
    ("/v1/contacts/sms/topics", {"topics": ["gossip"]}, "topics"),
    ("/v1/contacts/sms/topics", {"topics": "work"}, "topics"),
    ("/v1/contacts/sms/topics", {}, "topics"),
]
HOOKS: list[tuple[str, dict[str, Any], str]] = [
    ("/v1/webhooks", {"url": "ftp://data.example.cn/", "topics": ["work"]}, "url"),
    ("/v1/webhooks", {"url": "https://u:p@data.example.cn/", "topics": ["work"]}, "url"),
    ("/v1/webhooks", {"url": "https://" + "a" * 500, "topics": ["work"]}, "url"),
    ("/v1/webhooks", {"url": "https://data.example.cn/", "topics": []}, "topics"),
    ("/v1/webhooks", {"url": "https://data.example.cn/", "topics": ["x"]}, "topics"),
    ("/v1/webhooks", {"topics": ["work"]}, "url"),
]


@pytest.mark.parametrize(("path", "body", "field"), [*WRONG, *HOOKS])
def test_what_is_wrong_is_said(open_system: System, school: Desk, path: str, body: dict[str, Any], field: str) -> None:
    who = open_system.account("nangang.admin") if path == "/v1/webhooks" else school.principal
    answer = who.send("POST", path, json=body)
    assert answer.status_code == 422, answer.text
    problem = answer.json()
    assert field in answer.text and problem["detail"] and not problem["detail"].isascii()
    assert done(school.principal.send("GET", "/v1/contacts"))["items"] == []


@pytest.mark.clause("34.1")
def test_a_guardian_hears_once_that_reports_are_there(
    open_system: System, school: Desk, sink: Sink, tmp_path: Path
) -> None:
    made = People(open_system, tmp_path).roster("xinchun", 2)
    roster_id = school.walk(made).id
    ids = sorted(one.id for one in school.registrar.registrations(roster=roster_id))
    exam = {"kind": "exam", "school_year": 2026, "term": "autumn", "subject": "语文", "result": "优秀"}
    today = open_system.clock.now().date()
    for subject in ("语文", "数学"):
        entered = [{"student_id": one, "on": today.isoformat(), "entry": {**exam, "subject": subject}} for one in ids]
        done(school.registrar.send("POST", "/v1/archive-entries", json={"items": entered}), 201)
    e2e_truth.settled(open_system)
    open_system.move_to(today + timedelta(days=1), hour=10)

    def told() -> list[Any]:
        """One with the id of another is the same message: whoever had no answer in time has sent it again."""
        sent = [one for one in sink.taken if one.channel == "sms" and "综合素质评价" in one.text]
        return list({(one.id, one.to): one for one in sent}.values())

    phones = {str(cell) for cells in made.rows.values() for title, cell in cells.items() if "电话" in title and cell}
    wait_for(lambda: len(told()) >= len(ids), HANGS, "no guardian was told")
    assert len(told()) == len(ids) and {one.to for one in told()} <= phones
    names = {str(cells["姓名"]) for cells in made.rows.values()}
    assert not any(name in one.text or "语文" in one.text for one in told() for name in names)
