"""The table of acts: what it says, on both sides of each relation."""

from __future__ import annotations

from itertools import product

import pytest
from regulation.authorisation import (
    NOTHING,
    Reach,
    Relation,
    Target,
    check,
    gate,
    may,
    reach,
    subtree_pattern,
    table,
    target_of,
)
from regulation.authorisation_page import page
from shared_contracts.actors import Actor, Limit, Role, system
from shared_contracts.decisions import Refused

SCHOOL, OTHER = "2123000101", "2123000102"
AUTHORITY, CITY, NEIGHBOUR = "230103", "230100", "230184"
PUPIL = Target(school=SCHOOL, authority=AUTHORITY, grade=1, class_no=1)


def actor(
    *roles: Role,
    of: str = SCHOOL,
    classes: tuple[str, ...] = (),
    scopes: tuple[str, ...] = (),
    withheld: tuple[Role, ...] = (),
    limited: Limit = "",
) -> Actor:
    return Actor(
        account="a", name="甲", organisation=of, roles=roles, classes=classes, scopes=scopes, withheld=withheld,
        limited=limited,
    )  # fmt: skip


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("who", "allowed"),
    [
        (actor(Role.REGISTRAR), True),
        (actor(Role.REGISTRAR, of=OTHER), False),
        (actor(Role.PRINCIPAL), True),
        (actor(Role.CLASS_TEACHER, classes=("1-01",)), True),
        (actor(Role.CLASS_TEACHER, classes=("1",)), True),
        (actor(Role.CLASS_TEACHER, classes=("1-02", "2")), False),
        (actor(Role.CLASS_TEACHER), False),
        (actor(Role.CLASS_TEACHER, of=OTHER, classes=("1",)), False),
        (actor(Role.AUTHORITY_OFFICER, of=AUTHORITY), True),
        (actor(Role.AUTHORITY_OFFICER, of=CITY), True),
        (actor(Role.AUTHORITY_OFFICER, of="230000"), True),
        (actor(Role.AUTHORITY_OFFICER, of=NEIGHBOUR), False),
        (actor(Role.AUTHORITY_OFFICER, of="230200"), False),
        (actor(Role.AUTHORITY_OFFICER, of=SCHOOL), False),  # the role at a place that cannot have it
        (actor(Role.REGISTRAR, of=AUTHORITY), False),
        (actor(Role.LEADER, of=AUTHORITY), True),
        (actor(Role.AUDITOR, of=AUTHORITY), False),
        (actor(Role.ACCOUNT_ADMIN, of=AUTHORITY), False),
        (actor(Role.INTEGRATION_CLIENT, of=AUTHORITY, scopes=("students:read",)), True),
        (actor(Role.INTEGRATION_CLIENT, of=AUTHORITY, scopes=("organisations:read",)), False),
        (actor(Role.INTEGRATION_CLIENT, of=SCHOOL, scopes=("students:read",)), True),
        (actor(Role.INTEGRATION_CLIENT, of=NEIGHBOUR, scopes=("students:read",)), False),
        (actor(), False),
        (system("registry"), True),
    ],
)
def test_who_may_read_a_pupil(who: Actor, allowed: bool) -> None:
    assert may(who, "registry.student", PUPIL) == allowed


@pytest.mark.clause("3.1")
def test_a_directly_managed_school_belongs_to_its_city() -> None:
    pupil = Target(school=SCHOOL, authority=CITY)
    assert may(actor(Role.AUTHORITY_OFFICER, of=CITY), "registry.student", pupil)
    assert not may(actor(Role.AUTHORITY_OFFICER, of=AUTHORITY), "registry.student", pupil)


@pytest.mark.clause("13.2")
def test_the_supervising_authority_decides_and_not_the_one_above_it() -> None:
    act = "registry.decide_registration/authority"
    assert may(actor(Role.AUTHORITY_OFFICER, of=AUTHORITY), act, PUPIL)
    assert not may(actor(Role.AUTHORITY_OFFICER, of=CITY), act, PUPIL)


def test_whoever_has_the_role_and_no_relation_is_told_that_it_is_not_there() -> None:
    for who, kind in ((actor(Role.REGISTRAR, of=OTHER), "not_found"), (actor(Role.AUDITOR, of=AUTHORITY), "forbidden")):
        refusal = check(who, "registry.student", PUPIL, missing="没有这名学生。")
        assert refusal is not None
        assert refusal.kind == kind
        assert (refusal.detail == "没有这名学生。") == (kind == "not_found")


@pytest.mark.clause("43")
def test_a_registrar_without_an_appointment_is_told_which_clause_asks_for_one() -> None:
    who = actor(withheld=(Role.REGISTRAR,))
    refusal = check(who, "registry.enter_registration", PUPIL)
    assert refusal is not None
    assert refusal.kind == "forbidden"
    assert [finding.clause for finding in refusal.findings] == ["43"]
    # what he may do in another role he may still do, and what everybody may
    assert may(actor(Role.PRINCIPAL, withheld=(Role.REGISTRAR,)), "registry.student", PUPIL)
    assert may(who, "access.change_password", Target(account="a"))
    assert may(who, "notifications.notices")
    assert not may(who, "access.change_password", Target(account="b"))
    assert not may(actor(of=""), "registry.student", PUPIL)


