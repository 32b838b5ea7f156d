"""SIGKILL while a file is being made: another worker begins it anew, and one whole file is told of (clause 45.2)."""

from __future__ import annotations

from pathlib import Path

import pytest
from exports_world import ExportsWorld
from kit_deadly import named, until_killed
from openpyxl import load_workbook
from shared_contracts.exports import ExportMade

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]
VICTIM = Path(__file__).parent / "support" / "exports_victim.py"

PLACES = [
    ("registry.exports.worker:make", "before", 1),
    ("registry.exports.making:_full_numbers", "before", 1),
    ("registry.exports.making:_full_numbers", "after", 3),
    ("registry.rosters.child:Child.send", "after", 4),
    ("registry.rosters.child:Child.receive", "after", 1),
    ("service_kit.files:FileStore.put", "after", 1),
    ("registry.exports.worker:_forget", "after", 1),
    ("registry.exports.store:made", "before", 1),
    ("registry.exports.store:made", "after", 1),
    ("registry.exports.worker:_finish", "after", 1),
]


async def kill(world: ExportsWorld, place: tuple[str, str, int]) -> None:
    await until_killed(VICTIM, *place, env=world.env)
    await world.rows("UPDATE exports SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


@pytest.mark.parametrize("place", PLACES, ids=named)
async def test_killed_and_made_by_another(
    world: ExportsWorld, small_chunks: None, tmp_path: Path, place: tuple[str, str, int]
) -> None:
    await world.pupils(100)
    event = await world.export()
    # The clock of the victim is the tests' too: it opens a world of its own over the same database.
    await kill(world, place)
    told_before = await world.said(event.export_id)
    committed = place == ("registry.exports.worker:_finish", "after", 1)
    assert len(told_before) == (1 if committed else 0)
    await world.ended(event.export_id)
    (told,) = await world.said(event.export_id)
    assert isinstance(told, ExportMade) and told.rows == 100
    assert world.kept() == [told.file.id], "what the killed attempt had left is gone"
    sheet = load_workbook(await world.file(event, tmp_path)).active
    assert sheet is not None and sheet.max_row == 104
    making = Path(world.env["XUEJI_FILES_DIR"]) / "making"
    assert list(making.iterdir()) == [], "nothing plain is left on disk"
