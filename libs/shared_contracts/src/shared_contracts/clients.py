"""Integration clients (RFC 6749, client credentials). Words of access."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.actors import Actor
from shared_contracts.messages import Command, Message, Moment, Query
from shared_contracts.secrets import Secret, SecretCommand

SCOPES = ("students:read", "organisations:read", "webhooks:manage")
"""What an integration client may be given."""


class ClientView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_view"):
    client_id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date
    created_at: Moment
    created_by: str
    last_used_at: Moment | None = None
    ended_at: Moment | None = None


class ClientPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_page"):
    items: tuple[ClientView, ...]
    next_cursor: str | None = None


class ClientSecret(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_secret"):
    """Shown once."""

    client: ClientView
    secret: str


class CreateClient(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.create_client"):
    """Reply: ClientSecret."""

    client_id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    expires_on: date


class RotateClientSecret(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.rotate_client_secret"):
    """The old secret ends at once. Reply: ClientSecret."""

    client_id: str


class EndClient(Command, frozen=True, kw_only=True, gc=False, tag="access.end_client"):
    """Reply: ClientView."""

    client_id: str


class ListClients(Query, frozen=True, kw_only=True, gc=False, tag="access.clients"):
    cursor: str | None = None
    limit: int = 50


class GrantClient(SecretCommand, frozen=True, kw_only=True, gc=False, tag="access.grant_client"):
    """`scope`: space-separated, empty for all that the client has. Reply: ClientGranted."""

    client_id: str
    client_secret: str
    scope: str = ""


class ClientGranted(Secret, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.client_granted"):
    """Either a token or an error code of RFC 6749, 5.2. `who`: the client, where there is one: for the audit log."""

    access_token: str = ""
    expires_in: int = 0
    scope: str = ""
    error: Literal["", "invalid_client", "invalid_scope"] = ""
    who: Actor | None = None

    @property
    def problem(self) -> str | None:
        return self.error or None


Commands = CreateClient | RotateClientSecret | EndClient | GrantClient
Queries = ListClients

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CreateClient: ClientSecret,
    RotateClientSecret: ClientSecret,
    EndClient: ClientView,
    ListClients: ClientPage,
    GrantClient: ClientGranted,
}
