"""The service's desk with its ways out, and access' answers under the tests' hands."""

from __future__ import annotations

import re
from typing import Any

from notifications.app import SERVICE
from notifications.delivery import policy, sending
from notifications.delivery.dispatching import dispatch
from notifications.notices import store as notices
from notifications.notices.policy import COUNT, Draft
from service_kit.bus import BusError
from shared_contracts.access import HolderNow, HoldersNow, ListHoldersNow
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused
from shared_contracts.delivery import ConfirmContact, DeliveryView, ListDeliveries, SetContact
from shared_contracts.guardians import FindGuardianPhones, GuardianPhone, GuardianPhones
from shared_contracts.messages import Event
from worklist_desk import WorklistDesk
from xueji_local.sink import Sink, Taken


class Access:
    """What access says of accounts, and the registry of guardians (`phones`, by student). `away`: nobody answers."""

    def __init__(self) -> None:
        self.holders: dict[str, HolderNow] = {}
        self.phones: dict[str, str] = {}
        self.away = False

    def knows(self, who: Actor) -> None:
        self.holders[who.account] = HolderNow(username=who.account, organisation=who.organisation, roles=who.roles)

    async def need(self, message: Any, timeout: float = 5.0) -> Any:
        if self.away:
            raise BusError("access is away")
        if isinstance(message, FindGuardianPhones):
            wanted = (*message.student_ids, *message.admission_ids)
            found = [GuardianPhone(of=one, phone=self.phones[one]) for one in wanted if one in self.phones]
            return GuardianPhones(items=tuple(found))
        assert isinstance(message, ListHoldersNow)
        return HoldersNow(items=tuple(self.holders[name] for name in message.usernames if name in self.holders))


class DeliveryDesk(WorklistDesk):
    def __init__(self, environment: dict[str, str], sink: Sink) -> None:
        self.access = Access()
        super().__init__(environment, self.access)
        self.sink = sink

    async def notice(self, who: Actor, title: str = "待办：转学", kind: str = "step_reached", merge: str = "") -> str:
        """A notice to the account's organisation and first role."""
        draft = Draft(
            organisation=who.organisation,
            role=who.roles[0],
            kind=kind,
            link="/v1/worklist",
            merge=merge or self.id(),
            counts={COUNT: 1},
            words={"title": title, "detail": "王小明等{count}名学生", "due_on": ""},
        )
        async with self.db.unit(self.deps) as work:
            return await notices.put(work.tx, draft, work.now)

    async def hear(self, event: Event) -> None:
        async with self.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    async def go(self) -> list[Taken]:
        """Notices come of age and are dispatched, what waits is sent. Returns what the sink has got by it."""
        before = len(self.sink.taken)
        self.clock.pass_(seconds=policy.WAITS.total_seconds() + 1)
        while await dispatch(self.db, self.deps):
            pass
        await self.send()
        return self.sink.taken[before:]

    async def send(self) -> None:
        while await sending.send_some(self.db, self.deps):
            pass

    async def set(self, who: Actor, channel: str, address: str) -> Any:
        return await self.do(SetContact(command_id=self.id(), actor=who, channel=channel, address=address))

    async def confirm(self, who: Actor, channel: str, code: str) -> Any:
        return await self.do(ConfirmContact(command_id=self.id(), actor=who, channel=channel, code=code))

    async def proved(self, who: Actor, channel: str, address: str) -> None:
        """An address that is the account's."""
        self.access.knows(who)
        reply = await self.set(who, channel, address)
        assert not isinstance(reply, Refused), reply
        await self.send()
        reply = await self.confirm(who, channel, self.code())
        assert not isinstance(reply, Refused) and any(one.verified for one in reply.items), reply

    def code(self) -> str:
        found = re.search(r"验证码(?:是)? ?(\d{6})", self.sink.taken[-1].text)
        assert found, self.sink.taken[-1].text
        return found.group(1)

    async def deliveries(self, who: Actor, **wanted: Any) -> list[DeliveryView]:
        return list((await self.ask(ListDeliveries(actor=who, limit=200, **wanted))).items)
