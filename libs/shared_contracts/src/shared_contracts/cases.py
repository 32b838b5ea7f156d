"""Where cases stand, told to whoever keeps work queues (待办). Every service with cases says it in the same words.

A service's own event carries them on its own subjects (`transfer.transfers_stand`, …): the newest `version` of a case counts.
What is decided in bulk (a roster of thousands) is one `Work` with a few lines, not a line a pupil: `registry.work_stands`.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.actors import Role
from shared_contracts.messages import Event, Message, Moment

CaseStatus = Literal["open", "returned", "approved", "rejected", "withdrawn"]


class CaseStands(Message, frozen=True, kw_only=True, gc=False):
    """One case after an act. `number`: what people call it; `subject`: Chinese, what it is about, without a pupil's name or
    number; `link`: its API path.

    `organisation`, `roles`: who has to act now (a returned case: who has to correct it), None and none when nobody has.
    `not_accounts`: accounts that may not take this step, because somebody else has to (二人办理). `due_on`: last day of the
    step's clock, None while it stands still; `provisional`: it leans on a year whose holidays are not published. `since`:
    when it came to stand so. `superior`: the authority that an overdue step goes to.
    `count`: how many stand so (a line of a `Work`). `classes`: of a class teacher's step, the classes it is about, as
    `Actor.classes` names them (`"1"`, `"1-03"`): any one of them does; none: whatever the class. `only_accounts`: nobody else
    may act, whatever the role (who asked for an export corrects it); none: whoever has the role.
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
    count: int = 1
    classes: tuple[str, ...] = ()
    only_accounts: tuple[str, ...] = ()


class Work(Message, frozen=True, kw_only=True, gc=False):
    """A piece of work and all its lines as they stand now: what is not among them is done. The newest `version` counts.

    `id`: of the thing (`"roster:…"`), never of another. A line's `case_id` is its own among all lines there are, its
    `version` that of the work. No lines: nobody has to act any more.
    """

    id: str
    version: int
    lines: tuple[CaseStands, ...]


class WorkStands(Event, frozen=True, kw_only=True, gc=False, tag="registry.work_stands"):
    """Where the registry's work stands after acts, for work queues. At most 200 works an event."""

    works: tuple[Work, ...]


Events = WorkStands
"""The registry's."""
