"""Notices: who is told what, and when it was read."""
