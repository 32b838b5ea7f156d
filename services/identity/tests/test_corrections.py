"""Corrections of key fields: staged, checked, approved, and nothing else."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity import clearing, policy, sweeping
from identity.requests import Lane
from identity_support import OTHER_SCHOOL, REGISTRAR, REGISTRY, Desk, People, TheMatcher, number, run, scan
from regulation.documents import check_digit, read_resident
from service_kit.ids import new_id
from shared_contracts.clearing import CorrectionApproved, CorrectionDropped, CorrectionProposed
from shared_contracts.decisions import Refused
from shared_contracts.identity import (
    CheckCorrection,
    Claimed,
    CorrectionFailed,
    FindPersons,
    KeyFields,
    MaskedMember,
    Member,
    NumbersUpgraded,
    PersonCorrected,
    PersonEntry,
    StageCorrection,
    StagedCorrection,
)

BORN = date(2020, 3, 5)


async def _stage(desk: Desk, who: Claimed, staging_id: str = "s1", **values: object) -> StagedCorrection:
    reply = await desk.send(
        StageCorrection(
            command_id=new_id(),
            actor=REGISTRY,
            staging_id=staging_id,
            person_id=who.person_id or "",
            registration_id=who.registration_id,
            values=KeyFields(**values),  # type: ignore[arg-type]
            expires_at=desk.clock.now() + timedelta(hours=1),
        )
    )
    assert isinstance(reply, StagedCorrection), reply
    return reply


async def _apply(desk: Desk, who: Claimed, staging_id: str = "s1") -> None:
    await desk.take(CorrectionProposed(staging_id=staging_id))
    await desk.take(_approved(who, staging_id))


def _approved(who: Claimed, staging_id: str = "s1") -> CorrectionApproved:
    return CorrectionApproved(staging_id=staging_id, person_id=who.person_id or "", registration_id=who.registration_id)


@pytest.mark.integration
@pytest.mark.clause("40", "15.3", "15.4")
async def test_a_corrected_name_makes_an_l_a_g(desk: Desk, people: People, matcher: TheMatcher) -> None:
    entry = people.entry(name="王小明")
    matcher.knows([entry], name="王晓明")
    (who,) = await number(desk, [entry])
    assert await desk.value("SELECT kind FROM student_numbers") == "L"
    staged = await _stage(desk, who, name=" 王晓明 ")
    assert (staged.fields, staged.findings, staged.name) == (("name",), (), "王晓明")
    await _apply(desk, who)
    (news,) = await desk.events(PersonCorrected)
    assert (news.person_id, news.staging_id) == (who.person_id, "s1")
    (row,) = await desk.rows("SELECT * FROM persons")
    assert (row["id"], row["name"], row["former_names"], row["birth_date"]) == (
        who.person_id, "王晓明", ["王小明"], entry.birth_date,
    )  # fmt: skip
    assert await run(desk, Lane.AGAIN) == 1
    (upgrade,) = await desk.events(NumbersUpgraded)
    assert upgrade.numbers[0].kind == "G"
    assert await desk.value("SELECT count(*) FROM staged_corrections") == 0


@pytest.mark.integration
@pytest.mark.clause("40")
async def test_a_corrected_document_and_the_old_one_both_find_the_person(desk: Desk, people: People) -> None:
    entry = people.entry()
    right = people.number(entry.area, entry.birth_date, entry.sex)
    (who,) = await number(desk, [entry])
    await _stage(desk, who, document_number=right)
    await _apply(desk, who)
    for text in (right, entry.document_number):
        reply = await desk.ask(FindPersons(actor=REGISTRAR, number=text))
        assert reply.person_ids == (who.person_id,)
    (former,) = await desk.rows("SELECT * FROM former_documents")
    assert desk.deps.vault.open_document(who.person_id or "", former["document"]) == entry.document_number
    (owner,) = await desk.enter(
        [
            people.entry(
                document_number=entry.document_number, birth_date=entry.birth_date, sex=entry.sex, area=entry.area
            )
        ]
    )  # whose number it really is
    assert owner.person_id not in (None, who.person_id)


FATHER, MOTHER, OTHER = "230102198001011236", "230102198202022345", "230102198303033454"


def _document(slot: int, first17: str, kind: str = "1") -> Member:
    return Member(slot=slot, document_kind=kind, document_number=first17[:17] + check_digit(first17[:17]))


@pytest.mark.clause("40", "14")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ((), None),
        ((_document(1, OTHER),), None),
        ((_document(2, OTHER), _document(1, MOTHER)), None),
        ((Member(slot=1, document_kind="A", document_number="E12345678"),), None),
        ((Member(slot=1, document_kind="1", document_number="230102198303033450"),), "document.check_digit"),
        ((Member(slot=1, document_kind="1", document_number="12"),), "document.length"),
        ((Member(slot=1, document_kind="", document_number="230102198303033454"),), "person.member1_document_kind"),
        ((Member(slot=2, document_kind="?", document_number="1"),), "person.member2_document_kind"),
        ((_document(3, OTHER),), "person.members"),
        ((_document(0, OTHER),), "person.members"),
        ((_document(1, OTHER), _document(1, MOTHER)), "person.members"),
        ((_document(1, OTHER), _document(2, OTHER)), "person.member1_document_number"),
    ],
)
def test_a_family_members_document_is_checked_as_on_the_form(given: tuple[Member, ...], code: str | None) -> None:
    entry = PersonEntry(
        row=0, name="王小明", sex="1", birth_date=BORN, document_kind="Z", document_number="", area="230102",
        members=tuple(given),
    )  # fmt: skip
    found = policy.member_faults(entry, given, date(2026, 9, 1))
    assert [f.code for f in found][:1] == ([code] if code else [])
    assert all(f.cure and f.fields and f.message for f in found)


@pytest.mark.clause("40", "14")
def test_what_stood_there_before_hinders_nothing_and_the_pupils_own_number_is_nobody_elses() -> None:
    bad = Member(slot=2, document_kind="1", document_number="1")
    entry = PersonEntry(
        row=0, name="王小明", sex="1", birth_date=BORN, document_kind="1", document_number=FATHER, area="230102",
        members=(_document(1, FATHER), bad),
    )  # fmt: skip
    assert policy.member_faults(entry, (), date(2026, 9, 1)) == ()
    own = Member(slot=1, document_kind="1", document_number=FATHER)
    entry = msgspec.structs.replace(entry, members=(own, bad))
    (found,) = policy.member_faults(entry, (own,), date(2026, 9, 1))
    assert found.fields == ("member1_document_number",)


_given = st.lists(
    st.builds(
        Member,
        slot=st.integers(-1, 4),
        document_kind=st.sampled_from(["1", "A", "Z", "", "?"]),
        document_number=st.one_of(
            st.sampled_from([FATHER, _document(1, MOTHER).document_number, ""]), st.text(max_size=20)
        ),
    ),
    max_size=3,
)


@pytest.mark.clause("40", "14")
@given(_given)
def test_no_wrong_document_ever_passes(given: list[Member]) -> None:
    after = {m.slot: m for m in given}
    entry = PersonEntry(
        row=0, name="王小明", sex="1", birth_date=BORN, document_kind="1", document_number=FATHER, area="230102",
        members=tuple(m for m in after.values() if m.document_number),
    )  # fmt: skip
    if policy.member_faults(entry, tuple(given), date(2026, 9, 1)):
        return
    numbers = [m.document_number for m in entry.members]
    assert len({m.slot for m in given}) == len(given)
    assert {m.slot for m in given} <= {1, 2}
    assert FATHER not in numbers
    assert len(set(numbers)) == len(numbers)
    assert all(read_resident(m.document_number) for m in entry.members if m.document_kind == "1")


@pytest.mark.integration
@pytest.mark.clause("40", "20.1")
async def test_a_guardians_document_is_put_right(desk: Desk, people: People) -> None:
    """Sealed and found by the new one; the pupil's own number is not asked about again; the others stay."""
    wrong, kept, right = _document(1, FATHER), _document(2, MOTHER), _document(1, OTHER)
    entry = people.entry(members=(wrong, kept))
    (who,) = await number(desk, [entry])
    (sibling,) = await desk.enter(
        [
            people.entry(
                name="李强",
                sex=entry.sex,
                birth_date=entry.birth_date,
                members=(right,),
                document_kind="Z",
                document_number="",
            )
        ],
        school=OTHER_SCHOOL,
    )
    before = await desk.rows("SELECT * FROM number_requests")
    staged = await _stage(desk, who, members=(right,))
    assert (staged.findings, staged.fields) == ((), ("member1_document",))
    assert (staged.former_members[0].masked_document, staged.members[0].masked_document) == (
        "23**************36",
        "23**************" + right.document_number[-2:],
    )
    await _apply(desk, who)
    (row,) = await desk.rows("SELECT * FROM persons WHERE id = $1", who.person_id)
    assert desk.deps.vault.open_members(row["id"], row["members"]) == (right, kept)
    assert tuple(row["member_keys"]) == desk.deps.vault.member_keys((right, kept))
    assert row["name"] == entry.name
    assert await desk.rows("SELECT * FROM number_requests") == before
    assert await desk.value("SELECT count(*) FROM former_documents") == 0  # his own is what it was
    (pair,) = [p for p in await scan(desk, who) if sibling.registration_id in p.registrations]
    assert "guardian_document" in pair.agreements


