"""Registrations (建籍): one pupil on the way of clause 15.1."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from litestar.response import Stream
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.registry import (
    CorrectRegistration,
    DecideRegistration,
    DescribeForm,
    EnterRegistration,
    FormDescribed,
    GetRegistration,
    ListRegistrations,
    Prechecked,
    PrecheckRegistration,
    PrintSheet,
    RegistrationPage,
    RegistrationState,
    RegistrationView,
    SheetPrinted,
    WithdrawRegistration,
)

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import (
    IdempotencyKey,
    IfMatch,
    expected_version,
    repeatable,
    required_version,
    thing_id,
)
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode
from gateway.routes.rosters import Reason, StepDecision

Form = Annotated[
    dict[Annotated[str, msgspec.Meta(max_length=60)], Annotated[str, msgspec.Meta(max_length=500)]],
    msgspec.Meta(min_length=1, max_length=100),
]
"""The national form's fields by their keys; every value as it would stand in a cell."""


class Entry(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    form: Form


class Correction(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    changes: Form


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[Reason, msgspec.Meta(min_length=1)]


def _registration(view: RegistrationView, status: int = 200) -> Response[RegistrationView]:
    return versioned(view, f"/v1/registrations/{view.id}", status)


@post("/", **about("录入一名学生", "15.1", "13.1", "20.2", problems=(415,)))
async def enter(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Entry]
) -> Response[RegistrationView]:
    registration_id = thing_id(actor, "registration", command_id)
    command = EnterRegistration(command_id=command_id, actor=actor, registration_id=registration_id, form=data.form)
    return _registration(await backend.ask(command, RegistrationView), 201)


@post(
    "/prechecks",
    status_code=200,
    **about("预检：同样的规则，不建立任何内容", "15.1", "15.2", "20.1", "20.2", problems=(415,)),
)
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Entry]
) -> Prechecked:
    return await backend.ask(PrecheckRegistration(actor=actor, form=data.form), Prechecked)


@get("/", **about("建籍申请列表：本校、本班或所辖学校", "15.1", "13.2"))
async def registrations(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    roster: Annotated[str | None, QueryParameter(pattern=r"^[A-Za-z0-9-]{1,64}$", description="只看这个名册的")] = None,
    school: OrganisationCode = None,
    in_state: Annotated[RegistrationState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    to_correct: Annotated[bool, QueryParameter(description="只看需要学校更正的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> RegistrationPage:
    query = ListRegistrations(
        actor=actor,
        roster_id=roster,
        school=school,
        state=in_state,
        to_correct=to_correct,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, RegistrationPage)


@get("/form", **about("学生基本信息表：各部分、各项和填写要求", "14"))
async def form(backend: Given[Backend], actor: Given[Actor]) -> FormDescribed:
    return await backend.ask(DescribeForm(actor=actor), FormDescribed)


@get("/{registration_id:str}", **about("一名学生的建籍申请", "15.1"))
async def registration(backend: Given[Backend], actor: Given[Actor], registration_id: Id) -> Response[RegistrationView]:
    query = GetRegistration(actor=actor, registration_id=registration_id)
    return _registration(await backend.ask(query, RegistrationView))


@patch("/{registration_id:str}", **about("更正退回的申请并重新送审", "15.1", "3.5", problems=(415, 428)))
async def correct(
    backend: Given[Backend],
    actor: Given[Actor],
    registration_id: Id,
    data: JSONBody[Correction],
    if_match: IfMatch = None,
) -> Response[RegistrationView]:
    version = required_version(if_match)
    command = CorrectRegistration(
        command_id=repeatable(actor, "correct", registration_id, version, data.changes),
        actor=actor,
        registration_id=registration_id,
        changes=data.changes,
        version=version,
    )
    return _registration(await backend.ask(command, RegistrationView))


@post("/{registration_id:str}/decisions", status_code=200, **about("审核一步", "15.1", "13.2", problems=(415,)))
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    registration_id: Id,
    command_id: Given[str],
    data: JSONBody[StepDecision],
    if_match: IfMatch = None,
) -> Response[RegistrationView]:
    command = DecideRegistration(
        command_id=command_id,
        actor=actor,
        registration_id=registration_id,
        step=data.step,
        decision=data.decision,
        reason=data.reason,
        signed_on=data.signed_on,
        version=expected_version(if_match),
    )
    return _registration(await backend.ask(command, RegistrationView))


@post("/{registration_id:str}/withdrawal", status_code=200, **about("撤回尚未核准的申请", "15.1", problems=(415,)))
async def withdraw(
    backend: Given[Backend],
    actor: Given[Actor],
    registration_id: Id,
    command_id: Given[str],
    data: JSONBody[Withdrawal],
) -> Response[RegistrationView]:
    command = WithdrawRegistration(
        command_id=command_id, actor=actor, registration_id=registration_id, reason=data.reason
    )
    return _registration(await backend.ask(command, RegistrationView))


@post(
    "/{registration_id:str}/confirmation-sheet",
    status_code=200,
    **about("打印一名学生的监护人确认表（PDF）", "15.1", produces="application/pdf"),
)
async def sheet(backend: Given[Backend], actor: Given[Actor], registration_id: Id, command_id: Given[str]) -> Stream:
    command = PrintSheet(command_id=command_id, actor=actor, registration_id=registration_id)
    printed = await backend.ask(command, SheetPrinted, timeout=20.0)
    return await backend.download(printed.file, printed.file.name)


router = Router(
    "/v1/registrations",
    route_handlers=[enter, precheck, registrations, form, registration, correct, decide, withdraw, sheet],
    tags=["registrations"],
)
