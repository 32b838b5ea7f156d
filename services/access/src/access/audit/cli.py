"""`python -m access audit-verify`: the proof for whoever has the terminal, over any number of rows."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from service_kit import settings
from service_kit.audit_tail import acknowledged
from service_kit.cli import Act, CannotDo
from service_kit.clock import Clock
from service_kit.database import Database, driver
from service_kit.settings import Settings
from shared_contracts.audit import AuditDay

from access.audit import store
from access.audit.chain import Signer, jwk_of, key_from_jwk
from access.audit.verifying import verify
from access.settings import AccessSettings

_STEP = 100_000  # rows between two lines of progress


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", type=date.fromisoformat, help="first day, 2026-09-01 (default: the first there is)")
    parser.add_argument("--until", type=date.fromisoformat, help="last day (default: today)")
    parser.add_argument(
        "--public-key", type=Path, help="file with the JWK or JWK set to trust (default: our own key's)"
    )
    parser.add_argument("--root", help="a root that was noted earlier (hex): it must still be there")
    parser.add_argument("--tail", type=int, default=1000, help="newest entries to compare with the bus, 0: none")


async def run(loaded: Settings, arguments: argparse.Namespace) -> str:
    """The proof in words. Raises CannotDo with the faults when the log is not what it was."""
    keys = keys_of(arguments.public_key)
    clock = Clock.from_settings(loaded)
    db = Database.from_settings(loaded, clock, "access-audit-verify")
    told = _Progress()
    try:
        async with db.transaction() as tx:
            await (await driver(tx)).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            days = await verify(tx, arguments.since, arguments.until, keys, clock.now(), told)
            roots = [one.root.hex() for one in await store.signed_days(tx)]
        # A transaction of its own: what the bus says was kept, was kept before we look.
        tail, bus = await _tail(db, loaded, arguments.tail)
    finally:
        await db.close()
    faults = [f"{day.day} {fault}" for day in days for fault in day.faults] + tail
    if arguments.root and arguments.root.lower() not in roots:
        faults.append(f"根{arguments.root}不在已签名的各日之中：该日及以前的记录已不是当时的记录")
    lines = [_line(day) for day in days]
    lines.append(f"{len(days)}天，{sum(day.entries for day in days)}条记录；{bus}")
    lines += [f"公钥 {msgspec.json.encode(jwk_of(key)).decode()}" for key in keys.values()]
    if roots:
        lines.append(f"最近一日的根 {roots[-1]}（请另行抄存，以后可用 --root 核对）")
    if faults:
        raise CannotDo("\n".join(["审计记录不完整或被改动：", *faults, "", *lines]))
    return "\n".join([*lines, "审计记录完整，未被改动。"])


def _line(day: AuditDay) -> str:
    state = f"已签名 {day.root[:16]}…" if day.signed else "尚未签名"
    return f"{day.day}  {day.entries:>9} 条  {state}  {'完好' if not day.faults else f'{len(day.faults)} 处不符'}"


async def _tail(db: Database, loaded: Settings, most: int) -> tuple[list[str], str]:
    """What the bus has handed over and the log does not hold; and what was compared, in words."""
    if most <= 0:
        return [], "未与总线比对"
    try:
        ids = await acknowledged(loaded, "access", most)
    except ConnectionError as error:
        return [], f"总线没有应答（{error}），未与总线比对"
    async with db.transaction() as tx:
        missing = await store.unknown(tx, ids)
    faults = [f"总线上已收下的审计消息{one}不在记录中（也请核对 make dead-letters）" for one in ids if one in missing]
    return faults, f"最近{len(ids)}条与总线比对"


def keys_of(path: Path | None) -> dict[str, Ed25519PublicKey]:
    """The keys to trust, by key id: of a file, or our own. Raises CannotDo."""
    if path is None:
        jwks = [Signer(settings.read(AccessSettings).audit_seed()).jwk]
    else:
        try:
            read = msgspec.json.decode(path.read_bytes())
        except (OSError, msgspec.DecodeError) as error:
            raise CannotDo(f"{path} cannot be read as a JWK: {type(error).__name__}") from None
        jwks = read.get("keys", [read]) if isinstance(read, dict) else []
    try:
        keys = [key_from_jwk(jwk) for jwk in jwks]
    except (ValueError, AttributeError) as error:
        raise CannotDo(f"{path}: {error}") from None
    if not keys:
        raise CannotDo(f"{path} holds no key")
    return {jwk_of(key)["kid"]: key for key in keys}


class _Progress:
    """A line on stderr now and then."""

    def __init__(self) -> None:
        self._next = _STEP

    def __call__(self, day: date, entries: int) -> None:
        if entries >= self._next:
            print(f"{day}: {entries} …", file=sys.stderr, flush=True)  # noqa: T201 - for the person at the terminal
            self._next = entries + _STEP
        if entries < _STEP:
            self._next = _STEP


ACTS = (Act("audit-verify", "prove that nothing in the audit log was changed (clause 45.1)", _arguments, run),)
