"""Documents for people to print and file: Typst sources set as PDF/A-2b, in a font that has the rare characters too.

A service that prints names `xueji-service-kit[print]` among its dependencies.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import typst
from noto_cjk_sans_otc import FONT_PATH

from service_kit.glyphs import Glyphs

MEDIA_TYPE = "application/pdf"
FAMILY = "Noto Sans CJK SC"
EPOCH = 1_577_836_800
"""A document without a date of its own carries this one: the same content gives the same file."""


class Typesetter:
    """One source, set again and again with other data: fonts are loaded once. Not for use in two threads at once."""

    def __init__(self, source: bytes) -> None:
        font = Path(str(FONT_PATH))
        fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[font.parent])
        self._compiler = typst.Compiler(source, font_paths=fonts, ignore_system_fonts=True)
        self._source = source
        self.glyphs = Glyphs.of_font(font, fonts, FAMILY)

    def pdf(self, data: object, timestamp: int = EPOCH) -> bytes:
        """`data`: JSON in the source's `sys.inputs.data`. `timestamp`: seconds since 1970, the document's date."""
        made = self._compiler.compile(
            self._source,
            format="pdf",
            sys_inputs={"data": msgspec.json.encode(data).decode()},
            pdf_standards="a-2b",
            pdf_tags=False,
            timestamp=timestamp,
        )
        if not isinstance(made, bytes):
            raise TypeError("one document was expected")
        return made
