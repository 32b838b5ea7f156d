"""Plans and schemes through the gateway, and the gate of registration that lives by them (clauses 4, 8, 11, 19).

Plans are set for the year after this one, which nothing else here looks at; where one of this year has to be narrow, it is
as before afterwards.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import e2e_truth
import httpx
import openpyxl
import pytest
from e2e_acts_plans import plan_of
from e2e_api import XLSX, done, problem_of
from e2e_cast import CITY, COUNTY, SCHOOL, Cast, Member
from e2e_flow import Desk
from e2e_people import SCHOOL_YEAR, People, form_of
from e2e_system import HANGS, System, wait_for
from e2e_things import PDF, scan
from shared_contracts.actors import Role
from shared_contracts.decisions import Finding, Outcome
from xueji_local import province

NEXT = SCHOOL_YEAR + 1
QIHUI, MINGDE = (province.schools()[key].code for key in ("qihui", "mingde"))
PLANS, CHANGES, SCHEMES = "/v1/enrolment-plans", "/v1/enrolment-plan-changes", "/v1/admission-schemes"
LEFT = 45
NOWHERE = {"household_place": "230184003005"}
"""A household in another county."""


def refusal(answer: httpx.Response, clause: str, code: str, *statuses: int) -> Finding:
    """What refused it, with its clause and cure, both said in the problem's text."""
    assert answer.status_code in (statuses or (409,)), answer.text
    problem = problem_of(answer)
    found = [one for one in problem.findings if one.outcome is Outcome.REFUSE]
    (finding,) = [one for one in found if one.code == code]
    assert finding.clause == clause and finding.cure, finding
    assert found[0].message in problem.detail, problem
    return finding


def given(school: str, stage: str, classes: int, places: int, **more: Any) -> dict[str, Any]:
    return {"school": school, "school_year": NEXT, "stage": stage, "classes": classes, "places": places} | more


def match(one: dict[str, Any]) -> dict[str, str]:
    return {"If-Match": f'"{one["version"]}"'}


