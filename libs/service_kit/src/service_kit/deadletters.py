"""Dead letters: what was given up, listed, and sent again once its cause is cured.

JetStream tells of a message that reached `max_deliver` or was terminated by an advisory; the stream DLQ keeps those. The
original is still in its stream. `replay` publishes it again under its old event id (whoever has taken it drops it by the
inbox, whoever failed takes it now) and removes the advisory. Needs the operator's NATS user.

    python -m service_kit.deadletters list
    python -m service_kit.deadletters replay 17 18 | replay --all
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from dataclasses import dataclass

import nats
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from service_kit import settings
from service_kit.ids import new_id
from service_kit.service import inbox_prefix

STREAM = "DLQ"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """`seq`: in the stream DLQ. `consumer` gave up `stream`'s message `stream_seq` after `deliveries`."""

    seq: int
    stream: str
    stream_seq: int
    consumer: str
    deliveries: int
    reason: str
    subject: str | None
    event_id: str | None


async def listed(js: JetStreamContext) -> list[DeadLetter]:
    """All dead letters, oldest first; `subject` is None when the original is no longer in its stream."""
    state = (await js.stream_info(STREAM)).state
    out = []
    for seq in range(max(state.first_seq, 1), state.last_seq + 1):
        try:
            advisory = await js.get_msg(STREAM, seq)
        except nats.js.errors.NotFoundError:
            continue
        told = json.loads(advisory.data or b"{}")
        subject = event_id = None
        try:
            original = await js.get_msg(told["stream"], told["stream_seq"])
            subject, event_id = original.subject, (original.headers or {}).get("ce-id")
        except nats.js.errors.NotFoundError:
            pass
        reason = "terminated" if "MSG_TERMINATED" in (advisory.subject or "") else "max_deliver"
        out.append(
            DeadLetter(seq, told["stream"], told["stream_seq"], told["consumer"], told.get("deliveries", 0),
                       reason, subject, event_id)
        )  # fmt: skip
    return out


async def replay(js: JetStreamContext, letters: list[DeadLetter]) -> int:
    """Send them again, each once. Returns how many. A letter whose original is gone is left where it is."""
    sent = 0
    for letter in letters:
        if letter.subject is None:
            continue
        original = await js.get_msg(letter.stream, letter.stream_seq)
        headers = {k: v for k, v in (original.headers or {}).items() if not k.startswith("Nats-")}
        headers["Nats-Msg-Id"] = f"{letter.event_id or letter.stream_seq}/replay/{new_id()}"
        headers.setdefault("ce-id", letter.event_id or f"{letter.stream}:{letter.stream_seq}")
        await js.publish(letter.subject, original.data or b"", stream=letter.stream, headers=headers)
        await js.delete_msg(STREAM, letter.seq)
        sent += 1
    return sent


async def _main(arguments: argparse.Namespace) -> int:
    loaded = settings.load()
    client = await nats.connect(
        loaded.nats_url, user=loaded.nats_user or None, password=loaded.nats_password or None,
        inbox_prefix=inbox_prefix(loaded.nats_user or "operator").encode(), connect_timeout=5,
        allow_reconnect=False,
    )  # fmt: skip
    try:
        js = client.jetstream()
        letters = await listed(js)
        if arguments.act == "replay":
            chosen = letters if arguments.all else [x for x in letters if x.seq in arguments.seq]
            print(f"{await replay(js, chosen)} sent again")  # noqa: T201
            return 0
        for x in letters:
            print(f"{x.seq:>6}  {x.consumer:<28} {x.reason:<12} {x.deliveries:>2} tries  "  # noqa: T201
                  f"{x.subject or 'original is gone'}  {x.event_id or ''}")  # fmt: skip
        print(f"{len(letters)} dead letters")  # noqa: T201
        return 0
    finally:
        await client.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m service_kit.deadletters", description="List or replay dead letters"
    )
    parser.add_argument("act", choices=["list", "replay"])
    parser.add_argument("seq", nargs="*", type=int)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    try:
        sys.exit(asyncio.run(_main(arguments)))
    except (OSError, nats.errors.Error) as error:
        sys.exit(
            f"NATS does not answer ({type(error).__name__}). Cure: start the stack, or set XUEJI_NATS_URL/USER/PASSWORD."
        )


if __name__ == "__main__":
    main()
