"""The rules of integration clients (clause 45.3; RFC 6749, 4.4). Pure."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta

from regulation.findings import refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.access import SCOPES
from shared_contracts.decisions import Finding


@clause("45.3")
def check_scopes(scopes: Collection[str]) -> Finding | None:
    """At least one of those there are, each once: no client is given everything by leaving it open."""
    if scopes and len(set(scopes)) == len(scopes) and set(scopes) <= set(SCOPES):
        return None
    cure = "从以下范围中选择：" + "、".join(SCOPES)
    return refuse("45.3", "client.scopes", "接口权限范围为空、重复或不存在", cure=cure, fields=("scopes",))


@clause("45.3")
def check_expiry(expires_on: date, today: date, parameters: Parameters) -> Finding | None:
    """From today on, and not for longer than there is somebody who remembers what it is for."""
    last = today + timedelta(days=parameters.client_max_days)
    if today <= expires_on <= last:
        return None
    cure = f"选择{today}至{last}之间的日期，到期前再延长"
    return refuse("45.3", "client.expiry", "接口用户的有效期不对", cure=cure, fields=("expires_on",))


def granted(asked: str, given: Collection[str]) -> tuple[str, ...] | None:
    """The scopes of a token: those asked for, all that were given where none is asked for; None for one not given."""
    wanted = tuple(dict.fromkeys(asked.split()))
    if not wanted:
        return tuple(given)
    return wanted if set(wanted) <= set(given) else None


def is_over(expires_on: date, today: date) -> bool:
    """After its last day."""
    return today > expires_on
