"""What checking a token costs at the gateway: remembered and for the first time, as a ratio to a bare `jwt.decode`.

All in one process and one run, alternating, with no network at all: the keyring gets its keys from a stand-in once, and a
question it asked afterwards would end the run with an error. `python benchmarks/token_check.py [--checks 200000]`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway import keyring
from gateway.keyring import Keyring
from service_kit.clock import Clock
from shared_contracts.access import TOKEN_AUDIENCE, TOKEN_ISSUER, Claims, GetTokenState, TokenState
from shared_contracts.actors import Actor, Role

PRIVATE = Ed25519PrivateKey.generate()
KID = "bench"
ROUNDS = 5
REMEMBERED_AT_MOST = 25.0
"""Microseconds. The aim is a check in microseconds; more than this is a mistake, on whatever machine."""


class Access:
    """Tells the keys once; a second question is a network call that should not be."""

    ready = True
    asked = 0

    async def ask(self, message: Any, timeout: float = 5.0) -> TokenState:  # noqa: ASYNC109
        if not isinstance(message, GetTokenState) or self.asked:
            raise AssertionError("a token check asked over the bus")
        self.asked += 1
        x = base64.urlsafe_b64encode(PRIVATE.public_key().public_bytes_raw()).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": KID, "use": "sig", "alg": "EdDSA"}
        return TokenState(keys={"keys": [key]}, stale=())


def token(number: int) -> str:
    """As long as they are in use: an account of one school with two roles and three classes."""
    account = f"2301000001.account-{number}"
    roles = (Role.REGISTRAR, Role.CLASS_TEACHER)
    actor = Actor(account=account, name="王小明", organisation="2301000001", roles=roles, classes=("1-01", "2", "3-11"))
    now = time.time()
    claims = Claims(
        iss=TOKEN_ISSUER,
        aud=TOKEN_AUDIENCE,
        sub=account,
        iat=now,
        exp=now + 300,
        jti=f"01970000-0000-7000-8000-{number:012d}",
        sid=f"01970000-0000-7000-9000-{number:012d}",
        actor=actor,
    )
    return jwt.encode(msgspec.to_builtins(claims), PRIVATE, algorithm="EdDSA", headers={"kid": KID})


async def each(checks: int, check: Callable[[int], Awaitable[object]]) -> float:
    """Microseconds of one."""
    began = time.perf_counter()
    for number in range(checks):
        await check(number)
    return (time.perf_counter() - began) / checks * 1e6


async def measure(checks: int) -> dict[str, float]:
    """Medians over the rounds, in microseconds."""
    access, public = Access(), PRIVATE.public_key()
    keys = Keyring(access, Clock())
    few = max(200, checks // 100)
    firsts = [[token(i * ROUNDS + r) for i in range(few)] for r in range(ROUNDS)]
    known = firsts[0][:100]
    assert await keys.verify(known[0]) is not None, "the token is not right: nothing would be measured"
    found: dict[str, list[float]] = {"bare": [], "first": [], "remembered": []}

    async def bare(number: int) -> object:
        return jwt.decode(
            firsts[0][number % few], public, algorithms=["EdDSA"], issuer=TOKEN_ISSUER, audience=TOKEN_AUDIENCE
        )

    async def remembered(number: int) -> object:
        return await keys.verify(known[number % 100])

    for texts in firsts:
        keys._known.clear()
        for text in known:
            await keys.verify(text)
        fresh = [text for text in texts if text not in known]

        async def first(number: int, fresh: list[str] = fresh) -> object:
            return await keys.verify(fresh[number])

        found["bare"].append(await each(few, bare))
        found["first"].append(await each(len(fresh), first))
        found["remembered"].append(await each(checks // ROUNDS, remembered))
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=200_000)
    checks = parser.parse_args().checks
    took = asyncio.run(measure(checks))
    print(f"{'token check':28}{'microseconds':>14}{'to bare jwt.decode':>22}")
    for name, title in (("bare", "bare jwt.decode"), ("first", "first time"), ("remembered", "remembered")):
        print(f"{title:28}{took[name]:>14.2f}{took[name] / took['bare']:>22.3f}")
    print(f"remembered tokens: at most {keyring.REMEMBERED}; no question was asked over the bus")
    if took["remembered"] > REMEMBERED_AT_MOST:
        sys.exit(f"a remembered token took more than {REMEMBERED_AT_MOST} microseconds")


if __name__ == "__main__":
    main()
