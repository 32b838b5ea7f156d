"""Every query about accounts. Locks: failures of a name, then its account, then its sessions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, subtree_pattern, target_of
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from service_kit.organisations import replica
from shared_contracts.access import AccountState
from shared_contracts.actors import Role
from shared_contracts.discreet import Discreet
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from access.accounts.tables import account_changes, accounts, recovery_codes, sign_in_failures


class Account(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """An account with what others know of it: the name of its organisation, the authority it stands under (its own
    where it is an authority's; None where its school is not known here), and until when signing in has to wait."""

    username: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...]
    password_hash: str
    password_set_at: datetime
    must_change_password: bool
    totp_seed: bytes | None
    totp_step: int | None
    totp_waiting: bytes | None
    seal: str | None
    sealed_reason: str
    open_since: datetime
    last_sign_in_at: datetime | None
    created_at: datetime
    created_by: str
    version: int
    organisation_name: str
    authority: str | None
    locked_until: datetime | None

    @property
    def target(self) -> Target:
        return msgspec.structs.replace(target_of(self.organisation, self.authority), account=self.username)

    def state(self, now: datetime) -> AccountState:
        if self.seal:
            return AccountState(self.seal)
        return AccountState.LOCKED if self.locked_until and now < self.locked_until else AccountState.ACTIVE


def name_hash(username: str) -> bytes:
    return hashlib.sha256(username.encode()).digest()


def authority_column(organisation: sa.ColumnElement[str]) -> sa.ColumnElement[str | None]:
    """The authority that an organisation stands under, joined with the replica on its code."""
    return sa.case((sa.func.length(organisation) == 10, replica.c.authority), else_=organisation)


