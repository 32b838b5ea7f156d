"""Signing in and going on. Neither tells more than it must, and both take as long for a name that nobody has."""

from __future__ import annotations

from prometheus_client import Counter
from regulation.authorisation import check
from service_kit.origin import origin
from service_kit.work import CommandHandler
from shared_contracts.access import RefreshSession, SignIn, SignInAnswer
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, word

from access.accounts import guessing, policy, rights, second_factor
from access.accounts import store as accounts
from access.accounts.passwords import Busy
from access.accounts.store import Account
from access.context import AccessWork
from access.sessions import policy as rules
from access.sessions import store, tokens

TRIES = Counter("sign_ins_total", "Tries to sign in and to go on, by how they went", ["act", "outcome"])


async def sign_in(work: AccessWork, command: SignIn) -> SignInAnswer | Refused:
    if no := check(command.actor, word(command)):
        return no
    try:
        with work.deps.hasher.admit():
            return _counted(work, command, await _try(work, command))
    except Busy:
        TRIES.labels(word(command), "busy").inc()
        return refused("unavailable", "同时登录的人太多，请几秒后重试。")


def _counted(work: AccessWork, command: SignIn | RefreshSession, answer: SignInAnswer) -> SignInAnswer:
    work.after_commit(TRIES.labels(word(command), answer.problem or "done").inc)
    return answer


async def _try(work: AccessWork, command: SignIn) -> SignInAnswer:
    name = policy.folded(command.username)
    failures = await accounts.lock_failures(work.tx, name)
    account = None if policy.check_username(name) else await accounts.find(work.tx, name, lock=True)
    who = _who(account)
    if seconds := guessing.wait(failures, work.now):
        return SignInAnswer(problem="locked", wait=seconds, who=who)
    right = await work.deps.hasher.verify(account.password_hash if account else None, command.password)
    if account is None or not right:
        return SignInAnswer(
            problem="wrong", wait=await guessing.count(work.deps, work.tx, name, failures, work.now), who=who
        )
    if account.seal:
        return SignInAnswer(problem="sealed", who=who)
    if rights.first_password_is_over(work, account):
        return SignInAnswer(problem="expired", who=who)
    if account.totp_seed is not None:
        if not command.code:
            return SignInAnswer(problem="code", who=who)
        if not await second_factor.accept(work.tx, work.deps.cipher, account, command.code, work.now):
            return SignInAnswer(
                problem="wrong", wait=await guessing.count(work.deps, work.tx, name, failures, work.now), who=who
            )
    await accounts.clear_failures(work.tx, name)
    await accounts.touch(work.tx, name, last_sign_in_at=work.now, **await _rehashed(work, account, command.password))
    made = await tokens.begin(work, account, origin.get().address, command.agent)
    return SignInAnswer(tokens=made, who=who)


async def _rehashed(work: AccessWork, account: Account, password: str) -> dict[str, str]:
    if not work.deps.hasher.is_old(account.password_hash):
        return {}
    return {"password_hash": await work.deps.hasher.hash(password)}


async def refresh_session(work: AccessWork, command: RefreshSession) -> SignInAnswer | Refused:
    if no := check(command.actor, word(command)):
        return no
    return _counted(work, command, await _go_on(work, command))


async def _go_on(work: AccessWork, command: RefreshSession) -> SignInAnswer:
    hash_ = store.token_hash(command.refresh_token)
    token = await store.refresh_token(work.tx, hash_)
    session = await store.find(work.tx, token.session_id) if token else None
    if session is None:
        return SignInAnswer(problem="ended")
    account = await accounts.find(work.tx, session.username, lock=True)
    session = await store.find(work.tx, session.id, lock=True)
    token = await store.refresh_token(work.tx, hash_)  # as it is under the locks
    who = _who(account)
    over = session is None or session.is_over(work.now, work.deps.settings.session_idle)
    if account is None or session is None or token is None or over or account.seal:
        return SignInAnswer(problem="ended", who=who)
    verdict = rules.judge(
        number=token.number,
        used_at=token.used_at,
        replaced=token.replaced,
        due=session.refresh_number,
        now=work.now,
    )
    if verdict == "reused":
        await store.end(work.tx, session.id, work.now, "登录凭据被重复使用，可能已泄露")
        return SignInAnswer(problem="reused", who=who)
    await store.use_token(work.tx, session.id, hash_, work.now)
    return SignInAnswer(tokens=await tokens.go_on(work, account, session, token.number), who=who)


def _who(account: Account | None) -> Actor | None:
    """For the audit log."""
    if account is None:
        return None
    return Actor(account=account.username, name=account.name, organisation=account.organisation, roles=account.roles)


COMMANDS: dict[type[Command], CommandHandler] = {SignIn: sign_in, RefreshSession: refresh_session}
