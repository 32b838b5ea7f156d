"""The rules of accounts, on both sides of each boundary."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import msgspec
import pytest
from access.accounts import policy
from access.accounts.passwords import first_password
from access.accounts.policy import Owner
from regulation.parameters import Parameters
from shared_contracts.actors import Actor, Role

PARAMETERS = Parameters.for_("230000", date(2026, 11, 24))
OWNER = Owner(username="nangang.wei", name="魏建国", organisation="2123010001", organisation_name="育才小学")
SCHOOL, AUTHORITY = "2123010001", "230103"
NOON = datetime.fromisoformat("2026-11-24T12:00:00+08:00")


def code(found: object) -> str | None:
    return getattr(found, "code", None)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("username", ["abc", "a" * 64, "nangang.wei", "songbei-waiyu.teacher01", "a_b"])
def test_user_names(username):
    assert policy.check_username(username) is None


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "username", ["ab", "a" * 65, "Nangang", "1abc", "a..b", ".abc", "abc.", "client:x", "魏建国", "a b", "abc\n", ""]
)
def test_no_user_names(username):
    found = policy.check_username(username)
    assert found is not None and found.cure and found.fields == ("username",)


def test_what_people_type_is_folded():
    assert policy.folded(" Nangang.Wei ") == "nangang.wei"


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("name", "fine"),
    [("魏", True), ("魏" * 50, True), ("魏" * 51, False), (" ", False), ("", False), ("魏\x00", False)],
)
def test_names(name, fine):
    assert (policy.check_name(name) is None) is fine


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("reason", "fine"),
    [("调", True), ("调\n离", True), ("调" * 500, True), ("调" * 501, False), (" \n", False), ("\x00调", False)],
)
def test_reasons(reason, fine):
    assert (policy.check_reason(reason) is None) is fine


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("organisation", "roles", "found"),
    [
        (SCHOOL, (Role.REGISTRAR,), []),
        (SCHOOL, (Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL), []),
        (AUTHORITY, (Role.AUTHORITY_OFFICER, Role.LEADER), []),
        (AUTHORITY, (Role.AUDITOR,), []),
        (AUTHORITY, (Role.ACCOUNT_ADMIN,), []),
        (SCHOOL, (), ["account.no_role"]),
        (SCHOOL, (Role.REGISTRAR, Role.REGISTRAR), ["account.role_twice"]),
        (SCHOOL, (Role.AUTHORITY_OFFICER,), ["account.role_not_here"]),
        (SCHOOL, (Role.ACCOUNT_ADMIN,), ["account.role_not_here"]),
        (AUTHORITY, (Role.REGISTRAR,), ["account.role_not_here"]),
        (AUTHORITY, (Role.OPERATOR,), ["account.role_not_here"]),
        (AUTHORITY, (Role.SYSTEM,), ["account.role_not_here"]),
        (AUTHORITY, (Role.INTEGRATION_CLIENT,), ["account.role_not_here"]),
        (AUTHORITY, (Role.ACCOUNT_ADMIN, Role.AUTHORITY_OFFICER), ["account.role_alone"]),
        (AUTHORITY, (Role.AUDITOR, Role.LEADER), ["account.role_alone"]),
        (AUTHORITY, (Role.AUDITOR, Role.ACCOUNT_ADMIN), ["account.role_alone"]),
    ],
)
def test_roles_of_an_organisation(organisation, roles, found):
    assert [finding.code for finding in policy.check_roles(organisation, roles)] == found


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("classes", [(), ("1",), ("9",), ("1-01",), ("1-99", "2-10", "3")])
def test_classes_of_a_class_teacher(classes):
    assert policy.check_classes((Role.CLASS_TEACHER,), classes) is None


@pytest.mark.clause("3.1")
@pytest.mark.parametrize("classes", [("0",), ("10",), ("1-00",), ("1-1",), ("1-100",), ("1", "1"), ("一",), ("1-01 ",)])
def test_no_classes(classes):
    assert code(policy.check_classes((Role.CLASS_TEACHER,), classes)) == "account.classes_format"


@pytest.mark.clause("3.1")
def test_classes_are_for_class_teachers():
    assert code(policy.check_classes((Role.REGISTRAR,), ("1",))) == "account.classes_without_teacher"
    assert policy.check_classes((Role.REGISTRAR,), ()) is None


@pytest.mark.clause("45.3")
def test_nobody_decides_about_himself():
    me = Actor(account="me", name="", organisation=AUTHORITY, roles=(Role.ACCOUNT_ADMIN,))
    assert code(policy.check_own(me, "me")) == "account.own"
    assert policy.check_own(me, "you") is None


# ---- passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("password", "found"),
    [
        ("k7mq2vxp9r", None),  # ten characters
        ("k7mq2vxp9", "password.too_short"),
        ("brown-otter-42-lantern", None),
        ("蓝色的水獭在湖边吃糖葫芦", None),
        ("x7" * 64, "password.weak"),  # 128: long, and still nothing but a repetition
        ("k7mq2vxp9r" + "z" * 119, "password.too_long"),  # 129
        ("k7mq2vxp9r\x00", "password.characters"),
        ("Password123!", "password.weak"),
        ("1234567890", "password.weak"),
        ("qwertyuiop", "password.weak"),
        ("woaini1314520", "password.weak"),
        ("haerbin2026", "password.weak"),
        ("otter-nangang-42-lamp", "password.own_words"),
        ("lamp-NANGANG.WEI-x9", "password.own_words"),
        ("k7mq2魏建国vxp9r", "password.own_words"),
        ("k7mq2育才小学vxp9r", "password.own_words"),
        ("k7mq-2123010001", "password.own_words"),
    ],
)
def test_passwords(password, found):
    assert code(policy.check_password(password, OWNER, PARAMETERS)) == found


@pytest.mark.clause("45.3")
def test_the_length_is_a_parameter():
    assert PARAMETERS.password_min_length == 10
    longer = msgspec.structs.replace(PARAMETERS, password_min_length=11)
    assert code(policy.check_password("k7mq2vxp9r", OWNER, longer)) == "password.too_short"


def test_a_finding_never_shows_the_password():
    found = policy.check_password("qwertyuiop", OWNER, PARAMETERS)
    assert found is not None and "qwertyuiop" not in repr(found)


def test_first_passwords_are_strong_and_all_different():
    made = {first_password() for _ in range(200)}
    assert len(made) == 200
    assert all(policy.check_password(one, OWNER, PARAMETERS) is None for one in made)


@pytest.mark.clause("45.3")
def test_a_password_is_old_after_its_last_day():
    set_on = date(2026, 1, 1)
    last = set_on + timedelta(days=PARAMETERS.password_max_days)
    assert not policy.password_is_old(set_on, last, PARAMETERS)
    assert policy.password_is_old(set_on, last + timedelta(days=1), PARAMETERS)


@pytest.mark.clause("45.3")
def test_a_first_password_is_over_after_its_last_day():
    set_on = date(2026, 1, 1)
    last = set_on + timedelta(days=PARAMETERS.first_password_days)
    assert not policy.first_password_is_over(set_on, last, PARAMETERS)
    assert policy.first_password_is_over(set_on, last + timedelta(days=1), PARAMETERS)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("mode", "organisation", "needed"),
    [
        ("none", AUTHORITY, False),
        ("authorities", AUTHORITY, True),
        ("authorities", SCHOOL, False),
        ("all", SCHOOL, True),
        ("all", AUTHORITY, True),
    ],
)
def test_who_needs_a_second_factor(mode, organisation, needed):
    assert policy.needs_second_factor(mode, organisation) is needed


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("must_change", "old", "missing", "limit"),
    [
        (False, False, False, ""),
        (True, False, True, "password"),
        (False, True, False, "password"),
        (False, False, True, "second_factor"),
    ],
)
def test_what_comes_first(must_change, old, missing, limit):
    assert policy.limit(must_change=must_change, old=old, factor_missing=missing) == limit


# ---- lockout, dormancy ----------------------------------------------------------------------------------------------


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("failures", "seconds"),
    [(0, 0), (4, 0), (5, 30), (6, 60), (7, 120), (10, 960), (11, 1800), (12, 1800), (10_000, 1800)],
)
def test_the_wait_grows(failures, seconds):
    assert policy.wait_after(failures, 5) == timedelta(seconds=seconds)


@pytest.mark.clause("45.3")
def test_failures_are_forgotten_after_a_day():
    day = policy.FORGOTTEN_AFTER
    assert policy.failures_then(0, None, NOON) == 1
    assert policy.failures_then(7, NOON - day + timedelta(seconds=1), NOON) == 8
    assert policy.failures_then(7, NOON - day, NOON) == 1


@pytest.mark.clause("45.3")
def test_dormant_accounts_were_last_used_before():
    assert policy.dormant_before(date(2026, 11, 24), PARAMETERS) == date(2026, 5, 28)
