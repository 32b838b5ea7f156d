"""Organisations from a workbook: looked at row by row first, then carried out as shown, or not at all."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import Any

import msgspec
import openpyxl
import pytest
from registry.organisations.sheet import COLUMNS, TITLE
from registry_world import (
    AUTHORITY,
    CITY,
    OPERATOR,
    OTHER_SCHOOL,
    PROVINCE,
    REGISTRAR,
    SCHOOL,
    TODAY,
    World,
    actor,
    view,
)
from roster_workbooks import make_workbook, repack
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.files import Template
from shared_contracts.organisations import (
    ConfirmImport,
    GetImport,
    GetImportTemplate,
    GetOrganisation,
    ImportRow,
    ListImportRows,
    OpenImport,
    OrganisationImport,
    OrganisationsChanged,
    RenameOrganisation,
)

pytestmark = pytest.mark.integration
COUNTY, CITY_OFFICER, PROVINCIAL = (actor(Role.AUTHORITY_OFFICER, code) for code in (AUTHORITY, CITY, PROVINCE))
NEAR = "230103"
HEADERS = [column.header for column in COLUMNS]
FROM = date(2026, 9, 1)

SAME = {
    "机构代码": SCHOOL.code,
    "机构名称": SCHOOL.name,
    "机构类别": "4-学校",
    "主管教育行政部门代码": AUTHORITY,
    "所在县区代码": AUTHORITY,
    "办学类型": "211-小学",
    "学制": "63-六三制",
    "办别": "1-公办",
    "城乡类型": "1-城区",
}
NEW = SAME | {"机构代码": "2123010077", "机构名称": "哈尔滨市道里区新建小学"}
BEIJING = {"机构代码": "110108", "机构名称": "北京市海淀区教育委员会", "机构类别": "外省教育行政部门"}


@pytest.fixture
async def world(world: World) -> World:
    await world.load(SCHOOL, OTHER_SCHOOL)
    return world


def workbook(*rows: dict[str, Any], headers: list[str] = HEADERS) -> bytes:
    return make_workbook(rows, headers=headers, sheet=TITLE)


async def open_(world: World, content: bytes, who: Actor = COUNTY, **more: Any) -> Any:
    file = await world.deps.files.put("机构.xlsx", "application/octet-stream", content, 64 * 1024**2)
    command = OpenImport(
        command_id=new_id(), actor=who, import_id=new_id(), file=file, **({"effective_from": FROM} | more)
    )
    return await world.do(command)


async def rows(world: World, import_id: str, who: Actor = COUNTY, **more: Any) -> list[ImportRow]:
    return list((await world.ask(ListImportRows(actor=who, import_id=import_id, **more))).items)


async def confirm(world: World, import_id: str, who: Actor = COUNTY, **more: Any) -> Any:
    return await world.do(ConfirmImport(command_id=new_id(), actor=who, import_id=import_id, **more))


async def organisation(world: World, code: str, on: date | None = None) -> Any:
    return await world.ask(GetOrganisation(actor=REGISTRAR, code=code, on=on))


@pytest.mark.clause("3.1", "44")
async def test_looked_at_first_and_carried_out_then(world: World) -> None:
    renamed = SAME | {"机构代码": OTHER_SCHOOL.code, "机构名称": "改名小学", "学制": "6-3", "城乡类型": "镇区"}
    looked = await open_(world, workbook(SAME, renamed, NEW))
    assert isinstance(looked, OrganisationImport)
    assert (looked.state, looked.effective_from, looked.file_name) == ("checked", FROM, "机构.xlsx")
    totals = looked.totals
    assert (totals.rows, totals.created, totals.changed, totals.unchanged, totals.refused) == (3, 1, 1, 1, 0)
    same, changed, created = await rows(world, looked.id)
    assert [(r.row, r.outcome) for r in (same, changed, created)] == [(2, "unchanged"), (3, "changed"), (4, "created")]
    assert changed.changes == {"机构名称": (OTHER_SCHOOL.name, "改名小学"), "城乡类型": ("城区", "镇区")}
    assert (await organisation(world, NEW["机构代码"])).kind == "not_found", "nothing is changed yet"
    assert (await world.events(OrganisationsChanged)) == []

    done = await confirm(world, looked.id, version=looked.version)
    assert (done.state, done.version) == ("confirmed", looked.version + 1)
    assert (await organisation(world, NEW["机构代码"])).valid_from == FROM
    assert (await organisation(world, OTHER_SCHOOL.code)).organisation.locality == "town"
    assert (await organisation(world, OTHER_SCHOOL.code, date(2026, 8, 31))).organisation == view(OTHER_SCHOOL)
    (event,) = await world.events(OrganisationsChanged)
    assert [one.code for one in event.organisations] == [OTHER_SCHOOL.code, NEW["机构代码"]]
    assert await confirm(world, looked.id) == done, "it has been confirmed: that is what was asked for"
    assert len(await world.events(OrganisationsChanged)) == 1


@pytest.mark.clause("2", "3.1")
async def test_each_row_says_what_is_wrong_and_how_it_is_cured(world: World) -> None:
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"机构名称": None}, "form.missing", "name"),
        ({"机构类别": "幼儿园"}, "form.code_unknown", "kind"),
        ({"办学类型": "211-初级中学"}, "form.code_unknown", "school_type"),
        ({"办学类型": None}, "organisation.school_type", "school_type"),
        ({"学制": None}, "organisation.system", "system"),
        ({"所在县区代码": "230100"}, "organisation.division", "division"),
        ({"主管教育行政部门代码": "230199"}, "organisation.authority", "authority"),
        ({"机构代码": "212301007"}, "school_code.digits", "code"),
        ({"机构名称": "长" * 61}, "form.too_long", "name"),
    ]
    # Each with a code of its own where the code is not the fault.
    forms = [NEW | {"机构代码": f"21230101{n:02d}"} | changes for n, (changes, _, _) in enumerate(bad)]
    looked = await open_(world, workbook(*forms, NEW))
    assert (looked.totals.refused, looked.totals.created) == (len(bad), 1)
    found = await rows(world, looked.id)
    for row, (changes, code, field) in zip(found, bad, strict=False):
        assert row.outcome == "refused", changes
        assert code in [finding.code for finding in row.findings], (changes, row.findings)
        assert any(field in finding.fields and finding.cure for finding in row.findings), changes
    assert [row.row for row in await rows(world, looked.id, outcome="created")] == [len(bad) + 2]
    reply = await confirm(world, looked.id)
    assert reply.kind == "refused"
    assert (await organisation(world, NEW["机构代码"])).kind == "not_found", "nor the good one beside them"


async def test_one_code_twice(world: World) -> None:
    looked = await open_(world, workbook(NEW, NEW | {"机构名称": "另一个名称"}))
    first, second = await rows(world, looked.id)
    assert (first.outcome, second.outcome) == ("created", "refused")
    assert [f.code for f in second.findings] == ["organisation.twice"]
    assert "第2行" in second.findings[0].message


@pytest.mark.clause("3.1")
async def test_nobody_reaches_into_a_neighbouring_county_with_a_workbook(world: World) -> None:
    near = {"机构代码": NEAR, "机构名称": "南岗区教育局", "机构类别": "县级教育行政部门", "主管教育行政部门代码": CITY}
    theirs = NEW | {"主管教育行政部门代码": NEAR, "所在县区代码": NEAR}
    looked = await open_(world, workbook(SAME, near, theirs, NEW, BEIJING))
    found = await rows(world, looked.id)
    assert [row.outcome for row in found] == ["unchanged", "refused", "refused", "refused", "refused"]
    for row in (found[1], found[2], found[4]):
        assert "organisation.out_of_reach" in [f.code for f in row.findings]
    assert (await confirm(world, looked.id)).kind == "refused"
    looked = await open_(world, workbook(SAME, near, theirs), CITY_OFFICER)
    assert (looked.totals.created, looked.totals.refused) == (2, 0)
    assert not isinstance(await confirm(world, looked.id, CITY_OFFICER), Refused)
    taken = SAME | {"主管教育行政部门代码": NEAR, "所在县区代码": NEAR}
    for who, outcome in (
        (COUNTY, "refused"),
        (actor(Role.AUTHORITY_OFFICER, NEAR), "refused"),
        (CITY_OFFICER, "changed"),
    ):
        looked = await open_(world, workbook(taken), who, effective_from=TODAY)
        assert [row.outcome for row in await rows(world, looked.id, who)] == [outcome], who


async def test_a_school_that_goes_to_another_authority_by_workbook_takes_its_registrations_along(world: World) -> None:
    one = await world.one()
    looked = await open_(world, workbook(SAME | {"主管教育行政部门代码": CITY}), CITY_OFFICER, effective_from=TODAY)
    await confirm(world, looked.id, CITY_OFFICER)
    (row,) = await world.sql("SELECT parties ->> 'authority' AS decider FROM cases WHERE id = $1", one)
    assert row["decider"] == CITY


async def test_authorities_of_other_provinces(world: World) -> None:
    looked = await open_(world, workbook(BEIJING), PROVINCIAL)
    assert not isinstance(await confirm(world, looked.id, PROVINCIAL), Refused)
    assert (await organisation(world, "110108")).organisation.kind == "external"


async def test_what_was_shown_is_what_is_done_or_nothing(world: World) -> None:
    """Somebody else changes one of them between the look and the confirmation."""
    looked = await open_(world, workbook(SAME, NEW))
    await world.do(
        RenameOrganisation(command_id=new_id(), actor=COUNTY, code=SCHOOL.code, name="新名小学", effective_from=TODAY)
    )
    reply = await confirm(world, looked.id)
    assert reply.kind == "conflict"
    assert "第2行" in reply.detail
    assert (await organisation(world, NEW["机构代码"])).kind == "not_found"
    assert (await organisation(world, SCHOOL.code)).organisation.name == "新名小学"


async def test_a_school_keeps_a_parent_that_is_not_its_authority(world: World) -> None:
    await world.sql("UPDATE organisations SET parent = $2 WHERE code = $1", SCHOOL.code, CITY)
    looked = await open_(world, workbook(SAME))
    assert looked.totals.unchanged == 1


async def test_who_may(world: World) -> None:
    for who in (REGISTRAR, actor(Role.LEADER, AUTHORITY), actor(Role.AUDITOR, PROVINCE)):
        assert isinstance(await open_(world, workbook(SAME), who), Refused), who
        assert isinstance(await world.ask(GetImportTemplate(actor=who)), Refused), who
    looked = await open_(world, workbook(NEW))
    for who in (actor(Role.AUTHORITY_OFFICER, NEAR), REGISTRAR):
        assert isinstance(await world.ask(GetImport(actor=who, import_id=looked.id)), Refused)
        assert isinstance(await world.ask(ListImportRows(actor=who, import_id=looked.id)), Refused)
        assert isinstance(await confirm(world, looked.id, who), Refused)
    assert isinstance(await world.ask(GetImport(actor=CITY_OFFICER, import_id=looked.id)), OrganisationImport)
    assert isinstance(await open_(world, workbook(NEW), OPERATOR), OrganisationImport)
    assert (await world.ask(GetImport(actor=COUNTY, import_id="nothing"))).kind == "not_found"


@pytest.mark.clause("44")
async def test_nothing_begins_tomorrow(world: World) -> None:
    assert (await open_(world, workbook(NEW), effective_from=date(2026, 9, 11))).kind == "invalid"


# ---- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "空的"),
        (b"not a workbook", "不是Excel工作簿"),
        (workbook(SAME, headers=["机构代码", "机构名称", "机构类别"]), "没有找到《机构信息表》的表头"),
        (workbook(SAME, headers=[h for h in HEADERS if h != "机构类别"]), "缺少必填的列：机构类别"),
        (workbook(), "没有机构数据"),
        (workbook(*[NEW] * 5_001), "超过5000行"),
        (workbook(SAME | {"机构名称": "=1+1"}), ""),  # a text, not a formula: the checker's business
    ],
)
async def test_a_file_that_is_none(world: World, content: bytes, word: str) -> None:
    reply = await open_(world, content)
    if not word:
        assert isinstance(reply, OrganisationImport)
        return
    assert reply.kind == "invalid"
    assert word in reply.detail


async def test_formulas_and_bombs_are_not_opened(world: World) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook(SAME)))
    book[TITLE]["B2"] = "=HYPERLINK(1)"
    out = io.BytesIO()
    book.save(out)
    assert "公式" in (await open_(world, out.getvalue())).detail
    bomb = repack(workbook(SAME), {"xl/worksheets/sheet2.xml": b" " * 140_000_000})
    assert "解压后过大" in (await open_(world, bomb)).detail
    assert zipfile.is_zipfile(io.BytesIO(bomb))


async def test_a_file_that_is_gone(world: World) -> None:
    file = await world.deps.files.put("机构.xlsx", "application/octet-stream", workbook(SAME), 10**6)
    await world.deps.files.delete(file.id)
    command = OpenImport(command_id=new_id(), actor=COUNTY, import_id=new_id(), file=file, effective_from=FROM)
    assert (await world.do(command)).kind == "conflict"
    large = msgspec.structs.replace(file, size=9 * 1024**2)
    command = OpenImport(command_id=new_id(), actor=COUNTY, import_id=new_id(), file=large, effective_from=FROM)
    assert (await world.do(command)).kind == "too_large"


async def test_the_template_is_what_the_import_reads(world: World) -> None:
    template = await world.ask(GetImportTemplate(actor=COUNTY))
    assert isinstance(template, Template)
    book = openpyxl.load_workbook(io.BytesIO(template.content))
    sheet = book[TITLE]
    titles = [cell.value for cell in sheet[1]]
    assert titles == HEADERS
    listed = {str(validation.sqref).split(":")[0] for validation in sheet.data_validations.dataValidation}
    assert len(listed) == sum(column.options is not None for column in COLUMNS)
    for title, value in NEW.items():
        sheet.cell(row=2, column=titles.index(title) + 1, value=value)
    out = io.BytesIO()
    book.save(out)
    looked = await open_(world, out.getvalue())
    assert (looked.totals.rows, looked.totals.created) == (1, 1)
    guide = [[cell.value for cell in row] for row in book["填写说明"].iter_rows()]
    assert ["机构代码", "必填"] in [row[:2] for row in guide]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM organisation_imports",
        "UPDATE organisation_imports SET effective_from = '2020-01-01'",
        "UPDATE organisation_import_rows SET outcome = 'created'",
        "DELETE FROM organisation_import_rows",
    ],
)
async def test_the_application_s_role_cannot(world: World, statement: str) -> None:
    import asyncpg

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)
