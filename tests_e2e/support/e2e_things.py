"""Things of one school that everybody tries to get at. All are past changing, so that whoever may act on them is told
that it is too late, and whoever may not, that it is not for him; what may be made again and again is made fresh.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import xlsxwriter
from e2e_api import XLSX
from e2e_cast import COUNTY, SCHOOL, Cast
from e2e_clock import CLOCK
from e2e_flow import STEPS, Desk, today
from e2e_people import People

PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"


@dataclass(frozen=True)
class Things:
    """Ids by the names that path templates have for them; `session_id` is a new one each time."""

    ids: dict[str, str]
    session: Callable[[], str]
    name: str

    def fill(self, path: str) -> str:
        """The template with its ids. A parameter that is not known here is a KeyError: nothing goes unlooked at."""
        return path.format_map(_Ids(self.ids, self.session))


class _Ids(dict[str, str]):
    def __init__(self, ids: dict[str, str], session: Callable[[], str]) -> None:
        super().__init__(ids)
        self._session = session

    def __missing__(self, key: str) -> str:
        if key == "session_id":
            return self._session()
        raise KeyError(f"{{{key}}}: give these tests an id for it")


def export_body(**more: Any) -> dict[str, Any]:
    """A request that is in order, for all pupils of xinchun."""
    return {
        "fields": ["name", "grade", "class_no"],
        "selection": {"organisation": SCHOOL},
        "recipient": {"kind": "outside", "name": "南岗区统计局"},
        "purpose": "按要求报送在校生统计资料",
        "expires_on": (CLOCK.today() + timedelta(days=3)).isoformat(),
        **more,
    }


def asked_for(cast: Cast, who: str = "registrar") -> str:
    """An export that waits for its approval."""
    answer = cast[who].send("POST", "/v1/exports", json=export_body())
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


def things_of(cast: Cast, people: People, xinchun: Desk) -> Things:
    roster = xinchun.walk(people.roster("xinchun", 3))
    (registration, *_) = xinchun.registrar.registrations(roster=roster.id)
    (student,) = [one for one in xinchun.registrar.students() if one.id == registration.id]
    assert (student.grade, student.class_no) == (1, 1)
    registrar = cast["registrar"]

    waiting, cancelled = asked_for(cast), asked_for(cast)
    answer = cast["county.officer"].send("POST", f"/v1/exports/{waiting}/approval-document", files=scan())
    assert answer.status_code == 200, answer.text
    answer = registrar.send("POST", f"/v1/exports/{cancelled}/cancellation", json={"reason": "不再需要"})
    assert answer.status_code == 200, answer.text

    sealed = cast.created("to-be-sealed", SCHOOL, "registrar")
    answer = cast["county.admin"].send("POST", f"/v1/accounts/{sealed.username}/seal", json={"reason": "测试"})
    assert answer.status_code == 200, answer.text
    ended = cast.client("ended", "students:read")
    assert cast["county.admin"].send("DELETE", f"/v1/clients/{ended.username}").status_code == 200
    appointments = cast["principal"].send("GET", "/v1/appointments?in_force=true").json()["items"]
    (appointment,) = [one["id"] for one in appointments if one["username"] == registrar.username]
    incident = cast["county.officer"].send("POST", "/v1/incidents", json=incident_body())
    assert incident.status_code == 201, incident.text

    ids = {
        **_waiting(people, xinchun),
        "import_id": imported(cast),
        "roster_id": roster.id,
        "registration_id": registration.id,
        "student_id": student.id,
        "file_id": next(file.file.id for file in roster.files),
        "export_id": cancelled,
        "waiting_export": waiting,
        "username": registrar.username,
        "sealed": sealed.username,
        "client_id": ended.username,
        "appointment_id": appointment,
        "alert_id": handled_alert(cast),
        "incident": incident.json()["id"],
        "code": SCHOOL,
        "year": "2000",
    }
    return Things(ids, lambda: str(registrar.sign_in()["id"]), student.name)


def _waiting(people: People, xinchun: Desk) -> dict[str, str]:
    """`roster_at_guardian`, `registration_at_guardian`: what waits for that step; one for each."""
    found = {}
    for number, step in enumerate(STEPS):
        roster_id = xinchun.check(people.roster("xinchun", 1)).id
        xinchun.confirm(roster_id)
        if number:
            xinchun.approve(roster_id, until=STEPS[number - 1])
        (registration,) = xinchun.registrar.registrations(roster=roster_id)
        found |= {f"roster_at_{step}": roster_id, f"registration_at_{step}": registration.id}
    return found


def imported(cast: Cast) -> str:
    """Organisations that were looked at, with one that is refused: they are not taken in, whoever confirms it."""
    answer = upload_organisations(cast, "county.officer", SHEET | {"学制": "七二制"})
    assert answer.status_code == 201, answer.text
    found: str = answer.json()["id"]
    return found


SHEET = {
    "机构代码": SCHOOL, "机构名称": "新春小学校", "机构类别": "学校", "主管教育行政部门代码": COUNTY, "所在县区代码": COUNTY,
    "办学类型": "小学", "学制": "六三制", "办别": "公办", "城乡类型": "城区",
}  # fmt: skip


def upload_organisations(cast: Cast, who: str, *rows: dict[str, str]) -> httpx.Response:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet("机构信息表")
        sheet.write_row(0, 0, list(rows[0]))
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, list(row.values()))
    file = {"file": ("机构.xlsx", out.getvalue(), XLSX)}
    return cast[who].send("POST", f"/v1/organisations/imports?effective_from={today()}", files=file)


def scan() -> dict[str, Any]:
    return {"file": ("核准文件.pdf", PDF, "application/pdf")}


def incident_body(**more: str) -> dict[str, str]:
    return {"happened_on": today(), "title": "误发邮件", "description": "发错对象", "measures": "已撤回", **more}


def handled_alert(cast: Cast) -> str:
    """As the watch writes it, and handled: what raises alerts is tested where they are made."""
    alert_id = str(uuid.uuid4())
    cast.system.sql(
        "access",
        'INSERT INTO audit_alerts (id, kind, account, "window", organisation, authority, raised_at, count, handled_by,'
        " handled_at, conclusion) VALUES ($1, 'many_pupils', 'xinchun.registrar', $1, $2, '230103', now(), 300,"
        " 'nangang.auditor', now(), '属正常工作')",
        alert_id,
        SCHOOL,
    )
    return alert_id
