"""Settings from the environment (`XUEJI_*`); what is missing or wrong is said all at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec


class BadSettings(Exception):
    """What is wrong with the environment, one line each."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`data`: path of the SQLite file. `size`: people generated at first start. `school_year`: None is that of the first
    start. In `production` there are no fault switches and the population cannot be changed over HTTP."""

    env: Literal["development", "production"] = "development"
    http_host: str = "127.0.0.1"
    http_port: int = 8090
    matcher_api_key: str
    matcher_data: Path
    matcher_seed: int = 20260901
    matcher_size: int = 30_000
    matcher_school_year: int | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def development(self) -> bool:
        return self.env == "development"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read XUEJI_ENV, XUEJI_HTTP_HOST/PORT, XUEJI_MATCHER_{API_KEY,DATA,SEED,SIZE,SCHOOL_YEAR}, XUEJI_LOG_LEVEL.

    Raises BadSettings. Values are never part of the message: one of them is a secret.
    """
    values = {
        field: environment[name]
        for field in Settings.__struct_fields__
        if environment.get(name := f"XUEJI_{field.upper()}")
    }
    wrong = [
        f"XUEJI_{field.upper()} is not set" for field in ("matcher_api_key", "matcher_data") if field not in values
    ]
    for field, value in values.items():
        try:
            msgspec.convert(
                {"matcher_api_key": "-", "matcher_data": "-"} | {field: value},
                Settings,
                strict=False,
                dec_hook=_path,
            )
        except msgspec.ValidationError as error:
            wrong.append(f"XUEJI_{field.upper()}: {str(error).split(' - at')[0]}")
    if wrong:
        raise BadSettings("\n".join(wrong))
    return msgspec.convert(values, Settings, strict=False, dec_hook=_path)


def _path(wanted: type, value: object) -> object:
    return Path(str(value)) if wanted is Path else value
