"""The tables of this service's database, and the type of their points in time."""

from __future__ import annotations

import sqlalchemy as sa
from service_kit.tables import kit_tables
from sqlalchemy.dialects.postgresql import TIMESTAMP

metadata = sa.MetaData()
kit = kit_tables(metadata)
MOMENT = TIMESTAMP(timezone=True)
