"""After full runs: nobody's name, phone or document number in logs, traces and events; no document number in any database.

Names stand where a contract carries them by design, and nowhere else: the tables of `NAMED` and the answers of the API.
Guardians' names, phones and addresses are sealed wherever they are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import asyncpg
import e2e_truth
import pytest
from e2e_people import People, Secrets, found_in, numbers_in, values_in
from e2e_story import Story
from e2e_system import PORTAL, System
from xueji_infra.databases import database_name
from xueji_infra.topology import topology
from xueji_local.programs import SERVICES

NAMED = {
    "identity": {"persons"},
    "registry": {
        "roster_rows",
        "registrations",
        "students",
        "search_entries",
        "search_terms",
        "children",
        "corrections",
        "former_names",
        "attendance_rows",
        "journal",
    },
    "transfer": {"transfers"},
    "notifications": set[str](),
    "access": set[str](),
}
"""Tables in which a pupil's name stands in clear: lists are searched and sorted by it."""
MATCHER = "matcher"
"""Stands in for another authority's service: its own data are names and numbers. Its logs are searched like all others."""


@pytest.fixture(scope="module")
def secrets(story: Story, people: People) -> Secrets:
    """Everybody who came to the system, by this test session's other tests too."""
    del story
    found = people.secrets
    assert len(found.documents) > 300 and len(found.guardians) > 200 and len(found.phones) > 200
    return found


def shown(hits: set[str]) -> str:
    """What was found, without showing it again in a log of ours."""
    return f"{len(hits)} personal values, such as {sorted(hit[:1] + '*' * (len(hit) - 1) for hit in hits)[:5]}"


def test_the_search_finds_what_is_there(system: System, secrets: Secrets, story: Story) -> None:
    """Where names do stand, they are found; numbers in the middle of other text, too."""
    url = system.postgres.url(database_name("registry"))
    names = {student.name for student in story.students}
    assert found_in(content(url, "students"), secrets) >= names
    assert values_in(content(url, "students"), secrets.pupils) >= names
    document, phone = min(secrets.documents, key=len), min(secrets.phones)
    text = f'{{"a":"x{document}y","b":"tel:+86{phone}"}}'
    assert found_in(text, secrets) == {document, phone}


# ---- logs -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES)
def test_logs_of_services_name_nobody(system: System, secrets: Secrets, service: str) -> None:
    log = system.log(service)
    assert log.strip(), "there is no log to search"
    hits = found_in(log, secrets)
    assert not hits, shown(hits)


def test_logs_of_servers_name_nobody(system: System, secrets: Secrets) -> None:
    for name, log in system.server_logs().items():
        hits = found_in(log, secrets)
        assert not hits, f"{name}: {shown(hits)}"


def test_logs_hold_no_secret(system: System) -> None:
    keys = system.keys
    passwords = {keys.files_key, keys.audit_key, keys.matcher_api_key, keys.postgres, *keys.database_roles.values(),
                 *keys.nats_users.values(), *keys.field_keys.values(), *keys.index_keys.values()}  # fmt: skip
    for service in SERVICES:
        log = system.log(service)
        assert not [password for password in passwords if password in log], service


# ---- traces ---------------------------------------------------------------------------------------------------------------


def test_traces_name_nobody(system: System, secrets: Secrets) -> None:
    """Searched as they came over the wire: every attribute, event and link of every span."""
    bodies = system.collector.bodies()
    assert len(system.collector.spans()) > 1_000
    services = {span.service for span in system.collector.spans()}
    assert services >= set(SERVICES) - {MATCHER}, services
    for body in bodies:
        hits = found_in(body.decode(errors="replace"), secrets)
        assert not hits, shown(hits)


# ---- the bus --------------------------------------------------------------------------------------------------------------


def staff_of(system: System) -> set[str]:
    """Whoever works with the system stands in the audit log by name; a guardian may be called the same."""
    return {row["name"] for row in system.sql("access", "SELECT name FROM accounts")}


def test_events_name_nobody(system: System, secrets: Secrets) -> None:
    staff = staff_of(system)
    messages = [message for stream in system.messages().values() for message in stream]
    assert len(messages) > 20
    for message in messages:
        text = f"{message.subject} {message.headers} {message.body.decode(errors='replace')}"
        hits = found_in(text, secrets) - staff
        assert not hits, f"{message.subject}: {shown(hits)}"


