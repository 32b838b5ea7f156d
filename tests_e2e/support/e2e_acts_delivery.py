"""Contacts, webhooks and deliveries: what is the own account's, and what administrators and other systems may register."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import CLIENTS, PEOPLE, Row, anywhere, at, body
from e2e_people import People

_ADMINISTER = anywhere("admin") | at("client.students")
_OWN = at("county.admin")

ROWS: Mapping[str, Row] = {
    "GET /v1/contacts": Row(PEOPLE | CLIENTS),
    "POST /v1/contacts": Row(PEOPLE | CLIENTS, body(channel="email", address="x")),
    "POST /v1/contacts/{channel}/confirmation": Row(
        PEOPLE | CLIENTS, body(code="000000"), path="/v1/contacts/sms/confirmation", unknown=True
    ),
    "POST /v1/contacts/{channel}/topics": Row(
        PEOPLE | CLIENTS, body(topics=[]), path="/v1/contacts/sms/topics", unknown=True
    ),
    "DELETE /v1/contacts/{channel}": Row(PEOPLE | CLIENTS, path="/v1/contacts/sms"),
    "GET /v1/webhooks": Row(_ADMINISTER, shows=("webhook_id", _OWN)),
    "POST /v1/webhooks": Row(_ADMINISTER, body(url="ftp://nowhere/", topics=["work"])),
    "POST /v1/webhooks/{webhook_id}/secret": Row(_OWN),
    "DELETE /v1/webhooks/{webhook_id}": Row(_OWN),
    "GET /v1/deliveries": Row(PEOPLE | CLIENTS),
    "GET /v1/deliveries #guardians": Row(anywhere("registrar", "principal"), path="/v1/deliveries?to=guardians"),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    answer = cast["county.admin"].send(
        "POST", "/v1/webhooks", json={"url": "https://data.example.cn/hook", "topics": ["work"]}
    )
    assert answer.status_code == 201, answer.text
    return {"webhook_id": answer.json()["webhook"]["id"], "channel": "sms"}
