"""The desk with registrars: a principal and officers who appoint, and a registry that counts or is away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from access.appointments import handlers as appointments
from access_support import COUNTY, PROVINCE, SCHOOL, SCHOOLS, Desk, admin
from service_kit.bus import Unavailable
from service_kit.ids import new_id
from shared_contracts.access import AccountView, GetAccount
from shared_contracts.actors import Actor, Role
from shared_contracts.appointments import (
    AppointmentPage,
    AppointRegistrar,
    EndAppointment,
    GetRegistrarOverview,
    ListAppointments,
    RegistrarOverview,
    Training,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.workload import GetSchoolWorkload, SchoolWorkload, SchoolWorkloads

TRAINED = Training(
    title="学籍管理员岗前培训", organiser="哈尔滨市教育局", completed_on=date(2026, 8, 20), certificate="HX-7"
)


ADMIN = admin(PROVINCE)


class Registry:
    """Stands in for the bus: counts what the test has put there, refuses, or is away."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        self.away = self.refuses = False
        self.asked: list[GetSchoolWorkload] = []

    async def ask(self, message: GetSchoolWorkload, timeout: float = 5.0) -> SchoolWorkloads | Refused:
        self.asked.append(message)
        if self.away:
            raise Unavailable("qry.registry.school_workload: no service answers")
        if self.refuses:
            return refused("unavailable", "稍后再试。")
        items = (SchoolWorkload(school=s, pupils=p, open_registrations=o) for s, (p, o) in self.counts.items())
        return SchoolWorkloads(items=tuple(one for one in items if one.school in message.schools))


class Registrars(Desk):
    def __init__(self, env: dict[str, str], **changes: Any) -> None:
        super().__init__(env, **changes)
        self.registry = Registry()
        self.deps = replace(self.deps, bus=self.registry)  # type: ignore[arg-type]
        self._commands |= appointments.COMMANDS
        self._queries |= appointments.QUERIES

    async def person(self, username: str, school: str = SCHOOL, *roles: Role) -> str:
        await self.settled(username, school, *(roles or (Role.REGISTRAR,)))
        return username

    async def appoint(self, who: Actor, username: str, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "appointment_id": new_id(),
            "username": username,
            "school": SCHOOL,
            "school_year": 2026,
            "training": TRAINED,
            "begins_on": self.clock.today(),
        }
        return await self.do(AppointRegistrar(command_id=new_id(), actor=who, **{**values, **changes}))

    async def end(self, who: Actor, appointment_id: str, reason: str = "调离", override: str = "") -> Any:
        return await self.do(
            EndAppointment(
                command_id=new_id(),
                actor=who,
                appointment_id=appointment_id,
                reason=reason,
                override_reason=override,
            )
        )

    async def ask_withheld(self, username: str) -> tuple[Role, ...]:
        """The roles that the account has to wait with today."""
        view = await self.ask(GetAccount(actor=ADMIN, username=username))
        assert isinstance(view, AccountView), view
        return view.withheld

    async def listed(self, who: Actor, **query: Any) -> AppointmentPage:
        page = await self.ask(ListAppointments(actor=who, **query))
        assert isinstance(page, AppointmentPage), page
        return page

    async def overview(self, who: Actor, **query: Any) -> RegistrarOverview:
        page = await self.ask(GetRegistrarOverview(actor=who, **query))
        assert isinstance(page, RegistrarOverview), page
        return page


def actor(role: Role, organisation: str, account: str = "") -> Actor:
    return Actor(account=account or f"{role}.{organisation}", name="某人", organisation=organisation, roles=(role,))


PRINCIPAL = actor(Role.PRINCIPAL, SCHOOL)
OFFICER = actor(Role.AUTHORITY_OFFICER, COUNTY)

__all__ = ["COUNTY", "OFFICER", "PRINCIPAL", "SCHOOL", "SCHOOLS", "TRAINED", "Registrars", "actor"]
