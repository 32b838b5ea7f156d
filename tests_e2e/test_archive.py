"""An archive over HTTP: papers, entries, corrections, the record as of a day, the print, the package that proves itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from e2e_acts_archive import AWARD
from e2e_api import Api, problem_of
from e2e_flow import Desk, today
from e2e_people import People
from e2e_system import HANGS, System, wait_for
from e2e_things import scan
from registry.archive.verify import verify
from shared_contracts.archive import ArchiveView
from shared_contracts.records import StudentView

EXAM = {"kind": "exam", "school_year": int(today()[:4]), "term": "autumn", "subject": "语文", "result": "优秀"}


@pytest.fixture(scope="module")
def pupils(xinchun: Desk, people: People) -> list[StudentView]:
    roster = xinchun.walk(people.roster("xinchun", 3))
    ids = {one.id for one in xinchun.registrar.registrations(roster=roster.id)}
    return [student for student in xinchun.registrar.students() if student.id in ids]


def archive_of(who: Api, student: str, **params: str) -> ArchiveView:
    return who.want(ArchiveView, "GET", f"/v1/students/{student}/archive", params=params)


@pytest.mark.clause("14", "21.1", "34.1", "35")
def test_the_life_of_an_archive(xinchun: Desk, pupils: list[StudentView], tmp_path: Path) -> None:
    registrar, officer = xinchun.registrar, xinchun.officer
    one, two = pupils[0].id, pupils[1].id
    path = f"/v1/students/{one}/archive"

    kept = registrar.call("POST", "/v1/evidence-files", files=scan())
    assert (kept.status_code, kept.json()["scan"]) == (201, "unscanned")
    evidence_id = kept.json()["id"]
    filing = {"on": today(), "evidence": [{"evidence_id": evidence_id, "kind": "household_register"}]}
    assert registrar.call("POST", f"{path}/evidence", json=filing).status_code == 201

    many = [{"student_id": student, "on": today(), "entry": entry} for student in (one, two) for entry in (AWARD, EXAM)]
    added = registrar.call("POST", "/v1/archive-entries", json={"items": many}, key="archive-bulk")
    assert added.status_code == 201, added.text
    again = registrar.call("POST", "/v1/archive-entries", json={"items": many}, key="archive-bulk")
    assert again.json() == added.json()
    assert set(added.json()) == {"type", "ids"}, "marks of many pupils are nowhere side by side"
    right = {"on": today(), "entry": AWARD | {"title": "优秀队员"}, "reason": "奖项名称有误"}
    fixed = registrar.call("POST", f"/v1/archive-entries/{added.json()['ids'][0]}/correction", json=right)
    assert fixed.status_code == 201, fixed.text

    shown = archive_of(officer, one)
    assert shown.intact
    assert [entry.section for entry in shown.entries] == [3, 5, 5]
    assert [entry.superseded_by is None for entry in shown.entries] == [True, False, True]
    assert [item.evidence.kind for item in shown.evidence] == ["household_register"]
    assert [entry.title for entry in shown.journal][-1] == "更正档案内容"
    content = officer.call("GET", f"/v1/evidence-files/{evidence_id}/content")
    assert content.content == scan()["file"][1]

    pdf = registrar.call("POST", f"{path}/files", json={"form": "pdf"})
    assert (pdf.headers["content-type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    package = officer.call("POST", f"{path}/files", json={"form": "package"}, key="package")
    file = tmp_path / "archive.zip"
    file.write_bytes(package.content)
    report = verify(file)
    assert report.faults == ()
    assert report.manifest is not None
    assert report.manifest.made_for.account == officer.username
    repeated = officer.call("POST", f"{path}/files", json={"form": "package"}, key="package")
    assert repeated.status_code == 200, "what broke off is made anew"


@pytest.mark.clause("21.1", "44")
def test_a_day_that_was_and_days_that_were_not(xinchun: Desk, pupils: list[StudentView]) -> None:
    registrar, one = xinchun.registrar, pupils[2].id
    for path in (f"/v1/students/{one}", f"/v1/students/{one}/journal", f"/v1/students/{one}/archive"):
        now = registrar.call("GET", path, params={"as_of": today()})
        assert now.status_code == 200, now.text
        assert "ETag" not in now.headers
        assert problem_of(registrar.call("GET", path, params={"as_of": "2099-01-01"})).status == 422
        assert registrar.call("GET", path, params={"as_of": "yesterday"}).status_code in (400, 422)
    assert registrar.call("GET", f"/v1/students/{one}", params={"as_of": "2020-01-01"}).status_code == 404
    school = registrar.call("GET", f"/v1/schools/{xinchun.code}/classes", params={"as_of": today()}).json()
    klass = next(item for item in school["classes"] if item["grade"] == pupils[2].grade)
    roll = registrar.call("GET", f"/v1/classes/{klass['id']}/students", params={"as_of": today()}).json()
    assert len(roll["items"]) == klass["students"]


def _entry(**more: Any) -> dict[str, Any]:
    return {"on": today(), "entry": {**AWARD, **more}}


WRONG: list[tuple[dict[str, Any], str]] = [
    ({}, "on"),
    ({"on": today()}, "entry"),
    ({"on": "tomorrow", "entry": AWARD}, "on"),
    ({"on": "2099-01-01", "entry": AWARD}, "on"),
    (_entry(kind="prize"), "entry"),
    (_entry(level="galactic"), "entry"),
    (_entry(title=""), "entry"),
    (_entry(title="长" * 61), "entry"),
    (_entry(extra="x"), "entry"),
    (_entry(title="证号" + "1" * 18), "entry.title"),
    ({"on": today(), "entry": EXAM | {"result": "第1名"}}, "entry.result"),
    ({"on": today(), "entry": EXAM | {"school_year": 2000}}, "entry.school_year"),
    ({"on": today(), "entry": EXAM | {"school_year": "now"}}, "entry"),
    ({"on": today(), "entry": AWARD, "evidence": [{"evidence_id": "none"}]}, "evidence"),
    ({"on": today(), "entry": AWARD, "evidence": [{"evidence_id": "../x"}]}, "evidence"),
    ({"on": today(), "entry": AWARD, "who": "me"}, "who"),
]


@pytest.mark.clause("14", "34.2", "36")
@pytest.mark.parametrize(("wrong", "where"), WRONG)
def test_every_wrong_field_is_named(xinchun: Desk, pupils: list[StudentView], wrong: Any, where: str) -> None:
    one = pupils[2].id
    before = archive_of(xinchun.registrar, one)
    problem = problem_of(xinchun.registrar.call("POST", f"/v1/students/{one}/archive/entries", json=wrong))
    assert problem.status in (400, 422), problem
    assert any(where in f"{finding.fields} {finding.message}" for finding in problem.findings), problem
    assert archive_of(xinchun.registrar, one).entries == before.entries


YEAR = EXAM["school_year"]
GOOD: dict[str, dict[str, Any]] = {
    "exam": EXAM,
    "evaluation": {"kind": "evaluation", "school_year": YEAR, "term": "autumn", "aspect": "learning", "level": "good"},
    "fitness_test": {"kind": "fitness_test", "school_year": YEAR, "level": "good", "score": 88, "items": {"50米跑": "9.8秒"}},
    "checkup": {"kind": "checkup", "institution": "区医院", "conclusion": "正常", "height_cm": 120, "weight_kg": 25,
                "vision_left": 5.0, "vision_right": 5.0},
    "vaccination": {"kind": "vaccination", "vaccine": "麻腮风", "dose": 1},
    "award": AWARD,
    "sanction": {"kind": "sanction", "sanction": "warning", "reason": "多次旷课", "decided_by": "学校"},
    "aid": {"kind": "aid", "programme": "nutrition", "granted_by": "区教育局", "amount_fen": 80000},
}  # fmt: skip
# Of each kind each field that can be wrong, and how.
FIELDS: list[tuple[str, str, Any]] = [
    ("exam", "school_year", 1985), ("exam", "school_year", YEAR + 1), ("exam", "term", "winter"), ("exam", "subject", ""),
    ("exam", "subject", "长" * 61), ("exam", "result", ""), ("exam", "result", "长" * 21), ("exam", "result", "第1名"),
    ("evaluation", "school_year", 2101), ("evaluation", "term", 1), ("evaluation", "aspect", "looks"),
    ("evaluation", "level", "best"), ("evaluation", "text", "长" * 1001), ("evaluation", "text", "全班第3名"),
    ("fitness_test", "school_year", "now"), ("fitness_test", "level", None), ("fitness_test", "score", 121),
    ("fitness_test", "score", -1), ("fitness_test", "items", {"": "9.8"}), ("fitness_test", "items", {"50米跑": ""}),
    ("fitness_test", "items", {str(n): "1" for n in range(21)}),
    ("checkup", "institution", ""), ("checkup", "conclusion", ""), ("checkup", "conclusion", "证号" + "1" * 18),
    ("checkup", "height_cm", 39), ("checkup", "height_cm", 251), ("checkup", "weight_kg", 1), ("checkup", "weight_kg", 251),
    ("checkup", "vision_left", 5.4), ("checkup", "vision_right", -0.1),
    ("vaccination", "vaccine", ""), ("vaccination", "dose", 0), ("vaccination", "dose", 21), ("vaccination", "dose", "一"),
    ("vaccination", "institution", "长" * 61),
    ("award", "title", ""), ("award", "title", "证号" + "1" * 18), ("award", "level", "galactic"),
    ("award", "aspect", "rich"), ("award", "awarded_by", None), ("award", "document", "长" * 61),
    ("sanction", "sanction", "expulsion"), ("sanction", "reason", ""), ("sanction", "reason", "1" * 15),
    ("sanction", "decided_by", "长" * 61), ("sanction", "document", 5),
    ("aid", "programme", "lottery"), ("aid", "granted_by", ""), ("aid", "amount_fen", 0), ("aid", "amount_fen", 100_000_001),
    ("aid", "amount_fen", 1.5), ("aid", "text", "长" * 1001),
]  # fmt: skip


def told(answer: Any, *where: str) -> None:
    """What is wrong, where, and that it is the sender's: a refusal of the request, or of the rules."""
    problem = problem_of(answer)
    assert problem.status in (400, 409, 422), answer.text
    assert problem.detail
    assert problem.findings, answer.text
    said = " ".join(f"{finding.fields} {finding.message}" for finding in problem.findings)
    assert any(one in said for one in where), (where, said)


