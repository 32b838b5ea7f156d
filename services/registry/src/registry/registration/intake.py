"""Admission: claimed persons with an accepted form become registrations, set-based, a chunk at a time."""

from __future__ import annotations

from datetime import date

import msgspec
from shared_contracts.decisions import Decision

from registry.registration.policy import Kind, Placement


class Admission(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One accepted pupil whose person this registration has claimed (identity.ClaimPersons).

    `masked_members`: (slot, masked document number). `form_blob`: the form without document numbers, JSON
    sealed by the field cipher with `form_context(registration_id)`. `entered_by`: the registrar's account.
    """

    registration_id: str
    roster_id: str | None
    row: int | None
    person_id: str
    masked_document: str
    masked_members: tuple[tuple[int, str], ...]
    name: str
    sex: str
    birth_date: date
    document_kind: str
    overseas: str
    disability: str
    grade: int
    class_no: int
    placement: Placement
    enrolled_month: str
    kind: Kind
    form_blob: bytes
    decision: Decision
    entered_by: str


def form_context(registration_id: str) -> bytes:
    """What a sealed form is bound to; the student record keeps the registration's id and blob."""
    return f"form:{registration_id}".encode()
