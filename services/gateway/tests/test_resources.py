"""Registrations, students, organisations, notices: requests become the right messages and replies the right answers."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import httpx
import msgspec
import pytest
from gateway.routes.organisations import tree
from gateway_support import StandInBus, key, registration_view
from service_kit.bus import Unavailable
from service_kit.clock import ZONE
from service_kit.files import FileStore
from shared_contracts.decisions import Decision, Finding, Outcome
from shared_contracts.identity import FindPersons, FoundPersons, NumberKind, Verification
from shared_contracts.messages import Ok
from shared_contracts.notifications import ListNotices, MarkRead, Notice, NoticePage
from shared_contracts.records import GetJournal, GetStudent, Journal, ListStudents, StudentPage, StudentView
from shared_contracts.registry import (
    DecideRegistration,
    EnterRegistration,
    GetRegistration,
    ListOrganisations,
    ListRegistrations,
    OrganisationPage,
    OrganisationView,
    Prechecked,
    PrecheckRegistration,
    PrintSheet,
    RegistrationPage,
    RegistrationState,
    SheetPrinted,
    Step,
    WithdrawRegistration,
)
from shared_contracts.search import FoundPage, FoundStudent, Matched, SearchStudents

NUMBER = "230102202003050019"


async def test_an_entry_and_its_precheck_carry_the_form(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(EnterRegistration, registration_view())
    finding = Finding(code="age", outcome=Outcome.REFUSE, message="未满六周岁。", clause="20.2")
    stand_in.answer(PrecheckRegistration, Prechecked(decision=Decision(findings=(finding,))))
    form = {"name": "王小明", "document_number": NUMBER}
    answer = await client.post("/v1/registrations", json={"form": form}, headers=key())
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"1"')
    assert stand_in.last(EnterRegistration).form == form
    answer = await client.post("/v1/registrations/prechecks", json={"form": form}, headers=key())
    assert answer.status_code == 200, "a refusal found by a precheck is its answer"
    assert answer.json()["decision"]["findings"][0]["clause"] == "20.2"
    assert (await client.post("/v1/registrations", json={"form": {}}, headers=key())).status_code == 422


async def test_reading_deciding_and_withdrawing_a_registration(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetRegistration, registration_view(version=3))
    answer = await client.get("/v1/registrations/g1")
    assert (answer.headers["ETag"], answer.json()["birth_date"]) == ('"3"', "2020-03-05")
    stand_in.answer(ListRegistrations, RegistrationPage(items=()))
    await client.get("/v1/registrations?roster=r1&state=returned&to_correct=true&limit=5")
    query = stand_in.last(ListRegistrations)
    assert (query.roster_id, query.state, query.to_correct, query.limit) == ("r1", RegistrationState.RETURNED, True, 5)
    stand_in.answer(DecideRegistration, registration_view(version=4))
    decision = {"step": "class_teacher", "decision": "return", "reason": "电话有误"}
    answer = await client.post("/v1/registrations/g1/decisions", json=decision, headers={**key(), "If-Match": '"3"'})
    command = stand_in.last(DecideRegistration)
    assert (command.step, command.decision, command.reason, command.version) == (
        Step.CLASS_TEACHER,
        "return",
        "电话有误",
        3,
    )
    stand_in.answer(WithdrawRegistration, registration_view())
    await client.post("/v1/registrations/g1/withdrawal", json={"reason": "转往外省"}, headers=key())
    assert stand_in.last(WithdrawRegistration).reason == "转往外省"
    answer = await client.post("/v1/registrations/g1/withdrawal", json={"reason": ""}, headers=key())
    assert answer.status_code == 422, "a withdrawal says why"


async def test_a_confirmation_sheet_is_a_file(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    kept = await files.put("确认表-王小明.pdf", "application/pdf", b"%PDF-1.7", 1000)
    stand_in.answer(PrintSheet, SheetPrinted(file=kept))
    answer = await client.post("/v1/registrations/g1/confirmation-sheet", headers=key())
    assert (answer.status_code, answer.content) == (200, b"%PDF-1.7")
    assert answer.headers["content-type"] == "application/pdf"


def student_view() -> StudentView:
    return StudentView(
        id="s1",
        person_id="p1",
        school="2301000001",
        school_name="第一小学",
        name="王小明",
        sex="1",
        birth_date=date(2020, 3, 5),
        masked_document="2301**********0019",
        student_number="G2301**********0019",
        number_kind=NumberKind.G,
        former_numbers=(),
        verification=Verification.MATCHED,
        stage="primary",
        grade=1,
        class_no=1,
        cohort=2026,
        placement="primary",
        state="in_school",
        registered_at=datetime(2026, 9, 20, tzinfo=ZONE),
        version=1,
    )


def found_student() -> FoundStudent:
    return FoundStudent(**msgspec.structs.asdict(student_view()), matched=Matched.PINYIN)


@pytest.mark.clause("15.4")
async def test_a_number_is_searched_for_in_a_body_and_through_identity(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(FindPersons, FoundPersons(person_ids=("p1", "p2")))
    stand_in.answer(SearchStudents, FoundPage(items=(found_student(),)))
    answer = await client.post("/v1/students/searches", json={"number": f" G{NUMBER} "}, headers=key())
    assert (answer.status_code, answer.json()["items"][0]["id"]) == (200, "s1")
    assert stand_in.last(FindPersons).number == f"G{NUMBER}"
    assert stand_in.last(SearchStudents).person_ids == ("p1", "p2")
    assert NUMBER not in answer.text


async def test_a_number_that_nobody_has_lists_nobody(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(FindPersons, FoundPersons(person_ids=()))
    stand_in.answer(SearchStudents, FoundPage(items=(found_student(),)))
    answer = await client.post("/v1/students/searches", json={"number": NUMBER}, headers=key())
    assert (answer.status_code, answer.json()["items"]) == (200, [])
    assert not [message for message in stand_in.asked if isinstance(message, SearchStudents)]


async def test_a_name_is_searched_for_without_identity(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SearchStudents, FoundPage(items=()))
    await client.post("/v1/students/searches", json={"name": "王小明", "limit": 3}, headers=key())
    query = stand_in.last(SearchStudents)
    assert (query.text, query.exact, query.person_ids, query.limit) == ("王小明", True, None, 3)
    assert not [message for message in stand_in.asked if isinstance(message, FindPersons)]
    for nothing in ({}, {"number": "     "}, {"name": " "}):
        answer = await client.post("/v1/students/searches", json=nothing, headers=key())
        assert answer.status_code == 422, nothing


async def test_a_text_is_a_number_once_it_has_a_digit(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(FindPersons, FoundPersons(person_ids=("p1",)))
    stand_in.answer(SearchStudents, FoundPage(items=(found_student(),)))
    for text, number in ((f"G{NUMBER}", f"G{NUMBER}"), ("E１２３４５", "E１２３４５")):
        await client.post("/v1/students/searches", json={"text": text}, headers=key())
        assert (stand_in.last(FindPersons).number, stand_in.last(SearchStudents).text) == (number, None)
    asked = len(stand_in.asked)
    answer = await client.post("/v1/students/searches", json={"text": "G12"}, headers=key())
    assert answer.status_code == 422
    assert "完整" in answer.text
    assert len(stand_in.asked) == asked


async def test_a_text_without_a_digit_is_a_name_or_pinyin(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SearchStudents, FoundPage(items=(found_student(),)))
    body = {"text": " wang xm ", "grade": 3, "class_no": 2, "stage": "primary", "state": "in_school",
            "placement": "ordinary", "school": "2301000001"}  # fmt: skip
    answer = await client.post("/v1/students/searches", json=body, headers=key())
    assert answer.json()["items"][0]["matched"] == "pinyin"
    query = stand_in.last(SearchStudents)
    assert (query.text, query.exact, query.person_ids) == ("wang xm", False, None)
    assert (query.grade, query.class_no, query.stage, query.school) == (3, 2, "primary", "2301000001")
    assert (query.state, query.placement) == ("in_school", "ordinary")


@pytest.mark.parametrize(
    ("wrong", "where"),
    [({"state": "asleep"}, "state"), ({"stage": "high"}, "stage"), ({"placement": "moon"}, "placement"),
     ({"grade": 0}, "grade"), ({"grade": 10}, "grade"), ({"class_no": 100}, "class_no"), ({"text": ""}, "text"),
     ({"text": "王" * 61}, "text"), ({"text": "王", "name": "王"}, "text"), ({"school": "a"}, "school"),
     ({"limit": 201}, "limit"), ({"cursor": "x" * 901}, "cursor"), ({"nmae": "王"}, "nmae")],
)  # fmt: skip
async def test_a_wrong_field_of_a_search_is_named(
    client: httpx.AsyncClient, stand_in: StandInBus, wrong: dict[str, object], where: str
) -> None:
    answer = await client.post("/v1/students/searches", json={"text": "王"} | wrong, headers=key())
    assert answer.status_code == 422
    assert where in answer.text
    assert not stand_in.asked


async def test_students_and_their_journal(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ListStudents, StudentPage(items=()))
    await client.get("/v1/students?grade=1&class_no=3")
    query = stand_in.last(ListStudents)
    assert (query.grade, query.class_no, query.person_ids) == (1, 3, None)
    stand_in.answer(GetStudent, student_view())
    assert (await client.get("/v1/students/s1")).headers["ETag"] == '"1"'
    stand_in.answer(GetJournal, Journal(student_id="s1", entries=(), intact=True))
    assert (await client.get("/v1/students/s1/journal")).json()["intact"] is True


def organisation(code: str, parent: str | None, kind: str = "county") -> OrganisationView:
    return OrganisationView(
        code=code,
        name=code,
        kind=kind,  # type: ignore[arg-type]
        parent=parent,
        authority=parent,
        division=code[:6],
    )


@pytest.mark.clause("3.1")
async def test_organisations_as_a_tree_over_all_pages(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    pages = {
        None: OrganisationPage(
            items=(organisation("230000", None, "province"), organisation("230100", "230000", "city")),
            next_cursor="2",
        ),
        "2": OrganisationPage(items=(organisation("230102", "230100"), organisation("2301000001", "230102"))),
    }
    stand_in.answer(ListOrganisations, lambda query: pages[query.cursor])
    body = (await client.get("/v1/organisations?view=tree")).json()
    (root,) = body["roots"]
    path = []
    while root:
        path.append(root["organisation"]["code"])
        root = next(iter(root["children"]), None)
    assert path == ["230000", "230100", "230102", "2301000001"]
    listed = (await client.get("/v1/organisations?kind=city")).json()
    assert listed["next_cursor"] == "2"
    assert stand_in.last(ListOrganisations).kind == "city"


def test_what_an_actor_sees_of_the_tree_has_its_own_root() -> None:
    built = tree([organisation("230102", "230100"), organisation("2301000001", "230102")])
    assert [root.organisation.code for root in built.roots] == ["230102"]
    assert [child.organisation.code for child in built.roots[0].children] == ["2301000001"]


async def test_notices_are_listed_and_marked(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    now = datetime(2026, 9, 1, tzinfo=ZONE)
    notice = Notice(id="n1", kind="step_reached", title="待审", body="…", link="/v1/rosters/r1", created_at=now)
    stand_in.answer(ListNotices, NoticePage(items=(notice,), unread=1))
    answer = await client.get("/v1/notices?unread=true&limit=10")
    assert (answer.json()["unread"], stand_in.last(ListNotices).unread_only) == (1, True)
    stand_in.answer(MarkRead, Ok())
    answer = await client.post("/v1/notices/read", json={"notice_ids": ["n1"]}, headers=key())
    assert (answer.status_code, answer.content) == (204, b"")
    assert stand_in.last(MarkRead).notice_ids == ("n1",)
    for wrong in ([], ["not an id"], ["x"] * 501):
        answer = await client.post("/v1/notices/read", json={"notice_ids": wrong}, headers=key())
        assert answer.status_code == 422, wrong


async def test_dates_and_times_carry_their_offset(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetStudent, student_view())
    registered = datetime.fromisoformat((await client.get("/v1/students/s1")).json()["registered_at"])
    assert registered.utcoffset() == timedelta(hours=8)


async def test_ready_means_that_the_bus_and_the_keys_are_there(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]["nats"]) == (503, "ok")
    await client.get("/v1/sessions/current")
    assert (await client.get("/health/ready")).status_code == 200
    stand_in.ready = False
    answer = await client.get("/health/ready")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"nats": "not connected", "keys": "ok"})
    assert (await client.get("/health/live")).status_code == 200


async def test_before_nats_is_there_the_answer_is_503() -> None:
    from gateway.backend import LateBus

    late = LateBus()
    assert late.ready is False
    with pytest.raises(Unavailable):
        await late.ask(ListNotices(actor=None))  # type: ignore[arg-type]


@pytest.mark.clause("14")
async def test_code_tables_are_those_of_the_form(client: httpx.AsyncClient) -> None:
    body = (await client.get("/v1/code-tables")).json()
    tables = {table["key"]: {entry["code"]: entry["name"] for entry in table["entries"]} for table in body["tables"]}
    assert (tables["sex"]["1"], tables["sex"]["2"]) == ("男", "女")
    assert tables["ethnicity"]["01"] == "汉族"
    divisions = {division["code"]: division["name"] for division in body["divisions"]}
    assert divisions["230103"] == "黑龙江省哈尔滨市南岗区"
