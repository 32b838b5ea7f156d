"""Signing in, second factors, sessions and tokens. Words of access."""

from __future__ import annotations

from typing import Any, Literal

from shared_contracts.actors import Actor
from shared_contracts.messages import Command, Message, Moment, Ok, Query
from shared_contracts.secrets import Secret, SecretCommand

ANONYMOUS = Actor(account="", name="", organisation="", roles=())
"""Whoever has not signed in yet."""


class ChangePassword(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.change_password"):
    """The actor's own. Other sessions end. Reply: Ok."""

    current: str
    new: str
    session: str


class EnrolSecondFactor(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.enrol_second_factor"):
    """A new TOTP seed (RFC 6238) for the actor; it counts once a code confirms it. Reply: SecondFactorSeed.

    `code`: of the second factor that it replaces, where there is one, or a recovery code.
    """

    password: str
    code: str = ""


class SecondFactorSeed(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.second_factor_seed"):
    """`uri`: otpauth://… for the telephone; `picture`: the same as a QR code (SVG)."""

    secret: str
    uri: str
    picture: str


class ConfirmSecondFactor(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.confirm_second_factor"):
    """Reply: RecoveryCodes, shown once."""

    code: str


class RecoveryCodes(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.recovery_codes"):
    """Each opens the second factor once, for the day the telephone is lost."""

    codes: tuple[str, ...]


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


class Tokens(Secret, frozen=True, kw_only=True, gc=False):
    """`expires_in`: seconds of the access token. `refresh_token`: used once; each use gives the next."""

    access_token: str
    expires_in: int
    refresh_token: str
    refresh_expires_at: Moment
    session: str
    actor: Actor


class SignInAnswer(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.sign_in_answer"):
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


class SignIn(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.sign_in"):
    """`code`: of the second factor, or a recovery code. `agent`: the browser, for the list of sessions."""

    username: str
    password: str
    code: str = ""
    agent: str = ""


class RefreshSession(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.refresh_session"):
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


Commands = ChangePassword | EnrolSecondFactor | ConfirmSecondFactor | SignIn | RefreshSession | EndSession
Queries = ListSessions | GetTokenState

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    ChangePassword: Ok,
    EnrolSecondFactor: SecondFactorSeed,
    ConfirmSecondFactor: RecoveryCodes,
    SignIn: SignInAnswer,
    RefreshSession: SignInAnswer,
    ListSessions: SessionPage,
    EndSession: Ok,
    GetTokenState: TokenState,
}