def test_a_client_reads_the_directory_with_its_scope_alone() -> None:
    assert may(actor(Role.INTEGRATION_CLIENT, of=AUTHORITY, scopes=("organisations:read",)), "registry.organisations")
    assert not may(actor(Role.INTEGRATION_CLIENT, of=AUTHORITY, scopes=("students:read",)), "registry.organisations")


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("limited", ["password", "second_factor"])
def test_an_account_that_is_not_safe_yet_can_only_be_made_safe(limited: Limit) -> None:
    who = actor(Role.REGISTRAR, limited=limited)
    refusal = check(who, "registry.student", PUPIL)
    assert refusal is not None
    assert refusal.kind == "forbidden"
    own = Target(account="a")
    assert may(who, "access.change_password", own)
    assert may(who, "access.confirm_second_factor", own)
    assert not may(who, "registry.organisations")
    assert not may(who, "access.change_password", Target(account="b"))


def test_a_state_in_which_an_act_is_impossible() -> None:
    who = actor(Role.REGISTRAR)
    assert check(who, "registry.correct_registration", PUPIL, state="returned") is None
    refusal = check(who, "registry.correct_registration", PUPIL, state="entered")
    assert refusal is not None
    assert refusal.kind == "conflict"


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("who", "expected"),
    [
        (actor(Role.REGISTRAR), Reach(school=SCHOOL)),
        (actor(Role.CLASS_TEACHER, classes=("1-01",)), Reach(classes_of=SCHOOL, classes=("1-01",))),
        (
            actor(Role.PRINCIPAL, Role.CLASS_TEACHER, classes=("1",)),
            Reach(school=SCHOOL, classes_of=SCHOOL, classes=("1",)),
        ),
        (actor(Role.AUTHORITY_OFFICER, of=CITY), Reach(subtree=CITY)),
        (actor(Role.AUTHORITY_OFFICER, of=SCHOOL), Reach()),
        (actor(Role.INTEGRATION_CLIENT, of=SCHOOL, scopes=("students:read",)), Reach(school=SCHOOL)),
        (system("registry"), Reach(everything=True)),
    ],
)
def test_how_far_a_list_reaches(who: Actor, expected: Reach) -> None:
    assert reach(who, "registry.students") == expected


def test_a_list_that_shows_nothing_is_refused() -> None:
    assert isinstance(reach(actor(Role.AUDITOR, of=CITY), "registry.students"), Refused)


def test_only_who_has_no_account_signs_in_without_one() -> None:
    nobody = Actor(account="", name="", organisation="", roles=())
    assert gate(nobody, table()["access.sign_in"]) is None
    for word, row in table().items():
        if row.everybody is None or row.everybody.relation is not Relation.ANYONE:
            assert check(nobody, word, PUPIL) is not None, word


def test_an_act_nobody_thought_of_is_nobody_s() -> None:
    with pytest.raises(KeyError):
        check(actor(Role.REGISTRAR), "registry.something_new", NOTHING)


@pytest.mark.clause("3.1")
def test_what_belongs_to_an_organisation_stands_under_its_authority() -> None:
    assert target_of(SCHOOL, AUTHORITY) == Target(school=SCHOOL, authority=AUTHORITY)
    assert target_of(SCHOOL, None) == Target(school=SCHOOL)  # not known: nobody's subtree
    assert target_of(AUTHORITY, CITY) == Target(authority=AUTHORITY)  # its own, whoever is above it


@pytest.mark.parametrize(("code", "pattern"), [("230000", "23%"), ("230100", "2301%"), ("230103", "230103")])
def test_the_pattern_of_a_subtree(code: str, pattern: str) -> None:
    assert subtree_pattern(code) == pattern


def test_the_table_is_read_as_it_is_written() -> None:
    rows = table()
    for row in rows.values():
        assert row.title, row.word  # a row without a cell is for services alone
        assert all(cell.scope for role, cell in row.cells.items() if role is Role.INTEGRATION_CLIENT), row.word
    for row, role in product(rows.values(), (Role.AUDITOR, Role.ACCOUNT_ADMIN, Role.OPERATOR)):
        assert not (row.personal and row.word.startswith(("registry.", "identity.")) and role in row.cells), row.word


def test_the_page_shows_every_act_with_its_cells() -> None:
    text = page()
    for word, row in table().items():
        (line,) = (line for line in text.splitlines() if f"| `{word}` |" in line)
        assert row.title in line
        assert line.count("|") == 14
    (line,) = (line for line in text.splitlines() if "`registry.student`" in line)
    assert [cell.strip() for cell in line.split("|")[3:9]] == ["本校", "本班", "本校", "辖区", "辖区", ""]
