"""Access tokens and refresh tokens of a session, and access tokens of integration clients."""

from __future__ import annotations

import secrets
from datetime import datetime

from service_kit.ids import new_id
from shared_contracts.access import TOKEN_AUDIENCE, TOKEN_ISSUER, Claims, Tokens
from shared_contracts.actors import Actor

from access.accounts import rights
from access.accounts.store import Account
from access.context import AccessWork
from access.sessions import keys, policy, store
from access.sessions.store import Session

LONGEST_AGENT = 300


async def begin(work: AccessWork, account: Account, address: str, agent: str) -> Tokens:
    """A session for an account that has shown who it is."""
    life = work.deps.settings.session_life
    session = store.new_session(new_id(), account.username, address, agent[:LONGEST_AGENT], work.now, life)
    await store.add(work.tx, session)
    return await _issue(work, account, session)


async def go_on(work: AccessWork, account: Account, session: Session, number: int) -> Tokens:
    """The next tokens of a (locked) session; refresh token `number` has been used for them."""
    return await _issue(work, account, session, number + 1)


async def _issue(work: AccessWork, account: Account, session: Session, number: int = 1) -> Tokens:
    settings = work.deps.settings
    actor = await rights.actor_of(work, account)
    at = policy.issue_at(work.now, session.stale_before)
    token = await sign(work, actor, session.id, at)
    refresh = secrets.token_urlsafe(32)
    await store.add_token(work.tx, session.id, number, store.token_hash(refresh), work.now)
    await store.continued(work.tx, session.id, work.now, at, number)
    return Tokens(
        access_token=token,
        expires_in=int(settings.token_life.total_seconds()),
        refresh_token=refresh,
        refresh_expires_at=policy.goes_until(work.now, session.expires_at, settings.session_idle),
        session=session.id,
        actor=actor,
    )


async def sign(work: AccessWork, actor: Actor, session: str, at: datetime) -> str:
    """An access token for this actor, issued at a moment. `session`: see `Claims.sid`."""
    settings = work.deps.settings
    signer = await keys.signer(work.tx, work.deps.cipher, settings, work.now)
    return signer.sign(
        Claims(
            iss=TOKEN_ISSUER,
            aud=TOKEN_AUDIENCE,
            sub=actor.account,
            iat=at.timestamp(),
            exp=(at + settings.token_life).timestamp(),
            jti=new_id(),
            sid=session,
            actor=actor,
        )
    )
