"""What a draw that nobody has to believe is made of (clauses 17, 24.5.4): the parts that every draw shares.

A *secret* is made by this system and lies sealed; its *commitment* is published before anybody can know the outcome. A
*public value* (a lottery's numbers) is named beforehand, with the moment at which it comes to be known. From the closed
list's hash, the secret and the public value comes the *seed*, and from the seed a *lot* for each code: the smaller comes
first. Whoever has the published file repeats it all.

The standard library alone, so that `assignment` and `lottery` can be checked wherever there is a Python. `drawing.js` of
the gateway's console is the same for a browser.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Of a code: nothing that is mistaken for something else on paper."""

Lot = Callable[[str], str]
Check = tuple[str, bool]
"""What was checked, and whether it is as it must be."""


class Unreadable(ValueError):
    """The file is not one that such a draw publishes."""


class Verdict(NamedTuple):
    """What was checked; `waits_for`: said to whoever looks before the draw, empty after it."""

    checks: Sequence[Check]
    waits_for: str = ""

    @property
    def good(self) -> bool:
        return all(good for _, good in self.checks)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and nothing between the signs. `value`: dicts, lists, texts, whole numbers, None."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256(text: str | bytes) -> str:
    """As hex."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def new_secret() -> str:
    """32 random bytes as hex."""
    return secrets.token_hex(32)


def new_code(taken: set[str]) -> str:
    """Eight letters in two groups, which a guardian reads off a slip of paper; added to `taken`."""
    while True:
        letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(8))
        code = f"{letters[:4]}-{letters[4:]}"
        if code not in taken:
            taken.add(code)
            return code


def commitment_of(file_format: str, bound_to: str, secret: str) -> str:
    """What is published before the draw: it binds the secret to this draw and tells nothing of it. `bound_to`: the hash of
    a list that is closed at the same time, or the number of a draw whose list is still open."""
    return sha256(f"{file_format}:commitment:{bound_to}:{secret}")


def seed_of(file_format: str, list_sha256: str, secret: str, public_value: str) -> str:
    """The secret that whoever is on the list does not know, the list, and a value that nobody could know beforehand."""
    return sha256(f"{file_format}:seed:{list_sha256}:{secret}:{public_value}")


def lots(seed: str) -> Lot:
    """A lot is a number of 256 bits, as hex: the smaller comes first."""
    return lambda text: sha256(f"{seed}:{text}")


def in_order(codes: Iterable[str], seed: str) -> tuple[str, ...]:
    """The codes as the seed shuffles them, in whatever order they are given."""
    return tuple(sorted(codes, key=lots(seed)))


def command(prog: str, description: str, look: Callable[[bytes], Verdict], arguments: Sequence[str] | None) -> int:
    """`python -m … verify FILE`. 0: all is as published; 1: something is not; 2: no such file, or it cannot be read."""
    parser = argparse.ArgumentParser(prog=prog, description=description)
    parser.add_argument("command", choices=("verify",))
    parser.add_argument("file", type=Path, help="the published file (JSON)")
    options = parser.parse_args(arguments)
    try:
        verdict = look(options.file.read_bytes())
    except (OSError, Unreadable) as error:
        sys.stdout.write(f"无法读取 cannot be read: {error}\n")
        return 2
    for what, good in verdict.checks:
        sys.stdout.write(f"{'✓' if good else '✗'} {what}\n")
    if verdict.waits_for:
        sys.stdout.write(f"尚未抽签：等待{verdict.waits_for} not drawn yet, waits for: {verdict.waits_for}\n")
    return 0 if verdict.good else 1
