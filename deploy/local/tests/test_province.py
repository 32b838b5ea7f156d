"""The province is one that the registry's rules accept, and has a school of every kind that the law names."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import msgspec
from regulation import divisions
from regulation.school_codes import SCHOOL_TYPES, check_school_code
from shared_contracts.access import SCOPES
from shared_contracts.actors import Role, system
from shared_contracts.registry import LoadOrganisations, OrganisationView
from xueji_local import accounts, province
from xueji_local.operator import OPERATOR, named
from xueji_local.province import organisations, schools


def _by_code() -> dict[str, OrganisationView]:
    return {organisation.code: organisation for organisation in organisations()}


def test_every_division_has_its_authority_and_every_code_stands_once() -> None:
    counted = Counter(organisation.code for organisation in organisations())
    assert set(divisions.DIVISIONS) < set(counted)
    assert max(counted.values()) == 1
    assert len(divisions.CITIES) == 13


def test_parents_come_before_children() -> None:
    seen: set[str | None] = {None}
    for organisation in organisations():
        assert organisation.parent in seen
        assert organisation.authority in seen
        seen.add(organisation.code)


def test_school_codes_follow_the_rule() -> None:
    for school in schools().values():
        assert check_school_code(school.code, school_type=school.type) is None, school.name


def test_a_school_of_each_kind() -> None:
    all_schools = schools().values()
    assert {"211", "311", "312", "341", "345", "371", "514"} <= {school.type for school in all_schools}
    assert {("211", "6-3"), ("211", "5-4"), ("311", "6-3"), ("311", "5-4")} <= {(s.type, s.system) for s in all_schools}
    assert {s.ownership for s in all_schools} == {"public", "private"}
    assert {s.locality for s in all_schools} == {"urban", "town", "rural"}
    assert any(s.accepts_international and s.type == "311" for s in all_schools)
    assert any(s.supervising == "230100" for s in all_schools), "one that a city manages directly"


def test_the_demonstration_school_is_a_public_urban_primary_school_of_a_county() -> None:
    first = next(iter(schools().values()))
    assert (first.key, first.type, first.ownership, first.locality) == ("xinchun", "211", "public", "urban")
    assert first.supervising == "230103"


def test_authorities_are_named_as_people_name_them() -> None:
    names = {code: organisation.name for code, organisation in _by_code().items()}
    assert names["230000"] == "黑龙江省教育厅"
    assert names["230100"] == "哈尔滨市教育局"
    assert names["230103"] == "哈尔滨市南岗区教育局"
    assert names["230184"] == "五常市教育局"
    assert names["230671"] == "大庆高新技术产业开发区教育局"


def test_accounts_belong_to_organisations_and_each_school_of_theirs_has_its_officer() -> None:
    known = _by_code()
    people = accounts.wanted()
    assert len({a.username for a in people}) == len(people)
    assert all(known[a.organisation].name == a.organisation_name for a in people)
    officers = {a.organisation for a in people if a.role is Role.AUTHORITY_OFFICER}
    staffed = {a.organisation for a in people if known[a.organisation].kind == "school"}
    assert {known[code].authority for code in staffed} <= officers
    for code in staffed:
        roles = {a.role for a in people if a.organisation == code}
        assert roles == {Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL}


def test_a_private_school_and_schools_of_two_cities_have_their_people() -> None:
    """What transfers need: places to draw for, schools under two authorities, another one to be sent to."""
    staffed = {a.organisation for a in accounts.wanted() if a.role is Role.REGISTRAR}
    found = [school for school in schools().values() if school.code in staffed]
    assert any(school.ownership == "private" for school in found)
    cities = {divisions.chain(school.division)[1] for school in found}
    assert len(cities) > 1
    assert any(school.ownership == "public" and school.supervising == "230103" for school in found[1:]), "to be sent to"


def test_a_city_and_the_province_office_have_their_people() -> None:
    """A city files its report of transfers; the province office publishes holidays, and of a transfer to another province one
    of its people enters the application, another one what has been decided."""
    people = {(a.organisation, a.role) for a in accounts.wanted()}
    assert ("230100", Role.LEADER) in people
    assert {(divisions.PROVINCE, Role.AUTHORITY_OFFICER), (divisions.PROVINCE, Role.LEADER)} <= people


def test_a_command_that_says_more_than_before_is_another_command() -> None:
    """Under the id of the old one the registry would refuse it: a home of an earlier version would not start."""
    command = LoadOrganisations(
        command_id="", actor=OPERATOR, organisations=organisations()[:3], valid_from=province.VALID_FROM
    )
    first = named("local-province", command)
    assert first == named("local-province", command) and first.command_id.startswith("local-province-")
    for change in ({"organisations": organisations()[:2]}, {"valid_from": date(2021, 1, 1)}, {"actor": system("x")}):
        other = named("local-province", msgspec.structs.replace(command, **change))
        assert other.command_id != first.command_id, change


def test_types_carry_the_stages_of_the_law() -> None:
    for organisation in organisations():
        if organisation.school_type:
            assert organisation.stages == tuple(SCHOOL_TYPES[organisation.school_type].stages)


def test_there_is_an_account_of_each_role_that_has_one_and_a_client() -> None:
    roles = {account.role for account in accounts.wanted()}
    assert roles == set(Role) - {Role.INTEGRATION_CLIENT, Role.OPERATOR, Role.SYSTEM}
    (client,) = accounts.wanted_clients()
    assert _by_code()[client.organisation].name == client.organisation_name
    assert set(client.scopes) <= set(SCOPES)


def test_passwords_are_made_once_and_a_file_from_before_is_completed(tmp_path: Path) -> None:
    file = tmp_path / "accounts.json"
    former = [{"username": "xinchun.registrar", "password": "kept-as-it-was", "password_hash": "$argon2id$…"}]
    file.write_bytes(msgspec.json.encode(former))
    first = accounts.ensure(file)
    assert first["xinchun.registrar"] == "kept-as-it-was"
    names = {a.username for a in accounts.wanted()} | {c.client_id for c in accounts.wanted_clients()}
    assert set(first) == names and len(set(first.values())) == len(names)
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.stat().st_mtime_ns
    assert accounts.ensure(file) == first
    assert file.stat().st_mtime_ns == before
