"""Admission schemes of private schools: who may, in which state, for which year, and that it counts (clause 8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from registry.enrolment.schemes import policy, store
from registry.evidence import store as evidence
from registry.evidence.store import Evidence
from registry.registration import gate
from registry_world import CITY, OFFICER, REGISTRAR, SCHOOL, World, actor, codes
from regulation.school_year import Stage
from service_kit import paging
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven, EvidenceKind, GetEvidence, ScanState
from shared_contracts.plans import (
    DecideScheme,
    GetScheme,
    ListSchemes,
    ReviseScheme,
    SchemeView,
    SubmitScheme,
)
from shared_contracts.waiting import WorkWaiting

PRIVATE = msgspec.structs.replace(SCHOOL, code="2123010009", name="哈尔滨市道里区民办小学", ownership="private")
OTHER_PRIVATE = msgspec.structs.replace(PRIVATE, code="2123010008", name="哈尔滨市道里区民办二小")
HEAD = actor(Role.PRINCIPAL, PRIVATE.code)
CLERK = actor(Role.REGISTRAR, PRIVATE.code)
OTHER_HEAD = actor(Role.PRINCIPAL, OTHER_PRIVATE.code)
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, "230202")
BODY = "一、免试入学。\n二、报名人数超过招生计划的，随机录取。"
UNREADABLE = ("两行\n意见", "零\x00字符")


@pytest_asyncio.fixture
async def private(world: World) -> AsyncIterator[World]:
    await world.load(PRIVATE, OTHER_PRIVATE)
    yield world


async def submit(world: World, who: Any = HEAD, **changes: Any) -> Any:
    values = {"school_year": 2026, "title": "2026年招生方案", "body": BODY}
    command_id = world.id()
    return await world.do(
        SubmitScheme(command_id=command_id, actor=who, scheme_id=world.id("scheme"), **values | changes)
    )


async def revise(world: World, one: SchemeView, who: Any = HEAD, **changes: Any) -> Any:
    values = {"title": "2026年招生方案（修订）", "body": BODY, "version": one.version}
    return await world.do(ReviseScheme(command_id=world.id(), actor=who, scheme_id=one.id, **values | changes))


async def decide(world: World, one: SchemeView, decision: str = "approve", who: Any = OFFICER, **changes: Any) -> Any:
    values = {"reason": "" if decision == "approve" else "没有写明随机录取办法", "version": one.version}
    return await world.do(
        DecideScheme(command_id=world.id(), actor=who, scheme_id=one.id, decision=decision, **values | changes)
    )


async def state(world: World) -> list[Any]:
    return [await world.sql(f"SELECT t::text FROM {table} t ORDER BY 1") for table in ("admission_schemes", "outbox")]


async def unlocked(world: World, year: int = 2026) -> bool:
    """Whether the registration gate takes the scheme as approved."""
    async with world.db.transaction() as tx:
        settled = (await gate.of_school(tx, PRIVATE, year)).enrolment
    return settled[Stage.PRIMARY].scheme


# ---- the rule --------------------------------------------------------------------------------------------------------


@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"school_year": 2027}, []),
        ({"school_year": 2025}, ["scheme.wrong_year"]),
        ({"school_year": 2028}, ["scheme.wrong_year"]),
        ({"school": SCHOOL}, ["scheme.not_private"]),
        ({"title": " "}, ["scheme.no_title"]),
        ({"title": "两\n行"}, ["scheme.no_title"]),
        ({"body": "\n"}, ["scheme.no_text"]),
        ({"body": "零\x00字符"}, ["scheme.no_text"]),
        ({"body": "一\n二"}, []),
        ({"school": SCHOOL, "school_year": 2020, "title": "", "body": ""},
         ["scheme.not_private", "scheme.wrong_year", "scheme.no_title", "scheme.no_text"]),
    ],
)  # fmt: skip
def test_what_can_be_wrong_with_a_scheme(changes: dict[str, Any], expected: list[str]):
    values = {"school": PRIVATE, "school_year": 2026, "this_year": 2026, "title": "方案", "body": BODY}
    found = policy.faults(**values | changes)
    assert [one.code for one in found] == expected
    assert all(one.clause == "8" and one.cure and one.fields for one in found)


@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("there", "added", "expected"),
    [
        (0, 0, []),
        (0, 10, []),
        (9, 1, []),
        (10, 0, []),
        (0, 11, ["scheme.too_many_papers"]),
        (10, 1, ["scheme.too_many_papers"]),
    ],
)
def test_how_many_files(there: int, added: int, expected: list[str]):
    found = policy.paper_faults(there, added)
    assert [one.code for one in found] == expected
    assert all(one.clause == "8" and one.cure and one.fields == ("evidence",) for one in found)


@pytest.mark.clause("8")
@given(st.integers(0, 30), st.integers(0, 30))
def test_never_more_files_than_anybody_reads(there: int, added: int):
    assert bool(policy.paper_faults(there, added)) is (there + added > policy.MOST_PAPERS)


# ---- files -------------------------------------------------------------------------------------------------------------


async def paper(world: World, who: Any = HEAD, **changes: Any) -> EvidenceGiven:
    """An uploaded file of the actor's organisation."""
    evidence_id = new_id()
    values = {
        "id": evidence_id, "organisation": who.organisation, "account": who.account, "uploaded_by": who.name,
        "uploaded_at": world.clock.now(), "name": "方案.pdf", "media_type": "application/pdf", "size": 1,
        "sha256": "0" * 64, "file_id": evidence_id, "scan": ScanState.CLEAN, "kind": EvidenceKind.OTHER,
        "attached_to": None, "place": 0, "shared_with": None,
    }  # fmt: skip
    async with world.db.transaction() as tx:
        await evidence.put(tx, Evidence(**values | changes))
    return EvidenceGiven(evidence_id=evidence_id, kind=EvidenceKind.OFFICIAL_DOCUMENT)


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_files_are_part_of_the_scheme_and_its_authority_opens_them(private: World):
    first, second = await paper(private), await paper(private, name="董事会决议.pdf")
    one = await submit(private, evidence=(first,))
    assert [(f.id, f.kind) for f in one.evidence] == [(first.evidence_id, "official_document")]
    again = await revise(private, await decide(private, one, "return"), evidence=(second,))
    assert {f.id for f in again.evidence} == {first.evidence_id, second.evidence_id}
    assert [item.evidence for item in (await private.ask(ListSchemes(actor=OFFICER))).items] == [()]
    for who in (OFFICER, CITY_OFFICER, CLERK):
        shown = await private.ask(GetScheme(actor=who, scheme_id=one.id))
        assert len(shown.evidence) == 2
        assert (
            await private.ask(GetEvidence(actor=who, evidence_id=first.evidence_id))
        ).attached_to == f"scheme:{one.id}"
    for who in (OTHER_HEAD, FAR_OFFICER):
        assert (await private.ask(GetEvidence(actor=who, evidence_id=first.evidence_id))).kind == "not_found"


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_a_wrong_file_and_nothing_is_submitted(private: World):
    elsewhere = await paper(private)
    await submit(private, school_year=2027, evidence=(elsewhere,))
    before = await state(private)
    wrong = {
        "not there": EvidenceGiven(evidence_id="none"),
        "another's": await paper(private, OTHER_HEAD),
        "not looked at yet": await paper(private, scan=ScanState.PENDING),
        "with a virus": await paper(
            private, scan=ScanState.INFECTED, signature="Eicar", scanned_at=private.clock.now()
        ),
        "part of something else": elsewhere,
    }
    for name, one in wrong.items():
        reply = await submit(private, evidence=(one,))
        assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail, name
        assert reply.findings, name
    many = tuple([await paper(private) for _ in range(11)])
    assert codes(await submit(private, evidence=many)) == ["scheme.too_many_papers"]
    assert await state(private) == before
    full = await submit(private, evidence=many[:10])
    assert len(full.evidence) == 10
    assert codes(await revise(private, full, evidence=many[10:])) == ["scheme.too_many_papers"]
    assert len((await revise(private, full, evidence=many[:1])).evidence) == 10  # the same again is none more


