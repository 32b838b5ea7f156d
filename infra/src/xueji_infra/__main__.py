"""`python -m xueji_infra nats-config | declare | databases`: for operators; the local stack calls the same functions."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from pathlib import Path

import asyncpg
import msgspec
import nats.errors

from xueji_infra import databases, declare, nats_conf
from xueji_infra.topology import topology


class Passwords(msgspec.Struct, kw_only=True):
    """The file given with `--passwords`: what is missing in it is made at random and added."""

    nats: dict[str, str] = {}
    postgres: dict[str, str] = {}


def read_passwords(path: Path) -> Passwords:
    if not path.exists():
        return Passwords()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Passwords)
    except msgspec.MsgspecError as error:
        raise SystemExit(f"{path} is not a file of passwords ({error}). Cure: name another file.") from None


def write_passwords(path: Path, passwords: Passwords) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(passwords)))


def _fill(known: dict[str, str], names: tuple[str, ...]) -> None:
    for name in names:
        known.setdefault(name, secrets.token_urlsafe(24))


def _nats_config(arguments: argparse.Namespace) -> None:
    passwords = read_passwords(arguments.passwords)
    _fill(passwords.nats, (nats_conf.ADMIN, *topology().nats_users))
    write_passwords(arguments.passwords, passwords)
    sys.stdout.write(nats_conf.render(passwords.nats))


async def _declare(arguments: argparse.Namespace) -> None:
    password = os.environ.get("XUEJI_NATS_ADMIN_PASSWORD") or read_passwords(arguments.passwords).nats.get(
        nats_conf.ADMIN, ""
    )
    client = await declare.connect_admin(arguments.url, password)
    try:
        done = await declare.declare(client, replicas=arguments.replicas)
    finally:
        await client.close()
    _say(done or ["streams and consumers are as declared"])


async def _databases(arguments: argparse.Namespace) -> None:
    url = os.environ.get("XUEJI_POSTGRES_ADMIN_URL", "")
    if not url:
        raise SystemExit("XUEJI_POSTGRES_ADMIN_URL is not set. Cure: postgresql://<superuser>:…@<host>:5432/postgres")
    passwords = read_passwords(arguments.passwords)
    roles = tuple(role for name in topology().databases for role in (name, databases.owner_role(name)))
    _fill(passwords.postgres, roles)
    write_passwords(arguments.passwords, passwords)  # before the roles get them: an interruption loses none
    admin = await asyncpg.connect(url)
    try:
        await databases.close_to_public(admin)
        for service in topology().databases:
            owner = databases.owner_role(service)
            await databases.ensure_roles(admin, service, passwords.postgres[owner], passwords.postgres[service])
            made = await databases.ensure_database(admin, url, service)
            _say([f"database {databases.database_name(service)} {'made' if made else 'was there'}"])
    finally:
        await admin.close()


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m xueji_infra", description="Bus and databases as declared")
    acts = parser.add_subparsers(dest="act", required=True)
    passwords = argparse.ArgumentParser(add_help=False)
    passwords.add_argument("--passwords", type=Path, default=Path("passwords.json"), help="kept here (0600)")
    acts.add_parser("nats-config", parents=[passwords], help="write nats.conf to the standard output")
    bus = acts.add_parser("declare", parents=[passwords], help="streams and consumers")
    bus.add_argument("--url", default="nats://127.0.0.1:4222")
    bus.add_argument("--replicas", type=int, default=1, choices=(1, 3, 5), help="of each stream, in a cluster")
    acts.add_parser("databases", parents=[passwords], help="databases, roles, grants; server: XUEJI_POSTGRES_ADMIN_URL")
    arguments = parser.parse_args()
    try:
        if arguments.act == "nats-config":
            _nats_config(arguments)
        elif arguments.act == "declare":
            asyncio.run(_declare(arguments))
        else:
            asyncio.run(_databases(arguments))
    except (OSError, nats.errors.Error) as error:
        sys.exit(f"{arguments.act}: no answer ({type(error).__name__}). Cure: is the server up, is the password right?")
    except asyncpg.PostgresError as error:
        sys.exit(f"{arguments.act}: PostgreSQL says {error.sqlstate}: {error}")


if __name__ == "__main__":
    main()
