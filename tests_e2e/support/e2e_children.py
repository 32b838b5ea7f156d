"""Children of age for end-to-end tests: a county's workbook, and the steps to a place, through the API alone."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from datetime import date
from typing import Any

import openpyxl
from e2e_api import XLSX, done
from e2e_cast import COUNTY, SCHOOL, Cast, Member
from e2e_clock import CLOCK
from e2e_system import HANGS, wait_for
from e2e_things import PDF
from regulation.divisions import DIVISIONS
from regulation.documents import check_digit
from service_kit.ids import derived

TITLES = (
    "姓名", "性别", "出生日期", "身份证件类型", "身份证件号", "户籍所在县区代码", "户籍地址", "监护人姓名", "监护人电话",
)  # fmt: skip
_serials = itertools.count(700)
BORN = date(2020, 3, 7)


def number(born: date = BORN) -> str:
    """A valid resident number that nobody else has: a boy's."""
    first17 = f"{COUNTY}{born:%Y%m%d}{next(_serials) % 500 * 2 - 1:03d}"
    return first17 + check_digit(first17)


def child(name: str, address: str = "南岗区果戈里大街1号", born: date = BORN, **changes: str) -> dict[str, str]:
    row = {
        "姓名": name,
        "性别": "1-男",
        "出生日期": f"{born:%Y%m%d}",
        "身份证件类型": "1-居民身份证",
        "身份证件号": number(born),
        "户籍所在县区代码": COUNTY,
        "户籍地址": address,
        "监护人姓名": "家长甲",
        "监护人电话": "13904510000",
    }
    return row | changes


def given(name: str, **changes: Any) -> dict[str, Any]:
    """A child as the body of an application has it."""
    born = changes.pop("born", BORN)
    body = {
        "name": name,
        "sex": "1",
        "birth_date": born.isoformat(),
        "document_kind": "1",
        "document_number": number(born),
        "division": COUNTY,
        "address": "南岗区果戈里大街2号",
        "guardian": "家长乙",
        "phone": "13904510001",
    }
    return body | changes


def workbook(rows: Sequence[dict[str, str]]) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(TITLES)
    for row in rows:
        page.append([row[title] for title in TITLES])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def upload(officer: Member, rows: Sequence[dict[str, str]]) -> Any:
    """A list that has been looked at."""
    files = {"file": ("名单.xlsx", workbook(rows), XLSX)}
    opened = done(officer.send("POST", "/v1/children-lists", files=files), 201)
    return reached(officer, opened["id"], "checked")


def reached(officer: Member, list_id: str, state: str) -> Any:
    def look() -> Any:
        found = done(officer.send("GET", f"/v1/children-lists/{list_id}"))
        assert found["state"] != "failed", found
        return found if found["state"] == state else None

    return wait_for(look, HANGS, f"the list is not {state}")


def listed(officer: Member, rows: Sequence[dict[str, str]]) -> Any:
    """A list that has been taken in."""
    looked = upload(officer, rows)
    done(officer.send("POST", f"/v1/children-lists/{looked['id']}/confirmation"))
    return reached(officer, looked["id"], "done")


def named(officer: Member, name: str, what: str = "children") -> Any:
    (found,) = done(officer.send("POST", f"/v1/{what}/searches", json={"name": name}))["items"]
    return found


def zone(officer: Member, *streets: str, school: str = SCHOOL) -> Any:
    """From today on; where it is that already, nothing changes. The county stays in it: rosters live by that."""
    streets = (*streets, DIVISIONS[COUNTY].name)
    body = {
        "zones": [{"school": school, "stage": "primary", "areas": [{"division": COUNTY, "streets": list(streets)}]}],
        "valid_from": CLOCK.today().isoformat(),
        "reason": "南教发〔2026〕3号",
    }
    return done(officer.send("POST", "/v1/attendance-zones", json=body))


def placed_all(officer: Member) -> Any:
    run = done(officer.send("POST", "/v1/admissions/placements", json={}), 201)

    def look() -> Any:
        found = done(officer.send("GET", f"/v1/admissions/placements/{run['id']}"))
        return found if found["state"] == "done" else None

    return wait_for(look, HANGS, "the placement is not done")


def evidence(who: Member, kind: str) -> dict[str, str]:
    """A paper as an application takes it."""
    kept = done(who.send("POST", "/v1/evidence-files", files={"file": ("证明.pdf", PDF, "application/pdf")}), 201)
    return {"evidence_id": kept["id"], "kind": kind}


def plan(cast: Cast, places: int = 2000, school: str = SCHOOL, authority: str = COUNTY) -> None:
    """The school has places enough, whatever else the tests of this system have taken."""
    year = CLOCK.today().year
    cast.system.sql(
        "registry",
        "INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes, places, state,"
        " version, filed_at, issued_by) VALUES ($1, $2, $3, 'primary', 1, $4, '230100', 45, $5, 'in_force', 1, now(), '')"
        " ON CONFLICT (school, school_year, stage) DO UPDATE SET places = EXCLUDED.places, state = 'in_force',"
        " return_reason = NULL, returned_at = NULL, returned_by = NULL",
        derived("plan", school, year, "primary"),
        school,
        year,
        authority,
        places,
    )
