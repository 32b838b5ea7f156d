"""The environment (`XUEJI_*`) of each service, from where the servers are and the credentials."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from urllib.parse import quote

import msgspec
from xueji_infra.databases import database_name, owner_role
from xueji_infra.topology import topology

from xueji_local.credentials import Credentials

TUNABLE = (
    "XUEJI_LOG_LEVEL",
    "XUEJI_OTLP_ENDPOINT",
    "XUEJI_TRACE_SAMPLE",
    "XUEJI_DATABASE_POOL",
    "XUEJI_HTTP_WORKERS",
    "XUEJI_TOKEN_MINUTES",
    "XUEJI_SECOND_FACTOR",
    "XUEJI_MAX_UPLOAD_BYTES",
    "XUEJI_SMTP_HOST",
    "XUEJI_SMTP_PORT",
    "XUEJI_SMTP_TLS",
    "XUEJI_MAIL_FROM",
    "XUEJI_SMS_URL",
    "XUEJI_SMS_KEY",
    "XUEJI_WEBHOOK_PRIVATE",
    "XUEJI_MATCHER_BUDGET_SECONDS",
    "XUEJI_MATCHER_SEED",
    "XUEJI_MATCHER_SIZE",
    "XUEJI_MATCHER_SCHOOL_YEAR",
)
"""Settings that a person may give to `make run`; addresses and secrets are the stack's own."""


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are. Ports are of 127.0.0.1; 0: none. `health_ports`: by service.
    `clock`: the file by which the clock of all of them is moved; None: the world's."""

    postgres_host: str
    postgres_port: int
    nats_url: str
    files: Path
    health_ports: dict[str, int] = {}
    gateway_port: int = 0
    matcher_port: int = 0
    matcher_data: Path | None = None
    clock: Path | None = None


def environment_of(
    service: str, places: Places, credentials: Credentials, *, database: str | None = None
) -> dict[str, str]:
    """What `python -m <service>` needs, and nothing of the others' secrets. `database`: another than the service's."""
    values = {"XUEJI_ENV": "development", "XUEJI_LOG_LEVEL": "INFO"}
    values |= {name: os.environ[name] for name in TUNABLE if os.environ.get(name)}
    if places.clock:
        values["XUEJI_TIME_TRAVEL"] = str(places.clock)
    if service == "matcher":
        return values | {
            "XUEJI_HTTP_HOST": "127.0.0.1",
            "XUEJI_HTTP_PORT": str(places.matcher_port),
            "XUEJI_MATCHER_API_KEY": credentials.matcher_api_key,
            "XUEJI_MATCHER_DATA": str(places.matcher_data or ""),
        }
    values |= {
        "XUEJI_NATS_URL": places.nats_url,
        "XUEJI_NATS_USER": service,
        "XUEJI_NATS_PASSWORD": credentials.nats_users.get(service, ""),
        "XUEJI_HEALTH_HOST": "127.0.0.1",
        "XUEJI_HEALTH_PORT": str(places.health_ports.get(service, 0)),
    }
    declared = topology().services.get(service)
    if declared is None or declared.database:
        name = database or database_name(service)

        def url(role: str) -> str:
            secret = quote(credentials.role(role), safe="")
            return f"postgresql://{role}:{secret}@{places.postgres_host}:{places.postgres_port}/{name}"

        values |= {
            "XUEJI_DATABASE_URL": url(service),
            "XUEJI_MIGRATION_DATABASE_URL": url(owner_role(service)),
            "XUEJI_FIELD_KEYS": f"k1:{credentials.field_key(service)}",
        }
    if service == "identity":
        values |= {
            "XUEJI_INDEX_KEY": credentials.index_key(service),
            "XUEJI_MATCHER_URL": f"http://127.0.0.1:{places.matcher_port}" if places.matcher_port else "",
            "XUEJI_MATCHER_API_KEY": credentials.matcher_api_key,
        }
    if service == "access":
        values["XUEJI_AUDIT_KEY"] = credentials.audit_key
    if service in ("gateway", "registry", "access"):
        values |= {"XUEJI_FILES_DIR": str(places.files), "XUEJI_FILES_KEY": credentials.files_key}
    if service == "gateway":
        values |= {
            "XUEJI_HTTP_HOST": "127.0.0.1",
            "XUEJI_HTTP_PORT": str(places.gateway_port),
        }
    return values


def as_shell(values: dict[str, str]) -> str:
    """The text of an env file that a shell (`set -a; . file`) and systemd read alike."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items()))
