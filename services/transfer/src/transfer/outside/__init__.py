"""Transfers to and from other provinces: the province office enters what they decide (decision record 27)."""