@pytest.mark.integration
@pytest.mark.clause("40")
async def test_a_guardian_without_a_document(desk: Desk, people: People) -> None:
    (who,) = await desk.enter([people.entry(members=(_document(1, FATHER),))])
    nothing = await _stage(desk, who, "s0", members=(Member(slot=2, document_kind="", document_number=""),))
    assert [f.code for f in nothing.findings] == ["correction.changes_nothing"]
    same = await _stage(desk, who, "s0", members=(_document(1, FATHER),))
    assert [f.code for f in same.findings] == ["correction.changes_nothing"]
    staged = await _stage(desk, who, members=(Member(slot=1, document_kind="", document_number=""),))
    assert staged.members == (MaskedMember(slot=1),)
    await _apply(desk, who)
    (row,) = await desk.rows("SELECT members, member_keys FROM persons")
    assert (row["members"], row["member_keys"]) == (None, [])


@pytest.mark.integration
@pytest.mark.clause("40", "15.2")
async def test_what_is_not_possible_is_said_and_not_kept(desk: Desk, people: People) -> None:
    entry, taken = people.entry(sex="1"), people.entry(sex="1")
    who, _ = await desk.enter([entry, _row(taken, 2)])
    day = entry.birth_date + timedelta(days=1)
    for code, values in {
        "correction.changes_nothing": {"name": entry.name},
        "correction.document_taken": {"document_number": taken.document_number}
        if taken.birth_date == entry.birth_date
        else {"name": entry.name},
        "person.name": {"name": "  "},
    }.items():
        staged = await _stage(desk, who, **values)
        assert staged.findings, code
    wrong_day = await _stage(desk, who, document_number=people.number(entry.area, day, "1"))
    assert {f.clause for f in wrong_day.findings} & {"40"} or wrong_day.findings
    wrong_sex = await _stage(desk, who, sex="2")
    assert wrong_sex.findings
    assert await desk.value("SELECT count(*) FROM staged_corrections") == 0
    nobody = Claimed(row=1, registration_id="nobody", person_id=who.person_id)
    reply = await desk.ask(
        CheckCorrection(actor=REGISTRY, person_id=nobody.person_id or "", registration_id="nobody", values=KeyFields())
    )
    assert isinstance(reply, Refused)


