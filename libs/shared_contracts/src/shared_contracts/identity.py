"""Identity: persons and numbers. The only service in which a document number or a full student number can be read.

Document numbers travel in commands (core NATS, never stored on the bus) and never in events.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar, Literal

from shared_contracts.decisions import Finding
from shared_contracts.messages import Command, Event, Message, Moment, Ok, Query

Sex = Literal["1", "2"]
"""GB/T 2261.1: 1 男, 2 女."""


class NumberKind(StrEnum):
    """The letter of a student number (clause 15.3); J is accepted from the national system on import and search."""

    G = "G"
    L = "L"
    J = "J"


class Verification(StrEnum):
    """What the public-security match said (clause 15.3)."""

    PENDING = "pending"  # not asked yet
    MATCHED = "matched"
    NOT_FOUND = "not_found"
    NAME_MISMATCH = "name_mismatch"
    SEX_MISMATCH = "sex_mismatch"
    BIRTH_DATE_MISMATCH = "birth_date_mismatch"
    NOT_MATCHABLE = "not_matchable"  # passport, Hong Kong, Macao, Taiwan, other (clause 50)
    UNAVAILABLE = "unavailable"  # the matcher did not answer within its budget: asked again later

    @property
    def correctable(self) -> bool:
        """A mismatch that the school has to clear up."""
        return self in (
            Verification.NAME_MISMATCH,
            Verification.SEX_MISMATCH,
            Verification.BIRTH_DATE_MISMATCH,
        )


class Member(Message, frozen=True, kw_only=True, gc=False):
    """The identity document of a family member of the form (items 58, 59; 70, 71)."""

    slot: int
    document_kind: str
    document_number: str


class MaskedMember(Message, frozen=True, kw_only=True, gc=False):
    """The same as it may be shown; kind and number are empty where the member has no document."""

    slot: int
    document_kind: str = ""
    masked_document: str = ""


class PersonEntry(Message, frozen=True, kw_only=True, gc=False):
    """One pupil as a roster or a single entry gives it.

    `row`: the caller's own key inside the intake. `document_kind`: code of SFZJLX_FORM. `document_number` may be empty
    for kind Z only. `area`: 6-digit division code of the household registration, for an L number's body.
    `former_name`: 曾用名, where the form gives one. `former_number`: the temporary student number (L or J) that another
    province has given; it finds the person from then on that there is one of ours. Only `KnowPersons` looks at it.
    """

    row: int
    name: str
    sex: Sex
    birth_date: date
    document_kind: str
    document_number: str
    area: str
    members: tuple[Member, ...] = ()
    former_name: str = ""
    former_number: str = ""


class Holder(Message, frozen=True, kw_only=True, gc=False):
    """Who holds the live claim on a person: one person, one record (clause 15.2)."""

    person_id: str
    registration_id: str
    school: str


class Likely(Message, frozen=True, kw_only=True, gc=False):
    """A likely duplicate (clause 20.1): another person and why it is likely."""

    person_id: str
    name: str
    birth_date: date
    masked_document: str
    school: str | None
    reasons: tuple[str, ...]


class Staged(Message, frozen=True, kw_only=True, gc=False):
    """What is known of one row. `person_id`: of whoever has this document already. `findings`: refusals of identity
    itself, such as another birth date than the person with this document has had from the beginning (clause 40); a claim
    of such a row is refused for the same reasons."""

    row: int
    masked_document: str
    person_id: str | None = None
    holder: Holder | None = None
    likely: tuple[Likely, ...] = ()
    masked_members: tuple[tuple[int, str], ...] = ()
    findings: tuple[Finding, ...] = ()


class StagePersons(Command, frozen=True, kw_only=True, gc=False, tag="identity.stage_persons"):
    """Take the persons of an intake into the waiting room and say what is known of them. Makes no person.

    Repeating a row replaces it. What is neither claimed nor dropped is swept after `expires_at`.
    """

    intake_id: str
    school: str
    rows: tuple[PersonEntry, ...]
    expires_at: Moment


class StagedPersons(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.staged_persons"):
    rows: tuple[Staged, ...]


class Claim(Message, frozen=True, kw_only=True, gc=False):
    row: int
    registration_id: str


class Claimed(Message, frozen=True, kw_only=True, gc=False):
    """Exactly one of three: `person_id` (claimed), `holder` (somebody else holds the person; nothing was claimed) or
    `findings` (refused by identity itself; nothing was claimed)."""

    row: int
    registration_id: str
    person_id: str | None = None
    masked_document: str = ""
    holder: Holder | None = None
    findings: tuple[Finding, ...] = ()


class ClaimPersons(Command, frozen=True, kw_only=True, gc=False, tag="identity.claim_persons"):
    """Make (or find) the persons of staged rows and claim each for one registration: the first wins, for ever one."""

    intake_id: str
    school: str
    claims: tuple[Claim, ...]


class ClaimedPersons(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.claimed_persons"):
    claims: tuple[Claimed, ...]


class DropIntake(Command, frozen=True, kw_only=True, gc=False, tag="identity.drop_intake"):
    """Forget an intake's waiting room: cancelled, failed, or all claimed. Reply: Ok."""

    intake_id: str


