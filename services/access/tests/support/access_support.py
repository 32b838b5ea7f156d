"""The access service without its bus: commands and queries handed to it as the kit does, on a real PostgreSQL."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import jwt
import msgspec
from access.accounts import handlers as accounts
from access.clients import handlers as clients
from access.context import assemble
from access.sessions import handlers as sessions
from access.settings import AccessSettings
from kit_recorder import Notebook
from regulation.divisions import DIVISIONS
from service_kit import commands, organisations, settings
from service_kit.clock import Clock
from service_kit.codec import decode_reply
from service_kit.database import Database
from service_kit.ids import new_id
from service_kit.origin import Origin, origin
from service_kit.service import Kit
from shared_contracts import access as contract
from shared_contracts.access import (
    ANONYMOUS,
    TOKEN_AUDIENCE,
    TOKEN_ISSUER,
    Claims,
    CreateAccount,
    GetTokenState,
    SignIn,
    SignInAnswer,
    Tokens,
)
from shared_contracts.actors import Actor, Role, system
from shared_contracts.audit import Audited
from shared_contracts.decisions import Refused
from shared_contracts.organisations import OrganisationChanged

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
PROVINCE, CITY, COUNTY, NEIGHBOUR = "230000", "230100", "230103", "230184"
SCHOOL, FAR_SCHOOL = "2123010001", "2123010002"
GOOD = "brown-otter-42-lantern"
BETTER = "velvet.teapot/9.marsh"


def admin(organisation: str, account: str = "") -> Actor:
    return Actor(
        account=account or f"admin.{organisation}",
        name="管理员",
        organisation=organisation,
        roles=(Role.ACCOUNT_ADMIN,),
    )


OPERATOR = Actor(account="operator", name="运维", organisation=PROVINCE, roles=(Role.OPERATOR,))
AUTHORITIES = (PROVINCE, CITY, COUNTY, NEIGHBOUR)
SCHOOLS = {SCHOOL: COUNTY, FAR_SCHOOL: NEIGHBOUR}


class MovingClock(Clock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.moment = START

    def now(self) -> datetime:
        return self.moment

    def pass_(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


def _known(code: str) -> OrganisationChanged:
    authority = SCHOOLS.get(code) or (DIVISIONS[code].parent if code in DIVISIONS else None)
    return OrganisationChanged(
        code=code,
        name=f"{DIVISIONS[code].name}教育局" if code in DIVISIONS else f"育才{code[-2:]}小学",
        kind="school" if code in SCHOOLS else DIVISIONS[code].level,
        parent=authority,
        authority=authority,
        division=SCHOOLS.get(code, code),
        valid_from=date(2020, 1, 1),
        closed=False,
        version=1,
    )


class Desk:
    """One copy of the service. `do`, `ask`: a command, a query."""

    def __init__(self, environ: dict[str, str], clock: MovingClock | None = None, **changes: Any) -> None:
        self.env = environ
        self.clock = clock or MovingClock()
        loaded = settings.load(environ)
        self.db = Database.from_settings(loaded, self.clock, "access")
        self.kit = Kit("access", loaded, self.db, None, self.clock)  # type: ignore[arg-type] - no bus here
        own = msgspec.structs.replace(settings.read(AccessSettings, environ), **changes)
        self.deps = assemble(self.kit, own)
        self.notebook = Notebook("access")
        self._commands = {**accounts.COMMANDS, **sessions.COMMANDS, **clients.COMMANDS}
        self._queries = {**accounts.QUERIES, **sessions.QUERIES, **clients.QUERIES}

    async def know(self, *codes: str) -> None:
        async with self.db.transaction() as tx:
            await organisations.put(tx, [_known(code) for code in codes])

    async def do(self, command: Any) -> Any:
        handler = self._commands[type(command)]
        reply = await commands.once(self.db, self.clock, self.deps, handler, command, self.notebook)
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        handler = self._queries[type(query)]
        reply = await commands.ask(self.db, self.clock, self.deps, handler, query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def create(
        self,
        username: str,
        organisation: str = COUNTY,
        *roles: Role,
        by: Actor | None = None,
        classes: tuple[str, ...] = (),
    ) -> Any:
        """An account with its first password: the reply."""
        return await self.do(
            CreateAccount(
                command_id=new_id(),
                actor=by or admin(PROVINCE),
                username=username,
                name="某老师",
                organisation=organisation,
                roles=roles or (Role.AUTHORITY_OFFICER,),
                classes=classes,
            )
        )

    async def settled(self, username: str, organisation: str = COUNTY, *roles: Role, password: str = GOOD) -> None:
        """An account whose owner has a password of his own already."""
        made = await self.create(username, organisation, *roles)
        assert isinstance(made, contract.PasswordIssued), made
        encoded = await self.deps.hasher.hash(password)
        await self.sql(
            "UPDATE accounts SET password_hash = $2, must_change_password = false WHERE username = $1",
            username,
            encoded,
        )

    async def sign_in(
        self, username: str, password: str = GOOD, code: str = "", address: str = "10.0.0.7"
    ) -> SignInAnswer:
        before = origin.set(Origin(address=address))
        try:
            return await self.do(
                SignIn(
                    command_id=new_id(),
                    actor=ANONYMOUS,
                    username=username,
                    password=password,
                    code=code,
                    agent="Firefox",
                )
            )
        finally:
            origin.reset(before)

    async def tokens(self, username: str, password: str = GOOD, code: str = "") -> Tokens:
        answer = await self.sign_in(username, password, code)
        assert answer.tokens is not None, answer.problem
        return answer.tokens

    async def refresh(self, token: str) -> SignInAnswer:
        command = contract.RefreshSession(command_id=new_id(), actor=ANONYMOUS, refresh_token=token)
        answer = await self.do(command)
        assert isinstance(answer, SignInAnswer)
        return answer

    async def state(self) -> contract.TokenState:
        found = await self.ask(GetTokenState(actor=system("gateway")))
        assert isinstance(found, contract.TokenState)
        return found

    async def claims(self, token: str) -> Claims:
        """As the gateway reads it: with the published keys. Raises jwt.InvalidTokenError."""
        state = await self.state()
        keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(state.keys).keys}
        key = keys[jwt.get_unverified_header(token)["kid"]]
        payload = jwt.decode(
            token,
            key,
            algorithms=["EdDSA"],
            audience=TOKEN_AUDIENCE,
            issuer=TOKEN_ISSUER,
            options={"verify_exp": False, "verify_iat": False},
        )
        return msgspec.convert(payload, Claims)

    async def holds(self, token: str) -> bool:
        """Whether the gateway takes it now."""
        claims = await self.claims(token)
        stale = {one.session: one.before.timestamp() for one in (await self.state()).stale}
        return claims.exp > self.clock.now().timestamp() and claims.iat >= stale.get(claims.sid, 0.0)

    async def entries(self) -> list[Audited]:
        """What the audit log is told of commands that were carried out."""
        rows = await self.sql("SELECT payload FROM audit_outbox ORDER BY seq")
        return [msgspec.json.decode(row["payload"], type=Audited) for row in rows]

    async def sql(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        """As the owner of the tables."""
        return await self._as("XUEJI_MIGRATION_DATABASE_URL", statement, *args)

    async def app_sql(self, statement: str, *args: Any) -> list[asyncpg.Record]:
        """As the role that the service runs with."""
        return await self._as("XUEJI_DATABASE_URL", statement, *args)

    async def _as(self, url: str, statement: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.env[url])
        try:
            return await connection.fetch(statement, *args)
        finally:
            await connection.close()

    async def shut(self) -> None:
        await self.deps.outside.close()
        await self.db.close()


def codes(reply: Any) -> list[str]:
    """Of a refusal's findings."""
    assert isinstance(reply, Refused), reply
    return [finding.code for finding in reply.findings]
