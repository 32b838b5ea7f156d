"""Loopback ports: free ones chosen at the first start and remembered; another one where somebody took it meanwhile."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from xueji_local.credentials import write_private
from xueji_local.processes import free_port, port_is_free
from xueji_local.servers import PortTaken

GATEWAY_VARIABLE = "XUEJI_GATEWAY_PORT"
_FIRST_CHOICE = {"gateway": 8000}


def choose(file: Path, names: tuple[str, ...]) -> tuple[dict[str, int], list[str]]:
    """Ports by name, and a sentence for each that had to change. Raises PortTaken when XUEJI_GATEWAY_PORT is taken."""
    remembered = _read(file)
    told: list[str] = []
    chosen: dict[str, int] = {}
    fixed = _fixed()
    for name in names:
        if name == "gateway" and fixed:
            if not port_is_free(fixed):
                raise PortTaken(
                    f"port {fixed} ({GATEWAY_VARIABLE}) is taken by another program. "
                    f"Cure: end that program, or choose another port: {GATEWAY_VARIABLE}=0 takes any free one."
                )
            chosen[name] = fixed
            continue
        port = remembered.get(name) or _FIRST_CHOICE.get(name, 0)
        if not port or port in chosen.values() or not port_is_free(port):
            while (other := free_port()) in chosen.values():
                pass
            if name in remembered:
                told.append(f"port {port} of {name} is taken by another program: {name} moves to {other}")
            port = other
        chosen[name] = port
    write_private(file, msgspec.json.format(msgspec.json.encode({**remembered, **chosen})))
    return chosen, told


def _read(file: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}


def _fixed() -> int | None:
    text = os.environ.get(GATEWAY_VARIABLE, "")
    if not text:
        return None
    if not text.isdigit() or int(text) > 65535:
        raise PortTaken(f"{GATEWAY_VARIABLE}={text} is no port. Cure: a number from 1024 to 65535.")
    return int(text) or free_port()
