"""Private schools' places: ratios, rounds of applications, the lottery.

The database says for itself what nobody may get round: no ratio above 1/(2n-3), no approval by whoever proposed it
(clause 24.5.3); a round keeps its secret and its terms from the opening on, its list from the closing on and its result from
the draw on, and never has more winners than places (24.5.4).
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0002"
down_revision = "0001"

APP = "transfer"

RATIOS = """
CREATE TABLE private_ratios (
    id text PRIMARY KEY,
    school text NOT NULL,
    school_year smallint NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    years smallint NOT NULL CHECK (years BETWEEN 3 AND 6),
    numerator integer NOT NULL CHECK (numerator > 0),
    denominator integer NOT NULL CHECK (denominator > 0),
    state text NOT NULL CHECK (state IN ('proposed', 'approved', 'rejected')),
    reason text NOT NULL,
    account text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    decided_account text,
    decided_by text,
    decided_at timestamptz,
    decision_reason text,
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT private_ratios_within_bounds CHECK (numerator::bigint * (2 * years - 3) <= denominator),
    CONSTRAINT private_ratios_two_persons CHECK (decided_account <> account),
    CHECK ((state = 'proposed') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_account IS NULL))
);
-- One proposal of a stage and year at a time; what was decided stays beside it.
CREATE UNIQUE INDEX private_ratios_waiting ON private_ratios (school, school_year, stage) WHERE state = 'proposed';
CREATE INDEX private_ratios_of_school ON private_ratios (school, school_year, stage, decided_at);
CREATE INDEX private_ratios_newest ON private_ratios (proposed_at DESC, id DESC);
"""

ROUNDS = """
CREATE TABLE private_rounds (
    id text PRIMARY KEY,
    number text NOT NULL UNIQUE,
    school text NOT NULL,
    school_name text NOT NULL,
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    school_year smallint NOT NULL,
    term smallint NOT NULL CHECK (term IN (1, 2)),
    state text NOT NULL CHECK (state IN ('open', 'closed', 'decided', 'settled')),
    version integer NOT NULL DEFAULT 1,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    closes_on date NOT NULL,
    notice text NOT NULL,
    public_source text NOT NULL,
    public_at timestamptz NOT NULL,
    commitment text NOT NULL,
    secret bytea NOT NULL,
    closed_at timestamptz,
    listing text,
    list_sha256 text,
    lottery boolean,
    public_value text,
    revealed text,
    seed text,
    gone text[],
    ranked text[],
    winners text[],
    drawn_at timestamptz,
    drawn_by text,
    settled_at timestamptz,
    CHECK ((state = 'open') = (closed_at IS NULL) AND (closed_at IS NULL) = (listing IS NULL)
           AND (closed_at IS NULL) = (list_sha256 IS NULL) AND (closed_at IS NULL) = (lottery IS NULL)),
    CHECK ((state IN ('decided', 'settled')) = (winners IS NOT NULL) AND (winners IS NULL) = (revealed IS NULL)),
    CHECK ((state = 'settled') = (settled_at IS NOT NULL)),
    -- The value comes to be known after the last day, and the draw is after the value (clause 24.5.4).
    CHECK (public_at > closes_on),
    CHECK (drawn_at >= public_at),
    CHECK ((drawn_at IS NULL) = (public_value IS NULL) AND (drawn_at IS NULL) = (seed IS NULL)),
    CHECK (state IN ('open', 'closed') OR NOT lottery OR drawn_at IS NOT NULL),
    CONSTRAINT private_rounds_no_more_than_places
        CHECK (winners IS NULL OR cardinality(winners) <= (listing::jsonb ->> 'places')::integer)
);
-- One round of a grade at a time: its seats are given before the next one counts what is left.
CREATE UNIQUE INDEX private_rounds_one_a_grade ON private_rounds (school, grade) WHERE state <> 'settled';
CREATE INDEX private_rounds_to_close ON private_rounds (closes_on, id) WHERE state = 'open';
CREATE INDEX private_rounds_to_settle ON private_rounds (id) WHERE state = 'decided';
CREATE INDEX private_rounds_of_school ON private_rounds (school, school_year, grade);
CREATE INDEX private_rounds_newest ON private_rounds (opened_at DESC, id DESC);

