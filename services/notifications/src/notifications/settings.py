"""What the service reads from its environment, beside what every service reads (`service_kit.settings`)."""

from __future__ import annotations

from datetime import time

from service_kit.settings import Settings, SettingsError, rename


class NotificationsSettings(Settings, frozen=True, kw_only=True, rename=rename):
    """Channels that are not set are not offered.

    `smtp_host`, `smtp_port`, `smtp_user`, `smtp_password`: the mail server; `smtp_tls`: `starttls`, `tls` or `none` (a
    development machine's). `mail_from`: the sender. `sms_url`, `sms_key`: the gateway for text messages and its bearer token.
    `webhook_private`: `1` lets webhooks go to private addresses over plain HTTP: for tests, refused in production.
    `quiet_from`, `quiet_to`: between these times of day nobody is sent an e-mail or a text message.
    """

    smtp_host: str = ""
    smtp_port: int = 587
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_tls: str = "starttls"
    mail_from: str = ""
    sms_url: str = ""
    sms_key: str = ""
    webhook_private: str = ""
    quiet_from: str = "22:00"
    quiet_to: str = "07:00"

    def __repr__(self) -> str:
        return f"NotificationsSettings(env={self.env})"  # the rest holds secrets

    @property
    def quiet(self) -> tuple[time, time]:
        try:
            return time.fromisoformat(self.quiet_from), time.fromisoformat(self.quiet_to)
        except ValueError:
            raise SettingsError("XUEJI_QUIET_FROM and XUEJI_QUIET_TO are times of day: 22:00, 07:00") from None

    def checked(self) -> NotificationsSettings:
        """Itself, or SettingsError."""
        _ = self.quiet
        if self.smtp_tls not in ("starttls", "tls", "none"):
            raise SettingsError("XUEJI_SMTP_TLS must be starttls, tls or none")
        if bool(self.smtp_host) != bool(self.mail_from):
            raise SettingsError("XUEJI_SMTP_HOST and XUEJI_MAIL_FROM go together")
        if bool(self.sms_url) != bool(self.sms_key):
            raise SettingsError("XUEJI_SMS_URL and XUEJI_SMS_KEY go together")
        if self.production and self.webhook_private:
            raise SettingsError(
                "XUEJI_WEBHOOK_PRIVATE opens the own network to whoever registers a webhook. Cure: unset it."
            )
        if self.production and self.smtp_host and self.smtp_tls == "none":
            raise SettingsError("XUEJI_SMTP_TLS=none is for development: messages must not cross a network in the open")
        return self
