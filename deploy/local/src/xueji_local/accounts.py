"""Demonstration accounts: random passwords made once, argon2id for the gateway, plain text for the person at the machine."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from argon2 import PasswordHasher
from regulation import divisions
from regulation.divisions import DIVISIONS
from regulation.school_codes import SCHOOL_TYPES
from regulation.school_year import SchoolSystem, grades_of
from shared_contracts.actors import Role

from xueji_local.credentials import write_private
from xueji_local.province import authority_name, schools

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's minimum for argon2id: the passwords are random (68 bits) and need no more."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


class DemoAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is. `classes`: what a class teacher may act on (`shared_contracts.actors.Actor`)."""

    username: str
    name: str
    organisation: str
    organisation_name: str
    role: Role
    classes: tuple[str, ...] = ()


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in the secrets folder of one account."""

    username: str
    password: str
    password_hash: str


def wanted() -> tuple[DemoAccount, ...]:
    """The demonstration school's people first, then the others."""
    people: list[DemoAccount] = []

    def add(username: str, name: str, organisation: str, title: str, role: Role, *classes: str) -> None:
        people.append(
            DemoAccount(
                username=username,
                name=name,
                organisation=organisation,
                organisation_name=title,
                role=role,
                classes=classes,
            )
        )

    def add_officer(code: str, username: str, name: str) -> None:
        add(username, name, code, authority_name(DIVISIONS[code]), Role.AUTHORITY_OFFICER)

    staff = {
        "xinchun": ("李敏", "王秀兰", "张国强"),
        "shanhe": ("赵慧", "孙丽", "周志远"),
        "qihui": ("吴倩", "郑洁", "冯立新"),
        "songbei-waiyu": ("陈晨", "褚燕", "卫东"),
    }
    for key, (registrar, teacher, principal) in staff.items():
        school = schools()[key]
        # For the whole school: a roster of thousands of pupils spreads over its grades.
        grades = [
            grade
            for stage in SCHOOL_TYPES[school.type].stages
            for grade in grades_of(stage, SchoolSystem(school.system))
        ]
        add(f"{key}.registrar", registrar, school.code, school.name, Role.REGISTRAR)
        add(f"{key}.teacher", teacher, school.code, school.name, Role.CLASS_TEACHER, *map(str, grades))
        if key == "xinchun":
            add(f"{key}.teacher01", "刘佳", school.code, school.name, Role.CLASS_TEACHER, "1-01")
        add(f"{key}.principal", principal, school.code, school.name, Role.PRINCIPAL)
        if key == "xinchun":
            add_officer("230103", "nangang.officer", "马建国")
    add_officer("230184", "wuchang.officer", "高峰")
    add_officer("230109", "songbei.officer", "林静")
    province = DIVISIONS[divisions.PROVINCE]
    add("province.auditor", "何平", province.code, authority_name(province), Role.AUDITOR)
    return tuple(people)


def ensure(accounts_file: Path, secrets_file: Path) -> dict[str, str]:
    """Write the gateway's accounts file. Returns the passwords by user name; those that exist are kept."""
    known: dict[str, Secret] = {}
    if secrets_file.exists():
        known = {s.username: s for s in msgspec.json.decode(secrets_file.read_bytes(), type=list[Secret])}
    missing = [a.username for a in wanted() if a.username not in known]
    if missing:
        with ThreadPoolExecutor(2) as pool:
            known |= {s.username: s for s in pool.map(_new_secret, missing)}
        write_private(secrets_file, msgspec.json.encode(list(known.values())))
    entries = [
        {
            "username": a.username,
            "password_hash": known[a.username].password_hash,
            "name": a.name,
            "organisation": a.organisation,
            "roles": [a.role],
            "classes": a.classes,
        }
        for a in wanted()
    ]
    content = msgspec.json.format(msgspec.json.encode(entries))
    if not accounts_file.exists() or accounts_file.read_bytes() != content:
        write_private(accounts_file, content)
    return {a.username: known[a.username].password for a in wanted()}


def _new_secret(username: str) -> Secret:
    password = "".join(secrets.choice(_ALPHABET) for _ in range(14))
    return Secret(username=username, password=password, password_hash=_HASHER.hash(password))