@pytest.mark.clause("14", "34.2", "35", "36", "38")
@pytest.mark.parametrize(("kind", "field", "value"), FIELDS)
def test_every_wrong_field_of_every_kind_of_entry_keeps_none_of_many(
    xinchun: Desk, pupils: list[StudentView], kind: str, field: str, value: Any
) -> None:
    """Beside a good one: either all are kept, or none."""
    one, two = pupils[1].id, pupils[2].id
    before = [archive_of(xinchun.registrar, student).entries for student in (one, two)]
    items = [
        {"student_id": one, "on": today(), "entry": GOOD["award"]},
        {"student_id": two, "on": today(), "entry": GOOD[kind] | {field: value}},
    ]
    told(xinchun.registrar.call("POST", "/v1/archive-entries", json={"items": items}), field, "items[1].entry")
    assert [archive_of(xinchun.registrar, student).entries for student in (one, two)] == before


@pytest.mark.clause("14")
def test_every_kind_of_entry_is_kept_where_nothing_is_wrong(xinchun: Desk, pupils: list[StudentView]) -> None:
    """So that what the tests beside it refuse is refused for the one field."""
    items = [{"student_id": pupils[2].id, "on": today(), "entry": entry} for entry in GOOD.values()]
    answer = xinchun.registrar.call("POST", "/v1/archive-entries", json={"items": items})
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["ids"]) == len(GOOD)


