"""Where cases stand, told to whoever keeps work queues (待办). Every service with cases says it in the same words.

A service's own event carries them on its own subjects (`transfer.cases_stand`, …): the newest `version` of a case counts.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.actors import Role
from shared_contracts.messages import Message, Moment

CaseStatus = Literal["open", "returned", "approved", "rejected", "withdrawn"]


class CaseStands(Message, frozen=True, kw_only=True, gc=False):
    """One case after an act. `number`: what people call it; `subject`: Chinese, what it is about, without a pupil's name or
    number; `link`: its API path.

    `organisation`, `roles`: who has to act now (a returned case: who has to correct it), None and none when nobody has.
    `not_accounts`: accounts that may not take this step, because somebody else has to (二人办理). `due_on`: last day of the
    step's clock, None while it stands still; `provisional`: it leans on a year whose holidays are not published. `since`:
    when it came to stand so. `superior`: the authority that an overdue step goes to.
    """

    case_id: str
    kind: str
    kind_title: str
    number: str
    subject: str
    link: str
    version: int
    status: CaseStatus
    since: Moment
    step: str | None = None
    step_title: str = ""
    organisation: str | None = None
    roles: tuple[Role, ...] = ()
    not_accounts: tuple[str, ...] = ()
    due_on: date | None = None
    provisional: bool = False
    superior: str = ""
