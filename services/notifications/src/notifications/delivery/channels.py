"""The ways out: a mail server, a gateway for text messages, other systems' webhooks. Each takes the message's id, so that a
second try of the same message can be told from another.

Every send either returns (the other side has taken it) or raises `Failed` with what stood in the way, in Chinese, without
address or content. `final`: another try would not help.
"""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from notifications.delivery import policy
from notifications.delivery.templates import Written
from notifications.settings import NotificationsSettings

PATIENCE = 10.0
"""Seconds for one message."""


class Failed(Exception):
    def __init__(self, problem: str, *, final: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.final = problem, final


class Personal(Protocol):
    """A channel to a person's address."""

    async def send(self, message_id: str, to: str, message: Written) -> None: ...


class Smtp:
    """E-mail. The standard library's client in a thread: a message is one short conversation."""

    def __init__(self, settings: NotificationsSettings) -> None:
        self._settings = settings

    async def send(self, message_id: str, to: str, message: Written) -> None:
        try:
            await asyncio.wait_for(asyncio.to_thread(self._send, message_id, to, message), PATIENCE * 2)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise Failed("收件地址被邮件服务器拒绝", final=all(code >= 500 for code in codes)) from None
        except smtplib.SMTPResponseException as error:
            raise Failed(f"邮件服务器答复{error.smtp_code}", final=error.smtp_code // 100 == 5) from None
        except (OSError, smtplib.SMTPException, TimeoutError):
            raise Failed("无法连接邮件服务器") from None

    def _send(self, message_id: str, to: str, message: Written) -> None:
        own = self._settings
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = message.subject, own.mail_from, to
        mail["Message-ID"] = f"<{message_id}@{own.mail_from.rpartition('@')[2]}>"
        mail["Date"] = formatdate(localtime=True)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.body)
        if own.smtp_tls == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                own.smtp_host, own.smtp_port, timeout=PATIENCE, context=ssl.create_default_context()
            )
        else:
            server = smtplib.SMTP(own.smtp_host, own.smtp_port, timeout=PATIENCE)
        with server:
            if own.smtp_tls == "starttls":
                server.starttls(context=ssl.create_default_context())
            if own.smtp_user:
                server.login(own.smtp_user, own.smtp_password)
            server.send_message(mail)


class SmsGateway:
    """Text messages, over the adapter that an installation puts before its provider: `POST` of id, number and text, with a
    bearer token. The id makes a repeat one message; 2xx: taken; 4xx: refused for good; anything else: later."""

    def __init__(self, settings: NotificationsSettings, client: httpx.AsyncClient) -> None:
        self._url, self._key, self._client = settings.sms_url, settings.sms_key, client

    async def send(self, message_id: str, to: str, message: Written) -> None:
        try:
            answer = await self._client.post(
                self._url,
                json={"id": message_id, "to": to, "text": message.body},
                headers={"Authorization": f"Bearer {self._key}", "Idempotency-Key": message_id},
                timeout=PATIENCE,
            )
        except (httpx.HTTPError, OSError):
            raise Failed("无法连接短信网关") from None
        if answer.status_code >= 300:
            refused = 400 <= answer.status_code < 500 and answer.status_code not in (401, 403, 408, 429)
            raise Failed(f"短信网关答复{answer.status_code}", final=refused)


class Webhooks:
    """Other systems. The name is looked up here and the connection goes to the address that was looked at: a name that
    stands for the own network a moment later leads nowhere else. No redirect is followed, no answer is read."""

    def __init__(self, settings: NotificationsSettings, client: httpx.AsyncClient) -> None:
        self._private, self._client = bool(settings.webhook_private), client

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            raise Failed("接收系统的域名无法解析") from None
        addresses = [str(one[4][0]) for one in found]
        if not self._private and not policy.public(addresses):
            raise Failed("接收系统的域名指向内部网络，不予发送")
        target = httpx.URL(url).copy_with(host=addresses[0])
        where = host if parts.port is None else f"{host}:{parts.port}"
        try:
            async with self._client.stream(
                "POST",
                target,
                content=body,
                headers={**headers, "host": where},
                extensions={"sni_hostname": host},
                timeout=PATIENCE,
                follow_redirects=False,
            ) as answer:
                status = answer.status_code
        except (httpx.HTTPError, OSError):
            raise Failed("无法连接接收系统") from None
        if status == 410:
            raise Failed("接收系统答复410，不再接收", final=True)
        if not 200 <= status < 300:
            raise Failed(f"接收系统答复{status}")
