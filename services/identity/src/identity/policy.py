"""The rules of persons and numbers, in article order: facts in, answers out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Final

import msgspec
from regulation.authorisation import Target, may
from regulation.documents import MATCHABLE, DocumentKind, check_document
from regulation.findings import refuse
from regulation.mark import clause, enforced
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.discreet import Discreet
from shared_contracts.identity import OTHERS_NUMBER, Holder, Likely, Member, NumberKind, PersonEntry, Verification

from identity import names


class Known(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person as the database knows him. `registration_id` and `school`: of the live claim, None without one.

    `listed`: known from a list of children, whoever registers him; `numbered`: has or had a student number.
    """

    person_id: str
    name: str
    sex: str
    birth_date: date
    area: str
    document_kind: str
    masked_document: str
    registration_id: str | None = None
    school: str | None = None
    listed: bool = False
    numbered: bool = False

    @property
    def unregistered(self) -> bool:
        """Known from a list alone: nobody has registered this person yet."""
        return self.listed and self.registration_id is None and not self.numbered

    @property
    def holder(self) -> Holder | None:
        if self.registration_id is None or self.school is None:
            return None
        return Holder(person_id=self.person_id, registration_id=self.registration_id, school=self.school)


# ---- Article 15: one person, one record; G or L ---------------------------------------------------------------------

enforced("15.2", by="one_record_a_person", at="migrations/versions/0001_identity.py")
enforced("15.2", by="one_person_a_document", at="migrations/versions/0001_identity.py")


@clause("15.2", "20.1")
def in_the_way(holder: Holder | None, registration_id: str = "") -> Holder | None:
    """The holder of a person's live record, unless it is this registration itself: the first wins, whatever the school."""
    return None if holder is None or holder.registration_id == registration_id else holder


@clause("15.3")
def number_kind(verification: Verification) -> NumberKind:
    """校验成功后生成 G; 未校验或校验不存在的为 L: everything but a match is L, a mismatch and a silent matcher too."""
    return NumberKind.G if verification is Verification.MATCHED else NumberKind.L


FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
NOT_FOUND_PAUSE: Final = timedelta(days=1)


@clause("15.3")
def next_check(verification: Verification, attempts: int, now: datetime) -> datetime | None:
    """When to ask again after this outcome, `attempts` questions in all; None: not until somebody corrects something.

    No answer: soon, then less and less often. Not found: daily, since a new household registration reaches the
    population service within days. A mismatch waits for the school's correction.
    """
    if verification is Verification.UNAVAILABLE:
        doublings = min(max(attempts - 1, 0), 10)
        return now + min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)
    if verification is Verification.NOT_FOUND:
        return now + NOT_FOUND_PAUSE
    return None


enforced("15.4", by="a_formal_number_never_ends", at="migrations/versions/0001_identity.py")
enforced("15.4", by="a_number_belongs_to_one_person", at="migrations/versions/0001_identity.py")
enforced("15.4", by="student_numbers_immutable", at="migrations/versions/0001_identity.py")


@clause("15.4")
def succession(current: NumberKind | None, verification: Verification, *, formal_taken: bool) -> NumberKind | None:
    """The kind of number to issue now, None for none. `current`: of the person's open number.

    A G is for life and nothing follows it. L (or J) is followed by G alone. `formal_taken`: the G that this person would
    get has been somebody else's: it is never given twice, so that this person keeps or gets an L.
    """
    if current is NumberKind.G:
        return None
    wanted = NumberKind.L if formal_taken else number_kind(verification)
    if current is None or wanted is NumberKind.G:
        return wanted
    return None


# ---- Article 20: duplicates -----------------------------------------------------------------------------------------

LIKELY_SHOWN: Final = 5


