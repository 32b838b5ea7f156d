"""A correction as it is shown: what stood, what is asked for, how far the case is. Document numbers are masks here."""

from __future__ import annotations

from shared_contracts.clearing import CorrectionStep, CorrectionView, KeyValues
from shared_contracts.identity import StagedCorrection

from registry.clearing import filing, record
from registry.clearing.correcting.chain import state_of
from registry.clearing.correcting.store import Correction
from registry.clearing.record import Record
from registry.context import RegistryWork


def values_of(subject: Record, found: StagedCorrection) -> KeyValues:
    """As they stand; of family members identity alone knows the documents."""
    return KeyValues(
        name=subject.name,
        sex=subject.sex,
        document_kind=subject.document_kind,
        masked_document=subject.masked_document,
        members=found.former_members,
    )


def proposed(found: StagedCorrection) -> KeyValues:
    return KeyValues(
        name=found.name,
        sex=found.sex,
        document_kind=found.document_kind,
        masked_document=found.masked_document,
        members=found.members,
    )


async def view(work: RegistryWork, row: Correction, subject: Record | None = None) -> CorrectionView:
    subject = subject or await record.read_one(work.tx, row.student_id)
    assert subject is not None
    standing = row.standing
    return CorrectionView(
        id=row.id,
        student_id=row.student_id,
        school=subject.school,
        school_name=subject.school_name,
        authority=row.parties["authority"],
        duplicate_id=row.pair_id,
        fields=row.fields,
        before=row.before,
        after=row.after,
        reason=row.reason,
        state=state_of(standing.status, standing.step, row.outcome),
        waits_for=CorrectionStep(standing.step) if standing.status == "open" and standing.step else None,
        due_on=standing.due_on,
        opened_by=row.opened_by,
        opened_at=row.opened_at,
        steps=await filing.steps(work.tx, row.id),
        evidence=await filing.papers(work.tx, f"correction:{row.id}"),
        problem=row.problem,
        version=row.version,
    )
