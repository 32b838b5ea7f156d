"""The API against its own description (Schemathesis): requests made from the OpenAPI document, answers held against it.

For each role an account of its own, made for this. Every request goes to the gateway as it runs; examples are the same
each time. Where the path has an id, one request in two has that of a real thing, so that not only refusals are looked at;
what could be lost by that (an account, an appointment, a client) belongs to nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from e2e_api import PATIENCE
from e2e_cast import COUNTY, PROVINCE, SCHOOL, Cast, Member, training
from e2e_flow import today
from e2e_system import System
from e2e_things import Things
from gateway import app, openapi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi import checks as openapi_checks
from shared_contracts.actors import Role

pytestmark = pytest.mark.once
EXAMPLES = 5
"""An operation and account: so many requests that are in order, and so many that are not."""
ROLES = {
    "registrar": (SCHOOL, Role.REGISTRAR),
    "officer": (PROVINCE, Role.AUTHORITY_OFFICER),
    "admin": (COUNTY, Role.ACCOUNT_ADMIN),
    "auditor": (COUNTY, Role.AUDITOR),
}
WANBAO = "3123000109"
"""A school of the province in which no other test has anything."""
ONCE = ("/v1/sessions", "/v1/sessions/refresh", "/oauth/token")
"""Signing in: wrong attempts of one address are slowed down after fifty, whoever makes them. For one account only."""
OWN = ("/v1/sessions/current/password", "/v1/sessions/current/second-factor", "/v1/sessions/current")
"""Wrong passwords lock the account, and the session may end: each time with an account that nobody needs."""
CHECKS = (
    schemathesis.checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
    openapi_checks.ignored_auth,
)
"""Of each answer: no 5xx, a status, a content type, headers and a body that the document has for it; and that the same
request without a valid token is refused. What is in order may still be against the law (409), so that is no fault."""
NEGATIVE = (*CHECKS, openapi_checks.negative_data_rejection, openapi_checks.missing_required_header)

DOCUMENT = openapi.describe(app.describable())
OPERATIONS = sorted(
    f"{method.upper()} {path}" for path, methods in DOCUMENT["paths"].items() for method in methods
)  # as the gateway describes itself; that it serves the same is a test below


@pytest.fixture(scope="module")
def schema(system: System) -> Any:
    load_all_checks()
    return schemathesis.openapi.from_url(f"{system.gateway}/schema/openapi.json")


@pytest.fixture(scope="module")
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def accounts(cast: Cast) -> dict[str, Member]:
    return {
        name: cast.member(f"contract-{name}", of, role, training="岗前培训" if role is Role.REGISTRAR else "")
        for name, (of, role) in ROLES.items()
    }


@pytest.fixture(scope="module")
def real(cast: Cast, things: Things) -> dict[str, str]:
    """Ids of things, by the names of path parameters. Nobody has any use for what might be changed here."""
    victim = cast.member("contract-victim", SCHOOL, Role.REGISTRAR)
    appointment = cast["principal"].send(
        "POST",
        "/v1/appointments",
        json={
            "username": victim.username,
            "school": SCHOOL,
            "school_year": int(today()[:4]) - (0 if int(today()[5:7]) >= 9 else 1),
            "training": training(),
            "begins_on": today(),
        },
    )
    assert appointment.status_code == 201, appointment.text
    ours = {"username": victim.username, "appointment_id": appointment.json()["id"], "code": WANBAO, "year": "2025"}
    return things.ids | ours | {"session_id": victim.sign_in()["id"]}


def test_the_gateway_serves_the_description_that_is_tried_here(system: System) -> None:
    with system.anonymous() as client:
        served = client.get("/schema/openapi.json").json()
    assert served == json.loads(json.dumps(DOCUMENT))


@pytest.mark.parametrize("who", ROLES)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_are_what_the_description_says(
    system: System,
    schema: Any,
    http: requests.Session,
    cast: Cast,
    accounts: dict[str, Member],
    real: dict[str, str],
    operation: str,
    who: str,
) -> None:
    method, _, path = operation.partition(" ")
    if path in ONCE and who != "auditor":
        return
    described = schema[path][method]
    named = [
        one["name"] for one in DOCUMENT["paths"][path][method.lower()].get("parameters", []) if one["in"] == "path"
    ]
    ids = {name: int(real[name]) if name == "year" else real[name] for name in named}
    kinds = [described.as_strategy(generation_mode=GenerationMode.POSITIVE)]
    if ids:
        kinds.append(described.as_strategy(generation_mode=GenerationMode.POSITIVE, path_parameters=ids))
    member = accounts[who]
    if path.startswith(OWN) and method != "GET":
        of, role = ROLES[who]
        member = cast.member(f"contract-{who}-{OPERATIONS.index(operation)}", of, role)

    def check(case: Case, checks: tuple[Any, ...]) -> None:
        headers = {"Authorization": f"Bearer {member.token}"}
        response = case.call(base_url=system.gateway, session=http, headers=headers, timeout=PATIENCE)
        case.validate_response(response, checks=list(checks), headers=headers)
        if path == "/v1/sessions/current":
            member.renew()

    body = DOCUMENT["paths"][path][method.lower()].get("requestBody", {})
    is_multipart = "multipart/form-data" in body.get("content", {})
    # A part is bytes whatever was meant: a "null" of the wrong type arrives as a file of four letters.
    of_files = tuple(check for check in NEGATIVE if check is not openapi_checks.negative_data_rejection)

    bounded = settings(
        max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )

    @bounded
    @given(case=st.one_of(kinds))
    def in_order(case: Case) -> None:
        check(case, CHECKS)

    @bounded
    @given(case=described.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def out_of_order(case: Case) -> None:
        check(case, of_files if is_multipart else NEGATIVE)

    in_order()
    if _can_be_wrong(DOCUMENT["paths"][path][method.lower()]):
        out_of_order()


def _can_be_wrong(described: dict[str, Any]) -> bool:
    return bool(described.get("parameters") or described.get("requestBody"))
