"""Quiet hours, tries, addresses: on both sides of each boundary."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from notifications.delivery import policy, signing, templates
from shared_contracts.delivery import Channel, Topic

ZONE = ZoneInfo("Asia/Shanghai")
QUIET = time(22), time(7)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 9, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        (at(10, 21, 59), at(10, 21, 59)),
        (at(10, 22), at(11, 7)),
        (at(10, 23, 59), at(11, 7)),
        (at(11, 0), at(11, 7)),
        (at(11, 6, 59), at(11, 7)),
        (at(11, 7), at(11, 7)),
        (at(11, 12), at(11, 12)),
    ],
)
def test_in_the_night_nobody_is_woken(moment: datetime, sent: datetime) -> None:
    assert policy.after_quiet(moment, QUIET) == sent


def test_quiet_hours_may_lie_within_a_day_or_not_be() -> None:
    noon = time(12), time(14)
    assert policy.after_quiet(at(10, 11, 59), noon) == at(10, 11, 59)
    assert policy.after_quiet(at(10, 12), noon) == at(10, 14)
    assert policy.after_quiet(at(10, 14), noon) == at(10, 14)
    assert policy.after_quiet(at(10, 3), (time(0), time(0))) == at(10, 3)


def test_tries_lie_farther_and_farther_apart_and_end() -> None:
    now = at(10, 9)
    pauses = [policy.next_try(tries, now) for tries in range(1, len(policy.AGAIN) + 2)]
    assert pauses[-1] is None
    waits = [one - now for one in pauses if one is not None]
    assert waits == sorted(waits) and waits[0] == timedelta(minutes=1)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("text", ["a@example.cn", "li.ming+x@mail.hlj.gov.cn", "x" * 64 + "@example.com"])
def test_addresses_that_can_be(text: str) -> None:
    assert policy.address(Channel.EMAIL, text) is None


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "text", ["", "a", "a@b", "a@@b.cn", "a b@c.cn", "a@-b.cn", "x" * 65 + "@b.cn", "a@b.cn\nBcc: x@y.cn", "李@b.cn"]
)
def test_addresses_that_cannot(text: str) -> None:
    found = policy.address(Channel.EMAIL, text)
    assert found is not None and found.cure and found.fields == ("address",)


@pytest.mark.parametrize(("text", "good"), [("13800138000", True), ("19912345678", True), ("12800138000", False),
    ("1380013800", False), ("138001380000", False), ("+8613800138000", False), ("", False)])  # fmt: skip
def test_mobile_numbers(text: str, good: bool) -> None:
    assert (policy.address(Channel.SMS, text) is None) is good


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("url", ["https://data.example.cn/hook", "https://a.example.cn:8443/x?y=1"])
def test_webhooks_that_may_be(url: str) -> None:
    assert policy.webhook_url(url, private=False) is None


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "url",
    [
        "", "x", "ftp://a.cn/", "http://data.example.cn/", "https://127.0.0.1/", "https://10.0.0.1/", "https://[::1]/",
        "https://localhost/", "https://2130706433/", "https://a.cn:22/", "https://u:p@a.cn/", "https://a.cn/#x",
        "https://a.cn/\r\nx", "https://a.cn:99999/", "https://" + "a" * 500 + ".cn/",
    ],
)  # fmt: skip
def test_webhooks_that_may_not_be(url: str) -> None:
    found = policy.webhook_url(url, private=False)
    assert found is not None and found.fields == ("url",)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("addresses", "outside"),
    [
        (["8.8.8.8"], True), (["2400:3200::1"], True), ([], False), (["8.8.8.8", "10.0.0.1"], False),
        (["127.0.0.1"], False), (["169.254.169.254"], False), (["192.168.1.1"], False), (["172.16.0.1"], False),
        (["100.64.0.1"], False), (["0.0.0.0"], False), (["224.0.0.1"], False), (["::1"], False), (["fe80::1%eth0"], False),
        (["fc00::1"], False), (["::ffff:10.0.0.1"], False), (["2002:0a00:0001::"], False), (["64:ff9b::a00:1"], False),
    ],
)  # fmt: skip
def test_nothing_goes_to_the_own_network(addresses: list[str], outside: bool) -> None:
    assert policy.public(addresses) is outside


@pytest.mark.parametrize(
    ("kind", "title", "topic"),
    [
        ("reminder_first", "催办：转学", Topic.REMINDER),
        ("escalation", "督办：转学逾期未办", Topic.REMINDER),
        ("step_reached", "待办：班主任审核", Topic.WORK),
        ("migrant_waits", "随迁子女就学申请待办理", Topic.WORK),
        ("roster_completed", "名册办理完成", Topic.RESULT),
    ],
)
def test_topics(kind: str, title: str, topic: Topic) -> None:
    assert policy.topic(kind, title) is topic


def test_what_is_signed_is_what_the_standard_says() -> None:
    """The example of the Standard Webhooks specification."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    moment = datetime.fromtimestamp(1614265330, ZONE)
    headers = signing.headers(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signing.genuine(secret, headers, body)
    assert not signing.genuine(secret, headers, body + b" ")
    assert not signing.genuine(signing.new_secret(), headers, body)


def test_templates_name_their_versions_and_none_is_missing() -> None:
    day = at(10, 9).date()
    for key in ("notice_email", "notice_sms", "code_email", "code_sms", "notice_webhook"):
        found = templates.in_force(key, day)
        assert templates.templates()[found.name] is found
    written = templates.write("notice_sms/1", {"title": "待办：转学"})
    assert len(written.body) <= 70, "one text message"
    with pytest.raises(LookupError):
        templates.in_force("notice_sms", day.replace(year=2020))
