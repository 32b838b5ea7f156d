"""The port to another province: who answers for it here, and how it hears that a case waits for it.

Today a person of the province office does by hand what the other province says in writing (`ByHand`). A national system would
be another implementation: nobody of ours in the queue, the question sent on `waits`, and the answer handed to
`outside.deciding.enter` in the name of that system.
"""

from __future__ import annotations

from typing import Protocol

import msgspec
from casework.kinds import StepKind
from regulation.divisions import PROVINCE
from shared_contracts.actors import Role
from shared_contracts.outside_transfers import OutsideView


class Waits(msgspec.Struct, frozen=True, kw_only=True):
    """Whose queue a step stands in, and what is to be done there."""

    organisation: str
    roles: tuple[Role, ...]
    title: str


class OutsideAuthority(Protocol):
    @property
    def acts(self) -> str:
        """The organisation that is a party of the case in the other province's place."""

    def waits(self, step: StepKind, party: OutsideView) -> Waits | None:
        """Who here has to do something until the other province has decided; None: nobody, the answer comes by itself."""


class ByHand:
    """The province office asks by letter or telephone, and enters what comes back."""

    @property
    def acts(self) -> str:
        return PROVINCE

    def waits(self, step: StepKind, party: OutsideView) -> Waits | None:
        return Waits(
            organisation=self.acts,
            roles=step.roles,
            title=f"录入{party.province_name}的决定：{step.title.partition('（')[0]}",
        )


AUTHORITY: OutsideAuthority = ByHand()
"""The one there is."""
