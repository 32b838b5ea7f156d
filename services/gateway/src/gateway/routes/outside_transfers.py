"""Transfers to and from other provinces: the province office enters what the other province says (Article 24)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from shared_contracts import outside_transfers as contract
from shared_contracts import transfer
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.holds import ComingChild
from shared_contracts.outside_transfers import (
    DecideOutside,
    OpenInward,
    OpenOutward,
    PrecheckInward,
    PrecheckOutward,
    ResubmitOutward,
    WithdrawOutward,
)
from shared_contracts.transfer import Step, TransferPrechecked, TransferView

from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, IfMatch, expected_version, required_version, thing_id
from gateway.openapi import about
from gateway.routes.duplicates import Papers
from gateway.routes.params import Id
from gateway.routes.transfers import Asks, Name, Number, TakenBack, TakenOff, Text, Why, answer

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Division = Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]
Grade = Annotated[int, msgspec.Meta(ge=1, le=9)]


class SchoolThere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A school of another province, as its paper names it. `division`: its county or district, GB/T 2260; `code`: its
    学校标识码, where the paper says it."""

    division: Division
    name: Line
    authority: Line
    code: Annotated[str, msgspec.Meta(max_length=20)] = ""
    special_education: bool = False

    @property
    def given(self) -> contract.OutsideSchool:
        return contract.OutsideSchool(
            division=self.division,
            name=self.name,
            authority=self.authority,
            code=self.code,
            special_education=self.special_education,
        )


class Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paper by which another province said something; its scan is among the evidence, as `official_document`."""

    number: Line
    issued_on: date
    issuer: Line

    @property
    def given(self) -> contract.OutsideDocument:
        return contract.OutsideDocument(number=self.number, issued_on=self.issued_on, issuer=self.issuer)


class LeavingPupil(Why, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pupil and the ground. `number`: identity document or student number. Places may lie in the other province."""

    name: Name
    number: Number

    def given(self, evidence: Papers) -> transfer.Application:
        return self.applied(self.name, self.number, evidence)


class Outward(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a school of another province asks for. `grade`: into which it takes the pupil, 1 to 9."""

    pupil: LeavingPupil
    school: SchoolThere
    grade: Grade
    document: Document
    evidence: Papers = ()


class Child(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A child of another province, as its papers name it. `document_kind`: code of SFZJLX_FORM; `student_number`: that the
    other province has given (G, L or J and 18 places), empty where the guardian does not know it."""

    name: Name
    sex: Literal["1", "2"]
    birth_date: date
    document_kind: Annotated[str, msgspec.Meta(min_length=1, max_length=2)]
    document_number: Number
    student_number: Annotated[str, msgspec.Meta(max_length=30)] = ""


class Inward(Why, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What our school applies for with the guardian. `grade`: the child's in the other province, 1 to 9. `exception`: why,
    where a 原则上 rule stands against it."""

    child: Child
    school: SchoolThere
    grade: Grade
    exception: Text = ""
    evidence: Papers = ()

    @property
    def coming(self) -> ComingChild:
        """Before it moved the household was where the old school is."""
        one = self.child
        area = self.household.place.division if self.household else self.school.division
        return ComingChild(
            name=one.name,
            sex=one.sex,
            birth_date=one.birth_date,
            document_kind=one.document_kind,
            document_number=one.document_number,
            area=area,
        )

    @property
    def application(self) -> transfer.Application:
        return self.applied(self.child.name, self.child.student_number, self.evidence)


class Corrected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pupil, school and grade stay, and so do papers that were given. `evidence`: further ones; `taken_off`: ids of papers
    that no longer belong to it; none once a step is approved."""

    pupil: LeavingPupil
    document: Document
    evidence: Papers = ()
    taken_off: TakenOff = ()


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the other province has decided, by its paper. `asks`: of a return, out of the application's own fields."""

    step: Step
    decision: Literal["approve", "reject", "return"]
    document: Document
    evidence: Papers
    reason: Text = ""
    asks: Asks = ()


@post(
    "/inward/prechecks",
    status_code=200,
    **about("由外省转入预检：全部结论、材料、各环节期限和附近学位，不提交", "24.1.3", "24.5.1", problems=(415, 503)),
)
async def precheck_inward(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Inward]
) -> TransferPrechecked:
    query = PrecheckInward(
        actor=actor,
        application=data.application,
        child=data.coming,
        school=data.school.given,
        grade=data.grade,
    )
    return await backend.ask(query, TransferPrechecked)


@post("/inward", **about("发起由外省转入（转入学校与监护人办理）", "15.2", "24.5.1", "23", problems=(415, 503)))
async def open_inward(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Inward]
) -> Response[TransferView]:
    command = OpenInward(
        command_id=command_id,
        actor=actor,
        transfer_id=thing_id(actor, "transfer", command_id),
        application=data.application,
        child=data.coming,
        school=data.school.given,
        grade=data.grade,
        exception=data.exception,
    )
    return answer(await backend.ask(command, TransferView), 201)


