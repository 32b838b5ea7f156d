"""`docs/events.md` and `docs/asyncapi.json`: every event that travels, made from the contracts and the topology.

Events are CloudEvents 1.0 in binary mode: the attributes are NATS headers (`ce-id`, `ce-type`, …), the body is the struct as
JSON. The document is AsyncAPI 3.0; its schemas are JSON Schema, from the structs themselves.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
from shared_contracts import access, identity, registry, transfer
from shared_contracts.messages import Event, members, stream, subject, word

from xueji_infra.topology import split_durable, topology

SOURCES = {
    "identity": identity.Events,
    "registry": registry.Events,
    "transfer": transfer.Events,
    "access": access.Events,
}
"""Services with events of their own. The audit log's entries are not for others (clause 45.1)."""
DOCS = Path("docs")
_REF = "#/components/schemas/{name}"
_HEADERS = {
    "ce-specversion": "CloudEvents: `1.0`",
    "ce-id": "CloudEvents: id of the event; the same when it is delivered again",
    "ce-type": "CloudEvents: the word, `registry.record_cancelled`",
    "ce-source": "CloudEvents: `/xueji/<service>`",
    "Nats-Msg-Id": "as `ce-id`: JetStream drops what it has",
    "traceparent": "W3C trace context of the act that caused it",
}


def events() -> dict[str, tuple[type[Event], ...]]:
    """The events of each service, by their words."""
    found: dict[str, tuple[type[Event], ...]] = {}
    for service, union in SOURCES.items():
        kinds = [kind for kind in members(union) if issubclass(kind, Event)]
        found[service] = tuple(sorted(kinds, key=word))
    return found


def readers() -> dict[str, list[str]]:
    """Who takes an event, by its subject."""
    found: dict[str, list[str]] = {}
    for durable, consumer in topology().consumers.items():
        reader, _ = split_durable(durable)
        for name in consumer.filter:
            found.setdefault(name, []).append(reader)
    return found


def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    kinds = [kind for found in events().values() for kind in found]
    schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF)
    channels, operations, messages = {}, {}, {}
    for kind, schema in zip(kinds, schemas, strict=True):
        name = word(kind)
        key = name.replace(".", "_")
        messages[key] = {
            "name": name,
            "title": name,
            "summary": _first(kind),
            "contentType": "application/json",
            "headers": {"$ref": "#/components/schemas/CloudEventHeaders"},
            "payload": schema,
        }
        channels[key] = {
            "address": subject(kind),
            "description": f"JetStream stream {stream(name.split('.')[0])}",
            "messages": {key: {"$ref": f"#/components/messages/{key}"}},
        }
        operations[f"send_{key}"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{key}"},
            "messages": [{"$ref": f"#/channels/{key}/messages/{key}"}],
        }
    headers = {
        "type": "object",
        "required": ["ce-specversion", "ce-id", "ce-type", "ce-source"],
        "properties": {name: {"type": "string", "description": text} for name, text in _HEADERS.items()},
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Xueji events",
            "version": "1",
            "description": "What happened to student records. No event carries a document number or a full student number.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"CloudEventHeaders": headers, **components}},
    }


def page() -> str:
    """The same for people."""
    taken, lines = readers(), [_HEAD]
    for service, kinds in events().items():
        lines += [f"## {service}", "", f"Stream `{stream(service)}`, subjects `evt.{service}.>`.", ""]
        for kind in kinds:
            who = ", ".join(sorted(taken.get(subject(kind), []))) or "nobody inside; for other systems"
            lines += [
                f"### `{word(kind)}`",
                "",
                _text(kind),
                "",
                f"Taken by: {who}.",
                "",
                "| field | type |",
                "|---|---|",
            ]
            lines += [
                f"| `{one.encode_name}` | {_type(one.type)}{_default(one)} |" for one in msgspec.structs.fields(kind)
            ]
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


_HEAD = """# Events

Made from the contracts (`libs/shared_contracts`) and the topology (`infra`) by `make regulation`; do not edit. The same for
programs: [asyncapi.json](asyncapi.json) (AsyncAPI 3.0).

Each event is a CloudEvents 1.0 message in binary mode on NATS JetStream: headers `ce-specversion`, `ce-id`, `ce-type`,
`ce-source`, and a JSON body. It is delivered at least once and carries the same `ce-id` each time. New fields may appear,
with defaults; none is removed or changes its meaning. No event carries a document number or a full student number.
"""


def write(folder: Path = DOCS) -> None:
    for name, text in _files().items():
        (folder / name).write_text(text, "utf-8")


def stale(folder: Path = DOCS) -> list[str]:
    """Pages that are not what they would be."""
    return [
        name
        for name, text in _files().items()
        if not (folder / name).exists() or (folder / name).read_text("utf-8") != text
    ]


def _files() -> dict[str, str]:
    rendered = json.dumps(document(), ensure_ascii=False, indent=1, sort_keys=True)
    return {"events.md": page(), "asyncapi.json": rendered + "\n"}


def _text(kind: type) -> str:
    return inspect.cleandoc(kind.__doc__ or "")


def _first(kind: type) -> str:
    return re.split(r"(?<=[.:])\s", _text(kind).replace("\n", " "))[0]


def _type(kind: Any) -> str:
    text = str(kind) if not isinstance(kind, type) else kind.__name__
    text = re.sub(r"\b(?:shared_contracts|typing|datetime|msgspec)(?:\.\w+)*\.(?=\w)", "", text)
    text = re.sub(r"<enum '(\w+)'>|<class '(?:\w+\.)*(\w+)'>", r"\1\2", text)
    return f"`{text}`".replace("|", "\\|")


def _default(field: msgspec.structs.FieldInfo) -> str:
    return "" if field.required else ", optional"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xueji_infra.events", description="Pages about events")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--write", action="store_true", help="write docs/events.md and docs/asyncapi.json")
    act.add_argument("--check", action="store_true", help="fail when they are not what they would be")
    if parser.parse_args().write:
        write()
    elif found := stale():
        sys.exit(f"not as the contracts say: {', '.join(found)}. Cure: make regulation")


if __name__ == "__main__":
    main()
