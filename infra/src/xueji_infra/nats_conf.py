"""`nats.conf` out of the topology: one user per service, each with the least it needs.

Three kinds of subject are allowed to a service: its own (answers, events, audit entries, inbox), those it asks, and
JetStream's API for exactly its streams and durables. Whoever holds identity's password still cannot speak for registry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from xueji_infra.topology import Topology, topology

ADMIN = "admin"
AUDIT = "AUDIT"
"""The stream of what every service tells the audit log."""
MAX_PAYLOAD = 8 * 1024 * 1024
"""Bytes: a roster chunk of 500 rows is well under 1 MB; a template workbook crosses the bus too."""


def inbox_prefix(user: str) -> str:
    """Each user has its own inboxes, so that nobody can listen to another's replies."""
    return f"_INBOX_{user}"


def inbox(user: str) -> str:
    return f"{inbox_prefix(user)}.>"


def publish_permissions(user: str, plan: Topology | None = None) -> tuple[str, ...]:
    plan = plan or topology()
    if person := plan.users.get(user):
        allowed = (
            [*person.asks, *_look_at("DLQ"), "$JS.API.STREAM.MSG.DELETE.DLQ"] if person.replays else [*person.asks]
        )
        for name in person.replays:
            allowed += [*plan.streams[name].subjects, *_look_at(name)]
        return tuple(allowed)
    allowed = [*plan.services[user].asks]
    own = user.upper()
    if own in plan.streams:
        # Events, and what the relay needs to find out which of them the stream holds.
        allowed += [f"evt.{user}.>", *_look_at(own)]
    if AUDIT in plan.streams and plan.services[user].database:
        # What it did, under its own name and no other's. The gateway does nothing itself: it has nothing to tell.
        allowed += [f"evt.audit.entry.{user}", *_look_at(AUDIT)]
    for stream, durable in plan.consumed_by(user):
        allowed += [
            f"$JS.API.CONSUMER.INFO.{stream}.{durable}",
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}",
            f"$JS.ACK.{stream}.{durable}.>",
        ]
    return tuple(allowed)


def denied(user: str, plan: Topology | None = None) -> tuple[str, ...]:
    """What of its permissions to publish a service does not have."""
    service = (plan or topology()).services.get(user)
    return service.never if service else ()


def subscribe_permissions(user: str, plan: Topology | None = None) -> tuple[str, ...]:
    plan = plan or topology()
    if user in plan.users:
        return (inbox(user),)
    return (f"cmd.{user}.>", f"qry.{user}.>", inbox(user))


def _look_at(stream: str) -> tuple[str, str]:
    return f"$JS.API.STREAM.INFO.{stream}", f"$JS.API.STREAM.MSG.GET.{stream}"


def render(passwords: Mapping[str, str], *, sync_always: bool = True, plan: Topology | None = None) -> str:
    """The configuration's text. `passwords`: by user, the administrator's too.

    `sync_always`: JetStream writes through to the disk before it acknowledges (2.12 acknowledges before otherwise and a
    power failure loses what was acknowledged); atomic batches make that cheap. Off for tests alone.
    Address, port and store are given on the command line (`-a -p -sd`).
    """
    plan = plan or topology()
    sync = "sync_interval: always" if sync_always else "sync_interval: 2m"
    blocks = [_user(ADMIN, passwords[ADMIN], None)]
    for user in plan.nats_users:
        permissions = {
            "publish": {"allow": publish_permissions(user, plan), "deny": denied(user, plan)},
            "subscribe": {"allow": subscribe_permissions(user, plan)},
            # A service may answer whoever asked it, once, and nobody else.
            "allow_responses": {"max": 1, "expires": "2m"},
        }
        blocks.append(_user(user, passwords[user], permissions))
    users = ",\n".join(blocks)
    return f"""# Written by xueji_infra from topology.toml; changes here are lost.
max_payload: {MAX_PAYLOAD}
max_pending: {8 * MAX_PAYLOAD}
write_deadline: "10s"
jetstream {{ {sync}, max_memory_store: 256MB, max_file_store: 64GB }}
authorization {{ users = [
{users}
] }}
"""


def _user(name: str, password: str, permissions: Mapping[str, object] | None) -> str:
    entry: dict[str, object] = {"user": name, "password": password}
    if permissions:
        entry["permissions"] = permissions
    return "  " + json.dumps(entry)  # the configuration's syntax takes JSON
