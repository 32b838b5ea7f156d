"""Where a request for an export stands is told to the work queues, after each act, until nobody has to do anything."""

from __future__ import annotations

import msgspec
import pytest
from exports_desk import BOTH, CITY, COUNTY, LEADER, REGISTRAR, SCHOOL, ExportsDesk, request
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.decisions import Refused
from shared_contracts.exports import CancelExport, ExportSelection, ExportsStand, ResubmitExport
from shared_contracts.messages import subject

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


async def newest(desk: ExportsDesk) -> CaseStands:
    rows = await desk.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(ExportsStand))
    told = [one for row in rows for one in msgspec.json.decode(row["payload"], type=ExportsStand).cases]
    assert [one.version for one in told] == sorted({one.version for one in told}), "each act has news of its own"
    return told[-1]


async def test_it_waits_for_a_leader_who_did_not_ask(desk: ExportsDesk) -> None:
    view = await desk.request(BOTH, selection=ExportSelection(organisation=COUNTY))
    stands = await newest(desk)
    assert (stands.organisation, stands.roles, stands.not_accounts) == (COUNTY, (Role.LEADER,), (BOTH.account,))
    assert (stands.number, stands.due_on, stands.superior) == (view.number, view.due_on, CITY)
    assert stands.link == f"/v1/exports/{view.id}"


async def test_what_came_back_is_for_whoever_asked_alone(desk: ExportsDesk) -> None:
    view = await desk.request()
    await desk.decide(view.id, LEADER, "return", reason="用途不清")
    stands = await newest(desk)
    assert (stands.status, stands.organisation, stands.only_accounts) == ("returned", SCHOOL, (REGISTRAR.account,))
    again = ResubmitExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, request=request(purpose="升学核对"))
    reply = await desk.send(again)
    assert not isinstance(reply, Refused), reply
    stands = await newest(desk)
    assert (stands.status, stands.organisation, stands.only_accounts) == ("open", COUNTY, ())


@pytest.mark.parametrize("end", ["approve", "reject", "cancel"])
async def test_what_is_decided_or_taken_back_waits_for_nobody(desk: ExportsDesk, end: str) -> None:
    view = await desk.request()
    await desk.attach(view.id)
    if end == "cancel":
        cancel = CancelExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, reason="不再需要")
        assert not isinstance(await desk.send(cancel), Refused)
    else:
        await desk.decide(view.id, LEADER, end, reason="核对")
    stands = await newest(desk)
    assert (stands.organisation, stands.roles, stands.due_on) == (None, (), None)
