"""What a scanned paper is by its content, whatever it is called: the formats that the system takes."""

from __future__ import annotations

from typing import Final

HEAD: Final = 8
TAIL: Final = 2_048
"""Bytes of the beginning and of the end that have to be known."""

_FORMATS: Final = (
    (b"%PDF-", b"%%EOF", "application/pdf"),
    (b"\xff\xd8\xff", b"\xff\xd9", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", b"IEND", "image/png"),
)


def media_type(head: bytes, tail: bytes) -> str | None:
    """None for anything but a whole PDF, JPEG or PNG. `head`: at least `HEAD` bytes; `tail`: at most `TAIL`."""
    for begins, ends, kind in _FORMATS:
        if head.startswith(begins) and ends in tail:
            return kind
    return None
