"""Transfers (转学, Article 24): prechecked, opened by the receiving school, decided over three steps, followed up."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from service_kit.ids import new_id
from shared_contracts import transfer as contract
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet
from shared_contracts.holds import Place
from shared_contracts.transfer import (
    DecideTransfer,
    GetTransfer,
    Ground,
    ListRooms,
    ListTransfers,
    OpenTransfer,
    PrecheckTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Rooms,
    Step,
    Tracked,
    TrackTransfer,
    TransferPage,
    TransferPrechecked,
    TransferState,
    TransferTracked,
    TransferView,
    WithdrawTransfer,
)

from gateway.allowance import Allowance, count
from gateway.answers import versioned
from gateway.backend import Backend
from gateway.idempotency import IdempotencyKey, IfMatch, expected_version, required_version, thing_id
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.duplicates import Papers
from gateway.routes.params import Cursor, Id, Limit, OrganisationCode, OrganisationIn, Reason

NO_CASE = "没有找到这项转学。请核对办理编号和监护人手机号的后四位。"
EvidenceId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
TakenOff = Annotated[tuple[EvidenceId, ...], msgspec.Meta(max_length=20)]
Text = Annotated[str, msgspec.Meta(max_length=500)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Number = Annotated[str, msgspec.Meta(min_length=4, max_length=30)]
Asks = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=40)], ...], msgspec.Meta(max_length=20)]
StudentFilter = Annotated[
    str | None, QueryParameter(name="student", pattern=r"^[A-Za-z0-9-]{1,64}$", description="只看这名学生的")
]


class Residence(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`division`: county or district, 6 digits. `address`: street and number as on the paper."""

    division: Annotated[str, msgspec.Meta(pattern=r"^\d{6}$")]
    address: Annotated[str, msgspec.Meta(min_length=2, max_length=200)]

    @property
    def place(self) -> Place:
        return Place(division=self.division, address=self.address)


