"""A POST carries an `Idempotency-Key`: sent twice, it is done once, and the second time gets the first answer.

The key is made unique per account and address, so that two accounts, or two acts, never meet in one key. A search or a
precheck changes nothing and only has its key checked: one rule for all POSTs but signing in.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any

import msgspec
from litestar import Request
from litestar.params import HeaderParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor

from gateway.problems import ProblemError, invalid

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="客户端生成的唯一键（1–200 个可见 ASCII 字符）。用同一个键重试不会重复执行，得到首次的结果。",
        required=True,
    ),
]
IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=40, description='所依据的版本，即查询结果的 ETag，如 "3"。'),
]
_ETAG = re.compile(r'^"(\d{1,10})"$')


def provide_command_id(request: Request[Actor, Any, Any], idempotency_key: IdempotencyKey) -> str:
    """The id of the command that this request becomes."""
    return derived("command", request.user.account, request.method, request.scope["path"], idempotency_key)


def thing_id(actor: Actor, what: str, command_id: str) -> str:
    """The id of the new thing that a command makes: a repeat names the same thing."""
    return derived(what, actor.account, command_id)


def repeatable(actor: Actor, act: str, *what: Any) -> str:
    """The id of a command that needs no key, because what it asks names it: an edit of one version, a cancellation."""
    digest = hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()
    return derived("command", actor.account, act, digest)


def etag(version: int) -> dict[str, str]:
    return {"ETag": f'"{version}"'}


def expected_version(if_match: str | None) -> int | None:
    """The version of an If-Match header, None where there is none."""
    if if_match is None:
        return None
    found = _ETAG.match(if_match.strip())
    if not found:
        raise invalid("If-Match", '应为查询结果的 ETag，如 "3"')
    return int(found.group(1))


def required_version(if_match: str | None) -> int:
    version = expected_version(if_match)
    if version is None:
        raise ProblemError("precondition_required")
    return version
