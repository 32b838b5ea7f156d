"""Ratios and rounds as people see them, and the file that a round publishes."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from regulation import lottery
from shared_contracts.private_places import Applicant, RatioState, RatioView, RoundState, RoundView

from transfer.private_places.store import Row
from transfer.rules.private import most_ratio

RATIO_TITLES: dict[str, str] = {"proposed": "待审批", "approved": "已批准", "rejected": "未获批准"}
ROUND_TITLES: dict[str, str] = {
    "open": "报名中",
    "closed": "名单已封存，待抽签",
    "decided": "结果已产生，正在逐一办理",
    "settled": "已办结",
}
OUTCOME_TITLES: dict[str, str] = {"waiting": "等待结果", "left": "已撤回", "won": "录取", "lost": "未录取，统筹安排"}


def ratio_view(row: Row) -> RatioView:
    return RatioView(
        id=row["id"],
        school=row["school"],
        school_name=row["school_name"],
        school_year=row["school_year"],
        stage=row["stage"],
        years=row["years"],
        ratio=str(Fraction(row["numerator"], row["denominator"])),
        most=str(most_ratio(row["years"])),
        state=RatioState(row["state"]),
        state_title=RATIO_TITLES[row["state"]],
        in_force=row["in_force"],
        reason=row["reason"],
        proposed_at=row["proposed_at"],
        proposed_by=row["proposed_by"],
        version=row["version"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        decision_reason=row["decision_reason"],
    )


def round_view(row: Row) -> RoundView:
    """`row`: of `store.round_` and `store.round_page`."""
    closed = listing_of(row)
    return RoundView(
        id=row["id"],
        number=row["number"],
        school=row["school"],
        school_name=row["school_name"],
        authority=row["authority"] or "",
        grade=row["grade"],
        stage=row["stage"],
        school_year=row["school_year"],
        term=row["term"],
        state=RoundState(row["state"]),
        state_title=ROUND_TITLES[row["state"]],
        opened_at=row["opened_at"],
        opened_by=row["opened_by"],
        closes_on=row["closes_on"],
        public_source=row["public_source"],
        public_at=row["public_at"],
        commitment=row["commitment"],
        applicants=row["applicants"],
        version=row["version"],
        left=len(row["gone"] or ()),
        winners=len(row["winners"] or ()),
        settled=row["settled"],
        places=closed.places if closed else None,
        free=closed.free if closed else None,
        taken=closed.taken if closed else None,
        ratio=closed.ratio if closed else None,
        lottery=row["lottery"],
        list_sha256=row["list_sha256"],
        closed_at=row["closed_at"],
        public_value=row["public_value"],
        drawn_at=row["drawn_at"],
        drawn_by=row["drawn_by"],
        settled_at=row["settled_at"],
    )


def applicants(rows: Sequence[Row]) -> tuple[Applicant, ...]:
    """`rows`: of `store.named`."""
    return tuple(
        Applicant(
            transfer_id=row["transfer_id"],
            transfer_number=row["transfer_number"],
            student_id=row["student_id"],
            name=row["name"],
            code=row["code"],
            entered_at=row["entered_at"],
            outcome=row["outcome"] or "waiting",
            outcome_title=OUTCOME_TITLES[row["outcome"] or "waiting"],
            rank=row["rank"],
            settled=row["settled_at"] is not None,
            problem=row["problem"],
        )
        for row in rows
    )


# ---- what everybody may look at -----------------------------------------------------------------------------------------


def notice_of(row: Row) -> lottery.Notice:
    return lottery.Notice(**json.loads(row["notice"]))


def listing_of(row: Row) -> lottery.Listing | None:
    if row["listing"] is None:
        return None
    found = json.loads(row["listing"])
    return lottery.Listing(**{**found, "applicants": tuple(found["applicants"])})


def published(row: Row) -> str:
    """The file of a round, as JSON: what `regulation.lottery` verifies, with its history."""
    file = lottery.Published(
        format=lottery.FORMAT,
        notice=notice_of(row),
        listing=listing_of(row),
        list_sha256=row["list_sha256"],
        left=tuple(row["gone"] or ()),
        secret=row["revealed"],
        public_value=row["public_value"],
        seed=row["seed"],
        order=tuple(row["ranked"] or ()),
        winners=tuple(row["winners"] or ()),
    )
    moments = ("opened_at", "closed_at", "public_at", "drawn_at", "settled_at")
    history: dict[str, Any] = {name: row[name].isoformat() for name in moments if row[name] is not None}
    history |= {
        "state": row["state"],
        "state_title": ROUND_TITLES[row["state"]],
        "school_name": row["school_name"],
        "lottery": row["lottery"],
    }
    return json.dumps(dataclasses.asdict(file) | {"history": history}, ensure_ascii=False)
