"""Which class takes a pupil who comes by an operation: the smallest one that has room (clause 11).

It is provisional: the school assigns new pupils to classes by its own draw (clause 17). Without a class, though, a pupil
would stand on no teacher's list.
"""

from __future__ import annotations

from collections.abc import Sequence

from regulation.mark import clause
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.classes import store as classes
from registry.records.store import class_key


class Rooms:
    """The classes of one cohort of a school by number. `sizes`: pupils now; `standard`: the standard class size; `most`:
    classes that there may be, where those that are there do not do. `kept`: seats that open transfers hold in the grade,
    in whichever class: nobody else is placed in the last so many."""

    def __init__(self, sizes: dict[int, int], *, standard: int, most: int, kept: int = 0) -> None:
        self.sizes = dict(sizes)
        self._standard, self._most, self._kept = standard, most, kept
        self._free: int | None = None

    @clause("11")
    def place(self) -> int | None:
        """The number of the class that takes one more; None where none may. Even: always the smallest, then the first."""
        for number in range(1, self._most + 1):
            self.sizes.setdefault(number, 0)
        if not self.sizes:
            return None
        number = min(self.sizes, key=lambda n: (self.sizes[n], n))
        if self._free is None:
            self._free = sum(max(0, self._standard - size) for size in self.sizes.values()) - self._kept
        if self._free <= 0:
            return None
        self._free -= 1
        self.sizes[number] += 1
        return number


async def sizes(tx: AsyncConnection, school: str, stage: str, cohort: int) -> dict[int, int]:
    """Pupils of each class of a cohort by its number, those who are on their way too; classes that have ended are left
    out."""
    return await classes.sizes_of_cohort(tx, school, stage, cohort)


async def make(
    tx: AsyncConnection, school: str, system: str, stage: str, cohort: int, grade: int, numbers: Sequence[int]
) -> None:
    """The classes that are not there yet."""
    await (await driver(tx)).execute(
        """INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
           SELECT n.id, $1, $2, $3, n.class_no, $4, $5 FROM unnest($6::text[], $7::int[]) AS n(id, class_no)
           ON CONFLICT DO NOTHING""",
        school,
        stage,
        cohort,
        grade,
        system,
        [class_key(school, stage, cohort, number) for number in numbers],
        list(numbers),
    )
