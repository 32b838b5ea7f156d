"""Demonstration accounts: one of each role and more. Random passwords, made once, loaded into the access service."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from pathlib import Path

import msgspec
from regulation import divisions
from regulation.divisions import DIVISIONS
from regulation.school_codes import SCHOOL_TYPES
from regulation.school_year import SchoolSystem, grades_of
from shared_contracts import access
from shared_contracts.access import SCOPES, LoadAccounts
from shared_contracts.actors import Role

from xueji_local.credentials import write_private
from xueji_local.operator import OPERATOR, carry_out
from xueji_local.province import authority_name, schools

TRAINING = "黑龙江省学籍管理员岗前培训"
"""先培训后上岗 (clause 43): what each demonstration registrar has been to."""
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else
_YEAR = timedelta(days=365)


class DemoAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Who it is. `classes`: what a class teacher may act on (`shared_contracts.actors.Actor`)."""

    username: str
    name: str
    organisation: str
    organisation_name: str
    role: Role
    classes: tuple[str, ...] = ()


class DemoClient(msgspec.Struct, frozen=True, kw_only=True):
    """Another system: an OAuth client, no account."""

    client_id: str
    name: str
    organisation: str
    organisation_name: str
    scopes: tuple[str, ...] = SCOPES


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept in the secrets folder of one account, or of a client under its id."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Secret({self.username})"


def wanted() -> tuple[DemoAccount, ...]:
    """The demonstration school's people first, then the others; each role but the operator's, who has no account."""
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

    def add_at(code: str, username: str, name: str, role: Role) -> None:
        add(username, name, code, authority_name(DIVISIONS[code]), role)

    staff = {
        "xinchun": ("李敏", "王秀兰", "张国强"),
        "shanhe": ("赵慧", "孙丽", "周志远"),
        "qihui": ("吴倩", "郑洁", "冯立新"),
        "songbei-waiyu": ("陈晨", "褚燕", "卫东"),
        "mingde": ("蒋欣", "沈悦", "韩松"),
        "zhongyang": ("杨帆", "朱琳", "秦勇"),
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
            add_at("230103", "nangang.officer", "马建国", Role.AUTHORITY_OFFICER)
            add_at("230103", "nangang.leader", "沈国栋", Role.LEADER)
            add_at("230103", "nangang.auditor", "韩雪", Role.AUDITOR)
            add_at("230103", "nangang.admin", "唐伟", Role.ACCOUNT_ADMIN)
    add_at("230184", "wuchang.officer", "高峰", Role.AUTHORITY_OFFICER)
    add_at("230109", "songbei.officer", "林静", Role.AUTHORITY_OFFICER)
    add_at("230281", "nehe.officer", "许峰", Role.AUTHORITY_OFFICER)
    add_at("230100", "harbin.leader", "邵华", Role.LEADER)
    add_at(divisions.PROVINCE, "province.officer", "龚毅", Role.AUTHORITY_OFFICER)
    add_at(divisions.PROVINCE, "province.leader", "岳岚", Role.LEADER)
    add_at(divisions.PROVINCE, "province.auditor", "何平", Role.AUDITOR)
    add_at(divisions.PROVINCE, "province.admin", "罗文", Role.ACCOUNT_ADMIN)
    return tuple(people)


def wanted_clients() -> tuple[DemoClient, ...]:
    county = DIVISIONS["230103"]
    return (
        DemoClient(
            client_id="nangang.client",
            name="南岗区教育数据平台",
            organisation=county.code,
            organisation_name=authority_name(county),
        ),
    )


def ensure(secrets_file: Path) -> dict[str, str]:
    """The passwords by user name and the secrets by client id; those that exist are kept, the rest is made."""
    known: dict[str, Secret] = {}
    if secrets_file.exists():
        known = {s.username: s for s in msgspec.json.decode(secrets_file.read_bytes(), type=list[Secret])}
    names = [*(a.username for a in wanted()), *(c.client_id for c in wanted_clients())]
    if missing := [name for name in names if name not in known]:
        known |= {name: Secret(username=name, password=_password()) for name in missing}
        write_private(secrets_file, msgspec.json.encode(list(known.values())))
    return {name: known[name].password for name in names}


def _password() -> str:
    """68 bits, with a digit and a letter: nobody's rule for passwords refuses it."""
    while True:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(14))
        if any(c.isdigit() for c in made) and any(c.isalpha() for c in made):
            return made


async def load(nats_url: str, password: str, passwords: dict[str, str], today: date) -> str | None:
    """Tell the access service of them as the operator. None, or (Chinese) why it was refused.

    What it knows already stays as it is. Raises Unavailable or Unknown when the access service does not answer.
    """
    people = tuple(
        access.DemoAccount(
            username=a.username,
            password=passwords[a.username],
            name=a.name,
            organisation=a.organisation,
            roles=(a.role,),
            classes=a.classes,
            training=TRAINING if a.role is Role.REGISTRAR else "",
        )
        for a in wanted()
    )
    clients = tuple(
        access.DemoClient(
            client_id=c.client_id,
            secret=passwords[c.client_id],
            name=c.name,
            organisation=c.organisation,
            scopes=c.scopes,
            expires_on=today + _YEAR,
        )
        for c in wanted_clients()
    )
    command = LoadAccounts(command_id="local-accounts", actor=OPERATOR, accounts=people, clients=clients)  # never kept
    return await carry_out(nats_url, password, command)
