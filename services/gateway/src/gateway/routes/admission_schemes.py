"""Admission schemes of private schools (clause 8)."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post, put
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.actors import Actor
from shared_contracts.plans import (
    DecideScheme,
    GetScheme,
    ListSchemes,
    ReviseScheme,
    SchemePage,
    SchemeState,
    SchemeView,
    SubmitScheme,
)

from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IfMatch, expected_version, repeatable, required_version, thing_id
from gateway.openapi import about
from gateway.routes.duplicates import Papers
from gateway.routes.enrolment_plans import SomeYear
from gateway.routes.params import Cursor, Id, Limit

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=50_000)]


class NewScheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`school_year`: the year in which it begins. `body`: the scheme's text; `evidence`: its files, ten at most."""

    school_year: Annotated[int, msgspec.Meta(ge=2000, le=2100)]
    title: Title
    body: Text
    evidence: Papers = ()


class RevisedScheme(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`evidence`: files to add; those that it has stay."""

    title: Title
    body: Text
    evidence: Papers = ()


class SchemeDecision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`reason`: needed to reject (for this year) and to return (to be revised)."""

    decision: Literal["approve", "reject", "return"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


def _scheme(view: SchemeView, status: int = 200) -> Response[SchemeView]:
    return versioned(view, f"/v1/admission-schemes/{view.id}", status)


@get("/", **about("民办学校招生方案列表（不含全文）", "8"))
async def schemes(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    school_year: SomeYear = None,
    in_state: Annotated[SchemeState | None, QueryParameter(name="state", description="waiting 待审批 等")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> SchemePage:
    query = ListSchemes(actor=actor, school_year=school_year, state=in_state, cursor=cursor, limit=limit)
    return await backend.ask(query, SchemePage)


@post("/", **about("民办学校报送招生方案", "8", problems=(415,)))
async def submit(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewScheme]
) -> Response[SchemeView]:
    command = SubmitScheme(
        command_id=command_id,
        actor=actor,
        scheme_id=thing_id(actor, "scheme", command_id),
        **msgspec.structs.asdict(data),
    )
    return _scheme(await backend.ask(command, SchemeView), 201)


@get("/{scheme_id:str}", **about("一份招生方案的全文和审批意见", "8"))
async def scheme(backend: Given[Backend], actor: Given[Actor], scheme_id: Id) -> Response[SchemeView]:
    return _scheme(await backend.ask(GetScheme(actor=actor, scheme_id=scheme_id), SchemeView))


@put("/{scheme_id:str}", **about("修改待审批或被退回的招生方案，重新报送", "8", problems=(415, 428)))
async def revise(
    backend: Given[Backend],
    actor: Given[Actor],
    scheme_id: Id,
    data: JSONBody[RevisedScheme],
    if_match: IfMatch = None,
) -> Response[SchemeView]:
    version = required_version(if_match)
    values = msgspec.structs.asdict(data)
    command = ReviseScheme(
        command_id=repeatable(actor, "scheme", scheme_id, version, values),
        actor=actor,
        scheme_id=scheme_id,
        version=version,
        **values,
    )
    return _scheme(await backend.ask(command, SchemeView))


@post(
    "/{scheme_id:str}/decisions",
    status_code=200,
    **about("审批招生方案：批准、不批准或退回修改", "8", problems=(415,)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    scheme_id: Id,
    command_id: Given[str],
    data: JSONBody[SchemeDecision],
    if_match: IfMatch = None,
) -> Response[SchemeView]:
    command = DecideScheme(
        command_id=command_id,
        actor=actor,
        scheme_id=scheme_id,
        decision=data.decision,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _scheme(await backend.ask(command, SchemeView))


router = Router(
    "/v1/admission-schemes", route_handlers=[schemes, submit, scheme, revise, decide], tags=["admission-schemes"]
)
