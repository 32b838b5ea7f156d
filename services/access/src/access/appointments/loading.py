"""Appointments of demonstration accounts (`access.load_accounts`): refused in production with the accounts themselves."""

from __future__ import annotations

from datetime import timedelta

from regulation.divisions import PROVINCE
from regulation.school_year import MonthDay, school_year
from service_kit.ids import derived
from shared_contracts.appointments import Training

from access.accounts import store as accounts
from access.accounts.store import Account
from access.appointments import policy, store
from access.appointments.store import Appointment
from access.context import AccessWork

AHEAD = timedelta(days=31)


async def appoint_demo(work: AccessWork, username: str, school: str, training: str) -> None:
    """From the first day of the present school year, and ahead of its turn for the next one, which a demonstration may see
    begin; nothing where the person has been appointed for it before."""
    start = work.deps.policy.parameters(PROVINCE, work.today).school_year_start
    years = {school_year(work.today, start), school_year(work.today + AHEAD, start)}
    account = await accounts.find(work.tx, username)
    if account is None:
        raise LookupError(f"no account {username}")
    await store.add(work.tx, [_appointment(work, account, school, training, year, start) for year in sorted(years)])


def _appointment(
    work: AccessWork, account: Account, school: str, training: str, year: int, start: MonthDay
) -> Appointment:
    first = policy.first_day(year, start)
    completed = min(first, policy.first_day(school_year(work.today, start), start)) - timedelta(days=7)
    return Appointment(
        id=derived("demo-appointment", account.username, school, year),
        username=account.username,
        name=account.name,
        school=school,
        school_year=year,
        training=Training(title=training, organiser="黑龙江省教育厅", completed_on=completed, certificate=""),
        begins_on=first,
        ends_on=policy.last_day(year, start),
        appointed_by=account.created_by,
        appointed_at=work.now,
    )
