"""What counts as a purpose where one has to be given: showing full numbers, exporting (clause 45.1: 谁使用谁负责)."""

from __future__ import annotations

import re
from typing import Final

from regulation.mark import clause

SHORTEST: Final = 4
LONGEST: Final = 200
DIGITS: Final = 6
"""So many digits in a row are part of a document, student or telephone number: a purpose is kept in the audit log for
years and shown to others, and no such number belongs there."""

_RUN = re.compile(rf"\d{{{DIGITS}}}")
HINT: Final = f"用一句话写明用途（{SHORTEST} 至 {LONGEST} 个字），不得写入证件号、学籍号、电话等号码"
"""The cure, in Chinese."""


def names_number(text: str) -> bool:
    """Whether a text has part of a number that identifies somebody."""
    return _RUN.search(text) is not None


@clause("45.1")
def states_purpose(purpose: str) -> bool:
    """Whether this is a sentence of a usual length, without a number that identifies somebody."""
    text = purpose.strip()
    return SHORTEST <= len(text) <= LONGEST and text.isprintable() and not names_number(text)
