"""What the gateway reads from its environment, beside what every service reads (`service_kit.settings`)."""

from __future__ import annotations

from service_kit.settings import Settings, rename


class GatewaySettings(Settings, frozen=True, kw_only=True, rename=rename):
    """`answer_seconds`: how long a service is given to answer.

    `trusted_proxies`: addresses (comma separated) whose `X-Forwarded-For` and `-Proto` are believed; none by default.
    `cors_origins`: origins (comma separated) whose pages may call the API; none by default.
    """

    http_host: str = "127.0.0.1"
    http_port: int = 8000
    http_workers: int = 1
    max_upload_bytes: int = 20_000_000
    answer_seconds: float = 10.0
    trusted_proxies: str = ""
    cors_origins: str = ""

    def __repr__(self) -> str:
        return f"GatewaySettings(env={self.env})"  # the rest holds secrets


def split(text: str) -> list[str]:
    """The parts of a comma-separated setting."""
    return [part.strip() for part in text.split(",") if part.strip()]
