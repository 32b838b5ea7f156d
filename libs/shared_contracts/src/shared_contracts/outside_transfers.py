"""Transfers to and from other provinces: a person of the province office enters what the other province has decided.

The case is a transfer like any other, with the same four steps in the same order (24.5.1); for the side of the other
province the province office acts, and each of its acts names the paper that the other province sent.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.evidence import EvidenceGiven
from shared_contracts.holds import ComingChild
from shared_contracts.messages import Command, Event, Message, Query
from shared_contracts.transfer_words import Application, Step

Side = Literal["to", "from"]
"""Which side of a transfer is of another province."""


class OutsideSchool(Message, frozen=True, kw_only=True, gc=False):
    """A school of another province, as its paper names it. `division`: its county or district, 6 digits of GB/T 2260;
    `code`: its 学校标识码 where the paper says it. `special_education`: a school for special education (24.4)."""

    division: str
    name: str
    authority: str
    code: str = ""
    special_education: bool = False


class OutsideDocument(Message, frozen=True, kw_only=True, gc=False):
    """The paper by which another province said something. `issuer`: who issued it; the file is among the evidence."""

    number: str
    issued_on: date
    issuer: str


class OutsideView(Message, frozen=True, kw_only=True, gc=False):
    """The other province's side. `province_name`: "浙江". `document`: by which it asked; None of a pupil who comes from
    there, for whom our school asks. `number_kind`: of the student number that it has given (G, L, J), empty where nobody
    has said one; `former_number`: L or J in full, where no identity number is in it, for the receiving side alone."""

    side: Side
    province_name: str
    school: OutsideSchool
    document: OutsideDocument | None
    number_kind: str = ""
    former_number: str = ""


class PrecheckOutward(Query, frozen=True, kw_only=True, gc=False, tag="transfer.precheck_outward"):
    """The same rules as OpenOutward, opening nothing. Role: officer of the province office. Reply: TransferPrechecked."""

    application: Application
    school: OutsideSchool
    grade: int
    document: OutsideDocument


class OpenOutward(Command, frozen=True, kw_only=True, gc=False, tag="transfer.open_outward"):
    """Enter the application of a school of another province for a pupil of ours. `grade`: into which, 1 to 9. The evidence
    of the application holds the paper itself. Role: officer of the province office. Reply: TransferView."""

    transfer_id: str
    application: Application
    school: OutsideSchool
    grade: int
    document: OutsideDocument


class ResubmitOutward(Command, frozen=True, kw_only=True, gc=False, tag="transfer.resubmit_outward"):
    """A returned case as the other province has corrected it. Pupil and school stay, and papers change as by
    `ResubmitTransfer`. Reply: TransferView."""

    transfer_id: str
    application: Application
    document: OutsideDocument
    version: int
    taken_off: tuple[str, ...] = ()


class WithdrawOutward(Command, frozen=True, kw_only=True, gc=False, tag="transfer.withdraw_outward"):
    """The other province's school or the guardian takes the application back. Reply: TransferView."""

    transfer_id: str
    reason: str
    by_guardian: bool = False


class DecideOutside(Command, frozen=True, kw_only=True, gc=False, tag="transfer.decide_outside"):
    """Enter what a school or authority of another province has decided on the step that the case waits for, with its paper.
    Role: officer or leader of the province office, each step another person. Reply: TransferView."""

    transfer_id: str
    step: Step
    decision: Literal["approve", "reject", "return"]
    document: OutsideDocument
    evidence: tuple[EvidenceGiven, ...]
    reason: str = ""
    asks: tuple[str, ...] = ()
    version: int | None = None


class PrecheckInward(Query, frozen=True, kw_only=True, gc=False, tag="transfer.precheck_inward"):
    """The same rules as OpenInward, opening nothing. Role: registrar of the receiving school. Reply: TransferPrechecked."""

    application: Application
    child: ComingChild
    school: OutsideSchool
    grade: int


class OpenInward(Command, frozen=True, kw_only=True, gc=False, tag="transfer.open_inward"):
    """A child comes from a school of another province: the receiving school applies with the guardian. `grade`: the child's
    there, 1 to 9. `application.number`: the student number that the other province has given, empty where the guardian
    does not know it. `exception`: why, where a 原则上 rule stands against it. Role: registrar. Reply: TransferView."""

    transfer_id: str
    application: Application
    child: ComingChild
    school: OutsideSchool
    grade: int
    exception: str = ""


class InwardApproved(Event, frozen=True, kw_only=True, gc=False, tag="transfer.inward_approved"):
    """All have approved that a child comes from another province: its school may register it now (19, 24.6.1).

    `grade`: as applied for; who was promoted since is one further. `over`: beyond the standard size. `actor`: the account
    of the last approval. `placement`: how the child is placed in the new school (24.4); empty where the case says nothing.
    """

    transfer_id: str
    seq: int
    to_school: str
    grade: int
    over: bool
    actor: str
    number: str
    placement: str = ""


class OutwardApproved(Event, frozen=True, kw_only=True, gc=False, tag="transfer.outward_approved"):
    """All have approved that a pupil goes to another province: the registry closes the record here and keeps it.

    `actor`: the account of the last approval. `division`, `school`: where the pupil is from then on.
    """

    transfer_id: str
    seq: int
    student_id: str
    from_school: str
    grade: int
    division: str
    school: str
    actor: str
    number: str


Commands = OpenOutward | ResubmitOutward | WithdrawOutward | OpenInward | DecideOutside
Queries = PrecheckOutward | PrecheckInward
Events = OutwardApproved | InwardApproved