class Why(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody changes school, and whom to reach: what every application for a transfer says, whichever the direction."""

    ground: Ground
    residence: Residence
    guardian: Name
    phone: Annotated[str, msgspec.Meta(pattern=r"^1\d{10}$|^0\d{9,11}$")]
    household: Residence | None = None
    alone_in_household: bool = False

    def applied(self, name: str, number: str, evidence: Papers) -> contract.Application:
        """Of the pupil of this name and number."""
        return contract.Application(
            name=name,
            number=number,
            ground=self.ground,
            residence=self.residence.place,
            household=self.household.place if self.household else None,
            guardian=self.guardian,
            phone=self.phone,
            alone_in_household=self.alone_in_household,
            evidence=evidence,
        )


class Application(Why, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The guardian's application. `number`: identity document or student number of the pupil. `record_moves`, `agreed`: only
    for special education and special schools (24.4). `exception`: why, where a 原则上 rule stands against it."""

    name: Name
    number: Number
    record_moves: bool = True
    agreed: bool = False
    evidence: Papers = ()
    exception: Text = ""

    @property
    def given(self) -> contract.Application:
        said = self.applied(self.name, self.number, self.evidence)
        return msgspec.structs.replace(said, record_moves=self.record_moves, agreed=self.agreed)


class Correction(Application, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole application as it is now, but for its papers: those that were given stay. `evidence`: further papers, or one
    given before with another kind. `taken_off`: ids of papers that no longer belong to it; none once a step is approved. Of a
    child who comes from another province `name` and `number` say nothing: who it is stays as it was applied for."""

    taken_off: TakenOff = ()


class Decided(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`override`: against a 原则上 rule, by the receiving authority, with the reason. `asks`: of a return, what to correct or
    bring, out of the application's fields and the ground's own papers."""

    step: Step
    decision: Literal["approve", "reject", "return"]
    reason: Text = ""
    override: bool = False
    asks: Asks = ()


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    school: OrganisationIn
    reason: Reason


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Reason
    by_guardian: bool = False


class OnceMore(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`override`: beyond the standard class size. `give_up`: end it, the record stays. Both with a reason."""

    override: bool = False
    give_up: bool = False
    reason: Text = ""


class Followed(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`number`: on the receipt. `digits`: the last four of the guardian's phone."""

    number: Annotated[str, msgspec.Meta(pattern=r"^[Zz][Xx]\d{14}$")]
    digits: Annotated[str, msgspec.Meta(pattern=r"^\d{4}$")]


def answer(view: TransferView, status: int = 200) -> Response[TransferView]:
    return versioned(view, f"/v1/transfers/{view.id}", status)


@post("/", **about("发起转学（转入学校）", "24.5.1", "24.1.1", "24.1.2", "24.1.3", "24.4", problems=(415, 503)))
async def apply(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[Application]
) -> Response[TransferView]:
    command = OpenTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=thing_id(actor, "transfer", command_id),
        application=data.given,
        exception=data.exception,
    )
    return answer(await backend.ask(command, TransferView), 201)


@post(
    "/prechecks",
    status_code=200,
    **about(
        "转学预检：全部结论、所需材料、各环节期限和附近有学位的学校，不提交", "24.1.3", "24.5.1", problems=(415, 503)
    ),
)
async def precheck(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Application]
) -> TransferPrechecked:
    return await backend.ask(PrecheckTransfer(actor=actor, application=data.given), TransferPrechecked)


@get("/", **about("转学列表（转入、转出）", "24.5.1"))
async def transfers(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    in_state: Annotated[TransferState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    side: Annotated[Literal["in", "out"] | None, QueryParameter(description="in 转入，out 转出")] = None,
    school: OrganisationCode = None,
    student: StudentFilter = None,
    overdue: Annotated[bool, QueryParameter(description="只看已逾期的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> TransferPage:
    query = ListTransfers(
        actor=actor,
        state=in_state,
        side=side,
        school=school,
        student_id=student,
        overdue=overdue,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, TransferPage)


@get("/{transfer_id:str}", **about("一项转学：经过、期限、可以办理的事项", "24.5.1", "24.6.4"))
async def transfer(backend: Given[Backend], actor: Given[Actor], transfer_id: Id) -> Response[TransferView]:
    return answer(await backend.ask(GetTransfer(actor=actor, transfer_id=transfer_id), TransferView))


@get("/{transfer_id:str}/rooms", **about("可以改派的公办学校，由近到远", "24.5.2"))
async def rooms(backend: Given[Backend], actor: Given[Actor], transfer_id: Id) -> Rooms:
    return await backend.ask(ListRooms(actor=actor, transfer_id=transfer_id), Rooms)


@post(
    "/{transfer_id:str}/decisions",
    status_code=200,
    **about("核准、不予核准或退回转学的一步", "24.5.1", "24.2.1", "24.2.2", problems=(415, 503)),
)
async def decide(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    transfer_id: Id,
    command_id: Given[str],
    data: JSONBody[Decided],
    if_match: IfMatch = None,
) -> Response[TransferView]:
    command = DecideTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=transfer_id,
        step=data.step,
        decision=data.decision,
        reason=data.reason,
        override=data.override,
        asks=data.asks,
        version=expected_version(if_match),
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/{transfer_id:str}/rerouting",
    status_code=200,
    **about("改派到有空余学位的公办学校", "24.5.2", problems=(415, 503)),
)
async def reroute(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    transfer_id: Id,
    command_id: Given[str],
    data: JSONBody[Elsewhere],
    if_match: IfMatch = None,
) -> Response[TransferView]:
    command = RerouteTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=transfer_id,
        school=data.school,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/{transfer_id:str}/resubmission",
    status_code=200,
    **about("补正退回的转学并重新提交", "24.5.1", problems=(415, 428, 503)),
)
async def resubmit(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    transfer_id: Id,
    command_id: Given[str],
    data: JSONBody[Correction],
    if_match: IfMatch = None,
) -> Response[TransferView]:
    command = ResubmitTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=transfer_id,
        application=data.given,
        exception=data.exception,
        taken_off=data.taken_off,
        version=required_version(if_match),
    )
    return answer(await backend.ask(command, TransferView))


@post("/{transfer_id:str}/withdrawal", status_code=200, **about("撤回转学", "24.5.1", problems=(415,)))
async def withdraw(
    backend: Given[Backend], actor: Given[Actor], transfer_id: Id, command_id: Given[str], data: JSONBody[TakenBack]
) -> Response[TransferView]:
    command = WithdrawTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=transfer_id,
        reason=data.reason,
        by_guardian=data.by_guardian,
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/{transfer_id:str}/retry",
    status_code=200,
    **about("再次办理未完成的学籍转接，或者终止", "24.5.1", "24.2.2", problems=(415,)),
)
async def retry(
    backend: Given[Backend], actor: Given[Actor], transfer_id: Id, command_id: Given[str], data: JSONBody[OnceMore]
) -> Response[TransferView]:
    command = RetryTransfer(
        command_id=command_id,
        actor=actor,
        transfer_id=transfer_id,
        override=data.override,
        give_up=data.give_up,
        reason=data.reason,
    )
    return answer(await backend.ask(command, TransferView))


@post(
    "/tracking",
    status_code=200,
    **about(
        "监护人查询转学进度（办理编号和手机号后四位，不需要账号）",
        "24.6.3",
        problems=(404, 415, 422, 429, 504),
        public=True,
    ),
)
async def track(
    request: Request[Any, Any, Any],
    backend: Given[Backend],
    allowance: Given[Allowance],
    idempotency_key: IdempotencyKey,
    data: JSONBody[Followed],
) -> TransferTracked:
    """Digits are few: wrong ones are counted by number and by address, whichever gateway is asked. After some of them
    `Retry-After` says when the next try is looked at (429 until then). 没有这个编号和后四位不符是同一个回答。"""
    count(allowance, request)
    command = TrackTransfer(command_id=new_id(), actor=ANONYMOUS, number=data.number, digits=data.digits)
    answer = await backend.ask(command, Tracked)
    if answer.transfer is not None:
        return answer.transfer
    headers = {"Retry-After": str(answer.wait)} if answer.wait else {}
    if answer.problem == "locked":
        detail = f"输错次数过多，请 {answer.wait} 秒后再试。"
        raise ProblemError("too_many_attempts", detail, headers=headers)
    raise ProblemError("not_found", NO_CASE, headers=headers)


router = Router(
    "/v1/transfers",
    route_handlers=[
        apply,
        precheck,
        transfers,
        transfer,
        rooms,
        decide,
        reroute,
        resubmit,
        withdraw,
        retry,
        track,
    ],
    tags=["transfers"],
)