@pytest.mark.clause("14", "45.3")
@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "items"),
        ({"items": []}, "items"),
        ({"items": "all"}, "items"),
        ({"items": [{"on": today(), "entry": AWARD}]}, "student_id"),
        ({"items": [{"student_id": "../x", "on": today(), "entry": AWARD}]}, "student_id"),
        ({"items": [{"student_id": "", "on": "2099-01-01", "entry": AWARD}]}, "student_id"),
        ({"items": [{"student_id": "nobody", "on": "soon", "entry": AWARD}]}, "on"),
        ({"items": [{"student_id": "nobody", "on": today()}]}, "entry"),
        ({"items": [{"student_id": "nobody", "on": today(), "entry": AWARD, "who": "me"}]}, "who"),
        ({"items": [{"student_id": "nobody", "on": today(), "entry": AWARD}] * 501}, "items"),
        ({"items": [{"student_id": "nobody", "on": today(), "entry": AWARD, "evidence": "all"}]}, "evidence"),
        ({"items": [{"student_id": "nobody", "on": today(), "entry": AWARD}], "dry": True}, "dry"),
    ],
)  # fmt: skip
def test_every_wrong_field_of_many_entries_is_named(xinchun: Desk, body: dict[str, Any], where: str) -> None:
    told(xinchun.registrar.call("POST", "/v1/archive-entries", json=body), where)