CREATE TABLE private_applications (
    round_id text NOT NULL REFERENCES private_rounds,
    transfer_id text NOT NULL UNIQUE,
    code text NOT NULL,
    entered_at timestamptz NOT NULL,
    listed boolean NOT NULL DEFAULT false,
    outcome text CHECK (outcome IN ('left', 'won', 'lost')),
    settled_at timestamptz,
    problem text NOT NULL DEFAULT '',
    PRIMARY KEY (round_id, transfer_id),
    UNIQUE (round_id, code),
    CHECK (settled_at IS NULL OR outcome IS NOT NULL)
);
CREATE INDEX private_applications_to_settle ON private_applications (round_id, code)
    WHERE outcome IS NOT NULL AND settled_at IS NULL;
"""

# What was announced, closed and drawn stays, whoever writes.
STAYS = """
CREATE FUNCTION private_round_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.id, NEW.number, NEW.school, NEW.school_name, NEW.grade, NEW.stage, NEW.school_year, NEW.term, NEW.closes_on,
        NEW.notice, NEW.public_source, NEW.public_at, NEW.commitment, NEW.secret)
       IS DISTINCT FROM
       (OLD.id, OLD.number, OLD.school, OLD.school_name, OLD.grade, OLD.stage, OLD.school_year, OLD.term, OLD.closes_on,
        OLD.notice, OLD.public_source, OLD.public_at, OLD.commitment, OLD.secret)
       OR (OLD.closed_at IS NOT NULL AND
           (NEW.closed_at, NEW.listing, NEW.list_sha256, NEW.lottery)
           IS DISTINCT FROM (OLD.closed_at, OLD.listing, OLD.list_sha256, OLD.lottery))
       OR (OLD.winners IS NOT NULL AND
           (NEW.public_value, NEW.revealed, NEW.seed, NEW.gone, NEW.ranked, NEW.winners, NEW.drawn_at)
           IS DISTINCT FROM (OLD.public_value, OLD.revealed, OLD.seed, OLD.gone, OLD.ranked, OLD.winners, OLD.drawn_at))
    THEN
        RAISE EXCEPTION 'a round keeps its secret, its list and its result (clause 24.5.4)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER private_rounds_stay BEFORE UPDATE ON private_rounds
    FOR EACH ROW EXECUTE FUNCTION private_round_stays();

CREATE FUNCTION private_list_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    SELECT state INTO stands FROM private_rounds WHERE id = NEW.round_id;
    IF (TG_OP = 'INSERT' AND stands <> 'open')
       OR (TG_OP = 'UPDATE' AND (
           (NEW.round_id, NEW.transfer_id, NEW.code, NEW.entered_at)
           IS DISTINCT FROM (OLD.round_id, OLD.transfer_id, OLD.code, OLD.entered_at)
           OR (NEW.listed <> OLD.listed AND stands <> 'open')
           OR (OLD.outcome IS NOT NULL AND NEW.outcome IS DISTINCT FROM OLD.outcome)
           OR (OLD.settled_at IS NOT NULL AND NEW.settled_at IS DISTINCT FROM OLD.settled_at)))
    THEN
        RAISE EXCEPTION 'a round keeps its list and what became of it (clause 24.5.4)' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER private_applications_stay BEFORE INSERT OR UPDATE ON private_applications
    FOR EACH ROW EXECUTE FUNCTION private_list_stays();

CREATE FUNCTION private_ratio_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'proposed' THEN
        RAISE EXCEPTION 'a ratio that was decided on stays as it is (clause 24.5.3)' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER private_ratios_stay BEFORE UPDATE ON private_ratios FOR EACH ROW EXECUTE FUNCTION private_ratio_stays();
"""

GRANTS = f"""
GRANT SELECT, INSERT ON private_ratios, private_rounds, private_applications TO {APP};
GRANT UPDATE (state, decided_account, decided_by, decided_at, decision_reason, version) ON private_ratios TO {APP};
GRANT UPDATE (state, version, closed_at, listing, list_sha256, lottery, public_value, revealed, seed, gone, ranked, winners,
              drawn_at, drawn_by, settled_at) ON private_rounds TO {APP};
GRANT UPDATE (listed, outcome, settled_at, problem) ON private_applications TO {APP}
"""


def upgrade() -> None:
    for script in (RATIOS, ROUNDS, STAYS, GRANTS):
        statements(op, script)
