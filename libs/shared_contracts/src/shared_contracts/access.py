"""Access: accounts, sessions, signing keys, integration clients, registrar appointments (clauses 43, 45.3).

Passwords, tokens, secrets and seeds travel in commands and replies over core NATS alone; no event carries one.
"""

from __future__ import annotations

from shared_contracts import accounts, appointments, clients, sessions
from shared_contracts.accounts import AccountPage as AccountPage
from shared_contracts.accounts import AccountState as AccountState
from shared_contracts.accounts import AccountView as AccountView
from shared_contracts.accounts import ChangeAccount as ChangeAccount
from shared_contracts.accounts import CreateAccount as CreateAccount
from shared_contracts.accounts import DemoAccount as DemoAccount
from shared_contracts.accounts import DemoClient as DemoClient
from shared_contracts.accounts import GetAccount as GetAccount
from shared_contracts.accounts import HolderNow as HolderNow
from shared_contracts.accounts import HoldersNow as HoldersNow
from shared_contracts.accounts import ListAccounts as ListAccounts
from shared_contracts.accounts import ListHoldersNow as ListHoldersNow
from shared_contracts.accounts import LoadAccounts as LoadAccounts
from shared_contracts.accounts import PasswordIssued as PasswordIssued
from shared_contracts.accounts import ResetPassword as ResetPassword
from shared_contracts.accounts import ResetSecondFactor as ResetSecondFactor
from shared_contracts.accounts import SealAccount as SealAccount
from shared_contracts.accounts import UnsealAccount as UnsealAccount
from shared_contracts.clients import SCOPES as SCOPES
from shared_contracts.clients import ClientGranted as ClientGranted
from shared_contracts.clients import ClientPage as ClientPage
from shared_contracts.clients import ClientSecret as ClientSecret
from shared_contracts.clients import ClientView as ClientView
from shared_contracts.clients import CreateClient as CreateClient
from shared_contracts.clients import EndClient as EndClient
from shared_contracts.clients import GrantClient as GrantClient
from shared_contracts.clients import ListClients as ListClients
from shared_contracts.clients import RotateClientSecret as RotateClientSecret
from shared_contracts.exports import ExportApproved, ExportsStand, ExportStands
from shared_contracts.messages import Command, Event, Message, Query
from shared_contracts.sessions import ANONYMOUS as ANONYMOUS
from shared_contracts.sessions import TOKEN_AUDIENCE as TOKEN_AUDIENCE
from shared_contracts.sessions import TOKEN_ISSUER as TOKEN_ISSUER
from shared_contracts.sessions import ChangePassword as ChangePassword
from shared_contracts.sessions import Claims as Claims
from shared_contracts.sessions import ConfirmSecondFactor as ConfirmSecondFactor
from shared_contracts.sessions import EndSession as EndSession
from shared_contracts.sessions import EnrolSecondFactor as EnrolSecondFactor
from shared_contracts.sessions import GetTokenState as GetTokenState
from shared_contracts.sessions import ListSessions as ListSessions
from shared_contracts.sessions import RecoveryCodes as RecoveryCodes
from shared_contracts.sessions import RefreshSession as RefreshSession
from shared_contracts.sessions import SecondFactorSeed as SecondFactorSeed
from shared_contracts.sessions import SessionPage as SessionPage
from shared_contracts.sessions import SessionView as SessionView
from shared_contracts.sessions import SignIn as SignIn
from shared_contracts.sessions import SignInAnswer as SignInAnswer
from shared_contracts.sessions import Stale as Stale
from shared_contracts.sessions import Tokens as Tokens
from shared_contracts.sessions import TokenState as TokenState
from shared_contracts.working_days import MovedDeadlines, YearDays


class AlertRaised(Event, frozen=True, kw_only=True, gc=False, tag="access.alert_raised"):
    """An unusual use of personal data (clause 45.1). `authority`: whose auditors look at it."""

    alert_id: str
    kind: str
    authority: str
    account: str
    organisation: str
    count: int


class MovedExportDeadlines(Query, frozen=True, kw_only=True, gc=False, tag="access.moved_deadlines"):
    """For the registry's dry run of a year's notice: last days of approvals that it would move. Reply: MovedDeadlines."""

    days: YearDays


Commands = accounts.Commands | sessions.Commands | clients.Commands | appointments.Commands
Queries = accounts.Queries | sessions.Queries | clients.Queries | MovedExportDeadlines | appointments.Queries
Events = appointments.Events | AlertRaised | ExportApproved | ExportStands | ExportsStand

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    **accounts.REPLIES,
    **sessions.REPLIES,
    **clients.REPLIES,
    MovedExportDeadlines: MovedDeadlines,
    **appointments.REPLIES,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
