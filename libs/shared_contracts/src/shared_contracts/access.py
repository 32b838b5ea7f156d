"""Access: accounts, sessions, signing keys, integration clients, registrar appointments (clauses 43, 45.3).

Passwords, tokens, secrets and seeds travel in commands and replies over core NATS alone; no event carries one.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, ClassVar, Literal

from shared_contracts import appointments
from shared_contracts.actors import Actor, Role
from shared_contracts.exports import ExportApproved, ExportsStand, ExportStands
from shared_contracts.messages import Command, Event, Message, Moment, Ok, Query
from shared_contracts.working_days import MovedDeadlines, YearDays

ANONYMOUS = Actor(account="", name="", organisation="", roles=())
"""Whoever has not signed in yet."""


# ---- accounts -------------------------------------------------------------------------------------------------------


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


class _Secret(Message, frozen=True, kw_only=True, gc=False):
    """Something shown once: it does not show itself in a traceback."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class _SecretCommand(Command, frozen=True, kw_only=True, gc=False):
    """Carries a secret, or is answered with one: neither the command nor its reply is kept, and it does not show itself."""

    kept: ClassVar[bool] = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class PasswordIssued(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.password_issued"):
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


class DemoAccount(_Secret, frozen=True, kw_only=True, gc=False):
    """`training`: a registrar's training record; with it goes an appointment for the present school year."""

    username: str
    password: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...] = ()
    training: str = ""


class DemoClient(_Secret, frozen=True, kw_only=True, gc=False):
    """An integration client with the secret given."""

    client_id: str
    secret: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date


