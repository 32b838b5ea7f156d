"""Everybody who may come to the gateway: each role at each kind of place, seen from one school; and nobody.

`xinchun` is the school that things belong to, 230103 its county. Each member of the cast has a session of its own.
"""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import msgspec
from e2e_api import unless_busy
from e2e_clock import CLOCK
from e2e_system import PORTAL, System
from shared_contracts.access import DemoAccount, LoadAccounts
from shared_contracts.actors import Role
from xueji_local.accounts import TRAINING
from xueji_local.operator import OPERATOR, carry_out

SCHOOL, COUNTY, CITY, PROVINCE = "2123000101", "230103", "230100", "230000"
NEIGHBOUR = "230184"
"""Another county of the same city."""
PLACES = {"county": COUNTY, "neighbour": NEIGHBOUR, "city": CITY, "province": PROVINCE}
AUTHORITY_ROLES = {
    "officer": Role.AUTHORITY_OFFICER,
    "leader": Role.LEADER,
    "auditor": Role.AUDITOR,
    "admin": Role.ACCOUNT_ADMIN,
}
_DEMO = {
    "registrar": "xinchun.registrar",
    "teacher": "xinchun.teacher",  # of all grades
    "teacher01": "xinchun.teacher01",  # of class 1-01
    "principal": "xinchun.principal",
    **{f"qihui.{role}": f"qihui.{role}" for role in ("registrar", "teacher", "principal")},  # of the same county
    **{f"shanhe.{role}": f"shanhe.{role}" for role in ("registrar", "teacher", "principal")},  # of the neighbour
    **{f"county.{role}": f"nangang.{role}" for role in AUTHORITY_ROLES},
    "neighbour.officer": "wuchang.officer",
    "province.auditor": "province.auditor",
    "province.admin": "province.admin",
}