def _row(entry: object, row: int) -> object:
    import msgspec

    return msgspec.structs.replace(entry, row=row)  # type: ignore[type-var]


@pytest.mark.integration
@pytest.mark.clause("15.2", "40")
async def test_a_document_taken_meanwhile(desk: Desk, people: People) -> None:
    entry = people.entry()
    right = people.number(entry.area, entry.birth_date, entry.sex)
    (who,) = await desk.enter([entry])
    await _stage(desk, who, document_number=right)
    await desk.enter([people.entry(document_number=right, birth_date=entry.birth_date, sex=entry.sex, area=entry.area)])
    await _apply(desk, who)
    (failed,) = await desk.events(CorrectionFailed)
    assert (failed.reason, failed.registration_id) == ("document_taken", who.registration_id)
    assert await desk.value("SELECT name FROM persons WHERE id = $1", who.person_id) == entry.name
    assert await desk.value("SELECT count(*) FROM staged_corrections") == 0


@pytest.mark.integration
@pytest.mark.clause("40")
async def test_order_drops_and_forgetting(desk: Desk, people: People) -> None:
    (who,) = await desk.enter([people.entry()])
    await _stage(desk, who, name="高思睿")
    with pytest.raises(clearing.OutOfOrder):  # its proposal has not come yet
        await desk.take(_approved(who))
    await desk.take(CorrectionProposed(staging_id="s1"))
    await _stage(desk, who, "s2", name="高睿")
    await desk.take(CorrectionProposed(staging_id="s2", replaces="s1"))
    await desk.take(_approved(who, "s1"))
    assert [e.reason for e in await desk.events(CorrectionFailed)] == ["not_kept"]
    await desk.take(CorrectionDropped(staging_id="s2"))
    await _stage(desk, who, "s3", name="高睿")
    desk.clock.move(timedelta(hours=2))
    stop = asyncio.Event()
    task = asyncio.create_task(sweeping.worker(desk.kit, desk.deps, stop))
    for _ in range(1200):
        if not await desk.value("SELECT count(*) FROM staged_corrections"):
            break
        await asyncio.sleep(0.05)
    stop.set()
    await task
    assert await desk.value("SELECT count(*) FROM staged_corrections") == 0


@pytest.mark.integration
@pytest.mark.clause("40")
async def test_the_database_refuses_everything_else(desk: Desk, people: People) -> None:
    """The application's role changes no key field but through the function, that only what a case asked for; a birth date
    changes nobody, the owner neither."""
    (who,) = await desk.enter([people.entry()])
    await _stage(desk, who, name="高思睿")
    app = await desk.app()
    try:
        for statement in (
            "UPDATE persons SET name = '某人'",
            "UPDATE persons SET document_index = '\\x00'",
            "UPDATE persons SET birth_date = birth_date + 1",
            "DELETE FROM former_documents",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        assert not await app.fetchval(  # staged, and no case asks for it
            "SELECT correct_person('s1', now(), 'x', '1', '1', NULL, '\\x01', '', '{}', '{}', NULL, '{}')"
        )
    finally:
        await app.close()
    owner = await desk.owner()
    try:
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute("UPDATE persons SET birth_date = birth_date + 1")
    finally:
        await owner.close()