@post(
    "/outward/prechecks",
    status_code=200,
    **about("转往外省预检：全部结论和各环节期限，不提交", "24.1.3", "24.5.1", problems=(415, 503)),
)
async def precheck_outward(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Outward]
) -> TransferPrechecked:
    query = PrecheckOutward(
        actor=actor,
        application=data.pupil.given(data.evidence),
        school=data.school.given,
        grade=data.grade,
        document=data.document.given,
    )
    return await backend.ask(query, TransferPrechecked)


@post("/outward", **about("录入外省学校的转学申请（本省学生转往外省）", "24.5.1", "23", problems=(415, 503)))
async def open_outward(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Outward]
) -> Response[TransferView]:
    command = OpenOutward(
        command_id=command_id,
        actor=actor,
        transfer_id=thing_id(actor, "transfer", command_id),
        application=data.pupil.given(data.evidence),
        school=data.school.given,
        grade=data.grade,
        document=data.document.given,
    )
    return answer(await backend.ask(command, TransferView), 201)


@post(
    "/outward/{outside_id:str}/resubmission",
    status_code=200,
    **about("补正退回的转往外省申请", "24.5.1", problems=(415, 428, 503)),
)
async def resubmit_outward(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    outside_id: Id,
    command_id: Given[str],
    data: JSONBody[Corrected],
    if_match: IfMatch = None,
) -> Response[TransferView]:
    command = ResubmitOutward(
        command_id=command_id,
        actor=actor,
        transfer_id=outside_id,
        application=data.pupil.given(data.evidence),
        document=data.document.given,
        taken_off=data.taken_off,
        version=required_version(if_match),
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/outward/{outside_id:str}/withdrawal",
    status_code=200,
    **about("撤回转往外省申请（外省学校或监护人要求）", "24.5.1", problems=(415,)),
)
async def withdraw_outward(
    backend: Given[Backend], actor: Given[Actor], outside_id: Id, command_id: Given[str], data: JSONBody[TakenBack]
) -> Response[TransferView]:
    command = WithdrawOutward(
        command_id=command_id,
        actor=actor,
        transfer_id=outside_id,
        reason=data.reason,
        by_guardian=data.by_guardian,
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/{outside_id:str}/decisions",
    status_code=200,
    **about("录入外省学校或主管部门的决定（附书面材料）", "24.5.1", problems=(415, 503)),
)
async def decide_outside(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    outside_id: Id,
    command_id: Given[str],
    data: JSONBody[Said],
    if_match: IfMatch = None,
) -> Response[TransferView]:
    command = DecideOutside(
        command_id=command_id,
        actor=actor,
        transfer_id=outside_id,
        step=data.step,
        decision=data.decision,
        document=data.document.given,
        evidence=data.evidence,
        reason=data.reason,
        asks=data.asks,
        version=expected_version(if_match),
    )
    return answer(await backend.ask(command, TransferView))


router = Router(
    "/v1/outside-transfers",
    route_handlers=[
        precheck_inward,
        open_inward,
        precheck_outward,
        open_outward,
        resubmit_outward,
        withdraw_outward,
        decide_outside,
    ],
    tags=["outside-transfers"],
)
