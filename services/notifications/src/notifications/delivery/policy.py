"""When something is sent, tried again, given up, and to which addresses at all. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from urllib.parse import urlsplit

from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.delivery import Channel, Topic

WAITS = timedelta(minutes=2)
"""What a notice is waited for before it is sent on: portions of one act come within it and are one message."""

AGAIN = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=12),
)
"""After the first, second, … try. After one more it is given up, most of a day later."""

LEASE = timedelta(minutes=2)
"""A try that has not come back by then was killed: the message goes out again, under its id."""

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
CODES_AN_HOUR = 5

MOST_WEBHOOKS = 10
"""Of one organisation."""

_EMAIL = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
)
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
LONGEST_URL = 500


def next_try(tries: int, now: datetime) -> datetime | None:
    """When a message that has failed so many times is tried again; None: it is given up."""
    return now + AGAIN[tries - 1] if tries <= len(AGAIN) else None


def after_quiet(at: datetime, quiet: tuple[time, time]) -> datetime:
    """The moment itself, or the end of the quiet hours that it lies in: urgent messages wait, too."""
    begin, end = quiet
    if begin == end:
        return at
    now = at.timetz().replace(tzinfo=None)
    if begin > end:  # over midnight
        inside = now >= begin or now < end
        day = at.date() + timedelta(days=1) if now >= begin else at.date()
    else:
        inside, day = begin <= now < end, at.date()
    return datetime.combine(day, end, at.tzinfo) if inside else at


def topic(kind: str, title: str) -> Topic:
    """What a notice is about, for whoever wants only some."""
    if kind.startswith("reminder_") or kind == "escalation":
        return Topic.REMINDER
    return Topic.WORK if title.startswith("待办") or "待" in title[:12] else Topic.RESULT


@clause("45.3")
def address(channel: Channel, text: str) -> Finding | None:
    """An address that can be one."""
    if channel is Channel.EMAIL:
        if len(text) <= 254 and _EMAIL.fullmatch(text):
            return None
        message, cure = "电子邮箱格式不对", "填写完整的电子邮箱地址，例如 name@example.cn"
    else:
        if _MOBILE.fullmatch(text):
            return None
        message, cure = "手机号格式不对", "填写11位中国大陆手机号"
    return refuse("45.3", "contact.address", message, cure=cure, fields=("address",))


def masked(channel: Channel, text: str) -> str:
    """Enough to know one's own again."""
    if channel is Channel.SMS:
        return f"{text[:3]}****{text[-4:]}"
    name, _, domain = text.partition("@")
    return f"{name[:1]}***@{domain}"


@clause("45.3")
def webhook_url(url: str, *, private: bool) -> Finding | None:
    """Where messages may go at all. `private`: a test's own machine; otherwise HTTPS alone, by a name and not a number.

    Which addresses a name stands for is looked at when something is sent (`public`): names change.
    """
    faults = []
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if len(url) > LONGEST_URL or not host or re.search(r"[\s\x00-\x1f]", url):
        faults.append("网址不完整")
    elif parts.scheme != "https" and not (private and parts.scheme == "http"):
        faults.append("网址应以 https:// 开头")
    elif parts.username or parts.password or parts.fragment:
        faults.append("网址中不得有用户名、密码或 #")
    elif not private and (_is_number(host) or "." not in host or port not in (None, 443, 8443)):
        faults.append("网址须使用公网域名和端口 443 或 8443")
    if not faults:
        return None
    return refuse("45.3", "webhook.url", "；".join(faults), cure="填写接收系统的公网 https 网址", fields=("url",))


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return host.replace(".", "").isdigit()
    return True


@clause("45.3")
def public(addresses: Iterable[str]) -> bool:
    """Whether all of what a name stands for lies outside: no own network, no loopback, no metadata service."""
    found = [ipaddress.ip_address(one.partition("%")[0]) for one in addresses]
    return bool(found) and all(_outside(one) for one in found)


def _outside(one: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(one, ipaddress.IPv6Address):
        inner = one.ipv4_mapped or one.sixtofour or (one.teredo[1] if one.teredo else None)
        if inner is not None:
            return _outside(inner)
        if one in ipaddress.ip_network("64:ff9b::/96"):
            return _outside(ipaddress.IPv4Address(int(one) & 0xFFFFFFFF))
    return one.is_global and not one.is_multicast