@dataclass
class Member:
    """One of the cast; nobody has neither name nor password. `client`: an integration client, no account."""

    name: str
    http: httpx.Client = field(repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    client: bool = False
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    def send(self, method: str, path: str, *, token: str | None = None, **request: Any) -> httpx.Response:
        """As `Api.send`. A POST has an Idempotency-Key of its own unless one is given. `token`: another than its own."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        if bearer := token or self.token:
            headers["Authorization"] = f"Bearer {bearer}"
        headers |= request.pop("headers", {})
        return unless_busy(method, lambda: self.http.request(method, path, headers=headers, **request))

    @property
    def token(self) -> str:
        """Renewed when half its life is over: a run is longer than that."""
        if self.username and time.monotonic() > self._until:
            answer = self.granted() if self.client else self.sign_in()
            self._token, self._until = answer["access_token"], time.monotonic() + answer["expires_in"] / 2
        return self._token

    def sign_in(self) -> dict[str, Any]:
        """A further session: the answer's body."""
        return signed_in(self.http, self.username, self.password)

    def granted(self) -> dict[str, Any]:
        form = {"grant_type": "client_credentials"}
        answer = unless_busy(
            "POST", lambda: self.http.post("/oauth/token", data=form, auth=(self.username, self.password))
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def own_password(self) -> None:
        """After the first sign-in everybody takes a password of his own; then the limit is gone."""
        body = {"current": self.password, "new": new_password()}
        answer = self.send("PUT", "/v1/sessions/current/password", json=body)
        assert answer.status_code == 204, answer.text
        self.password = body["new"]
        self.renew()

    def renew(self) -> None:
        """The next request goes with a new token: rights have changed."""
        self._until = 0.0


def signed_in(http: httpx.Client, username: str, password: str, **more: str) -> dict[str, Any]:
    body = {"username": username, "password": password, **more}
    answer = unless_busy("POST", lambda: http.post("/v1/sessions", json=body))
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()
    return session


class Cast:
    """`cast["county.officer"]`. Made as people make accounts: by an account administrator, each with a first password
    that is changed; the many that only repeat a role at another place are loaded as demonstration accounts are."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.http = httpx.Client(base_url=system.gateway, timeout=httpx.Timeout(70, connect=60), trust_env=False)
        found = msgspec.json.decode(system.layout.stack.read_bytes())["accounts"]
        passwords = {account["username"]: account["password"] for account in found}
        self.members = {"nobody": Member("nobody", self.http)}
        for name, username in _DEMO.items():
            self._enter(name, username, passwords[username])
        self._load()
        self._by_hand()

    def __getitem__(self, name: str) -> Member:
        return self.members[name]

    def close(self) -> None:
        self.http.close()

    def load(self, *accounts: DemoAccount) -> None:
        """As the operator."""
        command = LoadAccounts(command_id=str(uuid.uuid4()), actor=OPERATOR, accounts=accounts)
        password = self.system.keys.nats_users["operator"]
        assert PORTAL.run(carry_out(self.system.nats.url, password, command)) is None

    def member(
        self, name: str, organisation: str, *roles: Role, classes: tuple[str, ...] = (), training: str = ""
    ) -> Member:
        """One more, loaded."""
        username, password = f"cast.{name.replace('_', '-')}", new_password()
        account = DemoAccount(
            username=username, password=password, name="演职员", organisation=organisation, roles=roles,
            classes=classes, training=training,
        )  # fmt: skip
        self.load(account)
        return self._enter(name, username, password)

    def created(self, name: str, organisation: str, *roles: Role, by: str = "county.admin") -> Member:
        """One more, made through the API: with its first password, which it has to change."""
        username = f"cast.{name}"
        body = {"username": username, "name": "演职员", "organisation": organisation, "roles": list(roles)}
        answer = self[by].send("POST", "/v1/accounts", json=body)
        assert answer.status_code == 201, answer.text
        return self._enter(name, username, answer.json()["password"])

    def client(self, name: str, *scopes: str, organisation: str = COUNTY, by: str = "county.admin") -> Member:
        body = {
            "client_id": f"cast.{name}",
            "name": "演示接口",
            "organisation": organisation,
            "scopes": list(scopes),
            "expires_on": (CLOCK.today() + timedelta(days=30)).isoformat(),
        }
        answer = self[by].send("POST", "/v1/clients", json=body)
        assert answer.status_code == 201, answer.text
        return self._enter(name, body["client_id"], answer.json()["secret"], client=True)

    def _enter(self, name: str, username: str, password: str, *, client: bool = False) -> Member:
        self.members[name] = Member(name, self.http, username, password, client)
        return self.members[name]

    def _load(self) -> None:
        missing = {
            f"{place}.{title}": (code, role)
            for place, code in PLACES.items()
            for title, role in AUTHORITY_ROLES.items()
            if f"{place}.{title}" not in self.members
        }
        passwords = {name: new_password() for name in (*missing, "teacher02")}
        people = [
            DemoAccount(
                username=f"cast.{name}", password=passwords[name], name="演职员", organisation=code, roles=(role,)
            )
            for name, (code, role) in missing.items()
        ]
        teacher = DemoAccount(
            username="cast.teacher02", password=passwords["teacher02"], name="演职员", organisation=SCHOOL,
            roles=(Role.CLASS_TEACHER,), classes=("1-02", "2"),
        )  # fmt: skip
        self.load(*people, teacher)
        for name, password in passwords.items():
            self._enter(name, f"cast.{name}", password)

    def _by_hand(self) -> None:
        self.created("limited", SCHOOL, Role.REGISTRAR)
        self.created("unappointed", SCHOOL, Role.REGISTRAR).own_password()
        self.client("client.students", "students:read", "webhooks:manage")
        self.client("client.organisations", "organisations:read")


def new_password() -> str:
    return f"{secrets.token_urlsafe(12)}7q"


def training() -> dict[str, str]:
    """A registrar's training record, as the API takes it."""
    return {"title": TRAINING, "organiser": "黑龙江省教育厅", "completed_on": "2026-08-20"}
