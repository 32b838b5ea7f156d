"""The API's description holds, and describes every operation."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from gateway import openapi
from gateway.problems import MEDIA_TYPE
from litestar import Litestar
from openapi_spec_validator import OpenAPIV31SpecValidator
from regulation import clauses
from shared_contracts.access import SCOPES


@pytest.fixture
async def description(anonymous: httpx.AsyncClient) -> dict[str, Any]:
    answer = await anonymous.get("/schema")
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    assert (await anonymous.get("/schema/openapi.json")).json() == answer.json()
    found: dict[str, Any] = answer.json()
    return found


def each(description: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, item in description["paths"].items()
        for method, operation in item.items()
    ]


async def test_it_is_a_valid_openapi_3_1_document(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(description).validate()


async def test_every_operation_declares_the_problem_a_tag_and_a_chinese_summary(
    description: dict[str, Any],
) -> None:
    tags = {tag["name"] for tag in description["tags"]}
    operations = each(description)
    assert len(operations) >= 28
    for name, operation in operations:
        assert not operation["summary"].isascii(), name
        assert set(operation["tags"]) <= tags, name
        problems = {status: r for status, r in operation["responses"].items() if status >= "400"}
        assert "500" in problems, name
        for status, response in problems.items():
            if name == "POST /oauth/token":  # RFC 6749's own form
                schema = response["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/OAuthError"}, status
                continue
            assert list(response["content"]) == [MEDIA_TYPE], f"{name} {status}"
            schema = response["content"][MEDIA_TYPE]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}, f"{name} {status}"
    ids = [operation["operationId"] for _, operation in operations]
    assert len(ids) == len(set(ids))


async def test_keys_and_accounts_are_described(description: dict[str, Any]) -> None:
    schemes = description["components"]["securitySchemes"]
    assert schemes["bearer"]["scheme"] == "bearer"
    assert schemes["oauth2"]["flows"]["clientCredentials"]["tokenUrl"] == "/oauth/token"
    assert set(schemes["oauth2"]["flows"]["clientCredentials"]["scopes"]) == set(SCOPES)
    assert description["security"] == [{"bearer": []}, {"oauth2": []}]
    for_everybody = {  # what parents recompute, and follow
        "POST /v1/transfers/tracking",
        "GET /v1/class-assignments/published/{assignment_number}",
        "GET /v1/transfer-rounds/published/{round_number}",
    }
    signing_in = {"POST /v1/sessions", "POST /v1/sessions/refresh", "POST /oauth/token"}
    for name, operation in each(description):
        parameters = {p["name"]: p for p in operation.get("parameters", [])}
        wants_key = name.startswith("POST ") and name not in signing_in
        assert ("Idempotency-Key" in parameters) == wants_key, name
        if wants_key:
            assert parameters["Idempotency-Key"]["required"] is True
        by_its_path = name.split(" ")[1].startswith(("/health", "/metrics", "/.well-known"))
        public = by_its_path or name in signing_in | for_everybody
        assert ({} in operation.get("security", [])) == public, name
        assert ("401" in operation["responses"]) == (not public or name in signing_in), name


async def test_a_body_may_be_too_large_or_of_another_type_wherever_there_is_one(description: dict[str, Any]) -> None:
    for name, operation in each(description):
        if name.split(" ")[0] in ("POST", "PUT", "PATCH") and name != "POST /oauth/token":
            assert {"413", "415"} <= set(operation["responses"]), name


async def test_the_token_endpoint_describes_its_form(description: dict[str, Any]) -> None:
    operation = description["paths"]["/oauth/token"]["post"]
    (schema,) = operation["requestBody"]["content"].values()
    assert list(operation["requestBody"]["content"]) == ["application/x-www-form-urlencoded"]
    assert schema["schema"]["required"] == ["grant_type"]
    assert {"basic": []} in operation["security"]


async def test_the_upload_describes_its_file(description: dict[str, Any]) -> None:
    body = description["paths"]["/v1/rosters"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["multipart/form-data"]["schema"]["required"] == ["file"]


async def test_operations_name_clauses_that_exist(app: Litestar, description: dict[str, Any]) -> None:
    known = set(clauses.CLAUSES)
    served = openapi.by_clause(app)
    assert set(served) <= known
    assert {"13.1", "13.2", "15.1", "15.2", "15.4", "20.1", "20.2", "21.1", "43", "45.1", "45.3"} <= set(served)
    described = {
        clause: {name for name, operation in each(description) if clause in operation.get("x-clauses", [])}
        for clause in served
    }
    assert described == {clause: set(names) for clause, names in served.items()}


@pytest.mark.parametrize("act", ["openapi", "clauses"])
def test_the_description_is_printed_without_any_setting(act: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", act], capture_output=True, check=True, env={"PATH": ""}, timeout=60
    )
    assert json.loads(done.stdout)
