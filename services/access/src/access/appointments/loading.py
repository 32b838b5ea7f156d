"""Appointments of demonstration accounts (`access.load_accounts`): refused in production with the accounts themselves."""

from __future__ import annotations

from datetime import timedelta

from regulation.divisions import PROVINCE
from regulation.parameters import Parameters
from regulation.school_year import school_year
from service_kit.ids import derived
from shared_contracts.appointments import Training

from access.accounts import store as accounts
from access.appointments import policy, store
from access.appointments.store import Appointment
from access.context import AccessWork


async def appoint_demo(work: AccessWork, username: str, school: str, training: str) -> None:
    """From the first day of the present school year; nothing where the person has been appointed for it before."""
    start = Parameters.for_(PROVINCE, work.today).school_year_start
    year = school_year(work.today, start)
    account = await accounts.find(work.tx, username)
    if account is None:
        raise LookupError(f"no account {username}")
    first = policy.first_day(year, start)
    made = Appointment(
        id=derived("demo-appointment", username, school, year),
        username=username,
        name=account.name,
        school=school,
        school_year=year,
        training=Training(
            title=training, organiser="黑龙江省教育厅", completed_on=first - timedelta(days=7), certificate=""
        ),
        begins_on=first,
        ends_on=policy.last_day(year, start),
        appointed_by=account.created_by,
        appointed_at=work.now,
    )
    await store.add(work.tx, [made])
