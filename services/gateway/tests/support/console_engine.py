"""Functions of the console that everybody's browser computes with, in a bare engine."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from gateway import console
from py_mini_racer import MiniRacer

_ENCODER = """
class TextEncoder {
  encode(text) {
    const raw = unescape(encodeURIComponent(text));
    return Uint8Array.from(raw, (c) => c.charCodeAt(0));
  }
}
"""
"""A bare engine has none; browsers do."""
_MODULE = re.compile(r'^(?:export |import \{[^}]+\} from "[^"]+";\n)', re.MULTILINE)


class Browser:
    """The functions of some scripts, called with JSON. `names`: what is imported stands before who imports it."""

    def __init__(self, *names: str) -> None:
        self.engine = MiniRacer()
        sources = (console.FILES[name].content.decode() for name in names)
        self.engine.eval(_ENCODER + "\n".join(_MODULE.sub("", source) for source in sources))

    def call(self, function: str, *values: Any) -> Any:
        given = ",".join(msgspec.json.encode(value).decode() for value in values)
        return msgspec.json.decode(self.engine.eval(f"JSON.stringify({function}({given}))"))

    def close(self) -> None:
        self.engine.close()