# ---- submitted, revised, decided -------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_it_counts_once_it_is_approved_and_not_before(private: World):
    assert not await unlocked(private)
    one = await submit(private)
    assert (one.state, one.version, one.body, one.decided_by) == ("waiting", 1, BODY, None)
    assert not await unlocked(private)
    told = [(e.organisation, e.kind) for e in await private.events(WorkWaiting)]
    assert told == [(OFFICER.organisation, "scheme_submitted")]
    done = await decide(private, one, reason="同意")
    assert (done.state, done.version, done.decided_by, done.decision_reason) == ("approved", 2, OFFICER.name, "同意")
    assert await unlocked(private) and not await unlocked(private, 2027)
    told = [(e.organisation, e.role) for e in await private.events(WorkWaiting) if e.kind == "scheme_decided"]
    assert told == [(PRIVATE.code, Role.PRINCIPAL), (PRIVATE.code, Role.REGISTRAR)]


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_returned_revised_and_approved(private: World):
    one = await submit(private, CLERK)
    back = await decide(private, one, "return")
    assert (back.state, back.decision_reason) == ("returned", "没有写明随机录取办法")
    assert not await unlocked(private)
    assert isinstance(await decide(private, back), Refused)  # it is the school's turn
    again = await revise(private, back, title=" 修订稿 ")
    assert (again.state, again.title, again.decided_by, again.decision_reason) == ("waiting", "修订稿", None, None)
    assert (await decide(private, again)).state == "approved"
    assert await unlocked(private)


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_it_may_be_revised_while_it_waits_and_is_what_the_officer_then_decides(private: World):
    one = await submit(private)
    newer = await revise(private, one)
    stale = await decide(private, one)
    assert isinstance(stale, Refused) and stale.kind == "conflict" and "版本2" in stale.detail
    assert (await decide(private, newer)).state == "approved"


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_after_a_rejection_another_may_be_submitted_and_the_first_stays_to_be_read(private: World):
    first = await submit(private)
    rejected = await decide(private, first, "reject")
    assert rejected.state == "rejected" and not await unlocked(private)
    assert (await revise(private, rejected)).kind == "conflict"
    second = await submit(private)
    assert second.state == "waiting" and second.id != first.id
    page = await private.ask(ListSchemes(actor=HEAD))
    assert {(one.id, one.state) for one in page.items} == {(first.id, "rejected"), (second.id, "waiting")}


