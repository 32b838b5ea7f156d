"""Resident identity numbers (GB 11643): 6 digits of area, 8 of birth date, 3 of sequence (odd: male), 1 check character."""

from __future__ import annotations

from datetime import date

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECKS = "10X98765432"


def check_character(body: str) -> str:
    """The 18th character for the first 17 digits (ISO 7064, mod 11-2)."""
    return CHECKS[sum(w * int(c) for w, c in zip(WEIGHTS, body, strict=True)) % 11]


def part_sum(digits: str, start: int) -> int:
    """What `digits`, standing at position `start` of a number, adds to its check sum."""
    return sum(w * int(c) for w, c in zip(WEIGHTS[start:], digits, strict=False))


def is_valid(number: str) -> bool:
    """Eighteen characters, a real date, the right check character. The area is not looked at: old codes live on."""
    if len(number) != 18 or not (number.isascii() and number[:17].isdigit()):
        return False
    try:
        birth_date(number)
    except ValueError:
        return False
    return check_character(number[:17]) == number[17]


def birth_date(number: str) -> date:
    """The birth date inside a number. ValueError when there is none."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def sex(number: str) -> str:
    """1 male, 2 female (GB/T 2261.1)."""
    return "1" if int(number[16]) % 2 else "2"
