"""Where the worker is killed."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """`target`: `module:attribute`; `nth`: at which call of it."""

    stage: str
    target: str
    when: str
    nth: int

    def __str__(self) -> str:
        return f"{self.stage}-{self.when}-{self.target.rsplit(':')[-1].rsplit('.')[-1]}-{self.nth}"


PLACES = (
    Place("check", "registry.rosters.store:take", "after", 1),
    Place("check", "registry.rosters.store:stage", "after", 1),  # begun, not committed
    Place(
        "check", "registry.rosters.checking:_stage", "after", 2
    ),  # the second chunk waits in identity, no row of ours
    Place("check", "registry.rosters.store:put_rows", "after", 2),  # written, not committed
    Place("check", "registry.rosters.checking:_chunk", "after", 2),  # committed
    Place("check", "registry.rosters.returning:refused_rows", "after", 1),  # the workbook is there, nobody knows of it
    Place("confirm", "registry.rosters.confirming:_claim", "after", 1),  # claimed, nothing of ours
    Place("confirm", "registry.registration.intake:admit", "after", 2),  # admitted, not committed
    Place("confirm", "registry.rosters.confirming:_write", "after", 1),  # committed
    Place("confirm", "registry.rosters.confirming:_write", "after", 3),  # all chunks, and the end not begun
    Place("confirm", "registry.registration.completion:confirmed", "after", 1),  # ended, not committed
    Place("confirm", "registry.rosters.worker:clean_up", "before", 1),
    Place("confirm", "service_kit.files:FileStore.delete", "before", 1),  # the waiting room is gone, the upload is not
    Place("print", "registry.rosters.printing:_documents", "after", 1),
    Place("print", "registry.registration.store:mark_printed", "after", 1),
    Place("print", "registry.rosters.printing:_class", "after", 1),
)
TAKING = (
    Place("check", "registry.rosters.checking:_chunk", "after", 1),  # two of five places are left, as the rows say
    Place("confirm", "registry.registration.intake:seat", "after", 2),  # the plan is locked, nothing is written
    Place("confirm", "registry.registration.intake:admit", "after", 2),  # the last places taken, not committed
    Place("confirm", "registry.rosters.confirming:_write", "after", 1),
    Place("confirm", "registry.rosters.confirming:_write", "after", 2),  # full, and a chunk to come
)
"""Where a roster has more rows than the plan has places."""
