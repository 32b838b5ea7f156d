"""Who sees which registrations, page by page; forms stay sealed at rest."""

from __future__ import annotations

import pytest
from registry_world import AUTHORITY, CITY, FAR_SCHOOL, OTHER_SCHOOL, PROVINCE, REGISTRAR, SCHOOL, TEACHER, actor
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.registry import GetRegistration, ListRegistrations, RegistrationState

pytestmark = pytest.mark.integration


async def listed(world, who=REGISTRAR, **more) -> list[str]:
    """All pages, by the id."""
    ids, cursor = [], None
    while True:
        page = await world.ask(ListRegistrations(actor=who, cursor=cursor, **more))
        assert not isinstance(page, Refused), page
        ids += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return ids


WHO = [
    (REGISTRAR, {"a1", "a2", "a3"}),
    (actor(Role.PRINCIPAL), {"a1", "a2", "a3"}),
    (actor(Role.CLASS_TEACHER, classes=["1"]), {"a1", "a2"}),
    (actor(Role.CLASS_TEACHER, classes=["1-02"]), {"a2"}),
    (actor(Role.CLASS_TEACHER, classes=["2-01"]), {"a3"}),
    (actor(Role.CLASS_TEACHER), set()),
    (actor(Role.REGISTRAR, OTHER_SCHOOL.code), {"b1"}),
    (actor(Role.AUTHORITY_OFFICER, AUTHORITY), {"a1", "a2", "a3", "b1"}),
    (actor(Role.AUTHORITY_OFFICER, "230103"), set()),
    (actor(Role.LEADER, CITY), {"a1", "a2", "a3", "b1"}),
    (actor(Role.AUTHORITY_OFFICER, "230202"), {"c1"}),
    (actor(Role.AUTHORITY_OFFICER, PROVINCE), {"a1", "a2", "a3", "b1", "c1"}),
]


@pytest.mark.clause("3.1")
async def test_everybody_sees_what_is_his_business(world):
    await world.one(registration_id="a1")
    await world.one(registration_id="a2", class_no=2)
    await world.one(registration_id="a3", grade=2, enrolled_month="202509", class_no=1)
    await world.admit(world.admission(OTHER_SCHOOL, registration_id="b1"), school=OTHER_SCHOOL)
    await world.admit(world.admission(FAR_SCHOOL, registration_id="c1"), school=FAR_SCHOOL)
    for who, expected in WHO:
        assert set(await listed(world, who)) == expected
        for one in ("a1", "a2", "a3", "b1", "c1"):
            reply = await world.get(one, who)
            assert isinstance(reply, Refused) == (one not in expected), (who, one)


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.ACCOUNT_ADMIN, Role.INTEGRATION_CLIENT])
async def test_some_roles_see_no_pupil(world, role):
    one = await world.one()
    who = actor(role, SCHOOL.code)
    assert (await world.ask(ListRegistrations(actor=who))).kind == "forbidden"
    assert (await world.get(one, who)).kind == "forbidden"


async def test_pages_hold_each_registration_once(world):
    await world.admit(*(world.admission() for _ in range(7)))
    ids = await listed(world, limit=3)
    assert len(ids) == len(set(ids)) == 7


async def test_a_roster_s_registrations_come_in_the_order_of_its_rows(world):
    roster = await world.roster(7)
    await world.one()
    ids = await listed(world, roster_id=roster, limit=3)
    rows = await world.sql("SELECT id FROM registrations WHERE roster_id = $1 ORDER BY row", roster)
    assert ids == [row["id"] for row in rows]


async def test_states_can_be_asked_for(world):
    entered, checked = await world.one(), await world.one()
    await world.bring_to(checked, "principal")
    assert await listed(world, state=RegistrationState.ENTERED) == [entered]
    assert await listed(world, state=RegistrationState.CLASS_TEACHER_CHECKED) == [checked]
    assert await listed(world, state=RegistrationState.REGISTERED) == []


async def test_a_bad_cursor_is_refused(world):
    for cursor in ("x", "WzFd", "é"):
        assert (await world.ask(ListRegistrations(actor=REGISTRAR, cursor=cursor))).kind == "invalid"


async def test_one_registration_comes_with_form_decision_and_steps(world):
    one = await world.one()
    await world.decide(one, "class_teacher", TEACHER)
    view = await world.get(one)
    assert view.form["name"] == "王小明"
    assert [finding.clause for finding in view.decision.findings][:2] == ["2", "4.1"]
    assert [taken.step for taken in view.steps] == ["class_teacher"]
    assert view.school_name == SCHOOL.name


async def test_the_form_is_sealed_at_rest_and_bound_to_its_row(world):
    one, other = await world.one(), await world.one()
    (row,) = await world.sql("SELECT form FROM profiles WHERE id = $1", one)
    assert "王小明".encode() not in row["form"]
    await world.sql("UPDATE profiles SET form = $2 WHERE id = $1", other, row["form"])
    from service_kit.crypto import SealBroken

    with pytest.raises(SealBroken):
        await world.get(other)


async def test_equal_decisions_are_stored_once(world):
    await world.admit(*(world.admission() for _ in range(45)))
    assert len(await world.sql("SELECT 1 FROM policy_decisions")) == 1
    assert len(await world.sql("SELECT DISTINCT decision_id FROM registrations")) == 1


def test_a_query_names_one_registration():
    assert GetRegistration(actor=REGISTRAR, registration_id="a").registration_id == "a"
