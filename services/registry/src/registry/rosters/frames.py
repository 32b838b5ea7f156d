"""What the service and its child process say to each other: length-prefixed frames of MessagePack.

Untrusted files are opened in a child (`jobs`) that has neither keys nor a database, whose memory is limited, and whose
death harms nobody. The service sends an order and the file's bytes, and receives results as it takes them.
"""

from __future__ import annotations

import struct
from datetime import date
from typing import BinaryIO

import msgspec
from regulation.parameters import Parameters
from regulation.school_year import Stage
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet

from registry.form.entry import Entry
from registry.organisations.facts import SchoolFacts
from registry.registration.situation import Enrolment

HEAD = struct.Struct(">I")


class CheckOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Check a workbook. Rows up to `after_row` are known: they are looked at again (duplicates) and not reported. `awaited`:
    grades in which the school awaits children of other provinces."""

    school: SchoolFacts
    today: date
    school_year: int
    parameters: Parameters
    enrolment: dict[Stage, Enrolment]
    awaited: frozenset[int] = frozenset()
    chunk: int
    after_row: int = 0


class CheckedRow(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One row. `entry` is None where the form or the registration's rules refuse it; `findings` without what passed."""

    row: int
    entry: Entry | None
    name: str
    masked_document: str
    findings: tuple[Finding, ...] = ()


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The workbook can be read. `rows`: how many there are altogether."""

    rows: int
    notes: tuple[Finding, ...]


class Unreadable(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The file as a whole is refused. `message`: Chinese, with the cure."""

    code: str
    message: str


class Chunk(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    rows: tuple[CheckedRow, ...]


class ReturnOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Make the workbook of refused rows. `findings` by row number."""

    findings: dict[int, tuple[Finding, ...]]


class Page(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """One pupil's sheet. `form`: normalised values by key; `documents`: document numbers by key, to be shown in full."""

    registration_id: str
    form: dict[str, str]
    documents: dict[str, str]


class PrintOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Print one class's confirmation sheets; without pages, the school's blank form."""

    school: str
    class_title: str
    printed_on: date
    pages: tuple[Page, ...]


CheckReply = Opened | Unreadable | Chunk

encode = msgspec.msgpack.Encoder().encode
decode_check_reply = msgspec.msgpack.Decoder(CheckReply).decode


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame, None at the end. Raises EOFError where the other side broke off."""
    head = stream.read(HEAD.size)
    if not head:
        return None
    (size,) = HEAD.unpack(head)
    body = stream.read(size)
    if len(body) < size:
        raise EOFError("the frame breaks off")
    return body


def write_frame(stream: BinaryIO, body: bytes) -> None:
    stream.write(HEAD.pack(len(body)))
    stream.write(body)
    stream.flush()
