"""The other province's side of a case, written and read with its transfer (`cases.store`)."""

from __future__ import annotations

from datetime import datetime

import asyncpg
import msgspec
from service_kit.database import driver, insert_rows
from shared_contracts.outside_transfers import OutsideDocument, OutsideSchool, OutsideView, Side
from sqlalchemy.ext.asyncio import AsyncConnection

from transfer.outside.policy import province_name
from transfer.outside.tables import outside_parties as t

COLUMNS = """o.side, o.division AS outside_division, o.school AS outside_school, o.authority AS outside_authority,
       o.school_code AS outside_code, o.special_education AS outside_special, o.document::text AS outside_document,
       o.number_kind AS outside_number_kind"""


def view(
    side: Side, school: OutsideSchool, document: OutsideDocument | None = None, number_kind: str = ""
) -> OutsideView:
    return OutsideView(
        side=side,
        province_name=province_name(school.division),
        school=school,
        document=document,
        number_kind=number_kind,
    )


def read(row: asyncpg.Record) -> OutsideView | None:
    """None where both sides are of this province."""
    if row["side"] is None:
        return None
    school = OutsideSchool(
        division=row["outside_division"],
        name=row["outside_school"],
        authority=row["outside_authority"],
        code=row["outside_code"],
        special_education=row["outside_special"],
    )
    document = msgspec.json.decode(row["outside_document"] or b"null", type=OutsideDocument | None)
    return view(row["side"], school, document, row["outside_number_kind"])


async def put(tx: AsyncConnection, case_id: str, party: OutsideView, now: datetime) -> None:
    values = {
        "case_id": case_id,
        "side": party.side,
        "division": party.school.division,
        "school": party.school.name.strip(),
        "authority": party.school.authority.strip(),
        "school_code": party.school.code.strip(),
        "special_education": party.school.special_education,
        "document": party.document,
        "number_kind": party.number_kind,
        "entered_at": now,
    }
    await insert_rows(tx, t, [values])


async def set_document(tx: AsyncConnection, case_id: str, document: OutsideDocument) -> None:
    """The paper of a correction takes the place of the first one; both are among the evidence."""
    await (await driver(tx)).execute(
        "UPDATE outside_parties SET document = $2::text::jsonb WHERE case_id = $1",
        case_id,
        msgspec.json.encode(document).decode(),
    )
