"""Private schools' places for transfers (民办学校可转入学位, clauses 24.5.3, 24.5.4): the ratio of the year, rounds of
applications, and the lottery where there are more of them than places.

Words of the transfer service. What a round publishes is the file that `regulation.lottery` verifies: nothing here says how
it is drawn.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.messages import Command, Message, Moment, Query

# ---- the ratio -------------------------------------------------------------------------------------------------------


class RatioState(StrEnum):
    PROPOSED = "proposed"  # 待审批
    APPROVED = "approved"  # 已批准
    REJECTED = "rejected"  # 未获批准


class RatioView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.ratio_view"):
    """可转入比例 of a stage for a school year, as "1/9". `most`: what the clause allows (`years`: of the stage in the
    school's system). `in_force`: it is the newest approved one of its year."""

    id: str
    school: str
    school_name: str
    school_year: int
    stage: Literal["primary", "junior"]
    years: int
    ratio: str
    most: str
    state: RatioState
    state_title: str
    in_force: bool
    reason: str
    proposed_at: Moment
    proposed_by: str
    version: int
    decided_at: Moment | None = None
    decided_by: str | None = None
    decision_reason: str | None = None


class RatioPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.ratio_page"):
    items: tuple[RatioView, ...]
    next_cursor: str | None = None


# ---- places ----------------------------------------------------------------------------------------------------------


class GradePlaces(Message, frozen=True, kw_only=True, gc=False):
    """A grade of a private school. `plan`: 招生计划数 of the year in which the grade came to the school, None without one;
    `pupils`: there now; `held`: seats of transfers under way; `free`: 空余学位; `taken`: seats that transfers have been given
    in this school year; `ratio`: in force, None without one; `transferable`: 可转入学位 that are left. `round`: the number of
    the round that runs."""

    grade: int
    stage: Literal["primary", "junior"]
    plan: int | None
    pupils: int
    held: int
    free: int
    taken: int
    ratio: str | None
    transferable: int
    round: str | None = None
    round_id: str | None = None


class PrivatePlaces(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.private_places_view"):
    """All grades of a school in the school year of today. `because`: Chinese, why nobody can transfer in, where so."""

    school: str
    school_name: str
    school_year: int
    grades: tuple[GradePlaces, ...]
    because: str = ""


# ---- rounds ----------------------------------------------------------------------------------------------------------


class RoundState(StrEnum):
    OPEN = "open"  # 报名中
    CLOSED = "closed"  # 名单已封存，待抽签
    DECIDED = "decided"  # 结果已产生，正在逐一办理
    SETTLED = "settled"  # 已办结


class RoundView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.round_view"):
    """A round (转入报名批次) of a grade. `closes_on`: the last day to apply. `places`, `free`, `taken`, `ratio`: as they
    stood when the list was closed. `applicants`: on the list (while it is open: so far); `left`: of them gone before the
    public value was known; `winners`: with a place; `settled`: of all, those whose case has gone on.
    `lottery`: a draw decides.
    """

    id: str
    number: str
    school: str
    school_name: str
    authority: str
    grade: int
    stage: Literal["primary", "junior"]
    school_year: int
    term: int
    state: RoundState
    state_title: str
    opened_at: Moment
    opened_by: str
    closes_on: date
    public_source: str
    public_at: Moment
    commitment: str
    applicants: int
    version: int
    left: int = 0
    winners: int = 0
    settled: int = 0
    places: int | None = None
    free: int | None = None
    taken: int | None = None
    ratio: str | None = None
    lottery: bool | None = None
    list_sha256: str | None = None
    closed_at: Moment | None = None
    public_value: str | None = None
    drawn_at: Moment | None = None
    drawn_by: str | None = None
    settled_at: Moment | None = None


class RoundPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.round_page"):
    items: tuple[RoundView, ...]
    next_cursor: str | None = None


class Applicant(Message, frozen=True, kw_only=True, gc=False):
    """One application on a round. `code`: handed to the guardian, who finds the child in the published file by it.

    `outcome`: `"waiting"`, `"left"`, `"won"`, `"lost"`. `rank`: in the order of the draw, 1 is the first. `settled`: the
    case has gone on with it; `problem`: Chinese, why it has not.
    """

    transfer_id: str
    transfer_number: str
    student_id: str
    name: str
    code: str
    entered_at: Moment
    outcome: Literal["waiting", "left", "won", "lost"]
    outcome_title: str
    rank: int | None
    settled: bool
    problem: str = ""


class Applicants(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.round_applicants_page"):
    items: tuple[Applicant, ...]
    next_cursor: str | None = None


class PublishedRound(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="transfer.published_round"):
    """`document`: the published file (JSON), as `regulation.lottery` reads it."""

    document: str


# ---- commands --------------------------------------------------------------------------------------------------------


class ProposeRatio(Command, frozen=True, kw_only=True, gc=False, tag="transfer.propose_ratio"):
    """The actor's own private school asks for the ratio of a stage and year, `numerator`/`denominator`; after an approval a
    further one may be asked for. Reply: RatioView."""

    ratio_id: str
    school_year: int
    stage: Literal["primary", "junior"]
    numerator: int
    denominator: int
    reason: str = ""


class DecideRatio(Command, frozen=True, kw_only=True, gc=False, tag="transfer.decide_ratio"):
    """The supervising authority decides; never whoever proposed it. Reply: RatioView."""

    ratio_id: str
    decision: Literal["approve", "reject"]
    reason: str = ""
    version: int | None = None


class OpenRound(Command, frozen=True, kw_only=True, gc=False, tag="transfer.open_round"):
    """The supervising authority opens the list for a grade, and commits the secret. `public_source`, `public_at`: what value
    will be taken, and when it comes to be known. Reply: RoundView."""

    round_id: str
    school: str
    grade: int
    closes_on: date
    public_source: str
    public_at: Moment


class DrawRound(Command, frozen=True, kw_only=True, gc=False, tag="transfer.draw_round"):
    """Reveal the secret and draw, once. `public_value`: as it stands at its source. Reply: RoundView."""

    round_id: str
    public_value: str


# ---- queries ---------------------------------------------------------------------------------------------------------


class GetRatio(Query, frozen=True, kw_only=True, gc=False, tag="transfer.ratio"):
    ratio_id: str


class ListRatios(Query, frozen=True, kw_only=True, gc=False, tag="transfer.ratios"):
    """Newest first. Reply: RatioPage."""

    school: str | None = None
    school_year: int | None = None
    state: RatioState | None = None
    cursor: str | None = None
    limit: int = 50


class GetPrivatePlaces(Query, frozen=True, kw_only=True, gc=False, tag="transfer.private_places"):
    """Says nothing of any pupil. Reply: PrivatePlaces."""

    school: str


class GetRound(Query, frozen=True, kw_only=True, gc=False, tag="transfer.round"):
    round_id: str


class ListRounds(Query, frozen=True, kw_only=True, gc=False, tag="transfer.rounds"):
    """Newest first. Reply: RoundPage."""

    school: str | None = None
    state: RoundState | None = None
    cursor: str | None = None
    limit: int = 50


class ListApplicants(Query, frozen=True, kw_only=True, gc=False, tag="transfer.round_applicants"):
    """With names, in the order of the codes. Reply: Applicants."""

    round_id: str
    cursor: str | None = None
    limit: int = 100


class GetPublishedRound(Query, frozen=True, kw_only=True, gc=False, tag="transfer.find_published_round"):
    """For everybody, without an account: from the opening on, for ever. Reply: PublishedRound."""

    number: str


Commands = ProposeRatio | DecideRatio | OpenRound | DrawRound
Queries = GetRatio | ListRatios | GetPrivatePlaces | GetRound | ListRounds | ListApplicants | GetPublishedRound

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    ProposeRatio: RatioView,
    DecideRatio: RatioView,
    OpenRound: RoundView,
    DrawRound: RoundView,
    GetRatio: RatioView,
    ListRatios: RatioPage,
    GetPrivatePlaces: PrivatePlaces,
    GetRound: RoundView,
    ListRounds: RoundPage,
    ListApplicants: Applicants,
    GetPublishedRound: PublishedRound,
}
"""Part of the transfer service's (`transfer.REPLIES`)."""
