"""The paper archive follows the record: handed over by the old school, received by the new one (21.2, 48)."""
