"""Who a token belongs to, without asking anybody (clause 45.3): public keys and the list of what ended too early.

The access service signs tokens of five minutes; what verifying them needs (`access.token_state`) is fetched every two
seconds in the background, and at once when a token names a key that is not known. While access is away the last keys
stay: tokens die by themselves. A token that was verified is remembered by its digest until it ends, so that checking it
again costs a hash and a look into a dictionary.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

import jwt
import msgspec
from service_kit.bus import BusError
from service_kit.clock import Clock
from service_kit.pausing import pause
from service_kit.telemetry import describe
from shared_contracts.access import TOKEN_AUDIENCE, TOKEN_ISSUER, Claims, GetTokenState, TokenState
from shared_contracts.actors import Actor, system

from gateway.backend import Asks

log = logging.getLogger(__name__)

POLL = 2.0
"""Seconds between two looks: how long an ended session's token may still be taken."""
AT_ONCE = 1.0
"""Seconds after a look within which an unknown key asks for no other: made-up tokens must not become questions."""
PATIENCE = 2.0
REMEMBERED = 20_000
"""Tokens; some 30 MB at most."""
LONGEST_TOKEN = 8192
_REQUIRED = ["iss", "aud", "exp", "iat", "sub", "jti", "sid", "actor"]
_OPTIONS: Any = {"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False}  # by our clock


class Caller(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Whoever a valid token belongs to. `issued_at`, `expires_at`: seconds since 1970."""

    actor: Actor
    session: str
    issued_at: float
    expires_at: float

    def seconds_left(self, now: datetime) -> float:
        return self.expires_at - now.timestamp()


class KeysMissing(Exception):
    """The keys cannot be had now: whether the token holds cannot be said."""


class Keyring:
    """`await verify(token)` gives the Caller, or None for a token that does not hold: why is nobody's business."""

    def __init__(self, bus: Asks, clock: Clock, tick: Callable[[], float] = monotonic) -> None:
        self._bus = bus
        self._clock = clock
        self._tick = tick
        self._keys: dict[str, jwt.PyJWK] = {}
        self._published: bytes | None = None
        self._stale: dict[str, float] = {}
        self._known: dict[bytes, Caller] = {}
        self._looked_at = -AT_ONCE
        self._away = False
        self._one = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether keys were had at least once."""
        return self._published is not None

    @property
    def published(self) -> bytes:
        """The JWK set as JSON. Raises KeysMissing."""
        if self._published is None:
            raise KeysMissing
        return self._published

    async def verify(self, text: str) -> Caller | None:
        """Raises KeysMissing when access is away and the token's key is not known here."""
        if not text or len(text) > LONGEST_TOKEN or not text.isascii():
            return None
        digest = hashlib.sha256(text.encode()).digest()
        caller = self._known.get(digest)
        if caller is None:
            caller = await self._first_time(text)
            if caller is None:
                return None
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]  # the oldest
            self._known[digest] = caller
        if caller.expires_at <= self._clock.now().timestamp():
            self._known.pop(digest, None)
            return None
        return caller

    async def _first_time(self, text: str) -> Caller | None:
        try:
            kid = jwt.get_unverified_header(text).get("kid", "")
        except jwt.InvalidTokenError:
            return None
        key = self._keys.get(kid)
        if key is None:
            await self._look_at_once(kid)
            key = self._keys.get(kid)
            if key is None:
                if self._away or not self.ready:
                    raise KeysMissing
                return None
        caller = _read(text, key)
        return None if caller is None or self._is_stale(caller) else caller

    def _is_stale(self, caller: Caller) -> bool:
        return caller.issued_at < self._stale.get(caller.session, 0.0)

    # ---- what verifying needs ---------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Keep it fresh until `stop` is set; at the start more often, since nothing can be served before."""
        while not stop.is_set():
            async with self._one:
                await self._look()
            await pause(stop, POLL if self.ready else 0.2)

    async def _look_at_once(self, kid: str) -> None:
        async with self._one:  # many at a time ask once
            if kid not in self._keys and self._tick() - self._looked_at >= AT_ONCE:
                await self._look()

    async def _look(self) -> None:
        self._looked_at = self._tick()
        try:
            state = await self._bus.ask(GetTokenState(actor=system("gateway")), PATIENCE)
            if not isinstance(state, TokenState):
                raise BusError(f"access.token_state was answered with {type(state).__name__}")
            self._take(state)
        except Exception as error:  # whatever it is: one round without keys, never a keyring that looks no more
            if not self._away:
                log.warning("no keys from access: %s", describe(error))
            self._away = True
            return
        if self._away:
            log.info("keys from access are back")
        self._away = False

    def _take(self, state: TokenState) -> None:
        published = msgspec.json.encode(state.keys)
        if published != self._published:
            self._keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(state.keys).keys if key.key_id}
            self._published = published
            # A key that was taken back takes its tokens along; the others are verified once more.
            self._known.clear()
        stale = {one.session: one.before.timestamp() for one in state.stale}
        if stale != self._stale:
            self._stale = stale
            self._known = {digest: caller for digest, caller in self._known.items() if not self._is_stale(caller)}
        now = self._clock.now().timestamp()
        for digest in [digest for digest, caller in self._known.items() if caller.expires_at <= now]:
            del self._known[digest]


def _read(text: str, key: jwt.PyJWK) -> Caller | None:
    try:
        payload = jwt.decode(
            text, key, algorithms=["EdDSA"], issuer=TOKEN_ISSUER, audience=TOKEN_AUDIENCE, options=_OPTIONS
        )
        claims = msgspec.convert(payload, Claims)
    except (jwt.InvalidTokenError, msgspec.ValidationError, TypeError, ValueError):
        return None
    if claims.sub != claims.actor.account or not claims.sub:
        return None
    return Caller(actor=claims.actor, session=claims.sid, issued_at=claims.iat, expires_at=claims.exp)
