"""Bytes straight into structs: one strict decoder per contract, made once (msgspec)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from shared_contracts.decisions import Refused
from shared_contracts.messages import Message, subject

encode = msgspec.json.Encoder().encode


class Codec:
    """Decodes by subject: what comes on `cmd.registry.open_roster` is an OpenRoster or an error."""

    def __init__(self, kinds: Iterable[type[Message]]) -> None:
        self._decoders: Mapping[str, msgspec.json.Decoder[Any]] = {
            subject(kind): msgspec.json.Decoder(kind) for kind in kinds
        }

    def decode(self, subject_: str, data: bytes) -> Any:
        """The struct. Raises KeyError for a subject nobody declared, msgspec.MsgspecError for bad bytes.

        `evt.audit.entry.registry` is an `evt.audit.entry`: each service says the same word under a subject of its own.
        """
        decoder = self._decoders.get(subject_) or self._decoders[subject_.rpartition(".")[0]]
        return decoder.decode(data)

    @property
    def subjects(self) -> list[str]:
        return list(self._decoders)


_replies: dict[type[Message], msgspec.json.Decoder[Any]] = {}


def decode_reply(kind: type[Message], data: bytes) -> Any:
    """A reply: the struct the contract names, or Refused."""
    decoder = _replies.get(kind)
    if decoder is None:
        decoder = _replies[kind] = msgspec.json.Decoder(kind | Refused)
    return decoder.decode(data)


class RawBody:
    """FastStream's codec slot: hand over the message as it came. We decode by subject, strictly, and keep poison apart.

    (A sequence, bytes too, would be spread over the handler's parameters.)
    """

    async def decode(self, message: Any) -> Any:
        return message

    async def decode_batch(self, message: Any) -> Any:
        return message

    async def encode(self, message: Any, serializer: Any = None) -> tuple[bytes, str | None]:
        return (message if isinstance(message, bytes) else encode(message)), "application/json"

    async def encode_batch(self, messages: Any, serializer: Any = None) -> list[tuple[bytes, str | None]]:
        return [await self.encode(message) for message in messages]
