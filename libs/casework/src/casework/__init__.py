"""Approval chains that every kind of case shares: ordered steps, who may act, decisions, clocks of working days.

`kinds`: what a kind of case is. `state`: where a case stands, a pure function of its decisions. `rules`: who may
do what. `tables`, `store`: the same in PostgreSQL, many cases a statement.
"""
