"""What the clauses about the form, attendance and re-division still ask of the tables."""

from __future__ import annotations

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Nothing yet."""
