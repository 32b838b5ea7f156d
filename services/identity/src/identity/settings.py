"""What identity reads from the environment besides the settings that every service has."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from service_kit.settings import SettingsError, rename


class MatcherSettings(msgspec.Struct, frozen=True, kw_only=True, rename=rename):
    """Seconds, all of them. `matcher_budget_seconds`: how long a registration waits for the matcher before it gets an L.

    `matcher_timeout_seconds`: one question. `matcher_workers`: batches under way at once in one copy of the service.
    """

    env: str = "development"
    matcher_url: str = ""
    matcher_api_key: str = ""
    matcher_budget_seconds: float = 20.0
    matcher_timeout_seconds: float = 10.0
    matcher_breaker_failures: int = 5
    matcher_breaker_seconds: float = 10.0
    matcher_workers: int = 2

    def __repr__(self) -> str:
        return f"MatcherSettings(env={self.env})"  # the rest holds a secret

    def checked(self) -> MatcherSettings:
        """Itself, or SettingsError: names and numbers of children never cross a network in the clear."""
        parts = urlsplit(self.matcher_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError("XUEJI_MATCHER_URL is not set. Cure: https://host of the population service")
        if not self.matcher_api_key:
            raise SettingsError("XUEJI_MATCHER_API_KEY is not set")
        if min(self.matcher_budget_seconds, self.matcher_timeout_seconds, self.matcher_breaker_seconds) <= 0:
            raise SettingsError("XUEJI_MATCHER_*_SECONDS must be above 0")
        if self.matcher_breaker_failures < 1 or self.matcher_workers < 1:
            raise SettingsError("XUEJI_MATCHER_BREAKER_FAILURES and XUEJI_MATCHER_WORKERS must be 1 or more")
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        if self.env == "production" and parts.scheme != "https" and not local:
            raise SettingsError("XUEJI_MATCHER_URL must be https in production")
        return self
