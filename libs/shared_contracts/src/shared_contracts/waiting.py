"""Somebody has to act, or to know (待办、提醒): what any capability of the registry says to a role of an organisation.

The notifications service makes one notice a day of what has the same organisation, role, kind and link, and adds the counts
up. The registry's event, on its subjects.
"""

from __future__ import annotations

from datetime import date

from shared_contracts.actors import Role
from shared_contracts.messages import Event

COUNT = "{count}"
"""Where `title` and `detail` say it, the notice has the sum of the counts."""


class WorkWaiting(Event, frozen=True, kw_only=True, gc=False, tag="registry.work_waiting"):
    """`kind`: a stable name, `"plan_filed"`. `title`, `detail`: Chinese, in whole sentences, without a pupil's name or
    number; `{count}` in them is replaced by the sum. `link`: the API path of the thing or the list. `due_on`: the last
    day on which it is in time, None where nobody waits for it.
    """

    organisation: str
    role: Role
    kind: str
    title: str
    detail: str
    link: str
    count: int = 1
    due_on: date | None = None


Events = WorkWaiting