@clause("20.1")
def likely_reasons(entry: PersonEntry, other: Known) -> tuple[str, ...]:
    """Why another person born on the same day may be this pupil; empty when it is not likely.

    Likely is: the same name; a name that sounds alike and the same sex; a name one character apart, the same sex and
    household area, unless both hold resident identity cards (two right cards are two people; twins are the usual case).
    """
    if entry.birth_date != other.birth_date:
        return ()
    a, b = names.normalise(entry.name), names.normalise(other.name)
    same_sex = entry.sex == other.sex
    two_cards = entry.document_kind == other.document_kind == DocumentKind.RESIDENT
    if a == b:
        first = "姓名、出生日期相同"
    elif same_sex and names.sound(a) == names.sound(b):
        first = "姓名同音或近音，性别、出生日期相同"
    elif same_sex and not two_cards and entry.area == other.area and names.one_character_apart(a, b):
        first = "姓名仅一字之差，性别、出生日期、户口所在地相同"
    else:
        return ()
    reasons = [first]
    if a == b:
        reasons.append("性别相同" if same_sex else "性别不同")
    if entry.document_kind != other.document_kind:
        reasons.append("两处登记的身份证件类型不同")
    elif not two_cards:
        reasons.append("两处登记的证件不是居民身份证，无法比对")
    return tuple(reasons)


@clause("20.1")
def likely(entry: PersonEntry, others: Iterable[Known]) -> tuple[Likely, ...]:
    """Likely duplicates for the registrar to look at, equal names first, at most `LIKELY_SHOWN`."""
    name = names.normalise(entry.name)
    found = [(other, reasons) for other in others if (reasons := likely_reasons(entry, other))]
    found.sort(key=lambda pair: (names.normalise(pair[0].name) != name, -len(pair[1]), pair[0].person_id))
    return tuple(
        Likely(
            person_id=other.person_id,
            name=other.name,
            birth_date=other.birth_date,
            masked_document=other.masked_document,
            school=other.school,
            reasons=reasons,
        )
        for other, reasons in found[:LIKELY_SHOWN]
    )


