"""Private schools' places: who may, and what of Xinchun's everybody tries to get at (clauses 24.5.3, 24.5.4).

Xinchun is a public school, which has none: a ratio and a round of another time, long past changing.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta

from e2e_cast import SCHOOL, Cast
from e2e_clock import CLOCK
from e2e_flow import Desk
from e2e_matrix import EVERYBODY, LOOKS, Row, above, anywhere, at, body, stale
from e2e_people import People
from regulation import lottery
from service_kit.ids import derived

_LISTS = anywhere("registrar", "principal", "officer", "leader")
_ROUND = {
    "school": SCHOOL,
    "grade": 1,
    "closes_on": "2099-01-01",
    "public_source": "双色球开奖号码",
    "public_at": "2099-01-05T21:15:00+08:00",
}
_AT = "/v1/transfer-rounds/{transfer_round_id}"

ROWS: Mapping[str, Row] = {
    "GET /v1/transfer-ratios": Row(_LISTS, shows=("ratio_id", LOOKS)),
    "POST /v1/transfer-ratios": Row(anywhere("principal"), body(school_year=2026, stage="primary", ratio="1/9")),
    "GET /v1/transfer-ratios/{ratio_id}": Row(LOOKS),
    "POST /v1/transfer-ratios/{ratio_id}/decisions": Row(at("county.officer"), stale(decision="approve")),
    "GET /v1/private-places/{school_code}": Row(LOOKS),
    "GET /v1/transfer-rounds": Row(_LISTS, shows=("transfer_round_id", LOOKS)),
    "POST /v1/transfer-rounds": Row(at("county.officer"), body(**_ROUND)),
    f"GET {_AT}": Row(LOOKS),
    f"GET {_AT}/applicants": Row(at("registrar", "principal") | above("officer")),
    f"POST {_AT}/draw": Row(at("county.officer"), body(public_value="03 07 12")),
    "GET /v1/transfer-rounds/published/{round_number}": Row(EVERYBODY),
}


def things(cast: Cast, people: People, desk: Desk) -> Mapping[str, str]:
    ratio_id, round_id = derived("ratio", SCHOOL, 2000), derived("round", SCHOOL, 2000)
    now, secret, number = CLOCK.now(), "5e" * 32, f"YH-2000-1-{SCHOOL}-1-01"
    cast.system.sql(
        "transfer",
        """INSERT INTO private_ratios (id, school, school_year, stage, years, numerator, denominator, state, reason, account,
                                       proposed_by, proposed_at, decided_account, decided_by, decided_at)
           VALUES ($1, $2, 2000, 'primary', 6, 1, 9, 'approved', '', 'x', '某人', $3, 'y', '某人', $3)""",
        ratio_id,
        SCHOOL,
        now,
    )
    notice = lottery.Notice(
        number=number, school=SCHOOL, school_year=2000, term=1, grade=1, closes_on=now.date().isoformat(),
        commitment=lottery.commitment_of(number, secret), public_source="双色球开奖号码",
        public_at=(now + timedelta(days=3)).isoformat(),
    )  # fmt: skip
    listing = lottery.Listing(free=9, taken=0, ratio="1/9", places=1, applicants=())
    cast.system.sql(
        "transfer",
        """INSERT INTO private_rounds (id, number, school, school_name, grade, stage, school_year, term, state, opened_at,
                                       opened_by, closes_on, notice, public_source, public_at, commitment, secret, closed_at,
                                       listing, list_sha256, lottery, revealed, gone, ranked, winners, settled_at)
           VALUES ($1, $2, $3, '新春小学校', 1, 'primary', 2000, 1, 'settled', $4, '某人', $5, $6, '双色球开奖号码', $7, $8,
                   '', $4, $9, $10, false, $11, '{}', '{}', '{}', $4)""",
        round_id,
        number,
        SCHOOL,
        now,
        now.date(),
        json.dumps(dataclasses.asdict(notice)),
        now + timedelta(days=3),
        notice.commitment,
        json.dumps(dataclasses.asdict(listing)),
        lottery.list_hash(notice, listing),
        secret,
    )
    return {"ratio_id": ratio_id, "transfer_round_id": round_id, "round_number": number, "school_code": SCHOOL}
