"""Notices (消息): who is told what, and who has read it."""
