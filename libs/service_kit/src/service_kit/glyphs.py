"""Which characters a font has. PDF/A refuses a text with a character that its font cannot show."""

from __future__ import annotations

import struct
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typst


class Glyphs:
    """The characters of one face, from its `cmap` table (format 12: every plane of Unicode)."""

    def __init__(self, ranges: list[tuple[int, int]]) -> None:
        self._starts = [start for start, _ in ranges]
        self._ends = [end for _, end in ranges]

    @classmethod
    def of_font(cls, path: Path, fonts: typst.Fonts, family: str) -> Glyphs:
        """Of the face of this family in a font file or collection. Raises LookupError where it is not there."""
        index = next((f.index for f in fonts.fonts() if f.family == family and f.path == str(path)), None)
        if index is None:
            raise LookupError(f"no face {family} in {path.name}")
        return cls(_ranges(path, index))

    def __contains__(self, character: str) -> bool:
        code = ord(character)
        at = bisect_right(self._starts, code) - 1
        return at >= 0 and code <= self._ends[at]

    def printable(self, text: str) -> str:
        """The text with what the font lacks written as its code, `〔U+2A6A5〕`: seen and never lost."""
        if all(character in self for character in text):
            return text
        return "".join(c if c in self else f"〔U+{ord(c):04X}〕" for c in text)


def _ranges(path: Path, index: int) -> list[tuple[int, int]]:
    """OpenType: a collection's directory of faces, a face's directory of tables, the table's directory of subtables."""
    with path.open("rb") as file:

        def read(offset: int, layout: str) -> tuple[Any, ...]:
            file.seek(offset)
            return struct.unpack(layout, file.read(struct.calcsize(layout)))

        face = read(12 + 4 * index, ">I")[0] if read(0, ">4s")[0] == b"ttcf" else 0
        (tables,) = read(face + 4, ">H")
        records = [read(face + 12 + 16 * n, ">4sIII") for n in range(tables)]
        cmap = next(record[2] for record in records if record[0] == b"cmap")
        (subtables,) = read(cmap + 2, ">H")
        for n in range(subtables):
            platform, encoding, offset = read(cmap + 4 + 8 * n, ">HHI")
            if (platform, encoding) in ((3, 10), (0, 4), (0, 6)) and read(cmap + offset, ">H")[0] == 12:
                (groups,) = read(cmap + offset + 12, ">I")
                file.seek(cmap + offset + 16)
                return [(start, end) for start, end, _ in struct.iter_unpack(">III", file.read(12 * groups))]
    raise LookupError(f"{path.name} has no table of characters beyond the basic plane")
