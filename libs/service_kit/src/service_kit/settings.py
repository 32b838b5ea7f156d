"""Settings: environment variables with the prefix `XUEJI_`, read once at start into a typed struct."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

PREFIX = "XUEJI_"
T = TypeVar("T", bound=msgspec.Struct)


class SettingsError(Exception):
    """A setting is missing or has a bad value. The message names the variable and never its value."""


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename=lambda name: PREFIX + name.upper()):
    """What every service reads. `XUEJI_DATABASE_URL` is the least-privileged role, `…MIGRATION…` the owner."""

    env: Literal["development", "production"] = "development"
    database_url: str = ""
    migration_database_url: str = ""
    database_pool: int = 8
    nats_url: str = "nats://127.0.0.1:4222"
    nats_user: str = ""
    nats_password: str = ""
    field_keys: str = ""
    index_key: str = ""
    files_dir: str = ""
    files_key: str = ""
    files_s3_endpoint: str = ""
    files_s3_bucket: str = ""
    files_s3_region: str = "us-east-1"
    files_s3_access_key: str = ""
    files_s3_secret_key: str = ""
    scanner: str = ""
    health_host: str = "127.0.0.1"
    health_port: int = 0
    time_travel: str = ""
    otlp_endpoint: str = ""
    trace_sample: float = 1.0
    log_level: str = "INFO"

    def __repr__(self) -> str:
        return f"Settings(env={self.env})"  # the rest holds secrets

    @property
    def production(self) -> bool:
        return self.env == "production"


def read(kind: type[T], environ: Mapping[str, str] | None = None) -> T:
    """A settings struct from the environment. Give service-specific structs the same `rename` as `Settings`."""
    source = os.environ if environ is None else environ
    values = {key: value for key, value in source.items() if key.startswith(PREFIX) and value != ""}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        # msgspec's text names the field and the expected type, not the value.
        raise SettingsError(f"{error}. Cure: set the variable; README.md lists all of them.") from None


def load(environ: Mapping[str, str] | None = None) -> Settings:
    return read(Settings, environ)


def rename(name: str) -> str:
    """For a service's own struct: `class MatcherSettings(msgspec.Struct, rename=settings.rename)`."""
    return PREFIX + name.upper()
