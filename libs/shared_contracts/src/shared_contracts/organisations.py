"""Organisations (机构): education authorities and schools, dated. The registry owns them and announces each change.

They travel on the registry's subjects. Other services keep a read-only replica (`service_kit.organisations`).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Event, Message, Moment, Ok, Query

Kind = Literal["province", "city", "county", "school", "external"]
"""`external`: an education authority of another province, known by its division code and name alone."""


class OrganisationView(Message, frozen=True, kw_only=True, gc=False):
    """An authority or a school on one day. `authority`: code of the supervising authority (主管教育行政部门)."""

    code: str
    name: str
    kind: Kind
    parent: str | None
    authority: str | None
    division: str
    school_type: str | None = None
    stages: tuple[str, ...] = ()
    system: str | None = None  # "6-3" | "5-4"
    ownership: str | None = None  # public | private
    locality: str | None = None  # urban | town | rural
    accepts_international: bool = False


class OrganisationPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.organisation_page"
):
    items: tuple[OrganisationView, ...]
    next_cursor: str | None = None


class OrganisationRecord(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.organisation_record"
):
    """One dated version. Holds from `valid_from` until the day before `valid_to`; `valid_to` is None at present.

    `version`: of the organisation as it stands now, whichever of its days is shown: what an edit is based on.
    """

    organisation: OrganisationView
    valid_from: date
    valid_to: date | None
    closed: bool
    version: int


class OrganisationHistory(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.organisation_history"
):
    """All versions of an organisation, first to last."""

    code: str
    versions: tuple[OrganisationRecord, ...]


# ---- bulk load from a workbook ----------------------------------------------------------------------------------------


class ImportTotals(Message, frozen=True, kw_only=True, gc=False):
    rows: int = 0
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0


class OrganisationImport(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.organisation_import"
):
    """A workbook that was looked at (`checked`: nothing is changed yet) or carried out (`confirmed`)."""

    id: str
    file_name: str
    effective_from: date
    state: Literal["checked", "confirmed"]
    totals: ImportTotals
    created_at: Moment
    created_by: str
    version: int


class ImportRow(Message, frozen=True, kw_only=True, gc=False):
    """What a row of the workbook would do. `row`: as Excel shows it; `changes`: field -> (before, after) in words."""

    row: int
    outcome: Literal["created", "changed", "unchanged", "refused"]
    code: str
    name: str
    changes: dict[str, tuple[str, str]] = {}
    findings: tuple[Finding, ...] = ()


class OrganisationImportPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.organisation_import_page"
):
    items: tuple[ImportRow, ...]
    next_cursor: str | None = None


# ---- commands ---------------------------------------------------------------------------------------------------------
#
# `effective_from`: the day from which a change holds, today at the latest. `version`: what the change is based on.


class LoadOrganisations(Command, frozen=True, kw_only=True, gc=False, tag="registry.load_organisations"):
    """Create or update organisations as of a date. Role: operator. Reply: Ok."""

    organisations: tuple[OrganisationView, ...]
    valid_from: date


class CreateOrganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.create_organisation"):
    """Reply: OrganisationRecord."""

    organisation: OrganisationView
    effective_from: date


class RenameOrganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.rename_organisation"):
    """Reply: OrganisationRecord."""

    code: str
    name: str
    effective_from: date
    version: int | None = None


class ReviseOrganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.revise_organisation"):
    """What else may change of a school; None leaves a value as it is. Reply: OrganisationRecord."""

    code: str
    effective_from: date
    stages: tuple[str, ...] | None = None
    system: str | None = None
    ownership: str | None = None
    locality: str | None = None
    accepts_international: bool | None = None
    version: int | None = None


class ChangeSupervision(Command, frozen=True, kw_only=True, gc=False, tag="registry.change_supervision"):
    """Another supervising authority from a day on. `division`: where the school lies then, None for where it was.

    The school's open registrations go to the new authority; approvals already given stay. Reply: OrganisationRecord.
    """

    code: str
    authority: str
    reason: str
    effective_from: date
    division: str | None = None
    version: int | None = None


class CloseOrganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.close_organisation"):
    """It ends the day before; its code is never used again (clause 44). Reply: OrganisationRecord."""

    code: str
    effective_from: date
    version: int | None = None


class OpenImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_import"):
    """Look at a workbook of organisations and say row by row what it would do. Reply: OrganisationImport."""

    import_id: str
    file: FileRef
    effective_from: date


class ConfirmImport(Command, frozen=True, kw_only=True, gc=False, tag="registry.confirm_import"):
    """Carry out an import as it was shown: all of it or nothing. Reply: OrganisationImport."""

    import_id: str
    version: int | None = None


# ---- queries ----------------------------------------------------------------------------------------------------------


class ListOrganisations(Query, frozen=True, kw_only=True, gc=False, tag="registry.organisations"):
    """In code order. `on`: as of that day, today where not given. `q`: the name contains it."""

    parent: str | None = None
    kind: str | None = None
    on: date | None = None
    q: str | None = None
    cursor: str | None = None
    limit: int = 200


class GetOrganisation(Query, frozen=True, kw_only=True, gc=False, tag="registry.organisation"):
    """Which county was this school under on 1 March? `on`: as of that day, today where not given."""

    code: str
    on: date | None = None


class ListVersions(Query, frozen=True, kw_only=True, gc=False, tag="registry.organisation_versions"):
    """Reply: OrganisationHistory."""

    code: str


class GetImport(Query, frozen=True, kw_only=True, gc=False, tag="registry.import_of_organisations"):
    import_id: str


class ListImportRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.import_rows"):
    import_id: str
    outcome: str | None = None
    cursor: str | None = None
    limit: int = 100


class GetImportTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.import_template"):
    """The blank workbook of organisations with drop-downs. Reply: Template."""


class ListKnownOrganisations(Query, frozen=True, kw_only=True, gc=False, tag="registry.known_organisations"):
    """Every organisation there ever was, for a replica that begins. Services only. `after`: the last code it has."""

    after: str | None = None
    limit: int = 500


# ---- events -----------------------------------------------------------------------------------------------------------


class OrganisationChanged(Message, frozen=True, kw_only=True, gc=False):
    """An organisation as it stands after a change. `version` grows with each: a reader ignores older ones.

    `former_authority`: set where this change took it from one supervising authority to another.
    """

    code: str
    name: str
    kind: Kind
    parent: str | None
    authority: str | None
    division: str
    valid_from: date
    closed: bool
    version: int
    former_authority: str | None = None


class OrganisationsChanged(Event, frozen=True, kw_only=True, gc=False, tag="registry.organisations_changed"):
    """Created, changed or closed. At most 500 an event."""

    organisations: tuple[OrganisationChanged, ...]


class KnownOrganisations(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.known_organisations_page"
):
    """`after`: where to go on, None at the end."""

    organisations: tuple[OrganisationChanged, ...]
    after: str | None = None


Commands = (
    LoadOrganisations
    | CreateOrganisation
    | RenameOrganisation
    | ReviseOrganisation
    | ChangeSupervision
    | CloseOrganisation
    | OpenImport
    | ConfirmImport
)
Queries = (
    ListOrganisations
    | GetOrganisation
    | ListVersions
    | GetImport
    | ListImportRows
    | GetImportTemplate
    | ListKnownOrganisations
)
Events = OrganisationsChanged

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    LoadOrganisations: Ok,
    CreateOrganisation: OrganisationRecord,
    RenameOrganisation: OrganisationRecord,
    ReviseOrganisation: OrganisationRecord,
    ChangeSupervision: OrganisationRecord,
    CloseOrganisation: OrganisationRecord,
    OpenImport: OrganisationImport,
    ConfirmImport: OrganisationImport,
    ListOrganisations: OrganisationPage,
    GetOrganisation: OrganisationRecord,
    ListVersions: OrganisationHistory,
    GetImport: OrganisationImport,
    ListImportRows: OrganisationImportPage,
    GetImportTemplate: Template,
    ListKnownOrganisations: KnownOrganisations,
}
"""Part of the registry's (`registry.REPLIES`)."""