@pytest.mark.integration
@pytest.mark.clause("8")
@pytest.mark.parametrize("decision", [None, "return", "approve"])
async def test_one_a_school_and_year(private: World, decision: str | None):
    one = await submit(private)
    if decision:
        await decide(private, one, decision)
    before = await state(private)
    reply = await submit(private, CLERK)
    assert isinstance(reply, Refused) and reply.kind == "conflict" and "已经报送" in reply.detail
    assert await state(private) == before
    assert (await submit(private, school_year=2027)).state == "waiting"
    assert (await submit(private, OTHER_HEAD)).state == "waiting"


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_what_is_approved_stays_as_it_was_approved(private: World):
    done = await decide(private, await submit(private))
    before = await state(private)
    for reply in (
        await revise(private, done),
        await decide(private, done, "reject"),
        await decide(private, done, "return"),
        await decide(private, done),
    ):
        assert isinstance(reply, Refused) and reply.kind == "conflict", reply
    assert await state(private) == before


# ---- who -------------------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_a_public_school_has_no_scheme(world: World):
    reply = await submit(world, REGISTRAR)
    assert codes(reply) == ["scheme.not_private"]
    assert reply.findings[0].clause == "8" and "不需要报送" in reply.detail
    assert not await world.sql("SELECT 1 FROM admission_schemes")


@pytest.mark.integration
@pytest.mark.clause("3.1", "8")
async def test_who_may_not(private: World):
    for who in (OFFICER, CITY_OFFICER, actor(Role.CLASS_TEACHER, PRIVATE.code), actor(Role.LEADER, "230102")):
        assert (await submit(private, who)).kind == "forbidden"
    one = await submit(private)
    before = await state(private)
    for who, kind in ((OTHER_HEAD, "not_found"), (OFFICER, "forbidden"), (CITY_OFFICER, "forbidden")):
        assert (await revise(private, one, who)).kind == kind
    for who, kind in (
        (HEAD, "forbidden"),
        (CITY_OFFICER, "not_found"),  # the county supervises the school
        (FAR_OFFICER, "not_found"),
        (actor(Role.LEADER, "230102"), "forbidden"),
    ):
        assert (await decide(private, one, who=who)).kind == kind
    assert await state(private) == before


@pytest.mark.integration
@pytest.mark.clause("3.1", "8")
async def test_who_sees_which(private: World):
    one, other = await submit(private), await submit(private, OTHER_HEAD)

    async def seen(who: Any, **more: Any) -> set[str]:
        return {item.id for item in (await private.ask(ListSchemes(actor=who, **more))).items}

    assert await seen(HEAD) == await seen(CLERK) == {one.id}
    assert await seen(OFFICER) == await seen(CITY_OFFICER) == {one.id, other.id}
    assert (
        await seen(FAR_OFFICER)
        == await seen(OFFICER, state="approved")
        == await seen(OFFICER, school_year=2027)
        == set()
    )
    assert all(not item.body for item in (await private.ask(ListSchemes(actor=OFFICER))).items)
    first = await private.ask(ListSchemes(actor=OFFICER, limit=1))
    assert await seen(OFFICER, limit=1, cursor=first.next_cursor) == {one.id, other.id} - {first.items[0].id}
    for who in (HEAD, OFFICER, CITY_OFFICER):
        assert (await private.ask(GetScheme(actor=who, scheme_id=one.id))).body == BODY
    for who in (OTHER_HEAD, FAR_OFFICER):
        assert (await private.ask(GetScheme(actor=who, scheme_id=one.id))).kind == "not_found"
    assert (await private.ask(GetScheme(actor=HEAD, scheme_id="none"))).kind == "not_found"


