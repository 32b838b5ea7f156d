"""Registrars: who is appointed at which school, with which training (clause 43). Words of the access service."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.messages import Command, Event, Message, Moment, Query


class Training(Message, frozen=True, kw_only=True, gc=False):
    """先培训后上岗: which training, by whom, when it was completed, the certificate's number where there is one."""

    title: str
    organiser: str
    completed_on: date
    certificate: str = ""


class AppointmentView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.appointment_view"):
    """`school_year`: of its first September. In force from `begins_on` until the school year ends or `ended_on`."""

    id: str
    username: str
    name: str
    school: str
    school_name: str
    school_year: int
    training: Training
    begins_on: date
    ends_on: date
    appointed_by: str
    appointed_at: Moment
    replaces: str | None = None
    override_reason: str = ""
    ended_on: date | None = None
    end_reason: str = ""


class AppointmentPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.appointment_page"):
    items: tuple[AppointmentView, ...]
    next_cursor: str | None = None


class AppointRegistrar(Command, frozen=True, kw_only=True, gc=False, tag="access.appoint_registrar"):
    """`replaces`: the appointment that ends by this one. In the middle of a school year that needs the authority's
    `override_reason` (原则上不更换). Reply: AppointmentView."""

    appointment_id: str
    username: str
    school: str
    school_year: int
    training: Training
    begins_on: date
    replaces: str | None = None
    override_reason: str = ""


class EndAppointment(Command, frozen=True, kw_only=True, gc=False, tag="access.end_appointment"):
    """Reply: AppointmentView."""

    appointment_id: str
    reason: str
    override_reason: str = ""


class ListAppointments(Query, frozen=True, kw_only=True, gc=False, tag="access.appointments"):
    school: str | None = None
    school_year: int | None = None
    in_force: bool = False
    cursor: str | None = None
    limit: int = 50


class SchoolRegistrars(Message, frozen=True, kw_only=True, gc=False):
    """One school: its registrars in force and their workload. `pupils` a registrar; None where the registry is away."""

    school: str
    name: str
    authority: str
    registrars: tuple[str, ...]
    trained: bool
    pupils: int | None = None
    open_registrations: int | None = None


class RegistrarOverview(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.registrar_overview_view"
):
    items: tuple[SchoolRegistrars, ...]
    next_cursor: str | None = None


class GetRegistrarOverview(Query, frozen=True, kw_only=True, gc=False, tag="access.registrar_overview"):
    """Schools of the actor's subtree; `untrained_only`: those without a trained registrar in force."""

    untrained_only: bool = False
    cursor: str | None = None
    limit: int = 100


class AppointmentsChanged(Event, frozen=True, kw_only=True, gc=False, tag="access.appointments_changed"):
    """A school has another registrar (clause 43: 基本信息报主管部门)."""

    school: str
    school_name: str
    authority: str
    username: str
    name: str
    change: Literal["appointed", "replaced", "ended"]


Commands = AppointRegistrar | EndAppointment
Queries = ListAppointments | GetRegistrarOverview
Events = AppointmentsChanged

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    AppointRegistrar: AppointmentView,
    EndAppointment: AppointmentView,
    ListAppointments: AppointmentPage,
    GetRegistrarOverview: RegistrarOverview,
}
"""Part of access' (`access.REPLIES`)."""
