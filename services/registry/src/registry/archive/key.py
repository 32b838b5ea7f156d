"""The key that signs archives, and `python -m registry archive-key`, which says its public half for all to know."""

from __future__ import annotations

import sys

from service_kit import settings
from service_kit.settings import Settings
from service_kit.signing import Signer, fingerprint

WORD = "archive-key"


def archive_signer(loaded: Settings) -> Signer:
    return Signer.from_settings(loaded, "archive")


def main() -> None:
    key = archive_signer(settings.load()).public_key
    sys.stdout.write(f"{key}\n指纹 {fingerprint(key)}\n")