# ---- each wrong field ------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("8")
@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"school_year": 2025}, "school_year"),
        ({"school_year": 2028}, "school_year"),
        ({"title": "　"}, "title"),
        ({"title": "零\x00字符"}, "title"),
        ({"body": " \n "}, "body"),
        ({"body": "零\x00字符"}, "body"),
    ],
)
async def test_each_wrong_field_of_a_scheme(private: World, changes: dict[str, Any], field: str):
    before = await state(private)
    reply = await submit(private, **changes)
    assert isinstance(reply, Refused) and reply.kind == "refused"
    (finding,) = reply.findings
    assert finding.fields == (field,) and finding.clause == "8" and finding.cure and finding.cure in reply.detail
    assert await state(private) == before
    one = await submit(private)
    if field != "school_year":
        before = await state(private)
        again = await revise(private, one, **changes)
        assert isinstance(again, Refused) and again.findings == reply.findings
        assert await state(private) == before


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_each_wrong_field_of_a_decision_and_a_revision(private: World):
    one = await submit(private)
    before = await state(private)
    for decision in ("reject", "return"):
        for reason in ("", "　", *UNREADABLE):
            reply = await decide(private, one, decision, reason=reason)
            assert isinstance(reply, Refused) and reply.kind == "invalid" and "填写原因" in reply.detail
    for reason in UNREADABLE:
        assert (await decide(private, one, reason=reason)).kind == "invalid"
    for changes in ({"version": 2}, {"version": 0}):
        assert (await decide(private, one, **changes)).kind == "conflict"
        assert (await revise(private, one, **changes)).kind == "conflict"
    nowhere = msgspec.structs.replace(one, id="none")
    assert (await decide(private, nowhere)).kind == (await revise(private, nowhere)).kind == "not_found"
    assert await state(private) == before
    assert (await decide(private, one, version=None)).state == "approved"


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_a_year_that_is_over_is_neither_revised_nor_submitted(private: World):
    one = await submit(private)
    private.clock.moment = private.clock.moment.replace(year=2027, month=8, day=1)
    assert codes(await revise(private, one)) == codes(await submit(private)) == ["scheme.wrong_year"]
    assert (await submit(private, school_year=2028)).state == "waiting"


@pytest.mark.integration
@pytest.mark.parametrize("cursor", ["x", "好", paging.encode("gestern", "x"), paging.encode(1, "x")])
async def test_a_cursor_that_is_none_of_ours(private: World, cursor: str):
    reply = await private.ask(ListSchemes(actor=OFFICER, cursor=cursor))
    assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail == paging.NO_CURSOR


# ---- at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_two_officers_at_once_decide_it_once(private: World):
    one = await submit(private)
    second = actor(Role.AUTHORITY_OFFICER, OFFICER.organisation, account="second")
    replies = await asyncio.gather(
        decide(private, one, version=None), decide(private, one, "reject", who=second, version=None)
    )
    (done,) = [reply for reply in replies if isinstance(reply, SchemeView)]
    (late,) = [reply for reply in replies if isinstance(reply, Refused)]
    assert late.kind == "conflict"
    seen = await private.ask(GetScheme(actor=HEAD, scheme_id=one.id))
    assert (seen.state, seen.version) == (done.state, 2)
    assert await unlocked(private) == (done.state == "approved")
    told = [e for e in await private.events(WorkWaiting) if e.kind == "scheme_decided"]
    assert len(told) == 2  # the principal and the registrar, once


@pytest.mark.integration
@pytest.mark.clause("8")
async def test_two_at_the_school_at_once_submit_one(private: World):
    replies = await asyncio.gather(*[submit(private, who) for who in (HEAD, CLERK, HEAD)])
    assert sorted(type(reply).__name__ for reply in replies) == ["Refused", "Refused", "SchemeView"]
    assert len(await private.sql("SELECT 1 FROM admission_schemes")) == 1
    async with private.db.transaction() as tx:
        assert not await store.approved(tx, PRIVATE.code, 2026)
