"""Registrars (学籍管理员) and their appointments, school by school and year by year (clause 43)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.appointments import (
    AppointmentPage,
    AppointmentView,
    AppointRegistrar,
    EndAppointment,
    GetRegistrarOverview,
    ListAppointments,
    RegistrarOverview,
    Training,
)

from gateway.backend import Backend
from gateway.idempotency import thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode, OrganisationIn, Reason

Words = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Override = Annotated[str, msgspec.Meta(max_length=500)]
SchoolYear = Annotated[int, msgspec.Meta(ge=2000, le=2100)]


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """先培训后上岗: which training, by whom, when it was completed, the certificate's number where there is one."""

    title: Words
    organiser: Words
    completed_on: date
    certificate: Annotated[str, msgspec.Meta(max_length=60)] = ""


class NewAppointment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`school_year`: of its first September. `replaces`: the appointment that ends by this one; in the middle of a school
    year that needs the authority's `override_reason`."""

    username: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    school: OrganisationIn
    school_year: SchoolYear
    training: TrainingRecord
    begins_on: date
    replaces: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")] | None = None
    override_reason: Override = ""


class Ending(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason
    override_reason: Override = ""


@get("/", **about("学籍管理员任用列表", "43"))
async def appointments(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school: OrganisationCode = None,
    school_year: Annotated[
        int | None, QueryParameter(ge=2000, le=2100, description="学年，以其九月所在年份表示")
    ] = None,
    in_force: Annotated[bool, QueryParameter(description="只看现在有效的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AppointmentPage:
    query = ListAppointments(
        actor=actor, school=school, school_year=school_year, in_force=in_force, cursor=cursor, limit=limit
    )
    return await backend.ask(query, AppointmentPage)


@post("/", **about("登记学籍管理员任用（含培训记录）", "43", problems=(415,)))
async def appoint(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewAppointment]
) -> Response[AppointmentView]:
    training = Training(
        title=data.training.title,
        organiser=data.training.organiser,
        completed_on=data.training.completed_on,
        certificate=data.training.certificate,
    )
    command = AppointRegistrar(
        command_id=command_id,
        actor=actor,
        appointment_id=thing_id(actor, "appointment", command_id),
        username=data.username,
        school=data.school,
        school_year=data.school_year,
        training=training,
        begins_on=data.begins_on,
        replaces=data.replaces,
        override_reason=data.override_reason,
    )
    return Response(await backend.ask(command, AppointmentView), status_code=201)


@post("/{appointment_id:str}/end", status_code=200, **about("终止一项任用", "43", problems=(415,)))
async def end(
    backend: Given[Backend], actor: Given[Actor], appointment_id: Id, command_id: Given[str], data: JSONBody[Ending]
) -> AppointmentView:
    command = EndAppointment(
        command_id=command_id,
        actor=actor,
        appointment_id=appointment_id,
        reason=data.reason,
        override_reason=data.override_reason,
    )
    return await backend.ask(command, AppointmentView)


@get("/", **about("各校学籍管理员、培训情况与工作量", "43", "3.1"))
async def registrars(
    backend: Given[Backend],
    actor: Given[Actor],
    untrained: Annotated[bool, QueryParameter(description="只看没有经过培训的学籍管理员在岗的学校")] = False,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> RegistrarOverview:
    query = GetRegistrarOverview(actor=actor, untrained_only=untrained, cursor=cursor, limit=limit)
    return await backend.ask(query, RegistrarOverview)


router = Router(
    "/",
    route_handlers=[
        Router("/v1/appointments", route_handlers=[appointments, appoint, end]),
        Router("/v1/registrars", route_handlers=[registrars]),
    ],
    tags=["registrars"],
)
