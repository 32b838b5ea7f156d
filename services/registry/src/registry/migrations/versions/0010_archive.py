"""Evidence files and sections of the archive."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0010"
down_revision = "0009"

# A file in quarantine keeps its row for ever; what was never attached goes after a month.
EVIDENCE = """
CREATE TABLE evidence (
    id text PRIMARY KEY,
    organisation text NOT NULL,
    account text NOT NULL,
    uploaded_by text NOT NULL,
    uploaded_at timestamptz NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    sha256 text NOT NULL,
    file_id text NOT NULL,
    scan text NOT NULL CHECK (scan IN ('pending', 'clean', 'infected', 'unscanned')),
    scanned_at timestamptz,
    signature text,
    kind text NOT NULL,
    attached_to text,
    place smallint NOT NULL DEFAULT 0,
    shared_with text,
    CHECK ((scan = 'infected') = (signature IS NOT NULL))
);
CREATE INDEX evidence_of_thing ON evidence (attached_to) WHERE attached_to IS NOT NULL;
CREATE INDEX evidence_of_organisation ON evidence (organisation, uploaded_at, id);
CREATE INDEX evidence_to_scan ON evidence (scanned_at NULLS FIRST, id) WHERE scan IN ('pending', 'unscanned');
CREATE INDEX evidence_unused ON evidence (uploaded_at) WHERE attached_to IS NULL;
CREATE TABLE evidence_filings (
    student_id text NOT NULL,
    evidence_id text NOT NULL,
    filed_on date NOT NULL,
    filed_at timestamptz NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 0),
    PRIMARY KEY (student_id, evidence_id)
);
CREATE INDEX evidence_filings_of_evidence ON evidence_filings (evidence_id);
"""

# An entry is said right by at most one other.
ENTRIES = """
CREATE TABLE archive_entries (
    id text PRIMARY KEY,
    student_id text NOT NULL,
    section smallint NOT NULL CHECK (section BETWEEN 3 AND 6),
    kind text NOT NULL,
    happened_on date NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL,
    digest bytea NOT NULL,
    school text NOT NULL,
    account text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 0),
    supersedes text UNIQUE,
    reason text NOT NULL DEFAULT '',
    CHECK ((supersedes IS NULL) = (reason = ''))
);
CREATE INDEX archive_entries_of_student ON archive_entries (student_id, section, happened_on);
"""

# The database itself refuses what does not follow the end of the chain: a copy of the service with a fault, or a hand.
# First entries, of which a batch of registrations has thousands, are told apart without a call (their `previous` is checked).
CHAIN = """
CREATE FUNCTION journal_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM journal WHERE student_id = NEW.student_id AND seq = NEW.seq - 1 AND hash = NEW.previous;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the entry does not follow the last one of its chain (clause 21.1)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER journal_chained BEFORE INSERT ON journal
    FOR EACH ROW WHEN (NEW.seq > 1) EXECUTE FUNCTION journal_follows();
"""

GRANTS = """
GRANT SELECT, INSERT ON archive_entries TO registry;
GRANT SELECT, INSERT, DELETE ON evidence TO registry;
GRANT UPDATE (scan, scanned_at, signature, kind, attached_to, place, shared_with) ON evidence TO registry;
GRANT SELECT, INSERT ON evidence_filings TO registry;
"""


def upgrade() -> None:
    statements(op, EVIDENCE)
    statements(op, ENTRIES)
    statements(op, CHAIN)
    statements(op, GRANTS)
