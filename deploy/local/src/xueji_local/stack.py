"""The local stack: servers, databases, streams, services and the province, started in order and stopped in reverse."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import asyncpg
import msgspec
import nats.errors
from service_kit import migrate, time_travel
from service_kit.bus import BusError
from service_kit.clock import Clock
from shared_contracts.actors import Role
from sqlalchemy.exc import SQLAlchemyError
from xueji_infra import databases, declare, nats_conf
from xueji_infra.topology import topology

from xueji_local import accounts, credentials, enrolment, follow, interrupt, ports, programs, province, running, season
from xueji_local.credentials import Credentials, write_private
from xueji_local.demo_client import ApiProblem
from xueji_local.environment import Places, as_shell, environment_of
from xueji_local.layout import Layout
from xueji_local.processes import tail
from xueji_local.programs import SERVICES, Child, External, Program
from xueji_local.progress import Terminal
from xueji_local.servers import Nats, Postgres, ServerProblem

Programs = Callable[[dict[str, dict[str, str]], dict[str, int]], list[Program]]


def all_services(environments: dict[str, dict[str, str]], chosen: dict[str, int]) -> list[Program]:
    return [programs.service(name, environments[name], chosen[name]) for name in SERVICES]


class Stack:
    """`start()`, `announce()`, then `watch()` now and then, then `stop()`; all from the main thread.

    `begins`: what its clock says at its very first start (`season`); it goes on from there.

    `start` raises ServerProblem with what is wrong and the way out; what had started is stopped by `stop`.
    """

    def __init__(
        self,
        layout: Layout,
        terminal: Terminal,
        *,
        external: External | None = None,
        make_programs: Programs = all_services,
        fill: bool = True,
        begins: datetime | None = None,
    ) -> None:
        self.layout = layout
        self.terminal = terminal
        self.children: list[Child] = []
        self.ports: dict[str, int] = {}
        self.postgres: Postgres | None = None
        self.nats: Nats | None = None
        self._external = external
        self._make_programs = make_programs
        self._fill = fill
        self._begins = begins or season.begin()
        self._known = running.Children(layout)
        self._passwords: dict[str, str] = {}
        self._servers_again_at = 0.0
        self._tidy_at = 0.0

    # ---- start ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        layout, terminal = self.layout, self.terminal
        layout.open()
        layout.stack.unlink(missing_ok=True)
        if left := running.end_leftovers(layout):
            terminal.note(f"a killed run had left {', '.join(left)}: ended")
        for name in ("postgres", "nats", *SERVICES):
            follow.rotate(layout.log(name))
        keys = self._credentials()
        if self._external or not (layout.pg / "data").exists():  # data that are there have lived in another time
            time_travel.begin(layout.clock, self._begins)
        wanted = (*(() if self._external else ("postgres", "nats")), *SERVICES)
        self.ports, moved = ports.choose(layout.ports, wanted)
        for sentence in moved:
            terminal.note(sentence)
        self._passwords = accounts.ensure(layout.passwords)
        self._start_servers(keys)
        environments = self._environments(keys)
        with _plainly("the databases"):
            with terminal.step("databases and roles"):
                interrupt.run(self._databases(keys))
            with terminal.step("migrations"):
                interrupt.run(self._migrate(environments))
        with _plainly("streams and consumers"), terminal.step("streams and consumers"):
            interrupt.run(self._declare(keys))
        self._start_services(environments)
        if self._fill:
            self._load(keys.nats_users["operator"])

    def _load(self, password: str) -> None:
        """The province into the registry, the accounts into the access service; what is there already stays."""
        with _plainly("the province"), self.terminal.step("province: education authorities and schools"):
            refused = interrupt.run(province.load(self._nats_url, password))
        if refused:
            raise ServerProblem(f"the registry refuses the province: {refused}")
        with _plainly("the accounts"), self.terminal.step("demonstration accounts"):
            refused = interrupt.run(
                accounts.load(self._nats_url, password, self._passwords, Clock(self.layout.clock).today())
            )
        if refused:
            raise ServerProblem(f"the access service refuses the demonstration accounts: {refused}")
        clock = Clock(self.layout.clock)
        with _plainly("the attendance zones"), self.terminal.step("attendance zones and enrolment plans"):
            try:
                enrolment.load(self.url_of("gateway"), self._passwords, clock)
            except ApiProblem as problem:
                if problem.status not in (409, 422):
                    raise ServerProblem(f"the registry refuses the enrolment plans: {problem}") from problem
                self.terminal.note(f"plans of this school year are left as they are: {problem}")  # other data than ours

    def _credentials(self) -> Credentials:
        file = self.layout.credentials
        if file.exists():
            try:
                keys = msgspec.json.decode(file.read_bytes(), type=Credentials)
            except msgspec.MsgspecError:
                raise ServerProblem(f"{file} cannot be read. Cure: put it back from a copy, or make reset.") from None
        elif (self.layout.pg / "data").exists():
            raise ServerProblem(
                f"{file} is gone, and with it the keys of the data under {self.layout.home}. "
                "Cure: put it back from a copy, or make reset (deletes the data)."
            )
        else:
            keys = credentials.generate()
        keys.complete()
        for name in topology().databases:
            for role in (name, databases.owner_role(name)):
                keys.role(role)
            keys.field_key(name)
        keys.index_key("identity")
        write_private(file, msgspec.json.encode(keys))
        return keys

    def _start_servers(self, keys: Credentials) -> None:
        if self._external:
            return
        layout, terminal = self.layout, self.terminal
        self.postgres = Postgres(
            layout.pg, password=keys.postgres, port=self.ports["postgres"], log=layout.log("postgres")
        )
        with terminal.step(f"PostgreSQL on 127.0.0.1:{self.ports['postgres']}"):
            self.postgres.start(interrupt.check)
        if self.postgres.set_aside:
            terminal.note(f"an incomplete data folder was moved aside: {self.postgres.set_aside}")
        self._note_server("postgres", self.postgres)
        config = nats_conf.render(keys.nats_users)
        self.nats = Nats(layout.nats, config=config, port=self.ports["nats"], log=layout.log("nats"))
        with terminal.step(f"NATS on 127.0.0.1:{self.ports['nats']}"):
            self.nats.start(interrupt.check)
        self._note_server("nats", self.nats)

    def _note_server(self, name: str, server: Postgres | Nats) -> None:
        if server.pid:
            self._known.add(name, server.pid)

    @property
    def _nats_url(self) -> str:
        if self._external:
            return self._external.nats_url
        assert self.nats
        return self.nats.url

    @property
    def _postgres_at(self) -> tuple[str, int]:
        if self._external:
            return self._external.postgres_host, self._external.postgres_port
        assert self.postgres
        return self.postgres.host, self.postgres.port

    def _environments(self, keys: Credentials) -> dict[str, dict[str, str]]:
        """By service; each is kept in its file, so that anybody can run that service alone."""
        layout = self.layout
        host, port = self._postgres_at
        places = Places(
            postgres_host=host,
            postgres_port=port,
            nats_url=self._nats_url,
            files=layout.files,
            health_ports={name: self.ports[name] for name in topology().databases},
            gateway_port=self.ports["gateway"],
            matcher_port=self.ports["matcher"],
            matcher_data=layout.matcher / "population.sqlite",
            clock=layout.clock,
        )
        environments = {name: environment_of(name, places, keys) for name in SERVICES}
        operator = {
            "XUEJI_NATS_URL": self._nats_url,
            "XUEJI_NATS_USER": "operator",
            "XUEJI_NATS_PASSWORD": keys.nats_users["operator"],
        }
        for name, values in (*environments.items(), ("operator", operator)):
            write_private(layout.env_file(name), as_shell(values).encode())
        return environments

    async def _databases(self, keys: Credentials) -> None:
        host, port = self._postgres_at
        url = Postgres(self.layout.pg, password=keys.postgres, port=port).url().replace("127.0.0.1", host, 1)
        admin = await asyncpg.connect(url, timeout=60)
        try:
            await databases.close_to_public(admin)
            for name in topology().databases:
                owner = databases.owner_role(name)
                await databases.ensure_roles(admin, name, keys.role(owner), keys.role(name))
                await databases.ensure_database(admin, url, name)
        finally:
            await admin.close()

    async def _migrate(self, environments: dict[str, dict[str, str]]) -> None:
        # One after another: Alembic keeps its context in a global. At head each costs one query.
        for name in topology().databases:
            await migrate.upgrade(name, environments[name]["XUEJI_MIGRATION_DATABASE_URL"])

    async def _declare(self, keys: Credentials) -> None:
        client = await declare.connect_admin(self._nats_url, keys.nats_users[nats_conf.ADMIN])
        try:
            await declare.declare(client)
        finally:
            await client.close()

    def _start_services(self, environments: dict[str, dict[str, str]]) -> None:
        self.children = [Child(p, self.layout.log(p.name)) for p in self._make_programs(environments, self.ports)]
        for child in self.children:  # all at once: what takes time is importing
            child.start()
            self._note_child(child)
        for child in self.children:
            with self.terminal.step(child.program.name):
                child.wait_ready()
            self._note_child(child)

    def _note_child(self, child: Child) -> None:
        if child.pid:
            self._known.add(child.program.name, child.pid)

    def announce(self) -> None:
        """Write `stack.json`: scripts may come now."""
        write_private(
            self.layout.stack,
            msgspec.json.format(
                msgspec.json.encode(
                    {
                        "gateway": self.url_of("gateway"),
                        "accounts": [
                            {
                                "role": account.role,
                                "organisation": account.organisation,
                                "organisation_name": account.organisation_name,
                                "name": account.name,
                                "username": account.username,
                                "password": self._passwords[account.username],
                                "classes": account.classes,
                            }
                            for account in accounts.wanted()
                        ],
                        "clients": [
                            {
                                "role": Role.INTEGRATION_CLIENT,
                                "organisation": client.organisation,
                                "organisation_name": client.organisation_name,
                                "name": client.name,
                                "client_id": client.client_id,
                                "client_secret": self._passwords[client.client_id],
                                "scopes": client.scopes,
                            }
                            for client in accounts.wanted_clients()
                        ],
                        "matcher": self.url_of("matcher"),
                        "health": {child.program.name: self.url_of(child.program.name) for child in self.children},
                        "supervisor": os.getpid(),
                        "clock": str(self.layout.clock),
                    }
                )
            ),
        )

    def url_of(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}"

    # ---- watch, stop ------------------------------------------------------------------------------------------------

    def watch(self) -> list[str]:
        """Start again what has ended. Returns what there is to tell."""
        told = []
        if time.monotonic() >= self._servers_again_at:
            for name, server in (("postgres", self.postgres), ("nats", self.nats)):
                if server is not None and not server.alive():
                    told.append(self._start_server_again(name, server))
        for child in self.children:
            before = child.pid
            if sentence := child.watch():
                told.append(sentence)
            if child.pid and child.pid != before:
                self._note_child(child)
        if time.monotonic() >= self._tidy_at:
            self._tidy_at = time.monotonic() + 60
            for name in ("postgres", "nats", *SERVICES):
                follow.shorten(self.layout.log(name))
        return told

    def _start_server_again(self, name: str, server: Postgres | Nats) -> str:
        try:
            server.start()
        except ServerProblem as problem:
            self._servers_again_at = time.monotonic() + 10
            return f"{name} has ended and does not start again, next try in 10 s: {problem}"
        self._note_server(name, server)
        return f"{name} had ended and was started again"

    def stop(self) -> None:
        """Everything, in reverse order; also after a start that failed half-way."""
        self.layout.stack.unlink(missing_ok=True)
        for child in reversed(self.children):
            child.stop()
            self._known.remove(child.program.name)
        for name, server in (("nats", self.nats), ("postgres", self.postgres)):
            if server is not None:
                server.stop()
                self._known.remove(name)
        self.layout.children.unlink(missing_ok=True)

    def log_of(self, name: str) -> str:
        return tail(self.layout.log(name))


@contextlib.contextmanager
def _plainly(what: str) -> Iterator[None]:
    """Turn a library's exception into a sentence with a way out."""
    try:
        yield
    except asyncpg.InvalidPasswordError:
        raise ServerProblem(
            f"{what}: PostgreSQL does not know our password: the data were made with other secrets. "
            "Cure: put secrets/credentials.json back, or make reset (deletes the data)."
        ) from None
    except (asyncpg.PostgresError, SQLAlchemyError) as error:
        raise ServerProblem(
            f"{what}: PostgreSQL says: {str(error).splitlines()[0]}. Cure: the logs; make reset starts from nothing "
            "(deletes the data)."
        ) from error
    except (OSError, nats.errors.Error, BusError) as error:
        raise ServerProblem(f"{what}: no answer ({type(error).__name__}: {error}). Cure: the logs.") from error