def of_next(who: Member, **query: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Plans of the next year by school and stage, as somebody sees them."""
    items = done(who.send("GET", PLANS, params={"school_year": NEXT, "limit": 200, **query}))["items"]
    return {(one["school"], one["stage"]): one for one in items}


@pytest.fixture(scope="module")
def planned(cast: Cast) -> None:
    plans = [given(SCHOOL, "primary", 4, 180), given(QIHUI, "primary", 2, 90, reason="南教发〔2026〕5号")]
    done(cast["county.officer"].send("POST", PLANS, json={"plans": plans}), 201)


# ---- setting and filing ----------------------------------------------------------------------------------------------


@pytest.mark.clause("4.2")
@pytest.mark.clause("11")
def test_nothing_is_set_while_one_of_them_is_wrong(cast: Cast) -> None:
    officer = cast["county.officer"]
    plans = [given(SCHOOL, "primary", 4, 180), given(QIHUI, "junior", 1, 51), given("2123000102", "primary", 1, 45)]
    before = of_next(officer)
    checked = done(officer.send("POST", f"{PLANS}/prechecks", json={"plans": plans}))
    assert [one["outcome"] == "refused" for one in checked["items"]] == [False, True, True]
    assert [f["code"] for one in checked["items"] for f in one["findings"]] == [
        "plan.over_size_classes", "plan.out_of_reach",
    ]  # fmt: skip
    answer = officer.send("POST", PLANS, json={"plans": plans})
    finding = refusal(answer, "4.2", "plan.over_size_classes")
    assert finding.message.startswith("第2项") and "不超过50个" in (finding.cure or "")
    refusal(answer, "3.1", "plan.out_of_reach")
    assert of_next(officer) == before


@pytest.mark.clause("4.2")
@pytest.mark.clause("4.3")
def test_plans_are_in_force_and_before_the_city_at_once(cast: Cast, planned: None) -> None:
    county, city = of_next(cast["county.officer"]), of_next(cast["city.officer"], filed="true")
    for key, places in (((SCHOOL, "primary"), 180), ((QIHUI, "primary"), 90)):
        plan = county[key]
        assert (plan["state"], plan["places"], plan["taken"], plan["free"]) == ("in_force", places, 0, places)
        assert (plan["authority"], plan["filed_with"]) == (COUNTY, CITY) and city[key] == plan
    assert set(of_next(cast["registrar"])) == {(SCHOOL, "primary")}
    assert not of_next(cast["neighbour.officer"]) and not of_next(cast["county.officer"], filed="true")
    whole = done(cast["qihui.principal"].send("GET", f"{PLANS}/{county[QIHUI, 'primary']['id']}"))
    assert whole["versions"][0]["reason"] == "南教发〔2026〕5号"

    def told(who: str, title: str) -> Any:
        return any(title in one["title"] for one in done(cast[who].send("GET", "/v1/notices?limit=200"))["items"])

    wait_for(lambda: told("city.officer", f"{NEXT}年招生计划报送备案"), HANGS, "the city is not told")
    wait_for(lambda: told("qihui.principal", f"{NEXT}年小学招生计划已下达"), HANGS, "the school is not told")


@pytest.mark.clause("4.2")
def test_the_city_returns_one_and_the_county_sets_it_anew(cast: Cast, planned: None) -> None:
    city, county = cast["city.officer"], cast["county.officer"]
    plan = of_next(city, filed="true")[SCHOOL, "primary"]
    path = f"{PLANS}/{plan['id']}"
    stale = city.send("POST", f"{path}/returns", json={"reason": "超出办学规模"}, headers={"If-Match": '"99"'})
    assert stale.status_code in (409, 412) and problem_of(stale).detail
    body = {"reason": "超出办学规模"}
    returned = done(city.send("POST", f"{path}/returns", json=body, headers=match(plan)))
    assert (returned["state"], returned["free"], returned["return_reason"]) == ("returned", 0, "超出办学规模")
    assert of_next(county, state="returned")[SCHOOL, "primary"]["returned_by"]
    asked = {"classes": 5, "places": 200, "reason": "新建住宅区交付"}
    assert cast["principal"].send("POST", f"{path}/changes", json=asked).status_code == 409
    anew = given(SCHOOL, "primary", 3, 135, version=returned["version"], reason="按备案意见核减")
    (item,) = done(county.send("POST", PLANS, json={"plans": [anew]}), 201)["items"]
    assert item["outcome"] == "changed"
    whole = done(city.send("GET", path))
    assert (whole["state"], whole["places"], whole["return_reason"]) == ("in_force", 135, None)
    assert [one["places"] for one in whole["versions"]] == [180, 135]


# ---- changes ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("4.4")
def test_the_school_asks_and_the_authority_decides(cast: Cast, planned: None) -> None:
    head, officer = cast["qihui.principal"], cast["county.officer"]
    plan = of_next(head)[QIHUI, "primary"]
    path = f"{PLANS}/{plan['id']}"

    def ask(classes: int, places: int) -> dict[str, Any]:
        body = {"classes": classes, "places": places, "reason": "新建住宅区交付"}
        answer = head.send("POST", f"{path}/changes", json=body)
        change: dict[str, Any] = done(answer, 201)
        assert answer.headers["location"] == f"{CHANGES}/{change['id']}" and answer.headers["etag"] == '"1"'
        return change

    def decide(change: dict[str, Any], decision: str, **more: Any) -> httpx.Response:
        body = {"decision": decision, **more}
        return officer.send("POST", f"{CHANGES}/{change['id']}/decisions", json=body, headers=match(change))

    said = done(head.send("POST", f"{path}/change-prechecks", json={"classes": 3, "places": 136}))
    assert [f["code"] for f in said["decision"]["findings"] if f["outcome"] == "refuse"] == ["plan.over_size_classes"]
    wrong = {"classes": 3, "places": 136, "reason": "新建住宅区交付"}
    refusal(head.send("POST", f"{path}/changes", json=wrong), "4.2", "plan.over_size_classes")

    first = ask(3, 135)
    again = head.send("POST", f"{path}/changes", json=wrong | {"places": 120})
    assert again.status_code == 409 and "等待审批" in problem_of(again).detail
    waiting = done(officer.send("GET", CHANGES, params={"state": "waiting", "school_year": NEXT}))["items"]
    assert [(one["id"], one["former_places"], one["places"]) for one in waiting] == [(first["id"], 90, 135)]
    assert problem_of(decide(first, "reject")).detail == "请填写原因，不要换行。"
    done(decide(first, "reject", reason="师资不足"))
    assert of_next(head)[QIHUI, "primary"]["places"] == 90

    second = ask(3, 135)
    stale = decide(second | {"version": 9}, "approve")
    assert stale.status_code in (409, 412) and problem_of(stale).detail
    refusal(decide(second, "approve", classes=2, places=100), "4.2", "plan.over_size_classes")
    granted = done(decide(second, "approve", classes=3, places=120))
    assert (granted["state"], granted["granted_places"]) == ("approved", 120)
    done(decide(ask(3, 130), "approve"))
    whole = done(head.send("GET", path))
    assert (whole["places"], whole["waiting_change"]) == (130, None)
    assert [one["places"] for one in whole["versions"]] == [90, 120, 130]
    assert whole["versions"][1]["change_id"] == second["id"]

    fourth = ask(4, 150)
    done(head.send("POST", f"{CHANGES}/{fourth['id']}/withdrawal", headers=match(fourth)))
    late = decide(fourth | {"version": 2}, "approve")
    assert late.status_code == 409 and problem_of(late).detail
    states = done(officer.send("GET", CHANGES, params={"plan_id": plan["id"]}))["items"]
    assert [one["state"] for one in states] == ["withdrawn", "approved", "approved", "rejected"]


# ---- by workbook -----------------------------------------------------------------------------------------------------


@pytest.mark.clause("4.2")
def test_many_plans_by_workbook(system: System, cast: Cast) -> None:
    """The sheet with the county's own schools, filled in wrongly, corrected, and set as the console sets it."""
    officer, path = cast["county.officer"], f"{PLANS}/workbook-prechecks?school_year={NEXT}"
    blank = officer.send("GET", f"{PLANS}/workbook?school_year={NEXT}")
    assert blank.status_code == 200 and blank.headers["content-type"] == XLSX, blank.text
    book = openpyxl.load_workbook(io.BytesIO(blank.content))
    page = book.worksheets[0]
    at = {cell.value: cell.column for cell in page[1]}
    lines = {
        (page.cell(n, at["学校标识码"]).value, page.cell(n, at["学段"]).value): n for n in range(2, page.max_row + 1)
    }
    junior, private = lines[QIHUI, "2-初中"], lines[MINGDE, "1-小学"]
    assert "2123000102" not in {school for school, _ in lines}  # of another county

    def fill(row: int, classes: Any, places: Any, reason: str = "") -> None:
        for title, value in (("班数", classes), ("学位数", places), ("说明", reason)):
            page.cell(row, at[title]).value = value

    def check(content: bytes | None = None) -> httpx.Response:
        out = io.BytesIO()
        book.save(out)
        file = ("招生计划表.xlsx", out.getvalue() if content is None else content, XLSX)
        return officer.send("POST", path, files={"file": file})

    empty = check()
    assert empty.status_code in (400, 422) and "没有招生计划数据" in problem_of(empty).detail
    fill(junior, "两个", 100, "南教发〔2026〕6号")
    fill(private, 1, 46)
    before = of_next(officer)
    e2e_truth.settled(system)  # what ended before is cleared away
    files = set(system.stored_files())

    def nothing_is_kept() -> None:
        wait_for(lambda: set(system.stored_files()) == files, HANGS, "a workbook that was looked at is kept")

    checked = done(check())
    rows = {one["row"]: one for one in checked["items"]}
    assert (set(rows), checked["refused"]) == ({junior, private}, 2)
    (unreadable,), (too_many,) = rows[junior]["findings"], rows[private]["findings"]
    assert "“班数”" in unreadable["message"] and unreadable["cure"]
    assert (too_many["clause"], too_many["code"]) == ("4.2", "plan.over_size_classes") and too_many["cure"]

    fill(junior, 2, 100, "南教发〔2026〕6号")
    fill(private, 1, 45)
    checked = done(check())
    assert checked["refused"] == 0 and [one["outcome"] for one in checked["items"]] == ["created"] * 2
    assert of_next(officer) == before  # looked at, not set, not kept
    nothing_is_kept()
    names = ("school", "school_year", "stage", "classes", "places", "reason")
    plans = [{name: one[name] for name in names} | {"version": 0} for one in checked["items"]]
    done(officer.send("POST", PLANS, json={"plans": plans}), 201)
    plan = of_next(officer)[QIHUI, "junior"]
    assert (plan["classes"], plan["places"]) == (2, 100)
    (version,) = done(officer.send("GET", f"{PLANS}/{plan['id']}"))["versions"]
    assert version["reason"] == "南教发〔2026〕6号"
    assert {one["outcome"] for one in done(check())["items"]} == {"unchanged"}
    again = officer.send("POST", PLANS, json={"plans": plans})
    assert again.status_code == 409 and "刷新" in problem_of(again).detail  # it was to be new

    no_sheet = check(PDF)
    assert no_sheet.status_code in (400, 422) and problem_of(no_sheet).detail
    nothing_is_kept()


@pytest.mark.clause("4.2")
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", PLANS, {"plans": []}, "plans"),
        ("POST", PLANS, {"plans": [given("21", "primary", 1, 45)]}, "school"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "senior", 1, 45)]}, "stage"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", -1, 45)]}, "classes"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", 1, 10_000)]}, "places"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", 1, 45, school_year=26)]}, "school_year"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", 1, 45, reason="长" * 501)]}, "reason"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", 1, 45, version=-1)]}, "version"),
        ("POST", PLANS, {"plans": [given(SCHOOL, "primary", 1, 45, grade=1)]}, "grade"),
        ("POST", f"{PLANS}/prechecks", {"plans": [given(SCHOOL, "primary", 201, 45)]}, "classes"),
        ("POST", f"{PLANS}/x/returns", {"reason": ""}, "reason"),
        ("POST", f"{PLANS}/x/changes", {"classes": 0, "places": 1, "reason": "x"}, "classes"),
        ("POST", f"{PLANS}/x/changes", {"classes": 1, "places": 0, "reason": "x"}, "places"),
        ("POST", f"{PLANS}/x/changes", {"classes": 1, "places": 1, "reason": ""}, "reason"),
        ("POST", f"{PLANS}/x/change-prechecks", {"classes": "一", "places": 1}, "classes"),
        ("POST", f"{CHANGES}/x/decisions", {"decision": "perhaps"}, "decision"),
        ("POST", f"{CHANGES}/x/decisions", {"decision": "approve", "places": 0}, "places"),
        ("GET", f"{PLANS}?stage=senior", None, "stage"),
        ("GET", f"{PLANS}?school=x", None, "school"),
        ("GET", f"{CHANGES}?state=gone", None, "state"),
        ("GET", f"{PLANS}/workbook?school_year=26", None, "school_year"),
        ("POST", SCHEMES, {"school_year": 26, "title": "x", "body": "x"}, "school_year"),
        ("POST", SCHEMES, {"school_year": 2026, "title": "", "body": "x"}, "title"),
        ("POST", SCHEMES, {"school_year": 2026, "title": "x", "body": ""}, "body"),
        ("POST", f"{SCHEMES}/x/decisions", {"decision": "perhaps"}, "decision"),
        ("PUT", f"{SCHEMES}/x", {"title": "x" * 201, "body": "x"}, "title"),
    ],
)
def test_each_wrong_field_is_named(cast: Cast, method: str, path: str, body: Any, field: str) -> None:
    request: dict[str, Any] = {} if body is None else {"json": body, "headers": {"If-Match": '"1"'}}
    answer = cast["county.officer"].send(method, path, **request)
    assert answer.status_code in (400, 422), answer.text
    assert field in answer.text and problem_of(answer).detail


