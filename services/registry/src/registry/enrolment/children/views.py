"""A child as it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from shared_contracts.admission import ChildView

from registry.enrolment.children.policy import enrolment_year


def view(row: Any, places: Mapping[str, tuple[str, str]], names: Mapping[str, str], today: date) -> ChildView:
    admission, school = places.get(row["id"], (None, None))
    later = row["state"] == "waiting" and row["school_year"] > enrolment_year(today)
    return ChildView(
        id=row["id"],
        person_id=row["person_id"],
        county=row["county"],
        stage=row["stage"],
        origin=row["origin"],
        school_year=row["school_year"],
        name=row["name"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        masked_document=row["masked_document"],
        division=row["division"],
        state="deferred" if later else row["state"],
        by_hand=row["by_hand"],
        reason=row["reason"],
        version=row["version"],
        admission_id=admission,
        school=school,
        school_name=names.get(school or ""),
    )
