"""A ZIP file written as a stream, without compression, dates or choices: the same parts give the same bytes.

So a reader that writes the parts again and gets other bytes knows that somebody touched the container itself: its heads,
its directory, what stands between or behind them. Parts below 4 GiB.
"""

from __future__ import annotations

import struct
import zlib
from typing import Final

_LOCAL: Final = struct.Struct("<4sHHHHHIIIHH")
_DESCRIPTOR: Final = struct.Struct("<4sIII")
_CENTRAL: Final = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 20
_FLAGS: Final = 0x0808  # sizes behind the data; names in UTF-8
_DAY: Final = 0x21  # 1980-01-01
_MOST: Final = 0xFFFF_FFFF


class Zip:
    """`open`, `write` … `write`, `close` a part; `end` after the last. Each returns the bytes to be sent on."""

    def __init__(self) -> None:
        self._directory: list[bytes] = []
        self._at = self._begun = self._size = self._crc = 0
        self._name = b""

    def open(self, name: str) -> bytes:
        self._name, self._begun, self._size, self._crc = name.encode(), self._at, 0, 0
        head = _LOCAL.pack(b"PK\3\4", _VERSION, _FLAGS, 0, 0, _DAY, 0, 0, 0, len(self._name), 0)
        return self._sent(head + self._name)

    def write(self, piece: bytes) -> bytes:
        self._size += len(piece)
        self._crc = zlib.crc32(piece, self._crc)
        return self._sent(piece)

    def close(self) -> bytes:
        if max(self._size, self._begun) > _MOST:
            raise ValueError("a part of the package is too large")
        sizes = (self._crc, self._size, self._size)
        self._directory.append(
            _CENTRAL.pack(
                b"PK\1\2", _VERSION, _VERSION, _FLAGS, 0, 0, _DAY, *sizes, len(self._name), 0, 0, 0, 0, 0, self._begun
            )
            + self._name
        )
        return self._sent(_DESCRIPTOR.pack(b"PK\7\10", *sizes))

    def whole(self, name: str, content: bytes) -> bytes:
        """A part that is there at once."""
        return self.open(name) + self.write(content) + self.close()

    def end(self) -> bytes:
        directory, count = b"".join(self._directory), len(self._directory)
        return directory + _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), self._at, 0)

    def _sent(self, piece: bytes) -> bytes:
        self._at += len(piece)
        return piece
