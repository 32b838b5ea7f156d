"""Enrolment plans (招生计划): how many new pupils a school may take, and that it never takes one more (clause 4)."""