class Compared(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person with a record, as he is compared with others. `member_keys`: of guardians' documents; `number_kind`: of
    the open student number, None before it is issued."""

    person_id: str
    registration_id: str
    name: str
    sex: str
    birth_date: date
    area: str
    document_kind: str
    member_keys: frozenset[int] = frozenset()
    former_names: tuple[str, ...] = ()
    number_kind: str | None = None

    @property
    def all_names(self) -> frozenset[str]:
        return frozenset(map(names.normalise, (self.name, *self.former_names)))


class Agreement(msgspec.Struct, frozen=True, gc=False):
    """What makes two records likely to be one pupil's: codes for programs, words for people."""

    codes: tuple[str, ...]
    reasons: tuple[str, ...]


_AGREES: Final = {
    "name": "姓名相同",
    "former_name": "姓名与曾用名相同",
    "near_name": "姓名同音、近音或仅一字之差",
    "sex": "性别相同",
    "birth_date": "出生日期相同",
    "guardian_document": "监护人证件号相同",
    "area": "户口所在地相同",
}


@clause("20.1", "39")
def agreement(a: Compared, b: Compared) -> Agreement | None:
    """Why two records may be one pupil's, None where they are not likely to be.

    Born on the same day: an equal or former name; a name that sounds alike, of the same sex; one character apart, of the
    same sex and household area or guardian, unless both hold resident cards; or the same guardian and sex, unless both
    hold resident cards (twins are the usual case). Born on different days: the same guardian, the same name and sex: no
    family gives one name twice. Two numbers that the police confirmed are two people, unless name, day and guardian agree.
    """
    codes = _agreeing(a, b)
    same_name = bool(codes & {"name", "former_name"})
    guardian, same_sex = "guardian_document" in codes, "sex" in codes
    two_cards = a.document_kind == b.document_kind == DocumentKind.RESIDENT
    if a.number_kind == b.number_kind == NumberKind.G:
        likely_ = same_name and guardian and "birth_date" in codes
    elif "birth_date" not in codes:
        likely_ = same_name and guardian and same_sex
    elif same_name:
        likely_ = True
    elif not same_sex:
        likely_ = False
    elif names.sound(a.name) == names.sound(b.name):
        likely_ = True
    else:
        likely_ = not two_cards and (guardian or ("near_name" in codes and "area" in codes))
    if not likely_:
        return None
    kept = tuple(code for code in _AGREES if code in codes)
    return Agreement(kept, tuple(_AGREES[code] for code in kept))


def _agreeing(a: Compared, b: Compared) -> frozenset[str]:
    one, other = names.normalise(a.name), names.normalise(b.name)
    near = names.sound(one) == names.sound(other) or names.one_character_apart(one, other)
    found = {
        "name": one == other,
        "former_name": one != other and bool(a.all_names & b.all_names),
        "near_name": one != other and near,
        "sex": a.sex == b.sex,
        "birth_date": a.birth_date == b.birth_date,
        "guardian_document": bool(a.member_keys & b.member_keys),
        "area": a.area == b.area,
    }
    return frozenset(code for code, agrees in found.items() if agrees)


# ---- Article 40: what never changes ---------------------------------------------------------------------------------

enforced("40", by="birth_date_immutable", at="migrations/versions/0001_identity.py")


@clause("40")
def established(known: Known, entry: PersonEntry) -> tuple[Finding, ...]:
    """What an entry says otherwise than the person's existing record; empty when it agrees.

    A record is not changed by registering its pupil anew: the birth date never (with the digits of the document number
    that tell it), name and sex only through an approved correction. Of a child who only stands on a list there is no
    record yet: name and sex are what the registration says.
    """
    found = []
    if known.birth_date != entry.birth_date:
        found.append(
            refuse(
                "40",
                "person.birth_date_differs",
                "该证件号已有学籍记录，其出生日期与所填出生日期不一致；学籍建立后出生日期不予变更",
                cure="请按户口簿和出生证明核对出生日期；所填有误的改正后重新提交，原记录有误的报主管教育行政部门处理",
                fields=("birth_date",),
            )
        )
    if known.unregistered:
        return tuple(found)
    if names.normalise(known.name) != names.normalise(entry.name) or known.sex != entry.sex:
        found.append(
            refuse(
                "40",
                "person.name_or_sex_differs",
                "该证件号已有学籍记录，其姓名或性别与所填内容不一致",
                cure="请核对证件号、姓名和性别；确需变更的，按关键信息更正程序办理后再提交",
                fields=("name", "sex"),
            )
        )
    return tuple(found)


@clause("40", "15.2")
def against_correction(fields: tuple[str, ...], *, document_taken: bool) -> tuple[Finding, ...]:
    """What stands against new key fields that are possible in themselves. `fields`: which of them differ."""
    if not fields:
        return (
            refuse(
                "40",
                "correction.changes_nothing",
                "更正后的内容与现有学籍信息完全相同",
                cure="请核对需要更正的项目；出生日期不予更正",
            ),
        )
    if document_taken:
        return (
            refuse(
                "15.2",
                "correction.document_taken",
                "更正后的证件号已属于另一名学生的学籍",
                cure="两处学籍是同一名学生的，在查重中处理；不是同一名学生的，请核对证件号",
                fields=("document_number",),
            ),
        )
    return ()


@clause("15.3", "15.4", "40")
def asked_again(number_kind: str | None, document_kind: str) -> bool:
    """Whether a corrected person is matched anew: only who has a number that is no G, with a document that is matchable."""
    return number_kind is not None and number_kind != NumberKind.G and matchable(document_kind)


_KINDS: Final = frozenset(DocumentKind)


@clause("40")
def faults(entry: PersonEntry, today: date) -> tuple[Finding, ...]:
    """What makes an entry (document number normalised) impossible as a person, whoever sent it.

    The form's own checks come before and say more. This is the last line: no number may ever be made of a wrong
    document, above all not of one whose birth digits contradict the birth date.
    """
    found = list(
        check_document(
            entry.document_kind,
            entry.document_number,
            birth_date=entry.birth_date,
            sex=entry.sex,
            today=today,
        )
    )
    if entry.document_kind not in _KINDS:
        found.append(_unreadable("document_kind", "身份证件类型不在代码表中", "请从模板的下拉选项中选择"))
    if not entry.name.strip() or len(entry.name) > 100 or "\x00" in entry.name:
        found.append(_unreadable("name", "姓名为空、过长或含有不可用的字符", "请按证件重新录入姓名"))
    if entry.birth_date > today:
        found.append(_unreadable("birth_date", "出生日期晚于今天", "请核对出生日期"))
    if not (len(entry.area) == 6 and entry.area.isascii() and entry.area.isdigit()):
        found.append(_unreadable("area", "户口所在地不是六位行政区划代码", "请从代码表中选择户口所在地"))
    return tuple(finding for finding in found if finding.outcome is Outcome.REFUSE)


MEMBERS: Final = (1, 2)
"""Slots of family members on the form."""


@clause("40", "14")
def member_faults(entry: PersonEntry, given: tuple[Member, ...], today: date) -> tuple[Finding, ...]:
    """What is wrong with new documents of family members, by the form's own rules (`registry.form.rules.members`).

    `entry`: as the correction would leave the person. Only what is given is looked at: a fault that stood there before
    does not hinder the correction of something else."""
    found: list[Finding] = []
    slots = [member.slot for member in given]
    for slot in sorted(set(slots)):
        if slot not in MEMBERS or slots.count(slot) > 1:
            found.append(_unreadable("members", f"成员{slot}不存在，或者填写了两次", "每名成员只填一次，成员1或成员2"))
    for member in entry.members:
        if found or member.slot not in slots:
            continue
        n, field = member.slot, f"member{member.slot}_document_number"
        others = [m.document_number for m in entry.members if m.slot != n]
        if member.document_kind not in _KINDS:
            kind = f"member{n}_document_kind"
            found.append(_unreadable(kind, f"成员{n}身份证件类型不在代码表中", "请从代码表中选择证件类型"))
        elif member.document_number == entry.document_number:
            cure = "请填写成员本人的证件号"
            found.append(_unreadable(field, f"成员{n}的身份证件号与学生本人相同", cure))
        elif member.document_number in others:
            cure = "两名成员是两个人，请按各自的证件填写"
            found.append(_unreadable(field, f"成员{n}的身份证件号与另一名成员相同", cure))
        else:
            found += check_document(member.document_kind, member.document_number, today=today, field=field)
    return tuple(finding for finding in found if finding.outcome is Outcome.REFUSE)


@clause("15.2", "20.1")
def number_of_another(owners: Collection[str], person_id: str | None) -> tuple[Finding, ...]:
    """A student number finds one person. `owners`: who has or had it; `person_id`: who has the document, None: nobody yet.

    Whoever stands here under another document would be registered, and numbered, a second time."""
    if not set(owners) - {person_id}:
        return ()
    return (
        refuse(
            "20.1",
            OTHERS_NUMBER,
            "所填学籍号属于本省系统中的另一名学生，其登记的证件与所填证件不同",
            cure="核对学籍号和证件号码；确系同一名学生的，按其已登记的证件申请，证件有变化的先办理信息更正；学籍号有误或不清楚的可以不填",
            fields=("former_number",),
        ),
    )


@clause("5.2")
def undocumented() -> Finding:
    """Whoever has no document cannot be found again by it: a list of children names documents."""
    return _unreadable("document_number", "没有身份证件号码", "请填写身份证件号码")


def _unreadable(field: str, message: str, cure: str) -> Finding:
    return Finding(code=f"person.{field}", outcome=Outcome.REFUSE, message=message, cure=cure, fields=(field,))


# ---- Article 50: documents of other states and regions --------------------------------------------------------------


@clause("50")
def matchable(document_kind: str) -> bool:
    """Whether the household matcher can know this document at all; all others get an L without being asked about."""
    return document_kind in MATCHABLE


# ---- Who may ask ----------------------------------------------------------------------------------------------------

REVEAL: Final = "identity.reveal_documents"


@clause("3.1")
def against_entering(actor: Actor, act: str, school: str) -> Refused | None:
    """Persons are staged and claimed for one's own school, or by a service that has checked it."""
    if may(actor, act, Target(school=school)):
        return None
    return refused("forbidden", "只有本校的学籍管理员或学籍主管校长可以办理本校学生的身份信息。")


@clause("3.1", "45.1")
def may_reveal(actor: Actor, schools: Iterable[str | None], authorities: Mapping[str, str | None]) -> bool:
    """Full numbers are shown to a school for the pupils it holds, to an officer for schools under the own authority, to a
    service. `schools`: who holds each pupil, None where nobody does; `authorities`: who supervises each school.
    """
    return all(
        may(actor, REVEAL, Target(school=school, authority=authorities.get(school) if school else None))
        for school in schools
    )
