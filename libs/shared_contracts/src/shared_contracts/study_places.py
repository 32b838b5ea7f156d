"""A pupil whose record has stayed comes back from the school of study (clause 24.4). Words of the registry."""

from __future__ import annotations

from datetime import date

from shared_contracts.messages import Command, Message, Query
from shared_contracts.records import StudentView


class EndStudyPlace(Command, frozen=True, kw_only=True, gc=False, tag="registry.end_study_place"):
    """From a day on the pupil studies where the record is. Role: registrar of the school with the record. Reply: StudentView.

    `on`: that day, today at the latest. `reason`: Chinese, without numbers; it stands in the journal. The school of study is
    told, nobody has to approve.
    """

    student_id: str
    on: date
    reason: str


Commands = EndStudyPlace

REPLIES: dict[type[Command] | type[Query], type[Message]] = {EndStudyPlace: StudentView}
"""Part of the registry's (`registry.REPLIES`)."""
