"""The notifications service's MetaData: every capability declares its tables in it."""

from __future__ import annotations

import sqlalchemy as sa
from service_kit.tables import kit_tables
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = sa.MetaData()
KIT = kit_tables(metadata)

MOMENT = TIMESTAMP(timezone=True)
"""A point in time with its offset."""
