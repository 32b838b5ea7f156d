"""What a form said before it was changed."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0015"
down_revision = "0014"

# Beside the journal's entry that tells of the change: sealed, never changed, never deleted by the application.
FORMS = """
CREATE TABLE form_changes (
    student_id text NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 1),
    sealed bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (student_id, journal_seq)
);
GRANT SELECT, INSERT ON form_changes TO registry;
"""


def upgrade() -> None:
    statements(op, FORMS)
