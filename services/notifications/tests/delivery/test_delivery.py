"""From a notice to somebody's telephone: who gets it, what it says, what happens when it cannot be sent."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from delivery_desk import DeliveryDesk
from notifications.delivery import policy, signing
from notifications.delivery.dispatching import dispatch
from service_kit.bus import BusError
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.delivery import (
    Channel,
    ChooseTopics,
    CreateWebhook,
    DeliveryState,
    EndWebhook,
    GetContacts,
    ListWebhooks,
    RemoveContact,
    RotateWebhookSecret,
    Topic,
)
from worklist_desk import CITY_OFFICER, OFFICER, SCHOOL, actor

pytestmark = pytest.mark.integration
MAIL, PHONE = "li@example.cn", "13800138000"
ADMIN = actor(Role.ACCOUNT_ADMIN)
TITLE = "待办：转学"


async def test_an_address_is_proved_and_then_gets_what_its_roles_get(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "email", MAIL)
    await post.proved(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    await post.notice(actor(Role.LEADER))
    await post.notice(CITY_OFFICER)
    mail, text = sorted(await post.go(), key=lambda one: one.channel)
    assert (mail.to, mail.subject) == (MAIL, f"【黑龙江省学籍】{TITLE}")
    assert (text.to, text.text) == (PHONE, f"【黑龙江省学籍】{TITLE}。请登录系统查看办理。")
    assert "王小明" not in mail.text + text.text
    assert await post.go() == []
    shown = await post.deliveries(OFFICER)
    assert [(one.channel, one.to, one.state) for one in shown if one.title == TITLE] == [
        (Channel(one.channel), one.to, DeliveryState.SENT) for one in shown if one.title == TITLE
    ]
    assert {one.to for one in shown} == {"l***@example.cn", "138****8000"}
    assert {one.template for one in shown} == {"notice_email/1", "notice_sms/1", "code_email/1", "code_sms/1"}
    assert {mail.id, text.id} == {one.id for one in shown if one.title == TITLE}


async def test_what_is_added_to_a_notice_is_no_new_message(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    for _ in range(3):
        await post.notice(OFFICER, merge="one")
    assert len(await post.go()) == 1
    await post.notice(OFFICER, merge="one")
    assert await post.go() == []


async def test_nothing_is_sent_before_the_code_and_to_nobody_else(post: DeliveryDesk) -> None:
    post.access.knows(OFFICER)
    await post.set(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    (only,) = await post.go()
    assert "验证码" in only.text
    rows = await post.sql("SELECT c.address, code, content FROM contacts c, deliveries")
    assert not any(PHONE.encode() in bytes(row["address"]) for row in rows)
    assert not any(post.code().encode() in bytes(row["content"]) + bytes(row["code"]) for row in rows)


async def test_a_code_that_is_guessed_at_is_no_good_any_more(post: DeliveryDesk) -> None:
    await post.set(OFFICER, "sms", PHONE)
    await post.send()
    right = post.code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"
    for _ in range(policy.CODE_TRIES):
        reply = await post.confirm(OFFICER, "sms", wrong)
        assert isinstance(reply, Refused) and reply.kind == "invalid"
    reply = await post.confirm(OFFICER, "sms", right)
    assert isinstance(reply, Refused) and reply.kind == "conflict"


async def test_a_code_ends_and_codes_are_not_sent_without_end(post: DeliveryDesk) -> None:
    await post.set(OFFICER, "sms", PHONE)
    await post.send()
    post.clock.pass_(seconds=policy.CODE_LIFE.total_seconds())
    assert isinstance(await post.confirm(OFFICER, "sms", post.code()), Refused)
    for _ in range(policy.CODES_AN_HOUR - 1):
        post.clock.pass_(seconds=1)
        assert not isinstance(await post.set(OFFICER, "sms", PHONE), Refused)
    post.clock.pass_(seconds=1)
    reply = await post.set(OFFICER, "sms", PHONE)
    assert isinstance(reply, Refused) and reply.kind == "conflict"
    post.clock.pass_(hours=1)
    assert not isinstance(await post.set(OFFICER, "sms", PHONE), Refused)


async def test_at_night_people_are_left_alone_and_machines_are_not(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    await hook(post)
    post.clock.pass_(hours=12, minutes=30)  # half past ten in the evening
    await post.notice(OFFICER, "催办：转学", "reminder_last")
    assert [one.channel for one in await post.go()] == ["webhook"]
    (waiting,) = await post.deliveries(OFFICER, state=DeliveryState.WAITING)
    assert waiting.next_try_at is not None and waiting.next_try_at.astimezone(post.clock.now().tzinfo).hour == 7
    post.clock.pass_(hours=9)
    assert [one.channel for one in await post.go()] == ["sms"]


async def test_topics_are_chosen(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    chosen = ChooseTopics(command_id=post.id(), actor=OFFICER, channel="sms", topics=(Topic.REMINDER,))
    assert (await post.do(chosen)).items[0].topics == (Topic.REMINDER,)
    await post.notice(OFFICER)
    await post.notice(OFFICER, "催办：转学", "reminder_first")
    assert ["催办" in one.text for one in await post.go()] == [True]


async def test_whoever_has_another_role_now_is_told_nothing(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    post.access.knows(actor(Role.AUTHORITY_OFFICER, "230103", OFFICER.account))
    await post.notice(OFFICER)
    assert await post.go() == []
    post.access.holders.clear()
    await post.notice(OFFICER)
    assert await post.go() == []


async def test_while_access_is_away_nothing_is_lost(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    post.access.away = True
    post.clock.pass_(minutes=5)
    with pytest.raises(BusError):
        await dispatch(post.db, post.deps)
    post.access.away = False
    assert len(await post.go()) == 1


async def test_what_cannot_be_sent_is_tried_again_and_given_up(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "email", MAIL)
    await post.notice(OFFICER)
    post.sink.smtp_says += [451] * (len(policy.AGAIN) + 1)
    before = post.sink.tries
    assert await post.go() == []
    (waiting,) = await post.deliveries(OFFICER, state=DeliveryState.WAITING)
    assert waiting.tries == 1 and waiting.problem and waiting.next_try_at is not None
    for pause in policy.AGAIN:
        post.clock.pass_(seconds=pause.total_seconds())
        await post.send()
    (given_up,) = await post.deliveries(OFFICER, state=DeliveryState.GIVEN_UP)
    assert given_up.tries == len(policy.AGAIN) + 1 == post.sink.tries - before
    assert MAIL not in given_up.problem
    post.clock.pass_(days=3)
    assert await post.go() == []


async def test_a_later_try_has_the_same_id(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    post.sink.http_says += [503]
    assert await post.go() == []
    post.clock.pass_(minutes=2)
    await post.send()
    sent = post.sink.taken[-1]
    (shown,) = [one for one in await post.deliveries(OFFICER) if one.title == TITLE]
    assert (shown.id, shown.state, shown.tries) == (sent.id, DeliveryState.SENT, 2)


@pytest.mark.parametrize(("channel", "address", "code"), [("email", MAIL, 550), ("sms", PHONE, 400)])
async def test_what_is_refused_for_good_is_not_tried_again(
    post: DeliveryDesk, channel: str, address: str, code: int
) -> None:
    await post.proved(OFFICER, channel, address)
    await post.notice(OFFICER)
    (post.sink.smtp_says if channel == "email" else post.sink.http_says).append(code)
    await post.go()
    (shown,) = await post.deliveries(OFFICER, state=DeliveryState.GIVEN_UP)
    assert shown.tries == 1


async def test_an_address_that_was_removed_gets_nothing_any_more(post: DeliveryDesk) -> None:
    await post.proved(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    post.clock.pass_(minutes=5)
    await dispatch(post.db, post.deps)
    await post.do(RemoveContact(command_id=post.id(), actor=OFFICER, channel="sms"))
    assert await post.go() == []
    (shown,) = await post.deliveries(OFFICER, state=DeliveryState.DROPPED)
    assert shown.problem
    assert (await post.ask(GetContacts(actor=OFFICER))).items == ()


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(("channel", "address"), [("email", "x"), ("email", "a@b.cn\r\nBcc: c@d.cn"), ("sms", "12345")])
async def test_what_is_no_address_is_said(post: DeliveryDesk, channel: str, address: str) -> None:
    reply = await post.set(OFFICER, channel, address)
    assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.findings[0].cure


# ---- webhooks -------------------------------------------------------------------------------------------------------


async def hook(post: DeliveryDesk, **more: Any) -> Any:
    values = {"url": f"http://127.0.0.1:{post.sink.http_port}/hook", "topics": tuple(Topic), "actor": ADMIN} | more
    return await post.do(CreateWebhook(command_id=post.id(), webhook_id=post.id(), **values))


async def test_another_system_is_told_and_can_prove_by_whom(post: DeliveryDesk) -> None:
    made = await hook(post)
    await post.notice(OFFICER)
    await post.notice(CITY_OFFICER)
    (got,) = await post.go()
    assert signing.genuine(made.secret, got.headers, got.text.encode())
    body = json.loads(got.text)
    assert body["type"] == "notice.step_reached" and body["data"]["title"] == TITLE
    assert "王小明" not in got.text
    assert abs(int(got.headers["webhook-timestamp"]) - post.clock.now().timestamp()) < 5
    sealed = await post.sql("SELECT secret FROM webhooks")
    assert made.secret.encode() not in bytes(sealed[0]["secret"])


async def test_a_secret_is_replaced_and_a_webhook_ends(post: DeliveryDesk) -> None:
    made = await hook(post)
    again = await post.do(RotateWebhookSecret(command_id=post.id(), actor=ADMIN, webhook_id=made.webhook.id))
    await post.notice(OFFICER)
    (got,) = await post.go()
    assert signing.genuine(again.secret, got.headers, got.text.encode())
    assert not signing.genuine(made.secret, got.headers, got.text.encode())
    ended = await post.do(EndWebhook(command_id=post.id(), actor=ADMIN, webhook_id=made.webhook.id))
    assert ended.ended_at is not None
    await post.notice(OFFICER)
    assert await post.go() == []


async def test_one_that_fails_is_seen_to_fail_until_it_works(post: DeliveryDesk) -> None:
    made = await hook(post)
    await post.notice(OFFICER)
    post.sink.http_says += [500]
    await post.go()
    failing = "SELECT failing_since IS NOT NULL AS failing FROM webhooks"
    assert [row["failing"] for row in await post.sql(failing)] == [True]
    assert [(one.to, one.tries) for one in await post.deliveries(ADMIN)] == [(made.webhook.url, 1)]
    assert await post.deliveries(OFFICER) == []
    post.clock.pass_(minutes=2)
    await post.send()
    assert [row["failing"] for row in await post.sql(failing)] == [False]


@pytest.mark.clause("45.3")
async def test_whose_webhooks_are_whose(post: DeliveryDesk) -> None:
    made = await hook(post)
    for who in (actor(Role.ACCOUNT_ADMIN, "230103"), OFFICER):
        reply = await post.do(EndWebhook(command_id=post.id(), actor=who, webhook_id=made.webhook.id))
        assert isinstance(reply, Refused)
    assert isinstance(await hook(post, actor=OFFICER), Refused)
    client, other = (
        msgspec.structs.replace(actor(Role.INTEGRATION_CLIENT, SCHOOL, f"client:{n}"), scopes=("webhooks:manage",))
        for n in "xy"
    )
    own = await hook(post, actor=client)
    shown = [
        (await post.ask(ListWebhooks(actor=who))).items for who in (client, other, actor(Role.ACCOUNT_ADMIN, SCHOOL))
    ]
    assert [[one.id for one in items] for items in shown] == [[own.webhook.id], [], [own.webhook.id]]
    reply = await post.do(RotateWebhookSecret(command_id=post.id(), actor=other, webhook_id=own.webhook.id))
    assert isinstance(reply, Refused) and reply.kind == "not_found"
    assert isinstance(await hook(post, topics=()), Refused)
    assert isinstance(await hook(post, url="ftp://a.cn/"), Refused)


@pytest.mark.clause("45.3")
async def test_a_name_that_stands_for_the_own_network_is_not_gone_to(post: DeliveryDesk) -> None:
    """Registered while it was another's, or by a test: what a name stands for is looked at when something is sent."""
    await hook(post)
    object.__setattr__(post.deps.webhooks, "_private", False)
    await post.notice(OFFICER)
    before = post.sink.tries
    assert await post.go() == [] and post.sink.tries == before
    (shown,) = await post.deliveries(ADMIN)
    assert "内部网络" in shown.problem


async def test_leases_of_the_dead_end(post: DeliveryDesk) -> None:
    """Taken and never finished: after the lease it goes out, under its id."""
    from notifications.delivery import store

    await post.proved(OFFICER, "sms", PHONE)
    await post.notice(OFFICER)
    post.clock.pass_(minutes=5)
    await dispatch(post.db, post.deps)
    async with post.db.unit(post.deps) as work:
        (taken,) = await store.take(work.tx, work.now, policy.LEASE, 20)
    await post.send()
    assert all(one.id != taken.id for one in post.sink.taken)
    post.clock.pass_(seconds=policy.LEASE.total_seconds())
    (sent,) = await post.go()
    assert sent.id == taken.id