@pytest.mark.clause("4.2")
def test_text_that_nobody_can_read_is_refused_and_not_kept(cast: Cast, planned: None) -> None:
    officer = cast["county.officer"]
    before = of_next(officer)
    for reason in ("零\x00字符", "两\n行"):
        body = {"plans": [given(SCHOOL, "primary", 2, 60, reason=reason)]}
        refusal(officer.send("POST", PLANS, json=body), "4.2", "plan.reason_unreadable")
    assert of_next(officer) == before


# ---- the gate of registration ----------------------------------------------------------------------------------------


@contextmanager
def this_year(cast: Cast) -> Iterator[dict[str, Any]]:
    """Xinchun's plan of this year, to be changed; as it was afterwards."""
    plan = plan_of(cast, SCHOOL)
    try:
        yield plan
    finally:
        cast.system.sql(
            "registry",
            "UPDATE enrolment_plans SET classes = $2, places = $3, state = 'in_force', return_reason = NULL,"
            " returned_at = NULL, returned_by = NULL WHERE id = $1",
            plan["id"],
            plan["classes"],
            plan["places"],
        )


def narrow(cast: Cast, plan: dict[str, Any], places: int) -> httpx.Response:
    body = given(SCHOOL, "primary", max(1, -(-places // 45)), places, school_year=SCHOOL_YEAR)
    return cast["county.officer"].send("POST", PLANS, json={"plans": [body | {"version": plan["version"]}]})


def entered(cast: Cast, form: dict[str, str], who: str = "registrar") -> httpx.Response:
    return cast[who].send("POST", "/v1/registrations", json={"form": form})


@pytest.mark.clause("4.3")
@pytest.mark.clause("11")
def test_forty_five_places_are_given_and_no_forty_sixth(cast: Cast, people: People, xinchun: Desk) -> None:
    with this_year(cast) as plan:
        done(narrow(cast, plan, plan["taken"] + LEFT), 201)
        many, last, beyond, roster = (people.roster("xinchun", size) for size in (LEFT - 1, 1, 1, 2))
        xinchun.confirm(xinchun.check(many).id)
        assert plan_of(cast, SCHOOL)["free"] == 1
        done(entered(cast, form_of(last, next(iter(last.rows)))), 201)
        form = form_of(beyond, next(iter(beyond.rows)))
        finding = refusal(entered(cast, form), "4.3", "plan.full")
        assert "已无空余" in finding.message and "调整招生计划" in (finding.cure or "")
        said = done(cast["registrar"].send("POST", "/v1/registrations/prechecks", json={"form": form}))
        assert ("4.3", "refuse") in {(f["clause"], f["outcome"]) for f in said["decision"]["findings"]}
        view = xinchun.check(roster)
        assert view.totals.refused == 2
        rows = xinchun.registrar.rows(view.id)
        assert all("plan.full" in {f.code for f in row.findings} for row in rows)
        xinchun.registrar.cancel(view.id)
        now = plan_of(cast, SCHOOL)
        assert (now["taken"], now["free"]) == (plan["taken"] + LEFT, 0)

        below = narrow(cast, now, now["taken"] - 1)
        assert f"不少于{now['taken']}个" in (refusal(below, "4.3", "plan.below_taken").cure or "")
        asked = {"classes": now["classes"], "places": now["taken"] - 1, "reason": "测试"}
        answer = cast["principal"].send("POST", f"{PLANS}/{now['id']}/changes", json=asked)
        refusal(answer, "4.3", "plan.below_taken")

        done(narrow(cast, now, now["taken"] + 1), 201)
        taken = done(entered(cast, form), 201)  # the place that the authority has added
        whole = done(cast["principal"].send("GET", f"/v1/registrations/{taken['id']}"))
        notes = [f["message"] for f in whole["decision"]["findings"] if f["clause"] == "11" and f["outcome"] == "note"]
        assert len(notes) == 1 and "超过小学标准班额45人" in notes[0]  # the forty-sixth of the class that he names


@pytest.mark.clause("4.3")
def test_a_plan_that_was_returned_gives_no_place(cast: Cast, people: People) -> None:
    made = people.roster("xinchun", 1)
    form = form_of(made, next(iter(made.rows)))
    with this_year(cast) as plan:
        body = {"reason": "超出办学规模"}
        done(cast["city.officer"].send("POST", f"{PLANS}/{plan['id']}/returns", json=body, headers=match(plan)))
        finding = refusal(entered(cast, form), "4.3", "plan.none")
        assert "下达招生计划" in (finding.cure or "")
    done(entered(cast, form), 201)


@pytest.mark.clause("4.1")
@pytest.mark.parametrize("month", [f"{SCHOOL_YEAR}06", f"{SCHOOL_YEAR}03", f"{SCHOOL_YEAR - 1}10"])
def test_nobody_is_enrolled_outside_the_season(cast: Cast, people: People, month: str) -> None:
    made = people.roster("xinchun", 1)
    form = form_of(made, next(iter(made.rows)))
    finding = refusal(entered(cast, form | {"enrolled_month": month}), "4.1", "enrolment.outside_window")
    assert finding.fields == ("enrolled_month",) and "入学年月" in (finding.cure or "")
    done(entered(cast, form), 201)


@pytest.mark.clause("19")
def test_nobody_is_registered_without_a_ground(cast: Cast, people: People, xinchun: Desk) -> None:
    made = people.roster("xinchun", 1)
    form = form_of(made, next(iter(made.rows)))
    finding = refusal(entered(cast, form | NOWHERE), "19", "admission.no_ground")
    assert "household_place" in finding.fields and "统筹安排" in (finding.cure or "")
    done(entered(cast, form), 201)


# ---- a private school's scheme ---------------------------------------------------------------------------------------


@pytest.mark.clause("8")
def test_a_private_school_registers_nobody_before_its_scheme_is_approved(cast: Cast, people: People) -> None:
    officer = cast["county.officer"]
    head = cast.member("mingde.principal", MINGDE, Role.PRINCIPAL)
    clerk = cast.member("mingde.registrar", MINGDE, Role.REGISTRAR, training="岗前培训")
    made = people.roster("mingde", 1)
    (row,) = made.rows
    form = form_of(made, row)
    scheme = {"school_year": SCHOOL_YEAR, "title": "招生方案", "body": "一、免试入学。"}
    public = cast["principal"].send("POST", SCHEMES, json=scheme)
    assert "不需要报送" in (refusal(public, "8", "scheme.not_private").cure or "")

    def closed() -> None:
        finding = refusal(entered(cast, form, clerk.name), "8", "scheme.not_approved")
        assert "报送招生方案" in (finding.cure or "")

    def decide(one: dict[str, Any], decision: str, reason: str = "") -> httpx.Response:
        body = {"decision": decision, "reason": reason}
        return officer.send("POST", f"{SCHEMES}/{one['id']}/decisions", json=body, headers=match(one))

    closed()
    paper = done(head.send("POST", "/v1/evidence-files", files=scan()), 201)["id"]
    given = [{"evidence_id": paper, "kind": "official_document"}]
    for bad in ([{"evidence_id": "none"}], [{"evidence_id": paper, "kind": "picture"}], [{"evidence_id": paper}] * 21):
        wrong = head.send("POST", SCHEMES, json=scheme | {"evidence": bad})
        assert wrong.status_code in (400, 422) and problem_of(wrong).detail, wrong.text
    answer = head.send("POST", SCHEMES, json=scheme | {"evidence": given})
    one = done(answer, 201)
    assert [item["id"] for item in one["evidence"]] == [paper]
    opened = officer.send("GET", f"/v1/evidence-files/{paper}/content")
    assert opened.status_code == 200 and opened.content
    path = f"{SCHEMES}/{one['id']}"
    assert answer.headers["location"] == path and answer.headers["etag"] == '"1"'
    assert head.send("POST", SCHEMES, json=scheme).status_code == 409
    closed()
    waiting = done(officer.send("GET", SCHEMES, params={"state": "waiting"}))["items"]
    assert [item["id"] for item in waiting] == [one["id"]] and not waiting[0]["body"]
    assert problem_of(decide(one, "return")).detail == "请填写原因，不要换行。"
    back = done(decide(one, "return", "写明报名超过计划时随机录取"))
    closed()
    revised = {"title": "招生方案（修订）", "body": "一、免试入学。\n二、报名超过计划的，随机录取。"}
    assert head.send("PUT", path, json=revised).status_code == 428
    stale = head.send("PUT", path, json=revised, headers=match(one))
    assert stale.status_code in (409, 412) and problem_of(stale).detail
    again = done(head.send("PUT", path, json=revised, headers=match(back)))
    assert (again["state"], again["body"]) == ("waiting", revised["body"])
    closed()
    approved = done(decide(again, "approve"))
    assert approved["state"] == "approved"
    late = head.send("PUT", path, json=revised, headers=match(approved))
    assert late.status_code == 409 and problem_of(late).detail

    refusal(entered(cast, form, clerk.name), "19", "admission.no_ground")  # the admission comes first
    person = made.person(row)
    applicant = {name: person[name] for name in ("document_number", "name", "sex", "birth_date")} | {
        "document_kind": "1", "division": COUNTY, "address": form["home_address"], "guardian": "家长丙",
        "phone": "13904510002",
    }  # fmt: skip
    admitted = done(clerk.send("POST", "/v1/private-admissions", json={"applicants": [applicant]}))
    assert admitted["done"] and admitted["items"][0]["admission_id"]
    taken = plan_of(cast, MINGDE)["taken"]
    done(entered(cast, form, clerk.name), 201)
    assert plan_of(cast, MINGDE)["taken"] == taken  # the place was the admission's already
