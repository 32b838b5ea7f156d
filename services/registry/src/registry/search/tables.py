"""The index of names: kept by the worker out of `students` and `former_names`, and never the truth about either."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from registry.metadata import MOMENT, metadata


class Letter(sa.types.UserDefinedType[str]):
    """PostgreSQL's one-byte `"char"`; compared with a cast from text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return '"char"'


def _facts() -> tuple[sa.Column[Any], ...]:
    """What an index row says of a pupil (`facts.py`)."""
    return (
        sa.Column("class_group", sa.SmallInteger, nullable=False),
        sa.Column("class_no", sa.SmallInteger, nullable=False),
        *(sa.Column(name, Letter, nullable=False) for name in ("stage", "state", "placement")),
    )


# Names that a person's record had before; the present one stands in `students`.
former_names = sa.Table(
    "former_names",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("ended_at", MOMENT, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
)

entries = sa.Table(
    "search_entries",
    metadata,
    sa.Column("n", sa.BigInteger, primary_key=True),
    sa.Column("student_id", sa.Text, nullable=False, unique=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),  # of the school; "" where the school has none
    sa.Column("terms", sa.Text, nullable=False),  # each behind a line break (see terms.py)
    *_facts(),
)

terms = sa.Table(
    "search_terms",
    metadata,
    sa.Column("authority", sa.Text, primary_key=True),
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True),
    *_facts(),
)

pending = sa.Table(
    "search_pending",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("student_ids", ARRAY(sa.Text), nullable=False),
)