def within(reach: Reach, organisation: sa.ColumnElement[str], account: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """What of a list of accounts an account may see."""
    ways: list[sa.ColumnElement[bool]] = []
    if reach.everything:
        ways.append(sa.true())
    if reach.subtree:
        ways.append(authority_column(organisation).like(subtree_pattern(reach.subtree)))
    if reach.school:
        ways.append(organisation == reach.school)
    if reach.account:
        ways.append(account == reach.account)
    return sa.or_(sa.false(), *ways)


_HASH = sa.func.sha256(sa.func.convert_to(accounts.c.username, "UTF8"))
_WHOLE = (
    sa.select(
        accounts,
        sa.func.coalesce(replica.c.name, accounts.c.organisation).label("organisation_name"),
        authority_column(accounts.c.organisation).label("authority"),
        sign_in_failures.c.locked_until,
    )
    .outerjoin(replica, replica.c.code == accounts.c.organisation)
    .outerjoin(sign_in_failures, sign_in_failures.c.name_hash == _HASH)
)


async def find(tx: AsyncConnection, username: str, *, lock: bool = False) -> Account | None:
    query = _WHOLE.where(accounts.c.username == username)
    if lock:  # first: what is joined is then read as it is under the lock
        held = sa.select(accounts.c.username).where(accounts.c.username == username).with_for_update(key_share=True)
        await fetch_one(tx, held)
    row = await fetch_one(tx, query)
    return None if row is None else _account(row)


async def some(tx: AsyncConnection, usernames: Sequence[str]) -> list[Account]:
    """Those that there are."""
    return [_account(row) for row in await fetch_all(tx, _WHOLE.where(accounts.c.username.in_(usernames)))]


async def page(
    tx: AsyncConnection,
    reach: Reach,
    now: datetime,
    *,
    organisation: str | None,
    role: Role | None,
    state: AccountState | None,
    name: str | None,
    after: str | None,
    limit: int,
) -> list[Account]:
    """In the order of user names, after one."""
    query = _WHOLE.where(within(reach, accounts.c.organisation, accounts.c.username))
    if organisation is not None:
        query = query.where(accounts.c.organisation == organisation)
    if role is not None:
        query = query.where(sa.literal(role.value) == sa.any_(accounts.c.roles))
    if state is not None:
        query = query.where(_in_state(state, now))
    if name:
        part = name.lower()
        query = query.where(
            sa.or_(
                sa.func.strpos(accounts.c.username, part) > 0, sa.func.strpos(sa.func.lower(accounts.c.name), part) > 0
            )
        )
    if after is not None:
        query = query.where(accounts.c.username > after)
    return [_account(row) for row in await fetch_all(tx, query.order_by(accounts.c.username).limit(limit))]


def _in_state(state: AccountState, now: datetime) -> sa.ColumnElement[bool]:
    locked = sa.and_(sign_in_failures.c.locked_until.is_not(None), sign_in_failures.c.locked_until > now)
    if state in (AccountState.SEALED, AccountState.DORMANT):
        return accounts.c.seal == state.value
    return sa.and_(accounts.c.seal.is_(None), locked if state is AccountState.LOCKED else sa.not_(locked))


def _account(row: RowMapping) -> Account:
    values = dict(row) | {"roles": tuple(map(Role, row["roles"])), "classes": tuple(row["classes"])}
    return Account(**values)


async def any_account(tx: AsyncConnection) -> bool:
    return await fetch_one(tx, sa.select(accounts.c.username).limit(1)) is not None


async def add(tx: AsyncConnection, **values: Any) -> bool:
    """False where the user name is taken, now or at any time before."""
    made = insert(accounts).values(sealed_reason="", version=1, **values).on_conflict_do_nothing()
    return await execute(tx, made) == 1


async def change(tx: AsyncConnection, username: str, **values: Any) -> None:
    """Something that its administrators see; `touch` for the rest."""
    await touch(tx, username, version=accounts.c.version + 1, **values)


async def touch(tx: AsyncConnection, username: str, **values: Any) -> None:
    await execute(tx, sa.update(accounts).where(accounts.c.username == username).values(**values))


async def record(tx: AsyncConnection, username: str, act: str, by: str, reason: str, now: datetime) -> None:
    """What the account has been made into, by whom and why: appended, never changed."""
    columns = ("username", "at", "act", "by_account", "reason", "roles", "classes")
    now_so = sa.select(
        accounts.c.username,
        sa.literal(now, account_changes.c.at.type),
        sa.literal(act),
        sa.literal(by),
        sa.literal(reason),
        accounts.c.roles,
        accounts.c.classes,
    ).where(accounts.c.username == username)
    await execute(tx, sa.insert(account_changes).from_select(columns, now_so))


# ---- lockout --------------------------------------------------------------------------------------------------------


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """Of one name, whether there is such an account or not."""

    failures: int
    last_at: datetime | None
    locked_until: datetime | None


async def lock_failures(tx: AsyncConnection, username: str) -> Failures:
    """The failures of a name, kept for this transaction: tries at the same account come one after another, so that
    twenty at once are counted as twenty."""
    (row,) = await (await driver(tx)).fetch(
        """
        INSERT INTO sign_in_failures AS f (name_hash, failures) VALUES ($1, 0)
        ON CONFLICT (name_hash) DO UPDATE SET failures = f.failures
        RETURNING failures, last_at, locked_until
        """,
        name_hash(username),
    )
    return Failures(**row)


async def put_failures(
    tx: AsyncConnection, username: str, failures: int, now: datetime, locked_until: datetime | None
) -> None:
    of_name = sign_in_failures.c.name_hash == name_hash(username)
    values = {"failures": failures, "last_at": now, "locked_until": locked_until}
    await execute(tx, sa.update(sign_in_failures).where(of_name).values(**values))


async def clear_failures(tx: AsyncConnection, username: str) -> None:
    await execute(tx, sa.delete(sign_in_failures).where(sign_in_failures.c.name_hash == name_hash(username)))


async def forget_failures(tx: AsyncConnection, before: datetime) -> int:
    """Those that would count no more."""
    last = sa.func.coalesce(sign_in_failures.c.last_at, sa.text("'-infinity'::timestamptz"))
    return await execute(tx, sa.delete(sign_in_failures).where(last < before))


# ---- recovery codes -------------------------------------------------------------------------------------------------


async def replace_codes(tx: AsyncConnection, username: str, hashes: Sequence[bytes]) -> None:
    await execute(tx, sa.delete(recovery_codes).where(recovery_codes.c.username == username))
    await insert_rows(tx, recovery_codes, [{"username": username, "hash": one} for one in hashes])


async def has_code(tx: AsyncConnection, username: str, code_hash: bytes) -> bool:
    """Whether it is there and unused."""
    return await fetch_one(tx, sa.select(recovery_codes.c.hash).where(_unused(username, code_hash))) is not None


async def use_code(tx: AsyncConnection, username: str, code_hash: bytes, now: datetime) -> bool:
    """Whether it was there and unused; it is used now."""
    return await execute(tx, sa.update(recovery_codes).where(_unused(username, code_hash)).values(used_at=now)) == 1


def _unused(username: str, code_hash: bytes) -> sa.ColumnElement[bool]:
    c = recovery_codes.c
    return sa.and_(c.username == username, c.hash == code_hash, c.used_at.is_(None))


# ---- dormancy -------------------------------------------------------------------------------------------------------


async def dormant(tx: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """User names of open accounts that were last used, made or unsealed before a moment; locked."""
    c = accounts.c
    used = sa.func.greatest(c.open_since, c.last_sign_in_at)
    query = sa.select(c.username).where(c.seal.is_(None), used < before).order_by(c.username).limit(limit)
    return [row["username"] for row in await fetch_all(tx, query.with_for_update(key_share=True, skip_locked=True))]
