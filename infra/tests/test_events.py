"""The pages about events are what the contracts say, and others can read them."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import msgspec
import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from shared_contracts.messages import Event, subject, word
from shared_contracts.transfer import TransferEnded, TransferState
from xueji_infra import events
from xueji_infra.topology import topology

KINDS = [kind for found in events.events().values() for kind in found]


def test_the_pages_are_fresh() -> None:
    assert events.stale() == []


def test_it_is_an_asyncapi_3_document() -> None:
    """As another project's reader of the specification takes it."""
    read = ApplicationSchema.model_validate(events.document())
    assert read.asyncapi == "3.0.0"
    assert len(read.channels) == len(read.operations or {}) == len(KINDS)


def test_every_reference_leads_somewhere() -> None:
    document = events.document()

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [one for value in node.values() for one in references(value)]
        return [one for value in node for one in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert len(found) > len(KINDS)
    for reference in found:
        at: Any = document
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def test_no_event_is_missing_and_none_is_of_the_audit_log() -> None:
    taken = {name for consumer in topology().consumers.values() for name in consumer.filter}
    told = {subject(kind) for kind in KINDS}
    assert {name for name in taken if not name.startswith("evt.audit.")} <= told
    assert not any(name.startswith("evt.audit.") for name in told)


def test_what_is_sent_is_what_the_schema_says() -> None:
    document = events.document()
    sent = msgspec.json.decode(
        msgspec.json.encode(TransferEnded(transfer_id="t", seq=1, student_id="s", state=TransferState.WITHDRAWN))
    )
    schema = {
        **document["components"]["messages"]["transfer_transfer_ended"]["payload"],
        "components": document["components"],
    }
    jsonschema.validate(sent, schema, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**sent, "state": "lost"}, schema, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("kind", KINDS, ids=word)
def test_every_event_says_what_it_is_and_carries_no_number(kind: type[Event]) -> None:
    assert kind.__doc__, "say what happened"
    text = json.dumps(msgspec.json.schema(kind))
    assert not {"document_number", "full_number"} & set(text.replace('"', " ").split())
