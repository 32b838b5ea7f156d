"""Who has to know where an export stands: the leaders it waits for, and whoever asked for it."""

from __future__ import annotations

from typing import Literal

from regulation.authorisation import act
from regulation.mark import clause
from shared_contracts.actors import Role
from shared_contracts.exports import ExportStands

from access.context import AccessWork
from access.exports.store import Export

REQUEST = "access.request_export"


@clause("45.2")
def tell(
    work: AccessWork,
    export: Export,
    stands: Literal["waits", "returned", "rejected", "ready", "failed"],
    reason: str = "",
) -> None:
    """Emit it with this unit of work; notifications finds the words."""
    work.emit(
        ExportStands(
            export_id=export.id,
            number=export.number,
            stands=stands,
            organisation=export.organisation,
            organisation_name=export.organisation_name,
            authority=export.authority,
            role=asking_role(export),
            revision=export.revision,
            reason=reason,
        ),
        export.id,
    )


def asking_role(export: Export) -> Role:
    """In which of its roles the account may ask for exports: people with that role are told in the organisation."""
    return next(role for role in act(REQUEST).roles if role.value in export.roles)
