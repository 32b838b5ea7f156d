"""The own password and the own second factor (clause 45.3)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Router, post, put
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from service_kit.ids import new_id
from shared_contracts.access import (
    ChangePassword,
    ConfirmSecondFactor,
    EnrolSecondFactor,
    RecoveryCodes,
    SecondFactorSeed,
)
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.messages import Ok

from gateway.backend import Backend
from gateway.keyring import Caller
from gateway.openapi import about

Password = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class NewPassword(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    current: Password
    new: Password


class Enrolment(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password once more: whoever sits down at an open screen shall not bind a telephone of theirs.

    `code`: of the second factor that it replaces, where there is one, or a recovery code.
    """

    password: Password
    code: Annotated[str, msgspec.Meta(max_length=40)] = ""


class Confirmation(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    code: Annotated[str, msgspec.Meta(pattern=r"^\s*\d{3}\s?\d{3}\s*$")]


@put("/password", status_code=204, **about("修改本人密码（其他会话随之结束）", "45.3", problems=(415,)))
async def change_password(
    request: Request[Actor, Caller, Any], backend: Given[Backend], data: JSONBody[NewPassword]
) -> None:
    """The access token at hand ends too where it was limited: refresh it."""
    command = ChangePassword(
        command_id=new_id(),  # a repeat is a new attempt: its `current` is no longer right
        actor=request.user,
        current=data.current,
        new=data.new,
        session=request.auth.session,
    )
    await backend.ask(command, Ok)


@post("/second-factor", status_code=201, **about("绑定动态口令：取得密钥与二维码", "45.3", problems=(415,)))
async def enrol(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Enrolment]
) -> SecondFactorSeed:
    """It counts once a code confirms it. `picture`: the QR code as SVG."""
    command = EnrolSecondFactor(command_id=command_id, actor=actor, password=data.password, code=data.code.strip())
    return await backend.ask(command, SecondFactorSeed)


@post(
    "/second-factor/confirmation",
    status_code=200,
    **about("以一个动态口令确认绑定，取得备用码（只显示一次）", "45.3", problems=(415,)),
)
async def confirm(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Confirmation]
) -> RecoveryCodes:
    command = ConfirmSecondFactor(command_id=command_id, actor=actor, code="".join(data.code.split()))
    return await backend.ask(command, RecoveryCodes)


router = Router("/v1/sessions/current", route_handlers=[change_password, enrol, confirm], tags=["sessions"])
