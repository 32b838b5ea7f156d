"""The file: once, for its requester, for a quarter of an hour (clause 45.2)."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from exports_desk import COUNTY, LEADER, OFFICER, PRINCIPAL, REGISTRAR, SCHOOL, ExportsDesk, request
from service_kit.files import FileMissing
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportFailed, ExportFile, ExportState, ResubmitExport

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


async def test_ready_fetched_gone(desk: ExportsDesk) -> None:
    view, file = await desk.ready()
    assert (view.state, view.state_title, view.sha256) == (ExportState.READY, "可下载", file.sha256)
    got = await desk.download(view.id)
    assert isinstance(got, ExportFile) and got.file == file
    after = await desk.view(view.id)
    assert after.state is ExportState.DOWNLOADED and after.downloaded_at == desk.clock.now()
    desk.clock.move(minutes=14, seconds=59)
    assert await desk.sweep() == 0
    desk.clock.move(seconds=1)
    assert await desk.sweep() == 1
    with pytest.raises(FileMissing):
        await desk.deps.files.read(file.id)
    assert await desk.sweep() == 0


async def test_a_second_download_is_refused_a_repeat_is_the_same_one(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    key = new_id()
    first = await desk.download(view.id, command_id=key)
    assert await desk.download(view.id, command_id=key) == first
    second = await desk.download(view.id)
    assert isinstance(second, Refused) and second.kind == "conflict" and "只能下载一次" in second.detail


async def test_two_at_the_same_instant_get_one_file(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    told = await asyncio.gather(*(desk.download(view.id) for _ in range(6)))
    assert sum(isinstance(reply, ExportFile) for reply in told) == 1
    assert all(isinstance(reply, ExportFile) or reply.kind == "conflict" for reply in told)


async def test_two_at_the_same_instant_with_one_key_are_one(desk: ExportsDesk) -> None:
    view, file = await desk.ready()
    key = new_id()
    told = await asyncio.gather(*(desk.download(view.id, command_id=key) for _ in range(4)))
    assert [reply.file.id for reply in told] == [file.id] * 4


async def test_only_whoever_asked_fetches(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    assert (await desk.download(view.id, PRINCIPAL)).kind == "not_found"
    assert (await desk.download(view.id, OFFICER)).kind == "not_found"
    assert (await desk.download(view.id, LEADER)).kind == "forbidden"
    assert isinstance(await desk.download(view.id), ExportFile)


async def test_nothing_before_it_is_approved_and_made(desk: ExportsDesk) -> None:
    view = await desk.request()
    assert (await desk.download(view.id)).kind == "conflict"
    done = await desk.approved()
    assert (await desk.download(done.id)).kind == "conflict"


async def test_an_unfetched_file_goes_when_the_export_expires(desk: ExportsDesk) -> None:
    view, file = await desk.ready()
    desk.clock.move(days=6, hours=13, minutes=59)
    assert await desk.sweep() == 0 and (await desk.view(view.id)).state is ExportState.READY
    desk.clock.move(minutes=1)
    after = await desk.view(view.id)
    assert (after.state, after.state_title) == (ExportState.EXPIRED, "已过期")
    assert (await desk.download(view.id)).kind == "conflict"
    assert await desk.sweep() == 1
    with pytest.raises(FileMissing):
        await desk.deps.files.read(file.id)


async def test_a_repeat_does_not_outlive_the_export(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    desk.clock.move(days=6, hours=13, minutes=55)
    got = await desk.download(view.id)
    assert (got.available_until - desk.clock.now()).total_seconds() == 300


async def test_a_file_that_comes_too_late_is_swept(desk: ExportsDesk) -> None:
    view = await desk.approved()
    desk.clock.move(days=8)
    await desk.made(view.id)
    assert (await desk.view(view.id)).state is ExportState.EXPIRED
    assert await desk.sweep() == 1


async def test_told_twice_the_first_file_stays(desk: ExportsDesk) -> None:
    view, file = await desk.ready()
    await desk.made(view.id, rows=7)
    await desk.tell(ExportFailed(export_id=view.id, code="no_rows", message="x"))
    again = await desk.view(view.id)
    assert (again.state, again.sha256, again.rows) == (ExportState.READY, file.sha256, 120)
    await desk.made(new_id())  # of an export that nobody knows: no harm


async def test_a_file_that_cannot_be_made_says_why(desk: ExportsDesk) -> None:
    view = await desk.approved()
    await desk.tell(ExportFailed(export_id=view.id, code="too_many_rows", message="超过上限。请缩小范围。"))
    after = await desk.view(view.id)
    assert (after.state, after.problem) == (ExportState.FAILED, "超过上限。请缩小范围。")
    assert (await desk.download(view.id)).kind == "conflict"


async def test_the_database_too_says_once(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.rows('UPDATE exports SET file = \'{"id": "other"}\' WHERE id = $1', view.id)
    await desk.download(view.id)
    for change in ("downloaded_at = NULL, available_until = NULL", "available_until = now() + interval '9 days'"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await desk.rows(f"UPDATE exports SET {change} WHERE id = $1", view.id)


async def test_leaders_and_whoever_asked_are_told_where_it_stands(desk: ExportsDesk) -> None:
    view = await desk.request()
    await desk.decide(view.id, decision="return", reason="请改用途")
    again = request(purpose="核对升学名册（更正）")
    await desk.send(ResubmitExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, request=again))
    await desk.attach(view.id)
    await desk.decide(view.id)
    await desk.made(view.id)
    told = await desk.told()
    assert [(one.stands, one.reason) for one in told] == [
        ("waits", ""), ("returned", "请改用途"), ("waits", ""), ("ready", ""),
    ]  # fmt: skip
    assert {(one.organisation, one.authority, one.role) for one in told} == {(SCHOOL, COUNTY, Role.REGISTRAR)}
    assert told[0].revision < told[2].revision  # asked again: told again


async def test_a_file_that_could_not_be_made_is_told(desk: ExportsDesk) -> None:
    view = await desk.approved()
    await desk.tell(ExportFailed(export_id=view.id, code="too_many_rows", message="超过行数上限。"))
    assert [(one.stands, one.reason) for one in await desk.told()][-1] == ("failed", "超过行数上限。")