class LoadAccounts(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.load_accounts"):
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


class ChangePassword(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.change_password"):
    """The actor's own. Other sessions end. Reply: Ok."""

    current: str
    new: str
    session: str


class EnrolSecondFactor(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.enrol_second_factor"):
    """A new TOTP seed (RFC 6238) for the actor; it counts once a code confirms it. Reply: SecondFactorSeed.

    `code`: of the second factor that it replaces, where there is one, or a recovery code.
    """

    password: str
    code: str = ""


class SecondFactorSeed(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.second_factor_seed"):
    """`uri`: otpauth://… for the telephone; `picture`: the same as a QR code (SVG)."""

    secret: str
    uri: str
    picture: str


class ConfirmSecondFactor(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.confirm_second_factor"):
    """Reply: RecoveryCodes, shown once."""

    code: str


class RecoveryCodes(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.recovery_codes"):
    """Each opens the second factor once, for the day the telephone is lost."""

    codes: tuple[str, ...]


# ---- sessions and tokens --------------------------------------------------------------------------------------------


TOKEN_ISSUER = "xueji-access"  # noqa: S105 - a name
TOKEN_AUDIENCE = "xueji-api"  # noqa: S105


class Claims(Message, frozen=True, kw_only=True, gc=False):
    """What an access token says: a JWT (RFC 7519) signed with EdDSA (RFC 8037), `kid` in its header.

    `sub`: the account, as in `actor`. `iat`, `exp`: seconds since 1970, `iat` with its fraction (`Stale.before` is compared
    with it). `sid`: the session; of an integration client `client:<client_id>`. `actor`: in full, so that nobody is asked.
    """

    iss: str
    aud: str
    sub: str
    iat: float
    exp: float
    jti: str
    sid: str
    actor: Actor


class Tokens(_Secret, frozen=True, kw_only=True, gc=False):
    """`expires_in`: seconds of the access token. `refresh_token`: used once; each use gives the next."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: Moment
    session: str
    actor: Actor


class SignInAnswer(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.sign_in_answer"):
    """Either `tokens`, or why not. It is no Refused: what the attempt changed (its count) is committed.

    `wrong`: user name, password or code is wrong (never said which); when `wait` is above 0, the next try may come in so
    many seconds. `locked`: this try was not looked at; again in `wait` seconds. `code`: the password is right, the second
    factor is asked for. Told only after the right password: `sealed` (an administrator opens the account), `expired` (a
    first password that was not used in time: an administrator sets a new one). `reused`: an old refresh token was used
    again: the session has been ended. `ended`: the session has ended.

    `who`: the account that was tried, where there is one. For the audit log; never shown to who tries.
    """

    tokens: Tokens | None = None
    problem: Literal["wrong", "locked", "code", "sealed", "expired", "reused", "ended"] | None = None
    wait: int = 0
    who: Actor | None = None


class SignIn(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.sign_in"):
    """`code`: of the second factor, or a recovery code. `agent`: the browser, for the list of sessions."""

    username: str
    password: str
    code: str = ""
    agent: str = ""


class RefreshSession(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.refresh_session"):
    refresh_token: str


class SessionView(Message, frozen=True, kw_only=True, gc=False):
    """`expires_at`: when it ends if it is not continued. `end_reason`: Chinese, for its owner."""

    id: str
    username: str
    address: str
    agent: str
    started_at: Moment
    seen_at: Moment
    expires_at: Moment
    ended_at: Moment | None = None
    end_reason: str = ""


class SessionPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.session_page"):
    items: tuple[SessionView, ...]
    next_cursor: str | None = None


class ListSessions(Query, frozen=True, kw_only=True, gc=False, tag="access.sessions"):
    """Of an account (the actor's own where none is named), newest first."""

    username: str | None = None
    live_only: bool = True
    cursor: str | None = None
    limit: int = 50


class EndSession(Command, frozen=True, kw_only=True, gc=False, tag="access.end_session"):
    """Sign out, or revoke another session: the own, or of an account that the actor administers. Reply: Ok."""

    session_id: str


class GetTokenState(Query, frozen=True, kw_only=True, gc=False, tag="access.token_state"):
    """What verifying tokens needs. Asked by the gateway again and again."""


class Stale(Message, frozen=True, kw_only=True, gc=False):
    """Tokens of this session issued before this moment count no more."""

    session: str
    before: Moment


class TokenState(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.token_state_view"):
    """`keys`: public keys as a JWK set (RFC 7517), those of tokens that are still alive too. `stale`: sessions that
    ended or whose rights changed within the life of an access token."""

    keys: dict[str, Any]
    stale: tuple[Stale, ...]


# ---- integration clients (RFC 6749, client credentials) ---------------------------------------------------------------

SCOPES = ("students:read", "organisations:read", "webhooks:manage")
"""What an integration client may be given."""


class ClientView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_view"):
    client_id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date
    created_at: Moment
    created_by: str
    last_used_at: Moment | None = None
    ended_at: Moment | None = None


class ClientPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_page"):
    items: tuple[ClientView, ...]
    next_cursor: str | None = None


class ClientSecret(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_secret"):
    """Shown once."""

    client: ClientView
    secret: str


class CreateClient(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.create_client"):
    """Reply: ClientSecret."""

    client_id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date


class RotateClientSecret(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.rotate_client_secret"):
    """The old secret ends at once. Reply: ClientSecret."""

    client_id: str


class EndClient(Command, frozen=True, kw_only=True, gc=False, tag="access.end_client"):
    """Reply: ClientView."""

    client_id: str


class ListClients(Query, frozen=True, kw_only=True, gc=False, tag="access.clients"):
    cursor: str | None = None
    limit: int = 50


class GrantClient(_SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.grant_client"):
    """`scope`: space-separated, empty for all that the client has. Reply: ClientGranted."""

    client_id: str
    client_secret: str
    scope: str = ""


class ClientGranted(_Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_granted"):
    """Either a token or an error code of RFC 6749, 5.2. `who`: the client, where there is one: for the audit log."""

    access_token: str = ""
    expires_in: int = 0
    scope: str = ""
    error: Literal["", "invalid_client", "invalid_scope"] = ""
    who: Actor | None = None

    @property
    def problem(self) -> str | None:
        return self.error or None


# ---- events -----------------------------------------------------------------------------------------------------------


class AlertRaised(Event, frozen=True, kw_only=True, gc=False, tag="access.alert_raised"):
    """An unusual use of personal data (clause 45.1). `authority`: whose auditors look at it."""

    alert_id: str
    kind: str
    authority: str
    account: str
    organisation: str
    count: int


Commands = (
    CreateAccount
    | ChangeAccount
    | SealAccount
    | UnsealAccount
    | ResetPassword
    | ResetSecondFactor
    | LoadAccounts
    | ChangePassword
    | EnrolSecondFactor
    | ConfirmSecondFactor
    | SignIn
    | RefreshSession
    | EndSession
    | CreateClient
    | RotateClientSecret
    | EndClient
    | GrantClient
    | appointments.Commands
)


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


class MovedExportDeadlines(Query, frozen=True, kw_only=True, gc=False, tag="access.moved_deadlines"):
    """For the registry's dry run of a year's notice: last days of approvals that it would move. Reply: MovedDeadlines."""

    days: YearDays


Queries = (
    GetAccount
    | ListAccounts
    | ListSessions
    | GetTokenState
    | ListClients
    | ListHoldersNow
    | MovedExportDeadlines
    | appointments.Queries
)
Events = appointments.Events | AlertRaised | ExportApproved | ExportStands | ExportsStand

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CreateAccount: PasswordIssued,
    ChangeAccount: AccountView,
    SealAccount: AccountView,
    UnsealAccount: AccountView,
    ResetPassword: PasswordIssued,
    ResetSecondFactor: AccountView,
    LoadAccounts: Ok,
    ChangePassword: Ok,
    EnrolSecondFactor: SecondFactorSeed,
    ConfirmSecondFactor: RecoveryCodes,
    SignIn: SignInAnswer,
    RefreshSession: SignInAnswer,
    EndSession: Ok,
    CreateClient: ClientSecret,
    RotateClientSecret: ClientSecret,
    EndClient: ClientView,
    GrantClient: ClientGranted,
    GetAccount: AccountView,
    ListAccounts: AccountPage,
    ListSessions: SessionPage,
    GetTokenState: TokenState,
    ListClients: ClientPage,
    ListHoldersNow: HoldersNow,
    MovedExportDeadlines: MovedDeadlines,
    **appointments.REPLIES,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