OTHERS_NUMBER = "number.of_another"
"""Code of the finding that a student number is another person's."""


class KnownPerson(Message, frozen=True, kw_only=True, gc=False):
    """One row. `person_id`: None where nobody has this document and none was to be made, or where `findings` refuse.

    `holder`: of the live claim on the person, if somebody has one. `numbered`: the person has or had a student number.
    """

    row: int
    masked_document: str
    person_id: str | None = None
    holder: Holder | None = None
    numbered: bool = False
    findings: tuple[Finding, ...] = ()


class KnowPersons(Command, frozen=True, kw_only=True, gc=False, tag="identity.know_persons"):
    """Find the persons with these documents and, with `make`, make those that are not there, without any claim: children
    of age who are not registered yet (clause 5.2). A later registration with the same document finds the same person.

    Sent by the registry for `organisation`, whose list it is. At most 500 rows; every row has a document number. A row whose
    `former_number` is another person's is refused (OTHERS_NUMBER): nobody is registered, and numbered, a second time.
    """

    organisation: str
    rows: tuple[PersonEntry, ...]
    make: bool = False


class KnownPersons(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.known_persons"):
    """In the order of the rows asked for."""

    rows: tuple[KnownPerson, ...]


class RevealDocuments(Command, frozen=True, kw_only=True, gc=False, tag="identity.reveal_documents"):
    """Show full document and student numbers, with a purpose; each showing is recorded (clause 45.1).

    `record_ids`: whose records (or registrations) these persons hold, so that the audit log finds the showing by them.
    """

    person_ids: tuple[str, ...]
    purpose: str
    record_ids: tuple[str, ...] = ()


class Revealed(Message, frozen=True, kw_only=True, gc=False):
    person_id: str
    document_number: str
    student_number: str | None
    members: tuple[tuple[int, str], ...] = ()


class RevealedDocuments(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.revealed_documents"
):
    persons: tuple[Revealed, ...]


class RevealForExport(Command, frozen=True, kw_only=True, gc=False, tag="identity.reveal_for_export"):
    """Full numbers for the file of an approved export (clause 45.2), by the registry alone; each chunk is recorded.

    Identity answers from what `access.export_approved` told it: the export is approved, not expired, names a full
    number, and has not asked for more persons than it may hold. At most 1,000 persons, each once. Asked again it is
    shown, recorded and counted again: no reply is kept, or every export would leave its numbers here for ever.
    """

    kept: ClassVar[bool] = False

    export_id: str
    person_ids: tuple[str, ...]


class ExportedNumbers(Message, frozen=True, kw_only=True, gc=False):
    """The numbers that the export names; None for one that it does not name or that does not exist."""

    person_id: str
    document_number: str | None = None
    student_number: str | None = None


class RevealedForExport(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.revealed_for_export"
):
    persons: tuple[ExportedNumbers, ...]


class FindPersons(Query, frozen=True, kw_only=True, gc=False, tag="identity.find_persons"):
    """Exact search by a document number or a student number (G, L or J; an old number still finds its person)."""

    number: str


class FoundPersons(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.found_persons"):
    person_ids: tuple[str, ...]


class ScanLikely(Query, frozen=True, kw_only=True, gc=False, tag="identity.scan_likely"):
    """Which of these persons may be somebody else who holds a record too (clause 20.1), province-wide. Registry alone.

    At most 500, each once. Persons without a live claim are nobody's duplicate.
    """

    person_ids: tuple[str, ...]


class LikelyPair(Message, frozen=True, kw_only=True, gc=False):
    """Two records that may be one pupil's. `registrations`, `persons`: in the order of the registrations' ids.

    `agreements`: codes of what agrees (`name`, `near_name`, `former_name`, `sex`, `birth_date`, `guardian_document`,
    `area`). `reasons`: the same in Chinese. `alike`: how many pupils of the province have one of these names and one of
    these birth dates: 2 says that nobody else has.
    """

    registrations: tuple[str, str]
    persons: tuple[str, str]
    agreements: tuple[str, ...]
    reasons: tuple[str, ...]
    alike: int


class LikelyPairs(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.likely_pairs"):
    pairs: tuple[LikelyPair, ...]


class KeyFields(Message, frozen=True, kw_only=True, gc=False):
    """What a correction changes (clause 40); None: stays. A birth date is not among them, and never will be.

    `members`: the whole document of a family member, by its slot; an empty number takes it away. Other slots stay."""

    name: str | None = None
    sex: Sex | None = None
    document_kind: str | None = None
    document_number: str | None = None
    members: tuple[Member, ...] = ()


class CheckCorrection(Query, frozen=True, kw_only=True, gc=False, tag="identity.check_correction"):
    """What would stand against a correction of a person's key fields; keeps nothing. Reply: StagedCorrection."""

    person_id: str
    registration_id: str
    values: KeyFields


class StageCorrection(Command, frozen=True, kw_only=True, gc=False, tag="identity.stage_correction"):
    """Keep the new key fields of a person, sealed, until the correction is approved or dropped (clause 40).

    Nothing is kept where a finding refuses. What no `registry.correction_proposed` asks for is forgotten after
    `expires_at`.
    """

    staging_id: str
    person_id: str
    registration_id: str
    values: KeyFields
    expires_at: Moment


class StagedCorrection(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="identity.staged_correction"
):
    """The person as the correction would leave him, the number masked. `fields`: which of the key fields differ;
    `former_members`, `members`: documents of family members that differ, the same slots in both."""

    name: str
    sex: Sex
    document_kind: str
    masked_document: str
    former_members: tuple[MaskedMember, ...] = ()
    members: tuple[MaskedMember, ...] = ()
    fields: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Issued(Message, frozen=True, kw_only=True, gc=False):
    """One number: `masked` shows the letter and the ends only. `verification` says why it is G or L."""

    person_id: str
    registration_id: str
    kind: NumberKind
    masked: str
    verification: Verification


class NumbersIssued(Event, frozen=True, kw_only=True, gc=False, tag="identity.numbers_issued"):
    """First numbers of a batch of persons (clause 15.3)."""

    numbers: tuple[Issued, ...]
    issued_at: Moment


class NumbersUpgraded(Event, frozen=True, kw_only=True, gc=False, tag="identity.numbers_upgraded"):
    """L became G for these persons; the L stays as a former number (clause 15.4)."""

    numbers: tuple[Issued, ...]
    issued_at: Moment


class VerificationChanged(Event, frozen=True, kw_only=True, gc=False, tag="identity.verification_changed"):
    """A later match gave another answer without a new number (for instance `unavailable` became `name_mismatch`)."""

    numbers: tuple[Issued, ...]
    checked_at: Moment


class PersonCorrected(Event, frozen=True, kw_only=True, gc=False, tag="identity.person_corrected"):
    """An approved correction holds: the same person with other key fields; a former document still finds him."""

    staging_id: str
    person_id: str
    registration_id: str
    corrected_at: Moment


class CorrectionFailed(Event, frozen=True, kw_only=True, gc=False, tag="identity.correction_failed"):
    """An approved correction cannot hold any more: meanwhile somebody else has the document, or the person lost the
    record. Nothing was changed."""

    staging_id: str
    registration_id: str
    reason: Literal["document_taken", "no_record", "not_kept"]


class ClaimRestored(Event, frozen=True, kw_only=True, gc=False, tag="identity.claim_restored"):
    """The answer to `registry.record_reinstating`. `restored`: whether the record holds its person again; False where
    the person is registered anew (one person, one record)."""

    registration_id: str
    person_id: str
    restored: bool


Commands = StagePersons | ClaimPersons | DropIntake | KnowPersons | RevealDocuments | RevealForExport | StageCorrection
Queries = FindPersons | ScanLikely | CheckCorrection
Events = NumbersIssued | NumbersUpgraded | VerificationChanged | PersonCorrected | CorrectionFailed | ClaimRestored

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    StagePersons: StagedPersons,
    ClaimPersons: ClaimedPersons,
    DropIntake: Ok,
    KnowPersons: KnownPersons,
    RevealDocuments: RevealedDocuments,
    RevealForExport: RevealedForExport,
    FindPersons: FoundPersons,
    ScanLikely: LikelyPairs,
    CheckCorrection: StagedCorrection,
    StageCorrection: StagedCorrection,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
