"""Organisations over HTTP: as of a day, their changes with version and key, the import of a workbook."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import httpx
import pytest
from gateway_support import StandInBus, key
from service_kit.bus import Unknown
from service_kit.clock import ZONE
from service_kit.files import FileMissing, FileStore
from shared_contracts.decisions import refused
from shared_contracts.files import Template
from shared_contracts.organisations import (
    ChangeSupervision,
    CloseOrganisation,
    ConfirmImport,
    CreateOrganisation,
    GetImport,
    GetImportTemplate,
    GetOrganisation,
    ImportRow,
    ImportTotals,
    ListImportRows,
    ListOrganisations,
    ListVersions,
    OpenImport,
    OrganisationHistory,
    OrganisationImport,
    OrganisationImportPage,
    OrganisationPage,
    OrganisationRecord,
    OrganisationView,
    RenameOrganisation,
    ReviseOrganisation,
)

CODE = "2123010001"
VIEW = OrganisationView(
    code=CODE,
    name="测试小学",
    kind="school",
    parent="230102",
    authority="230102",
    division="230102",
    school_type="211",
    stages=("primary",),
    system="6-3",
    ownership="public",
    locality="urban",
)
RECORD = OrganisationRecord(organisation=VIEW, valid_from=date(2020, 1, 1), valid_to=None, closed=False, version=3)
LOOKED = OrganisationImport(
    id="i1",
    file_name="机构.xlsx",
    effective_from=date(2026, 9, 1),
    state="checked",
    totals=ImportTotals(rows=1, created=1),
    created_at=datetime(2026, 9, 10, tzinfo=ZONE),
    created_by="学籍主管",
    version=1,
)
NEW: dict[str, Any] = {
    "code": CODE,
    "name": "测试小学",
    "kind": "school",
    "effective_from": "2026-09-01",
    "parent": "230102",
    "authority": "230102",
    "division": "230102",
    "school_type": "211",
    "stages": ["primary"],
    "system": "6-3",
    "ownership": "public",
    "locality": "urban",
}


@pytest.mark.clause("3.1", "44")
async def test_an_organisation_as_of_a_day(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetOrganisation, RECORD)
    answer = await client.get(f"/v1/organisations/{CODE}?on=2026-03-01")
    assert (answer.status_code, answer.headers["ETag"], answer.json()["organisation"]["code"]) == (200, '"3"', CODE)
    assert stand_in.last(GetOrganisation).on == date(2026, 3, 1)
    stand_in.answer(ListVersions, OrganisationHistory(code=CODE, versions=(RECORD,)))
    assert (await client.get(f"/v1/organisations/{CODE}/versions")).json()["versions"][0]["valid_from"] == "2020-01-01"
    for wrong in ("12345", "12345678", "x" * 10):
        assert (await client.get(f"/v1/organisations/{wrong}")).status_code in (404, 422), wrong
    assert (await client.get(f"/v1/organisations/{CODE}?on=1.3.2026")).status_code == 422


async def test_lists_by_day_and_name_and_a_tree_without_other_provinces(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    beijing = OrganisationView(
        code="110108", name="海淀区教委", kind="external", parent=None, authority=None, division="110108"
    )
    stand_in.answer(ListOrganisations, OrganisationPage(items=(beijing, VIEW)))
    listed = await client.get("/v1/organisations", params={"on": "2026-03-01", "q": "小学", "kind": "school"})
    assert len(listed.json()["items"]) == 2
    query = stand_in.last(ListOrganisations)
    assert (query.on, query.q, query.kind) == (date(2026, 3, 1), "小学", "school")
    grown = (await client.get("/v1/organisations?view=tree")).json()
    assert [root["organisation"]["code"] for root in grown["roots"]] == [CODE]


async def test_an_organisation_is_founded(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(CreateOrganisation, RECORD)
    answer = await client.post("/v1/organisations", json=NEW, headers=key())
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/v1/organisations/{CODE}")
    command = stand_in.last(CreateOrganisation)
    assert (command.organisation, command.effective_from) == (VIEW, date(2026, 9, 1))
    for wrong in ({"code": "12"}, {"kind": "village"}, {"system": "6-4"}, {"extra": 1}, {"effective_from": None}):
        answer = await client.post("/v1/organisations", json=NEW | wrong, headers=key())
        assert answer.status_code == 422, wrong
    assert (await client.post("/v1/organisations", json=NEW)).status_code in (400, 422), "no key"


async def test_a_revision_names_the_version_it_is_based_on(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ReviseOrganisation, RECORD)
    body = {"effective_from": "2026-09-01", "system": "5-4"}
    assert (await client.patch(f"/v1/organisations/{CODE}", json=body)).status_code == 428
    answer = await client.patch(f"/v1/organisations/{CODE}", json=body, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    command = stand_in.last(ReviseOrganisation)
    assert (command.version, command.system, command.locality, command.code) == (2, "5-4", None, CODE)
    await client.patch(f"/v1/organisations/{CODE}", json=body, headers={"If-Match": '"2"'})
    assert stand_in.last(ReviseOrganisation).command_id == command.command_id, "the same edit is carried out once"


async def test_name_supervision_and_end(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    for kind in (RenameOrganisation, ChangeSupervision, CloseOrganisation):
        stand_in.answer(kind, RECORD)
    day, base = {"effective_from": "2026-09-01"}, f"/v1/organisations/{CODE}"
    with_version = {**key(), "If-Match": '"2"'}
    answer = await client.post(f"{base}/name-changes", json={"name": " 新名小学 ", **day}, headers=with_version)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"3"')
    renamed = stand_in.last(RenameOrganisation)
    assert (renamed.name, renamed.version, renamed.effective_from) == ("新名小学", 2, date(2026, 9, 1))
    moved = {"authority": "230103", "division": "230103", "reason": "文件", **day}
    assert (await client.post(f"{base}/supervision-changes", json=moved, headers=key())).status_code == 200
    command = stand_in.last(ChangeSupervision)
    assert (command.authority, command.division, command.reason, command.version) == ("230103", "230103", "文件", None)
    assert (await client.post(f"{base}/closure", json=day, headers=key())).status_code == 200
    assert stand_in.last(CloseOrganisation).code == CODE
    for path, wrong in (
        ("name-changes", {"name": "  ", **day}),
        ("supervision-changes", moved | {"reason": ""}),
        ("supervision-changes", moved | {"authority": CODE}),
        ("closure", {}),
    ):
        assert (await client.post(f"{base}/{path}", json=wrong, headers=key())).status_code == 422, (path, wrong)


async def upload(client: httpx.AsyncClient, content: bytes = b"PK workbook", **params: str) -> httpx.Response:
    params = {"effective_from": "2026-09-01"} | params
    files = {"file": ("机构.xlsx", content)}
    return await client.post("/v1/organisations/imports", params=params, files=files, headers=key())


async def test_a_workbook_is_looked_at_and_not_kept(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    stand_in.answer(OpenImport, LOOKED)
    answer = await upload(client)
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/organisations/imports/i1")
    command = stand_in.last(OpenImport)
    assert (command.effective_from, command.file.name, command.file.size) == (date(2026, 9, 1), "机构.xlsx", 11)
    with pytest.raises(FileMissing):
        await files.read(command.file.id)
    await upload(client)
    again = stand_in.last(OpenImport)
    assert (again.import_id, again.command_id, again.file) == (command.import_id, command.command_id, command.file)


async def test_a_workbook_that_is_refused_or_not_answered_is_not_kept_either(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    for reply, status in ((refused("invalid", "文件含有宏。"), 422), (Unknown("no answer"), 504)):
        stand_in.answer(OpenImport, reply)
        assert (await upload(client)).status_code == status
        with pytest.raises(FileMissing):
            await files.read(stand_in.last(OpenImport).file.id)


async def test_what_an_upload_needs(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    assert (await upload(client, effective_from="soon")).status_code == 422
    assert (await upload(client, b"x" * 400_000)).status_code == 413
    files = {"file": ("机构.xlsx", b"PK")}
    answer = await client.post("/v1/organisations/imports", files=files, headers=key())
    assert answer.status_code in (400, 422), "no day"
    assert not [message for message in stand_in.asked if isinstance(message, OpenImport)]


async def test_rows_confirmation_and_template(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetImport, LOOKED)
    assert (await client.get("/v1/organisations/imports/i1")).headers["ETag"] == '"1"'
    row = ImportRow(row=2, outcome="changed", code=CODE, name="测试小学", changes={"学制": ("六三制", "五四制")})
    stand_in.answer(ListImportRows, OrganisationImportPage(items=(row,)))
    answer = await client.get("/v1/organisations/imports/i1/rows?outcome=changed&limit=5")
    assert answer.json()["items"][0]["changes"] == {"学制": ["六三制", "五四制"]}
    assert (stand_in.last(ListImportRows).outcome, stand_in.last(ListImportRows).limit) == ("changed", 5)
    stand_in.answer(ConfirmImport, LOOKED)
    answer = await client.post("/v1/organisations/imports/i1/confirmation", headers={**key(), "If-Match": '"1"'})
    assert (answer.status_code, stand_in.last(ConfirmImport).version) == (200, 1)
    stand_in.answer(GetImportTemplate, Template(name="机构信息表.xlsx", content=b"PK", media_type="application/x"))
    answer = await client.get("/v1/organisations/imports/template")
    assert (answer.content, "attachment" in answer.headers["content-disposition"]) == (b"PK", True)
