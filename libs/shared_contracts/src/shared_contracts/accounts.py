"""Accounts and who administers them (clauses 43, 45.3). Words of access."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from shared_contracts.actors import Role
from shared_contracts.messages import Command, Message, Moment, Ok, Query
from shared_contracts.secrets import Secret, SecretCommand


class AccountState(StrEnum):
    ACTIVE = "active"
    LOCKED = "locked"  # too many wrong passwords; opens by itself at `locked_until`
    SEALED = "sealed"  # by an administrator, with a reason
    DORMANT = "dormant"  # not used for so long that it was sealed by itself


class AccountView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.account_view"):
    """An account as its administrators see it. `username` is its identity for ever: it is never given to somebody else."""

    username: str
    name: str
    organisation: str
    organisation_name: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...]
    state: AccountState
    must_change_password: bool
    second_factor: bool
    created_at: Moment
    created_by: str
    version: int
    last_sign_in_at: Moment | None = None
    locked_until: Moment | None = None
    sealed_reason: str = ""
    withheld: tuple[Role, ...] = ()


class AccountPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.account_page"):
    items: tuple[AccountView, ...]
    next_cursor: str | None = None


class PasswordIssued(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.password_issued"):
    """A first password, shown once to the administrator; its owner must change it at the first sign-in."""

    account: AccountView
    password: str


class CreateAccount(Command, frozen=True, kw_only=True, gc=False, tag="access.create_account"):
    """Role: account administrator of the organisation's authority or one above it. Reply: PasswordIssued."""

    username: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...] = ()


class ChangeAccount(Command, frozen=True, kw_only=True, gc=False, tag="access.change_account"):
    """What is None stays as it is. Live sessions get the new rights with their next token. Reply: AccountView."""

    username: str
    version: int
    name: str | None = None
    roles: tuple[Role, ...] | None = None
    classes: tuple[str, ...] | None = None


class SealAccount(Command, frozen=True, kw_only=True, gc=False, tag="access.seal_account"):
    """Nobody signs in with it any more and its sessions end; it is never deleted. Reply: AccountView."""

    username: str
    reason: str


class UnsealAccount(Command, frozen=True, kw_only=True, gc=False, tag="access.unseal_account"):
    username: str
    reason: str


class ResetPassword(Command, frozen=True, kw_only=True, gc=False, tag="access.reset_password"):
    """Also opens a lock. Reply: PasswordIssued."""

    username: str
    reason: str


class ResetSecondFactor(Command, frozen=True, kw_only=True, gc=False, tag="access.reset_second_factor"):
    """For a lost telephone. Reply: AccountView."""

    username: str
    reason: str


class DemoAccount(Secret, frozen=True, kw_only=True, gc=False):
    """`training`: a registrar's training record; with it goes an appointment for the present school year."""

    username: str
    password: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...] = ()
    training: str = ""


class DemoClient(Secret, frozen=True, kw_only=True, gc=False):
    """An integration client with the secret given."""

    client_id: str
    secret: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date


class LoadAccounts(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.load_accounts"):
    """Demonstration accounts and clients with the secrets given. Role: operator; refused in production. Reply: Ok.

    What is there stays as it is: loading again changes nothing.
    """

    accounts: tuple[DemoAccount, ...]
    clients: tuple[DemoClient, ...] = ()


class GetAccount(Query, frozen=True, kw_only=True, gc=False, tag="access.account"):
    username: str


class ListAccounts(Query, frozen=True, kw_only=True, gc=False, tag="access.accounts"):
    """Accounts of the actor's subtree. `name`: part of a name or user name."""

    organisation: str | None = None
    role: Role | None = None
    state: AccountState | None = None
    name: str | None = None
    cursor: str | None = None
    limit: int = 50


class HolderNow(Message, frozen=True, kw_only=True, gc=False):
    """An account that may be used now, with what it may be now."""

    username: str
    organisation: str
    roles: tuple[Role, ...]


class HoldersNow(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.holders_now_view"):
    """Without accounts that are sealed, or not known."""

    items: tuple[HolderNow, ...]


class ListHoldersNow(Query, frozen=True, kw_only=True, gc=False, tag="access.holders_now"):
    """What these accounts are now, at most 500: asked before something is sent to them. Services alone. Reply: HoldersNow."""

    usernames: tuple[str, ...]


Commands = (
    CreateAccount | ChangeAccount | SealAccount | UnsealAccount | ResetPassword | ResetSecondFactor | LoadAccounts
)
Queries = GetAccount | ListAccounts | ListHoldersNow

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CreateAccount: PasswordIssued,
    ChangeAccount: AccountView,
    SealAccount: AccountView,
    UnsealAccount: AccountView,
    ResetPassword: PasswordIssued,
    ResetSecondFactor: AccountView,
    LoadAccounts: Ok,
    GetAccount: AccountView,
    ListAccounts: AccountPage,
    ListHoldersNow: HoldersNow,
}
