"""Holds and seats: what the registry gives a change case of another service, and takes back (clause 23).

A student has one open change case at most, over all services: the *hold*. A case that brings the student to another
school has a *seat* there besides, counted under lock. These words are between services; no person sends them. The one
who decides is the service whose case it is; the registry only counts, and says what is so.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.messages import Command, Event, Message, Query

ChangeKind = Literal["transfer"]
"""变动种类; each case kind of Chapter 4 adds its own."""


class School(Message, frozen=True, kw_only=True, gc=False):
    """A school as a case sees it. `division`: county or district, 6 digits. `school_type`: BXLX code. `system`: "6-3" or
    "5-4". `ownership`: public or private. `locality`: urban, town or rural. `entry_grades`, `graduating_grades`: of the
    stages it carries. `superior`: the authority above its own."""

    code: str
    name: str
    authority: str
    authority_name: str
    superior: str
    division: str
    school_type: str
    stages: tuple[str, ...]
    system: str
    ownership: str
    locality: str
    special_education: bool = False
    special_school: bool = False  # 专门学校
    entry_grades: tuple[int, ...] = ()
    graduating_grades: tuple[int, ...] = ()


class Pupil(Message, frozen=True, kw_only=True, gc=False):
    """A student as they stand. `grade`: 1 to 9, None where the pupil is in no class now. `placement`: how they came to be
    placed (`records`); `mainstreamed`: 随班就读. `held_by`: the kind of an open change case, None without one.
    """

    student_id: str
    person_id: str
    name: str
    birth_date: date
    state: str
    live: bool
    stage: str
    grade: int | None
    class_no: int | None
    placement: str
    mainstreamed: bool
    school: School
    at_school_since: date | None
    held_by: str | None = None


class Room(Message, frozen=True, kw_only=True, gc=False):
    """A grade of a school on one day. `standard`: the standard class size; `sizes`: pupils of each open class of the grade
    (those on their way too); `held`: seats given to open cases. `free`: what is left of the standard size of all classes,
    held seats taken off, never below 0. `admitted`: have a place of the plan and are on no list of pupils yet.

    `school_pupils`: in compulsory education in this school, held seats too; `most_pupils`: 大校额. `plan_places`: the
    enrolment plan of the grade's own entry year, None where there was none; `pupils`: of the grade.
    """

    school: str
    grade: int
    stage: str
    standard: int
    sizes: tuple[int, ...]
    held: int
    free: int
    pupils: int
    school_pupils: int
    most_pupils: int
    plan_places: int | None = None
    admitted: int = 0


class ComingChild(Message, frozen=True, kw_only=True, gc=False):
    """A child of another province as its papers name it: nobody who has a record here. `document_kind`: code of
    SFZJLX_FORM; `area`: 6-digit division of the household; `former_number`: L or J of the other province, empty where there
    is none. The registry asks identity who it is and keeps no number."""

    name: str
    sex: Literal["1", "2"]
    birth_date: date
    document_kind: str
    document_number: str
    area: str
    former_number: str = ""


class Place(Message, frozen=True, kw_only=True, gc=False):
    """A residence. `division`: 6 digits; `address`: street and number as written."""

    division: str
    address: str


class Covers(Message, frozen=True, kw_only=True, gc=False):
    """Whether attendance zones hold a residence. None: there are no zones for it, so nobody can say."""

    from_school: bool | None = None
    to_school: bool | None = None
    zone_school: str | None = None


class ChangeFacts(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.change_facts"):
    """What the registry knows for a change. `pupil`: None where no such student has a record in the province.

    `to`, `room`: the school asked for and its grade, None where none was asked for or it does not carry the grade.
    `policy_version`: of the parameters of the school asked for.
    """

    pupil: Pupil | None
    to: School | None = None
    room: Room | None = None
    covers: Covers = Covers()
    policy_version: str = ""
    said: Finding | None = (
        None  # of the child asked for: why it cannot be expected, or that its old record is opened again
    )


class GetChangeFacts(Query, frozen=True, kw_only=True, gc=False, tag="registry.change_facts_of"):
    """The facts for a change case. Services alone; they show a person only the verdict.

    The student by id, or by exact name and number (identity document or student number) as the application says them.
    `grade`: None: the pupil's own.
    """

    student_id: str | None = None
    name: str = ""
    number: str = ""
    to_school: str | None = None
    grade: int | None = None
    residence: Place | None = None
    case_id: str | None = None  # its own seat does not count against it
    child: ComingChild | None = None


class FindRoom(Query, frozen=True, kw_only=True, gc=False, tag="registry.room_nearby"):
    """Public schools with free places in a grade, nearest first: whose zone holds the residence, then the same division,
    then the same city. Reply: RoomNearby."""

    grade: int
    stage: str
    residence: Place
    division: str
    without: tuple[str, ...] = ()
    limit: int = 10


class Nearby(Message, frozen=True, kw_only=True, gc=False):
    school: School
    free: int
    nearness: Literal["zone", "division", "city"]


class RoomNearby(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.room_nearby_page"):
    items: tuple[Nearby, ...]


class Seat(Message, frozen=True, kw_only=True, gc=False):
    """A place in a school, in the pupil's own grade: no word changes that (24.6.2). `over`: the competent authority has
    allowed it beyond the standard size (24.2)."""

    school: str
    over: bool = False


class GrantHold(Command, frozen=True, kw_only=True, gc=False, tag="registry.grant_hold"):
    """Hold a student for a case, with a seat where one is asked for. The same case may ask again: the newest `seq` counts.

    Refused: the student has another open change case (clause 23), or nobody is there, or no place is free (24.2.2) where a
    seat is asked for. `evidence`: files of the applying school, attached to the case. `student_id`: None of a child that
    the registry expects for this case (`ExpectArrival`). Reply: HoldGranted.
    """

    case_id: str
    kind: ChangeKind
    seq: int
    student_id: str | None
    organisation: str
    seat: Seat | None = None
    evidence: tuple[EvidenceGiven, ...] = ()


class ExpectArrival(Command, frozen=True, kw_only=True, gc=False, tag="registry.expect_arrival"):
    """Expect a child of another province in a grade of a school, with a seat where one is asked for; the hold of a case
    whose pupil has no record here yet. `organisation`: the school; `evidence`: its files.

    Refused: the child has a record here, or another case expects it already (clause 23), or no place is free (24.2.2).
    Reply: HoldGranted.
    """

    case_id: str
    seq: int
    organisation: str
    grade: int
    child: ComingChild
    seat: Seat | None = None
    evidence: tuple[EvidenceGiven, ...] = ()


class HoldGranted(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.hold_granted"):
    case_id: str
    seq: int
    seat: Seat | None = None
    person_id: str | None = None  # of a child that is expected


class SettleHold(Command, frozen=True, kw_only=True, gc=False, tag="registry.settle_hold"):
    """What of a case has been committed: the registry makes its own side so. `keep` False: the case is not there.

    An older `seq` than the one that the registry has seen changes nothing; a case that was let go stays so. Reply:
    HoldGranted, with the seat that the case has: none where the one that it had before is somebody else's now.
    """

    case_id: str
    seq: int
    keep: bool
    seat: Seat | None = None


class ChangeApplied(Event, frozen=True, kw_only=True, gc=False, tag="registry.change_applied"):
    """The record has gone where the case sent it. `class_no`: of the new school; None where the record stayed (24.4).
    `number_kind`: of a record that was made anew for a child of another province, G or L; empty otherwise."""

    case_id: str
    kind: ChangeKind
    student_id: str
    school: str
    grade: int
    class_no: int | None
    applied_on: date
    number_kind: str = ""


class ChangeFailed(Event, frozen=True, kw_only=True, gc=False, tag="registry.change_failed"):
    """The last approval could not be carried out; the hold stands until somebody has looked at it. Or the record has ended
    (22), whatever has been approved: then the hold is gone already, and the seat with it."""

    case_id: str
    kind: ChangeKind
    findings: tuple[Finding, ...]


Commands = GrantHold | ExpectArrival | SettleHold
Queries = GetChangeFacts | FindRoom
Events = ChangeApplied | ChangeFailed

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    GrantHold: HoldGranted,
    ExpectArrival: HoldGranted,
    SettleHold: HoldGranted,
    GetChangeFacts: ChangeFacts,
    FindRoom: RoomNearby,
}
