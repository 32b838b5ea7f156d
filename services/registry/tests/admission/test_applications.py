"""Deferral, migrant children, private schools, international pupils: each to its end, and what is refused on the way."""

from __future__ import annotations

import asyncio
from datetime import date

import msgspec
import pytest
from admission_world import (
    COUNTY,
    FAR_SCHOOL,
    INTERNATIONAL,
    OFFICER,
    OTHER_OFFICER,
    OTHER_REGISTRAR,
    OTHER_SCHOOL,
    PRINCIPAL,
    PRIVATE,
    REGISTRAR,
    SCHOOL,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.enrolment import grounds
from registry.enrolment.grounds import Person
from registry_world import actor, codes
from regulation.school_year import Stage
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.admission import (
    AdmitPrivately,
    ApplyAsMigrant,
    ApplyForDeferral,
    ApplyInternationally,
    DecideApplication,
    EndAdmission,
    FindChild,
    GetApplication,
    ListApplications,
    PlaceChild,
)
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven, EvidenceKind

pytestmark = pytest.mark.integration
PRIVATE_REGISTRAR = actor(Role.REGISTRAR, PRIVATE.code)
ABROAD_REGISTRAR = actor(Role.REGISTRAR, INTERNATIONAL.code)
ABROAD_PRINCIPAL = actor(Role.PRINCIPAL, INTERNATIONAL.code)
PAPERS = (EvidenceKind.RESIDENCE_PERMIT, EvidenceKind.HOUSEHOLD_REGISTER)


async def papers(world, who, *kinds):
    out = []
    for kind in kinds:
        evidence_id = new_id()
        await world.sql(
            """INSERT INTO evidence (id, organisation, account, uploaded_by, uploaded_at, name, media_type, size, sha256,
                                     file_id, scan, kind, place)
               VALUES ($1, $2, $3, '某', now(), 'a.pdf', 'application/pdf', 1, '', $1, 'clean', 'other', 0)""",
            evidence_id,
            who.organisation,
            who.account,
        )
        out.append(EvidenceGiven(evidence_id=evidence_id, kind=kind))
    return tuple(out)


def decide(world, kind, application_id, step, who, decision="approve", **more):
    return world.do(
        DecideApplication(
            command_id=world.id(),
            actor=who,
            application_id=application_id,
            kind=kind,
            step=step,
            decision=decision,
            **more,
        )
    )


# ---- the child that a guardian asks for --------------------------------------------------------------------------------


@pytest.mark.clause("6")
@pytest.mark.clause("45.3")
async def test_a_school_finds_the_child_by_name_and_document_and_nobody_by_less(world):
    number = world.number(date(2020, 3, 5))
    await world.listed([world.child(**{"身份证件号": number}), world.child(**{"姓名": "李强"})])

    async def found(name="王小明", document=number, who=REGISTRAR):
        return await world.ask(FindChild(actor=who, name=name, document_number=document))

    (child,) = (await found()).items
    assert (child.name, child.state, child.address, child.phone) == ("王小明", "waiting", None, None)
    assert number not in str(msgspec.to_builtins(child))
    assert (await found(name="王 小明")).items == (child,)
    assert not isinstance(await defer(world, child.id), Refused)
    for name, document in (
        ("李强", number),
        ("王", number),
        ("", number),
        ("王小明", "230102202003050000"),
        ("王小明", ""),
    ):
        assert (await found(name, document)).items == (), (name, document)
    assert (await found(who=actor(Role.REGISTRAR, FAR_SCHOOL.code))).items == ()  # of another county
    for who in (OFFICER, PRINCIPAL, actor(Role.CLASS_TEACHER, SCHOOL.code)):
        assert (await found(who=who)).kind == "forbidden"


# ---- deferral ----------------------------------------------------------------------------------------------------------


async def defer(
    world, child_id, who=REGISTRAR, cause="health", kinds=(EvidenceKind.MEDICAL,), institution="市第一医院"
):
    return await world.do(
        ApplyForDeferral(
            command_id=world.id(),
            actor=who,
            application_id=new_id(),
            child_id=child_id,
            cause=cause,
            reason="先天性心脏病术后",
            institution=institution,
            evidence=await papers(world, who, *kinds),
        )
    )


@pytest.mark.clause("6")
async def test_a_deferred_child_is_on_next_year_s_list_and_comes_back_by_itself(world):
    await world.zones((SCHOOL, ["中央大街"]))
    await world.listed([world.child()])
    (child,) = await world.children()
    opened = await defer(world, child.id)
    assert (opened.state, opened.waits_for, opened.content["institution"]) == ("open", "school", "市第一医院")
    assert (await defer(world, child.id)).kind == "conflict"
    early = await decide(world, "deferral", opened.id, "authority", OFFICER)
    assert (early.kind, codes(early)) == ("conflict", ["case.step_too_early"])
    assert (await decide(world, "deferral", opened.id, "school", PRINCIPAL)).waits_for == "authority"
    assert (await decide(world, "deferral", opened.id, "authority", OTHER_OFFICER)).kind == "not_found"
    done = await decide(world, "deferral", opened.id, "authority", OFFICER)
    assert (done.state, [step.step for step in done.steps]) == ("approved", ["school", "authority"])
    (deferred,) = await world.children(state="deferred")
    assert (deferred.school_year, deferred.state, deferred.reason) == (2027, "deferred", "经批准延缓入学")
    assert isinstance(await world.place_all(), Refused), "nobody waits this year"
    hand = PlaceChild(command_id=world.id(), actor=OFFICER, child_id=child.id, school=SCHOOL.code, reason="统筹")
    assert (await world.do(hand)).kind == "conflict"
    world.on(date(2027, 7, 20))
    await world.plan(SCHOOL, 45, year=2027)
    assert not isinstance(await world.place_all(), Refused)
    (row,) = await world.sql("SELECT school_year FROM admissions")
    assert row["school_year"] == 2027


@pytest.mark.clause("6")
async def test_a_deferral_without_its_paper_is_refused_and_opens_nothing(world):
    await world.listed([world.child()])
    (child,) = await world.children()
    assert codes(await defer(world, child.id, kinds=())) == ["deferral.diagnosis"]
    assert codes(await defer(world, child.id, institution="")) == ["deferral.institution"]
    assert codes(await defer(world, child.id, cause="other", kinds=())) == ["deferral.proof"]
    assert (await defer(world, "none")).kind == "not_found"
    assert await world.sql("SELECT 1 FROM admission_applications") == []


@pytest.mark.clause("6")
async def test_a_deferral_gives_back_a_place_that_was_given(world):
    await world.plan(SCHOOL, 1)
    (row,) = await world.placed()
    opened = await defer(world, row["child_id"])
    await decide(world, "deferral", opened.id, "school", PRINCIPAL)
    await decide(world, "deferral", opened.id, "authority", OFFICER)
    (after,) = await world.sql("SELECT state, end_reason FROM admissions")
    assert tuple(after.values()) == ("ended", "经批准延缓入学")


# ---- migrant children --------------------------------------------------------------------------------------------------


async def migrant(world, kinds=PAPERS, who=OFFICER, **changes):
    return await world.do(
        ApplyAsMigrant(
            command_id=world.id(),
            actor=who,
            application_id=new_id(),
            child=world.given(**changes),
            evidence=await papers(world, who, *kinds),
        )
    )


@pytest.mark.clause("7")
async def test_a_migrant_child_is_assigned_a_school_public_and_near_first(world):
    await world.zones((OTHER_SCHOOL, ["中央大街"]))
    await world.plan(SCHOOL, 0)
    opened = await migrant(world)
    assert (opened.state, opened.waits_for, opened.school) == ("open", "authority", None)
    seen = await world.ask(GetApplication(actor=OFFICER, application_id=opened.id, kind="migrant"))
    assert [choice.school for choice in seen.choices] == [OTHER_SCHOOL.code, INTERNATIONAL.code, PRIVATE.code]
    assert seen.choices[0].served
    none = await decide(world, "migrant", opened.id, "authority", OFFICER)
    assert none.kind == "invalid"
    full = await decide(world, "migrant", opened.id, "authority", OFFICER, school=SCHOOL.code)
    assert codes(full) == ["placement.full"]
    private = await decide(world, "migrant", opened.id, "authority", OFFICER, school=PRIVATE.code)
    assert codes(private) == ["migrant.private_reason"]
    done = await decide(world, "migrant", opened.id, "authority", OFFICER, school=OTHER_SCHOOL.code)
    assert done.state == "approved" and done.admission_id
    (row,) = await world.sql("SELECT school, way, county FROM admissions")
    assert tuple(row.values()) == (OTHER_SCHOOL.code, "migrant", COUNTY)


@pytest.mark.clause("7")
@pytest.mark.parametrize(
    ("kinds", "wrong"),
    [
        (PAPERS[:1], ["migrant.paper_missing"]),
        (PAPERS[1:], ["migrant.paper_missing"]),
        ((*PAPERS, EvidenceKind.RESIDENCE), ["migrant.other_paper"]),
        ((*PAPERS, EvidenceKind.OTHER), ["migrant.other_paper"]),
    ],
)
async def test_nothing_else_is_asked_of_a_migrant_child(world, kinds, wrong):
    assert codes(await migrant(world, kinds)) == wrong
    assert await world.sql("SELECT 1 FROM admission_applications") == []
    assert await world.sql("SELECT 1 FROM evidence WHERE attached_to IS NOT NULL") == []


@pytest.mark.clause("7")
async def test_the_application_is_made_where_the_child_lives(world):
    await world.listed([row := world.child()])
    here = await migrant(world, document_number=row["身份证件号"], name="王小明")
    assert codes(here) == ["migrant.household_here"]
    assert codes(await migrant(world, division="230202")) == ["migrant.elsewhere"]
    assert codes(await migrant(world, who=actor(Role.AUTHORITY_OFFICER, "230100"))) == ["child.not_a_county"]
    assert codes(await migrant(world, birth_date=date(2021, 3, 5))) == ["child.under_age"]


# ---- private schools ---------------------------------------------------------------------------------------------------


async def scheme(world, state="approved"):
    await world.sql(
        """INSERT INTO admission_schemes (id, school, school_year, title, body, state, account, submitted_by, submitted_at,
                                          decided_at)
           VALUES ($1, $2, 2026, '招生方案', '随机录取', $3, 'a', '某', now(), CASE WHEN $3 <> 'waiting' THEN now() END)""",
        new_id(),
        PRIVATE.code,
        state,
    )


def admit(world, *applicants, who=PRIVATE_REGISTRAR, **more):
    return world.do(AdmitPrivately(command_id=world.id(), actor=who, list_id=new_id(), applicants=applicants, **more))


@pytest.mark.clause("8")
async def test_a_private_school_admits_all_its_applicants_or_none(world, people):
    await world.plan(PRIVATE, 2)
    assert codes(await admit(world, world.given())) == ["private.no_scheme"]
    await scheme(world)
    three = [world.given() for _ in range(3)]
    assert codes(await admit(world, *three)) == ["private.over_subscribed"]
    dry = await admit(world, *three[:2], dry_run=True)
    assert (dry.done, dry.free, [item.admission_id for item in dry.items]) == (False, 2, [None, None])
    young = world.given(birth_date=date(2020, 9, 1))
    assert codes(await admit(world, three[0], young)) == ["child.under_age"]
    assert await world.sql("SELECT 1 FROM admissions") == []
    done = await admit(world, *three[:2])
    assert done.done and all(item.admission_id for item in done.items)
    assert codes(await admit(world, three[2])) == ["private.over_subscribed"]
    assert codes(await admit(world, world.given(), who=REGISTRAR)) == ["private.public_school", "private.no_scheme"]
    (twice, _) = three[:2]
    await world.plan(PRIVATE, 9)
    assert codes(await admit(world, twice)) == ["child.admitted"]


# ---- international pupils ----------------------------------------------------------------------------------------------


@pytest.mark.clause("9")
async def test_an_international_pupil_needs_the_school_and_then_its_authority(world):
    child = world.given(name="Anna Smith", document_kind="A", document_number="X1234567")

    async def apply(who, one=child, kinds=(EvidenceKind.IDENTITY_DOCUMENT,)):
        return await world.do(
            ApplyInternationally(
                command_id=world.id(),
                actor=who,
                application_id=new_id(),
                child=one,
                evidence=await papers(world, who, *kinds),
            )
        )

    assert codes(await apply(REGISTRAR)) == ["international.not_qualified"]
    assert codes(await apply(ABROAD_REGISTRAR, world.given())) == ["international.document"]
    assert codes(await apply(ABROAD_REGISTRAR, kinds=())) == ["international.paper_missing"]
    opened = await apply(ABROAD_REGISTRAR)
    assert opened.waits_for == "school"
    await decide(world, "international", opened.id, "school", ABROAD_PRINCIPAL)
    done = await decide(world, "international", opened.id, "authority", OFFICER)
    assert done.state == "approved"
    (row,) = await world.sql("SELECT school, way FROM admissions")
    assert tuple(row.values()) == (INTERNATIONAL.code, "international")
    page = await world.ask(ListApplications(actor=ABROAD_PRINCIPAL, kind="international", state="approved"))
    assert [item.id for item in page.items] == [opened.id]
    assert (await world.ask(ListApplications(actor=OTHER_REGISTRAR, kind="international"))).items == ()


@pytest.mark.clause("9")
async def test_a_rejected_application_ends_and_gives_no_place(world):
    opened = await migrant(world)
    no = await decide(world, "migrant", opened.id, "authority", OFFICER, "reject")
    assert codes(no) == ["case.reason_required"]
    done = await decide(world, "migrant", opened.id, "authority", OFFICER, "reject", reason="材料不实")
    assert (done.state, done.admission_id) == ("rejected", None)
    again = await decide(world, "migrant", opened.id, "authority", OFFICER, school=SCHOOL.code)
    assert codes(again) == ["case.ended"]


# ---- what must never happen --------------------------------------------------------------------------------------------


@pytest.mark.clause("5.2")
async def test_two_who_take_the_last_place_at_once_get_it_once(world):
    await world.plan(SCHOOL, 1)
    await world.zones((SCHOOL, ["中央大街"]))
    await world.listed([world.child() for _ in range(6)])
    children = await world.children()

    def hand(child):
        return world.do(
            PlaceChild(command_id=world.id(), actor=OFFICER, child_id=child.id, school=SCHOOL.code, reason="统筹")
        )

    replies = await asyncio.gather(world.place_all(), *(hand(child) for child in children))
    assert sum(1 for reply in replies[1:] if not isinstance(reply, Refused)) <= 1
    assert len(await world.sql("SELECT 1 FROM admissions WHERE state = 'open'")) == 1


@pytest.mark.clause("5.2")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from(["zone", "hand", "other", "end"]), st.integers(0, 3)), max_size=10))
async def test_no_child_ever_has_two_places_and_no_plan_more_than_its_own(world, acts):
    if not await world.sql("SELECT 1 FROM children"):
        await world.plan(SCHOOL, 2)
        await world.plan(OTHER_SCHOOL, 1)
        await world.zones((SCHOOL, ["中央大街"]))
        await world.listed([world.child() for _ in range(4)])
    ids = [row["id"] for row in await world.sql("SELECT id FROM children ORDER BY id")]
    for act, which in acts:
        if act == "zone":
            await world.place_all()
        elif act == "end":
            rows = await world.sql("SELECT id FROM admissions WHERE child_id = $1 AND state = 'open'", ids[which])
            for row in rows:
                await world.do(
                    EndAdmission(command_id=world.id(), actor=OFFICER, admission_id=row["id"], reason="撤销")
                )
        else:
            school = SCHOOL if act == "hand" else OTHER_SCHOOL
            await world.do(
                PlaceChild(command_id=world.id(), actor=OFFICER, child_id=ids[which], school=school.code, reason="统筹")
            )
        taken = {r["school"]: r["n"] for r in await world.sql(
            "SELECT school, count(*) AS n FROM admissions WHERE state = 'open' GROUP BY school")}  # fmt: skip
        assert taken.get(SCHOOL.code, 0) <= 2 and taken.get(OTHER_SCHOOL.code, 0) <= 1
        twice = await world.sql(
            "SELECT person_id FROM admissions WHERE state = 'open' GROUP BY person_id HAVING count(*) > 1"
        )
        assert twice == []
        states = await world.sql(
            """SELECT c.id FROM children c WHERE (c.state = 'placed') <> EXISTS (
                   SELECT FROM admissions a WHERE a.child_id = c.id AND a.state = 'open')"""
        )
        assert states == [], "a child is placed when it has a place, and only then"


# ---- grounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.clause("19")
async def test_on_what_ground_a_child_enters_a_school(world):
    (row,) = await world.placed()
    placed = row["person_id"]

    async def ground(person_id, address, school=SCHOOL):
        async with world.db.transaction() as tx:
            child = Person(
                person_id=person_id, stage=Stage.PRIMARY, enters=True, division="230102000000", address=address
            )
            return (await grounds.standings(tx, 2026, [child])).ground(child, school, 2026)

    assert (await ground(placed, "哪里都行")).admission_id == row["id"]
    assert await ground(placed, "中央大街1号", OTHER_SCHOOL) is None, "who has a place elsewhere has none here"
    assert (await ground(None, "道里区中央大街9号")) == grounds.Ground(
        kind="zone", admission_id=None, street="中央大街"
    )
    assert await ground("somebody", "别处9号") is None
    assert await ground(None, "中央大街9号", OTHER_SCHOOL) is None
