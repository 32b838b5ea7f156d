"""Transfers (转学, Article 24): one case over four approvals, opened by the receiving school.

A receiving school learns of another school's pupil only what the application itself says, and the verdict.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal

from shared_contracts import outside_transfers, private_places, transfer_reports
from shared_contracts.cases import CaseStands
from shared_contracts.decisions import Decision, Finding
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.holds import Place
from shared_contracts.messages import Command, Event, Message, Moment, Query
from shared_contracts.outside_transfers import OutsideDocument, OutsideView
from shared_contracts.transfer_words import GROUND_TITLES as GROUND_TITLES
from shared_contracts.transfer_words import STATE_TITLES as STATE_TITLES
from shared_contracts.transfer_words import STEP_TITLES as STEP_TITLES
from shared_contracts.transfer_words import Application as Application
from shared_contracts.transfer_words import Ground as Ground
from shared_contracts.transfer_words import Step as Step
from shared_contracts.transfer_words import TransferState as TransferState
from shared_contracts.working_days import MovedDeadlines, YearDays


class StepView(Message, frozen=True, kw_only=True, gc=False):
    """One act on the case. `account_name` is empty for a reader of another organisation.

    `findings`: of a re-routing, what had been found about `from_school`; the case's own are of the school it goes to now.
    `entered_for`: of another province, who decided what the province office entered; `document`: by which paper.
    """

    step: str
    step_title: str
    decision: str
    decision_title: str
    organisation: str
    organisation_name: str
    account_name: str
    decided_at: Moment
    reason: str = ""
    override: bool = False
    from_school: str | None = None  # a re-routing: where it went before, and where to
    from_school_name: str = ""
    to_school: str | None = None
    findings: tuple[Finding, ...] = ()
    asks: tuple[str, ...] = ()  # a return: what to correct or bring
    entered_for: str = ""
    document: OutsideDocument | None = None


class EvidenceAsked(Message, frozen=True, kw_only=True, gc=False):
    """A paper that a ground asks for; nobody may ask for more (24.1.3). `kinds`: any one of them does."""

    kinds: tuple[str, ...]
    title: str
    given: bool


class ExpectedStep(Message, frozen=True, kw_only=True, gc=False):
    """The last day on which a step is in time, if each one before it takes all of its days."""

    step: Step
    title: str
    organisation_name: str
    days: int
    last_day: date
    provisional: bool


class NearbySchool(Message, frozen=True, kw_only=True, gc=False):
    """A public school with free places, nearest first. Says nothing of any pupil."""

    code: str
    name: str
    free: int
    nearness: Literal["zone", "division", "city"]


class TransferPrechecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.prechecked"):
    """All findings, what to bring, how long it takes, and where there is room. Nothing has been opened."""

    decision: Decision
    evidence: tuple[EvidenceAsked, ...]
    steps: tuple[ExpectedStep, ...]
    nearby: tuple[NearbySchool, ...]


class TransferView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.transfer_view"):
    """A transfer as one of its parties sees it. `waits_for`: the step somebody has to take; `seat`: whether a place is held.

    `phone`: masked. `without_record`: only the place of study changes (24.4). `placement`: how the pupil will be placed in
    the new school (`records.placement`); empty: as before. `timeline`: all acts, first to last.
    `may`: what the reader may do now: `"decide"`, `"reroute"`, `"withdraw"`, `"resubmit"`, `"retry"`; of a case with another
    province, `"decide_outside"`, `"withdraw_outward"`, `"resubmit_outward"`. `outside`: the side that is of another province:
    `to_school` (or `from_school`) and its authority are then the province office, which acts for it.
    """

    id: str
    number: str
    student_id: str
    name: str
    ground: Ground
    ground_title: str
    state: TransferState
    state_title: str
    to_school: str
    to_school_name: str
    to_authority: str
    from_school: str
    from_school_name: str
    from_authority: str
    grade: int
    seat: bool
    over: bool
    without_record: bool
    waits_for: Step | None
    waits_for_title: str
    due_on: date | None
    overdue: bool
    provisional: bool
    version: int
    opened_at: Moment
    opened_by: str
    residence: Place | None
    guardian: str
    phone: str
    exception: str
    findings: tuple[Finding, ...]
    placement: str = ""
    timeline: tuple[StepView, ...] = ()
    problem: tuple[Finding, ...] = ()
    class_no: int | None = None
    completed_on: date | None = None
    may: tuple[str, ...] = ()
    evidence: tuple[EvidenceGiven, ...] = ()
    outside: OutsideView | None = None


class TransferPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.transfer_page"):
    items: tuple[TransferView, ...]
    next_cursor: str | None = None


# ---- commands -------------------------------------------------------------------------------------------------------


class OpenTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.open_transfer"):
    """The receiving school opens a case (24.5.1). `exception`: why, where a 原则上 rule stands against it: the competent
    authority decides on that. Role: registrar of the receiving school. Reply: TransferView.
    """

    transfer_id: str
    application: Application
    exception: str = ""


class ResubmitTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.resubmit_transfer"):
    """Correct a returned case and send it on its way again. The pupil and the school cannot be changed.
    Reply: TransferView.

    The application is the whole one but for its papers: `application.evidence` are further ones, those given before stay,
    and `taken_off` names by id those that do not. A paper that is given again has the new kind.
    """

    transfer_id: str
    application: Application
    version: int
    exception: str = ""
    taken_off: tuple[str, ...] = ()


class WithdrawTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.withdraw_transfer"):
    """The receiving school takes the case back, by itself or because the guardian wants it. Reply: TransferView."""

    transfer_id: str
    reason: str
    by_guardian: bool = False


class DecideTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.decide_transfer"):
    """Decide the step that the case waits for. `override`: against a 原则上 rule, with the reason. Reply: TransferView.

    `asks`: of a return, what to correct or bring: names of fields of the application (`"residence"`), or papers of the
    ground's own list (`"evidence.household_register"`); nobody may ask for more (24.1.3).
    """

    transfer_id: str
    step: Step
    decision: Literal["approve", "reject", "return"]
    reason: str = ""
    asks: tuple[str, ...] = ()
    override: bool = False
    version: int | None = None


class RerouteTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.reroute_transfer"):
    """The receiving authority sends the pupil to another public school with places (24.5.2). Reply: TransferView."""

    transfer_id: str
    school: str
    reason: str
    version: int | None = None


class RetryTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.retry_transfer"):
    """Carry out once more what could not be carried out. Role: officer of the receiving authority. Reply: TransferView.

    `override`: beyond the standard class size. `give_up`: end it instead; the record stays where it is. Both with a reason.
    """

    transfer_id: str
    override: bool = False
    give_up: bool = False
    reason: str = ""


class TrackTransfer(Command, frozen=True, kw_only=True, gc=False, tag="transfer.track_transfer"):
    """A guardian follows a case, without an account. `digits`: the last four of the phone. Reply: Tracked.

    A command, because a wrong answer is counted; each try is its own, so neither its id nor its reply is kept.
    """

    kept: ClassVar[bool] = False

    number: str
    digits: str


# ---- queries --------------------------------------------------------------------------------------------------------


class PrecheckTransfer(Query, frozen=True, kw_only=True, gc=False, tag="transfer.precheck_transfer"):
    """The same rules as OpenTransfer, opening nothing. Role: registrar. Reply: TransferPrechecked."""

    application: Application


class GetTransfer(Query, frozen=True, kw_only=True, gc=False, tag="transfer.transfer"):
    transfer_id: str


class ListTransfers(Query, frozen=True, kw_only=True, gc=False, tag="transfer.transfers"):
    """The actor's transfers, newest first. `side`: into or out of the actor's schools; None: both."""

    state: TransferState | None = None
    side: Literal["in", "out"] | None = None
    school: str | None = None
    student_id: str | None = None
    overdue: bool = False
    cursor: str | None = None
    limit: int = 50


class ListRooms(Query, frozen=True, kw_only=True, gc=False, tag="transfer.rooms"):
    """Public schools to which the receiving authority may send this case, nearest first. Reply: Rooms."""

    transfer_id: str


class Rooms(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.rooms_view"):
    items: tuple[NearbySchool, ...]


class MovedTransferDeadlines(Query, frozen=True, kw_only=True, gc=False, tag="transfer.moved_deadlines"):
    """For the registry's dry run of a year's notice: last days of open steps that it would move. Reply: MovedDeadlines."""

    days: YearDays


class TrackedStep(Message, frozen=True, kw_only=True, gc=False):
    title: str
    decision_title: str
    organisation_name: str
    decided_at: Moment
    reason: str = ""


class TransferTracked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.tracked"):
    """Where a case stands, without any name of a person. `note`: that nothing is to be paid (24.6.3)."""

    number: str
    state: TransferState
    state_title: str
    to_school_name: str
    waits_for_title: str
    due_on: date | None
    opened_at: Moment
    completed_on: date | None
    steps: tuple[TrackedStep, ...]
    note: str


class Tracked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.tracked_answer"):
    """Either `transfer`, or why not. It is no Refused: what the try changed (its count) is committed.

    `wrong`: no such case, or other digits (never said which); when `wait` is above 0, the next try may come in so many
    seconds. `locked`: this try was not looked at; again in `wait` seconds.
    """

    transfer: TransferTracked | None = None
    problem: Literal["wrong", "locked"] | None = None
    wait: int = 0


# ---- events ---------------------------------------------------------------------------------------------------------


class TransferApproved(Event, frozen=True, kw_only=True, gc=False, tag="transfer.transfer_approved"):
    """All have approved: the registry moves the record, or (`record_moves` False, 24.4) only the place of study.

    `actor`: the account of the last approval. `overridden`: clauses that the authority has overridden. `placement`: how the
    pupil is placed in the new school (`records.placement`); empty: as before.
    """

    transfer_id: str
    seq: int
    student_id: str
    from_school: str
    to_school: str
    grade: int
    over: bool
    record_moves: bool
    actor: str
    number: str
    overridden: tuple[str, ...] = ()
    placement: str = ""


class TransferEnded(Event, frozen=True, kw_only=True, gc=False, tag="transfer.transfer_ended"):
    """Rejected, withdrawn or expired: the registry takes hold and seat back."""

    transfer_id: str
    seq: int
    student_id: str
    state: TransferState


class TransfersStand(Event, frozen=True, kw_only=True, gc=False, tag="transfer.transfers_stand"):
    """Where transfers stand after an act, for work queues. At most 500 an event."""

    cases: tuple[CaseStands, ...]


Commands = (
    OpenTransfer
    | ResubmitTransfer
    | WithdrawTransfer
    | DecideTransfer
    | RerouteTransfer
    | RetryTransfer
    | TrackTransfer
    | outside_transfers.Commands
    | private_places.Commands
    | transfer_reports.Commands
)
Queries = (
    PrecheckTransfer
    | GetTransfer
    | ListTransfers
    | ListRooms
    | outside_transfers.Queries
    | MovedTransferDeadlines
    | private_places.Queries
    | transfer_reports.Queries
)
Events = TransferApproved | TransferEnded | TransfersStand | outside_transfers.Events

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    OpenTransfer: TransferView,
    ResubmitTransfer: TransferView,
    WithdrawTransfer: TransferView,
    DecideTransfer: TransferView,
    RerouteTransfer: TransferView,
    RetryTransfer: TransferView,
    PrecheckTransfer: TransferPrechecked,
    GetTransfer: TransferView,
    ListTransfers: TransferPage,
    ListRooms: Rooms,
    TrackTransfer: Tracked,
    outside_transfers.PrecheckOutward: TransferPrechecked,
    outside_transfers.PrecheckInward: TransferPrechecked,
    outside_transfers.OpenInward: TransferView,
    outside_transfers.OpenOutward: TransferView,
    outside_transfers.ResubmitOutward: TransferView,
    outside_transfers.WithdrawOutward: TransferView,
    outside_transfers.DecideOutside: TransferView,
    MovedTransferDeadlines: MovedDeadlines,
    **private_places.REPLIES,
    **transfer_reports.REPLIES,
}