@pytest.mark.clause("14", "38")
def test_the_day_of_many_entries_and_their_papers_are_judged_one_by_one(
    xinchun: Desk, pupils: list[StudentView]
) -> None:
    one = pupils[2].id
    before = archive_of(xinchun.registrar, one).entries
    for wrong, where in (
        ({"student_id": "nobody"}, "items[1].student_id"),
        ({"on": "2099-01-01"}, "items[1].on"),
        ({"on": "1999-01-01"}, "items[1].on"),
        ({"evidence": [{"evidence_id": "none"}]}, "evidence"),
    ):
        good = {"student_id": one, "on": today(), "entry": AWARD}
        told(xinchun.registrar.call("POST", "/v1/archive-entries", json={"items": [good, good | wrong]}), where)
    assert archive_of(xinchun.registrar, one).entries == before


@pytest.fixture(scope="module")
def written(xinchun: Desk, pupils: list[StudentView]) -> str:
    """An entry of a pupil: an award."""
    path = f"/v1/students/{pupils[0].id}/archive/entries"
    added = xinchun.registrar.call("POST", path, json={"on": today(), "entry": AWARD})
    assert added.status_code == 201, added.text
    (found,) = added.json()["ids"]
    return str(found)


_RIGHT: dict[str, Any] = {"on": today(), "entry": AWARD | {"title": "优秀队员"}, "reason": "奖项名称有误"}


@pytest.mark.clause("14", "21.1")
@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"on": None}, "on"),
        ({"on": "tomorrow"}, "on"),
        ({"on": "2099-01-01"}, "on"),
        ({"on": "1999-01-01"}, "on"),
        ({"entry": None}, "entry"),
        ({"entry": AWARD | {"title": ""}}, "entry"),
        ({"entry": AWARD | {"level": "galactic"}}, "entry"),
        ({"entry": AWARD | {"title": "证号" + "1" * 18}}, "entry.title"),
        ({"entry": EXAM}, "entry"),  # of another kind
        ({"entry": AWARD | {"kind": "prize"}}, "entry"),
        ({"reason": None}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "错字"}, "reason"),
        ({"reason": "错" * 501}, "reason"),
        ({"evidence": [{"evidence_id": "none"}]}, "evidence"),
        ({"evidence": [{"evidence_id": "x", "kind": "picture"}]}, "evidence"),
        ({"evidence": "all"}, "evidence"),
        ({"who": "me"}, "who"),
    ],
)
def test_every_wrong_field_of_a_correction_is_named_and_corrects_nothing(
    xinchun: Desk, pupils: list[StudentView], written: str, wrong: dict[str, Any], where: str
) -> None:
    before = archive_of(xinchun.registrar, pupils[0].id).entries
    body = {name: value for name, value in (_RIGHT | wrong).items() if value is not None}
    told(xinchun.registrar.call("POST", f"/v1/archive-entries/{written}/correction", json=body), where)
    assert archive_of(xinchun.registrar, pupils[0].id).entries == before


@pytest.mark.clause("14", "21.1")
def test_a_correction_of_what_is_not_there_or_was_put_right(xinchun: Desk, pupils: list[StudentView]) -> None:
    registrar = xinchun.registrar
    path = f"/v1/students/{pupils[0].id}/archive/entries"
    (entry,) = registrar.call("POST", path, json={"on": today(), "entry": AWARD}).json()["ids"]
    assert registrar.call("POST", "/v1/archive-entries/nobody/correction", json=_RIGHT).status_code == 404
    fixed = registrar.call("POST", f"/v1/archive-entries/{entry}/correction", json=_RIGHT)
    assert fixed.status_code == 201, fixed.text
    late = problem_of(registrar.call("POST", f"/v1/archive-entries/{entry}/correction", json=_RIGHT))
    assert late.status in (409, 422) and late.findings[0].cure


@pytest.mark.clause("14")
@pytest.mark.parametrize("content", [b"", b"MZ\x90 a program", b"%PDF-1.7 that ends too early"])
def test_what_is_no_scan_is_refused(xinchun: Desk, content: bytes) -> None:
    file = {"file": ("户口簿.pdf", content, "application/pdf")}
    problem = problem_of(xinchun.registrar.call("POST", "/v1/evidence-files", files=file))
    assert problem.status == 422
    assert problem.findings[0].cure


@pytest.mark.clause("45.1")
def test_whoever_takes_an_archive_is_in_the_audit_log(system: System, xinchun: Desk, pupils: list[StudentView]) -> None:
    one = pupils[1].id
    taken = xinchun.registrar.call("POST", f"/v1/students/{one}/archive/files", json={"form": "package"})
    assert taken.status_code == 200
    auditor = system.account("nangang.auditor")

    def told() -> str:
        return auditor.call("GET", "/v1/audit/entries", params={"act": "registry.make_archive", "limit": 5}).text

    wait_for(lambda: one in told(), HANGS, "nobody knows who took it")
