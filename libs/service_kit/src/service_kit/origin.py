"""Where a request comes from: told by the gateway, carried from service to service, written into the audit log (45.1)."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

import msgspec
from shared_contracts.discreet import Discreet

HEADER = "xueji-origin"


class Origin(Discreet, msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`address`: of the client; `session`: its id; `operation`: `"GET /v1/students/{student_id}"`."""

    address: str = ""
    session: str = ""
    operation: str = ""


NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("origin", default=NOWHERE)
"""Of the request that this task answers. The gateway sets it; the kit sets it again in each service."""

_decode = msgspec.json.Decoder(Origin).decode


def inject(headers: dict[str, str]) -> None:
    """Put it into the headers of a message that goes to another service."""
    if (here := origin.get()) is not NOWHERE:
        headers[HEADER] = msgspec.json.encode(here).decode()


def extract(headers: Mapping[str, str] | None) -> Origin:
    """What the sender put in; what cannot be read is nowhere: it must not keep a request from being answered."""
    text = (headers or {}).get(HEADER)
    if not text:
        return NOWHERE
    try:
        return _decode(text)
    except msgspec.MsgspecError:
        return NOWHERE
