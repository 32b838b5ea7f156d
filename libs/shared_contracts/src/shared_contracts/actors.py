"""Who acts: an account of one organisation with its roles."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

from shared_contracts.discreet import Discreet


class Role(StrEnum):
    """What an account may be (clause 3.1; clause 43 for the registrar)."""

    REGISTRAR = "registrar"  # 学籍管理员
    CLASS_TEACHER = "class_teacher"  # 班主任
    PRINCIPAL = "principal"  # 学籍主管校长
    AUTHORITY_OFFICER = "authority_officer"  # 学籍主管
    LEADER = "leader"  # 分管局长
    AUDITOR = "auditor"  # 审计员
    ACCOUNT_ADMIN = "account_admin"  # 账号管理员
    INTEGRATION_CLIENT = "integration_client"  # 接口用户
    OPERATOR = "operator"  # 运维: loads organisations, replays dead letters; sees no pupil
    SYSTEM = "system"  # a service acting by itself


Limit = Literal["", "password", "second_factor"]
"""What an account must do before anything else: choose a password of its own, set up its second factor (clause 45.3)."""


class Actor(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The account on whose behalf a command or query is sent.

    `organisation`: its code (authority: 6-digit division code, school: 10-digit 学校标识码).
    `classes`: what a class teacher may act on: `"1"` all classes of grade 1, `"1-03"` class 3 of grade 1.
    `scopes`: what an integration client was given, `"students:read"`. `withheld`: roles that the account has and may not
    use now (a registrar without an appointment for the school year, clause 43); they are not among `roles`.
    """

    account: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    withheld: tuple[Role, ...] = ()
    limited: Limit = ""

    def has(self, *roles: Role) -> bool:
        return any(role in self.roles for role in roles)

    def teaches(self, grade: int, class_no: int) -> bool:
        """Whether a class teacher's own classes include this one."""
        return str(grade) in self.classes or f"{grade}-{class_no:02d}" in self.classes


def system(service: str) -> Actor:
    """A service acting by itself: a worker, a timer, a consumer."""
    return Actor(account=f"system:{service}", name=service, organisation="", roles=(Role.SYSTEM,))
