"""What an account may be right now: its roles, those it has to wait with (clause 43), what it must do first (45.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from regulation.divisions import PROVINCE
from regulation.mark import clause
from regulation.parameters import Parameters
from service_kit.clock import ZONE
from shared_contracts.access import AccountView
from shared_contracts.actors import Actor, Role

from access.accounts import policy
from access.accounts.store import Account
from access.appointments.store import holders
from access.context import Access, AccessWork


def parameters(deps: Access, today: date) -> Parameters:
    """The province's: an account is as good everywhere."""
    return deps.policy.parameters(PROVINCE, today)


@clause("43")
async def withheld(work: AccessWork, accounts: Sequence[Account]) -> dict[str, tuple[Role, ...]]:
    """先培训后上岗: the registrar's role without an appointment in force, by user name; one question for all."""
    registrars = [account for account in accounts if Role.REGISTRAR in account.roles]
    appointed = await holders(work.tx, [account.username for account in registrars], work.today)
    waiting = {account.username for account in registrars if (account.username, account.organisation) not in appointed}
    return {account.username: (Role.REGISTRAR,) if account.username in waiting else () for account in accounts}


async def actor_of(work: AccessWork, account: Account) -> Actor:
    """As it goes into a token."""
    waiting = (await withheld(work, [account]))[account.username]
    needs_factor = policy.needs_second_factor(work.deps.settings.second_factor_for, account.organisation)
    return Actor(
        account=account.username,
        name=account.name,
        organisation=account.organisation,
        roles=tuple(role for role in account.roles if role not in waiting),
        classes=account.classes,
        withheld=waiting,
        limited=policy.limit(
            must_change=account.must_change_password,
            old=policy.password_is_old(_day(account), work.today, parameters(work.deps, work.today)),
            factor_missing=needs_factor and account.totp_seed is None,
        ),
    )


def first_password_is_over(work: AccessWork, account: Account) -> bool:
    over = policy.first_password_is_over(_day(account), work.today, parameters(work.deps, work.today))
    return account.must_change_password and over


def _day(account: Account) -> date:
    return account.password_set_at.astimezone(ZONE).date()


async def view(work: AccessWork, account: Account) -> AccountView:
    return (await views(work, [account]))[0]


async def views(work: AccessWork, accounts: Sequence[Account]) -> list[AccountView]:
    """As administrators see them, in the same order."""
    waiting = await withheld(work, accounts)
    return [_view(account, work.now, waiting[account.username]) for account in accounts]


def _view(account: Account, now: datetime, waiting: tuple[Role, ...]) -> AccountView:
    return AccountView(
        username=account.username,
        name=account.name,
        organisation=account.organisation,
        organisation_name=account.organisation_name,
        roles=account.roles,
        classes=account.classes,
        state=account.state(now),
        must_change_password=account.must_change_password,
        second_factor=account.totp_seed is not None,
        created_at=account.created_at,
        created_by=account.created_by,
        version=account.version,
        last_sign_in_at=account.last_sign_in_at,
        locked_until=account.locked_until if account.locked_until and account.locked_until > now else None,
        sealed_reason=account.sealed_reason,
        withheld=waiting,
    )