def test_the_store_of_the_bus_names_nobody(system: System, secrets: Secrets) -> None:
    """Commands do carry names and numbers, and are never stored: no stream listens to them."""
    store = system.nats_store()
    assert sum(map(len, store.values())) > 10_000
    for name, content in store.items():
        hits = found_in(content.decode(errors="replace"), secrets) - staff_of(system)
        assert not hits, f"{name}: {shown(hits)}"


# ---- databases ------------------------------------------------------------------------------------------------------------


def tables(system: System, service: str) -> list[str]:
    rows = system.sql(service, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    return [row["tablename"] for row in rows]


@cache
def content(url: str, table: str) -> str:
    """Every row: as PostgreSQL writes it as text, and binary columns as the text they may hold."""

    async def read() -> Iterator[str]:
        connection = await asyncpg.connect(url)
        try:
            texts = [row[0] for row in await connection.fetch(f'SELECT t::text FROM "{table}" t')]
            for record in await connection.fetch(f'SELECT * FROM "{table}"'):
                texts += [value.decode(errors="replace") for value in record.values() if isinstance(value, bytes)]
            return iter(texts)
        finally:
            await connection.close()

    return "\n".join(PORTAL.run(read()))


@pytest.mark.parametrize("service", topology().databases)
def test_no_database_holds_a_document_number_or_a_phone_in_clear(
    system: System, secrets: Secrets, service: str
) -> None:
    url = system.postgres.url(database_name(service))
    wrong = {
        table: shown(hits) for table in tables(system, service) if (hits := numbers_in(content(url, table), secrets))
    }
    assert not wrong


@pytest.mark.parametrize("service", topology().databases)
def test_names_and_addresses_stand_only_where_a_contract_puts_them(
    system: System, secrets: Secrets, service: str
) -> None:
    """Guardians' names and addresses nowhere; pupils' names in the tables that are `NAMED`."""
    url = system.postgres.url(database_name(service))
    staff = staff_of(system)
    wrong = {}
    for table in tables(system, service):
        allowed = secrets.pupils if table in NAMED[service] else frozenset()
        if hits := values_in(content(url, table), secrets.names - allowed - staff | secrets.addresses):
            wrong[table] = shown(hits)
    assert not wrong


def test_sealed_values_are_there_and_do_not_repeat(system: System) -> None:
    """The same number sealed twice looks different: nobody learns that two values are equal."""
    sealed = [
        row["document"] for row in system.sql("identity", "SELECT document FROM persons WHERE document IS NOT NULL")
    ]
    assert len(sealed) > 100 and len(set(sealed)) == len(sealed)
    forms = [row["form"] for row in system.sql("registry", "SELECT form FROM profiles")]
    assert len(forms) > 100 and len(set(forms)) == len(forms)


# ---- files ----------------------------------------------------------------------------------------------------------------


def test_stored_files_are_sealed(system: System, secrets: Secrets) -> None:
    """Sheets and returned workbooks are kept; none of them can be read from the disk."""
    e2e_truth.settled(system)  # what is cleared away goes while it is read
    files = system.stored_files()
    assert files, "the store is empty: nothing was proved"
    for path in files:
        stored = path.read_bytes()
        assert not stored.startswith((b"PK", b"%PDF")) and b"xl/worksheets" not in stored, path.name
        hits = found_in(stored.decode(errors="replace"), secrets)
        assert not hits, f"{path.name}: {shown(hits)}"
        assert path.stat().st_mode & 0o077 == 0, f"{path.name} can be read by others"


def test_uploads_are_deleted_when_they_are_done_with(system: System) -> None:
    e2e_truth.settled(system)
    kept = system.sql("registry", "SELECT id, file FROM rosters WHERE state IN ('completed', 'cancelled', 'failed')")
    there = {path.name for path in system.stored_files()}
    ids = [re.search(r'"id":\s*"([^"]+)"', str(row["file"])) for row in kept]
    assert ids and not [found[1] for found in ids if found and found[1] in there]


# ---- addresses ------------------------------------------------------------------------------------------------------------


def test_no_address_of_the_api_carries_a_person(system: System, secrets: Secrets) -> None:
    """Names and numbers are searched for in a body: addresses end in logs of proxies."""
    for answer in system.answers.given:
        assert not found_in(answer.path, secrets)
