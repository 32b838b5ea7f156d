"""A school's roster becomes student records with G and L numbers; everything that is wrong in it is said, row by row."""

from __future__ import annotations

import io
import re

import e2e_truth
import msgspec
import openpyxl
import pypdf
import pytest
from e2e_api import XLSX, chinese, problem_of
from e2e_flow import STEPS, Desk
from e2e_people import People, found_in, numbers_in
from e2e_story import ROWS, Run, Story
from openpyxl.worksheet.worksheet import Worksheet
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.notifications import NoticePage
from shared_contracts.registry import RegistrationState, RosterState, RosterView, RowState
from xueji_local import province
from xueji_local.generator import RARE
from xueji_local.generator_cases import Case
from xueji_local.generator_form import HEADERS

ACCEPTED = (RowState.VALID, RowState.WARNED)


def refusals(findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is Outcome.REFUSE]


def planted(story: Story, outcome: str) -> dict[int, Case]:
    return {row: case for case in story.made.roster.cases if case.outcome == outcome for row in case.rows}


# ---- the check: a dry run -------------------------------------------------------------------------------------------


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
@pytest.mark.clause("20.2")
@pytest.mark.clause("9")
@pytest.mark.clause("3.5")
def test_each_planted_fault_is_refused_with_its_clause_and_its_cure(story: Story) -> None:
    wrong: list[object] = []
    for number, case in planted(story, "refused").items():
        row = story.first.rows[number]
        found = refusals(row.findings)
        if row.state is not RowState.REFUSED or not found:
            wrong.append((case.key, row))
            continue
        fits = [
            f for f in found if (not case.clause or f.clause == case.clause) and (not case.code or f.code == case.code)
        ]
        if not fits or not all(chinese(f.message) and f.cure and chinese(f.cure) for f in found):
            wrong.append((case.key, found))
    assert not wrong


def test_nothing_else_is_refused(story: Story) -> None:
    refused = {number for number, row in story.first.rows.items() if row.state is RowState.REFUSED}
    assert refused == set(planted(story, "refused"))
    totals = story.first.checked.totals
    assert totals.rows == len(story.first.rows) == ROWS
    assert totals.refused == len(refused)
    assert totals.valid + totals.warned == ROWS - len(refused)
    assert totals.already_here == 0
    assert sum(story.first.checked.refusals.values()) >= len(refused)


def test_row_numbers_are_those_that_excel_shows(story: Story) -> None:
    assert set(story.first.rows) == set(story.made.rows)
    for number, row in story.first.rows.items():
        assert row.name == story.made.rows[number]["姓名"]


def test_the_extra_column_is_ignored_and_said(story: Story) -> None:
    notes = story.first.checked.findings
    assert any("备注" in note.message for note in notes if note.outcome is Outcome.NOTE), notes


@pytest.mark.clause("15.2")
def test_the_school_that_has_the_pupil_is_named(story: Story) -> None:
    (case,) = [case for case in story.made.roster.cases if case.key == "registered_elsewhere"]
    (finding,) = refusals(story.first.rows[case.rows[0]].findings)
    assert province.schools()["shanhe"].name in finding.message


def test_the_first_of_two_equal_rows_stands_and_the_second_names_it(story: Story) -> None:
    (case,) = [case for case in story.made.roster.cases if case.key == "twice_in_file"]
    (second,) = case.rows
    number = story.made.rows[second]["身份证件号"]
    (first,) = [row for row, cells in story.made.rows.items() if cells["身份证件号"] == number and row != second]
    assert story.first.rows[first].state in ACCEPTED
    assert str(first) in refusals(story.first.rows[second].findings)[0].message


def test_personal_values_are_masked_in_messages(story: Story) -> None:
    numbers = story.made.secrets.numbers
    for row in story.first.rows.values():
        said = " ".join(f"{f.message} {f.cure} {f.facts}" for f in row.findings) + row.masked_document
        assert not {number for number in numbers if number in said}, row.row


def test_a_check_makes_nothing(story: Story) -> None:
    assert story.after_check == story.before_confirm


def test_the_same_upload_with_the_same_key_is_the_same_roster(story: Story) -> None:
    assert story.again_with_same_key.id == story.first.checked.id


# ---- the steps ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
@pytest.mark.clause("13.2")
def test_no_step_is_skipped_and_none_is_taken_by_somebody_else(story: Story) -> None:
    for attempt in story.tries:
        assert attempt.answer.status_code in (403, 404, 409, 422), (attempt, attempt.answer.text)
        problem_of(attempt.answer)
    seen = {(attempt.pending, attempt.step) for attempt in story.tries}
    assert {(pending, step) for pending in STEPS for step in STEPS} <= seen


@pytest.mark.clause("15.1")
def test_refused_decisions_say_what_is_waited_for_or_who_may(story: Story) -> None:
    by_kind = {(attempt.pending, attempt.step, attempt.who): attempt.answer for attempt in story.tries}
    early = problem_of(by_kind["class_teacher", "authority", "nangang.officer"])
    assert early.status == 409 and "班主任" in early.detail, early
    done = problem_of(by_kind["school", "class_teacher", "xinchun.teacher"])
    assert done.status == 409, done
    wrong = problem_of(by_kind["class_teacher", "class_teacher", "xinchun.registrar"])
    assert wrong.status == 403 and wrong.findings, wrong
    assert all(finding.clause == "15.1" and finding.cure for finding in early.findings + done.findings)
    assert all(finding.clause == "45.3" and finding.cure for finding in wrong.findings), "who may use the data for what"


@pytest.mark.clause("15.1")
def test_guardians_sign_only_what_was_printed(story: Story) -> None:
    attempt = next(t for t in story.tries if t.pending == t.step == "guardian" and t.who == "xinchun.registrar")
    problem = problem_of(attempt.answer)
    assert problem.status in (409, 422)
    assert [finding.code for finding in problem.findings] == ["registration.sheet_not_printed"]


@pytest.mark.clause("15.1")
def test_each_registration_shows_who_took_which_step(story: Story, xinchun: Desk) -> None:
    registration = story.first.registrations[0]
    view = xinchun.registrar.want(type(registration), "GET", f"/v1/registrations/{registration.id}")
    assert [taken.step.value for taken in view.steps] == list(STEPS)
    assert [taken.account for taken in view.steps] == [xinchun.of(step).username for step in STEPS]
    assert view.state is RegistrationState.REGISTERED and view.waits_for is None
    assert view.decision and not view.decision.refused
    assert {finding.clause for finding in view.decision.findings} >= {"5.1", "20.2", "50"}


# ---- the confirmation sheets ----------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
def test_confirmation_sheets_show_each_pupil_to_be_signed(story: Story) -> None:
    """One PDF a class, a page a pupil, names with rare characters and full document numbers in it."""
    text, pages = "", 0
    for content in story.sheets.values():
        assert content.startswith(b"%PDF-")
        reader = pypdf.PdfReader(io.BytesIO(content))
        pages += len(reader.pages)
        text += "".join(page.extract_text() for page in reader.pages)
    text = re.sub(r"\s", "", text)
    accepted = [story.made.rows[number] for number in story.first.accepted]
    assert len(story.sheets) == len({(row.grade, row.class_no) for row in story.first.rows.values() if row.class_no})
    assert pages == len(accepted)
    assert not {row["姓名"] for row in accepted if re.sub(r"\s", "", row["姓名"]) not in text}
    assert not {row["身份证件号"] for row in accepted if str(row["身份证件号"]) not in text}
    assert all(character in text for character in RARE)
    refused = {story.made.rows[number]["姓名"] for number in planted(story, "refused")}
    assert not {name for name in refused - {row["姓名"] for row in accepted} if f"{name}性别" in text}


# ---- numbers and records --------------------------------------------------------------------------------------------


@pytest.mark.clause("15.1")
@pytest.mark.clause("15.3")
@pytest.mark.clause("50")
def test_every_accepted_row_ends_with_a_record_and_the_right_number(story: Story) -> None:
    run, special = story.first, planted(story, "accepted")
    by_row = {registration.row: registration for registration in run.registrations}
    assert set(by_row) == run.accepted
    wrong: list[object] = []
    for number, registration in by_row.items():
        case = special.get(number or 0)
        kind = (case and case.number) or "G"
        verification = (case and case.verification) or "matched"
        number_ok = registration.student_number and registration.student_number.startswith(kind)
        if (registration.number_kind, registration.verification) != (kind, verification) or not number_ok:
            wrong.append((case and case.key, registration.number_kind, registration.verification))
        if registration.state is not RegistrationState.REGISTERED:
            wrong.append((case and case.key, registration.state))
    assert not wrong


def test_the_roster_is_complete_and_counts_what_came_of_it(story: Story) -> None:
    done = story.first.done
    assert done and done.state is RosterState.COMPLETED
    temporary = sum(len(case.rows) for case in story.made.roster.cases if case.number == "L")
    assert done.numbers == {"G": len(story.first.accepted) - temporary, "L": temporary}
    assert sum(done.verification.values()) == len(story.first.accepted)
    assert done.steps == {"registered": len(story.first.accepted)}


@pytest.mark.clause("9")
@pytest.mark.clause("50")
def test_a_foreign_pupil_is_registered_where_the_school_may_take_one(story: Story) -> None:
    run = story.guest_run
    assert run and [r.number_kind for r in run.registrations] == [NumberKind.L]
    assert run.registrations[0].verification is Verification.NOT_MATCHABLE


@pytest.mark.clause("21.1")
def test_students_are_there_with_their_first_journal_entry(story: Story) -> None:
    assert len(story.students) == len(story.first.accepted)
    names = sorted(student.name for student in story.students)
    assert names == sorted(story.made.rows[number]["姓名"] for number in story.first.accepted)
    for journal in story.journals:
        assert journal.intact and journal.entries
        assert journal.entries[0].clause and journal.entries[0].seq == 1
        assert journal.entries[0].hash != journal.entries[0].previous


@pytest.mark.clause("21.1")
def test_a_journal_that_was_tampered_with_says_so(story: Story, xinchun: Desk) -> None:
    student = story.students[-1].id
    before = story.system.sql("registry", "SELECT content FROM journal WHERE student_id = $1 AND seq = 1", student)
    change = "UPDATE journal SET content = {} WHERE student_id = $1 AND seq = 1"
    story.system.tampered("registry", change.format("content || '{\"grade\": 9}'"), student)
    try:
        assert not xinchun.registrar.journal(student).intact
    finally:
        story.system.tampered("registry", change.format("$2::jsonb"), student, before[0]["content"])
    assert xinchun.registrar.journal(student).intact


@pytest.mark.clause("15.4")
def test_a_student_is_found_by_document_number_and_by_student_number(story: Story, xinchun: Desk) -> None:
    special = planted(story, "accepted")
    number = next(n for n in sorted(story.first.accepted) if n not in special)
    document = str(story.made.rows[number]["身份证件号"])
    registration = next(r for r in story.first.registrations if r.row == number)
    for what in (document, f"G{document}", f" g{document.lower()} "):
        assert [student.person_id for student in xinchun.registrar.search(number=what)] == [registration.person_id]


# ---- corrections, repeats ---------------------------------------------------------------------------------------------


def test_the_returned_workbook_holds_the_refused_rows_with_a_comment_in_each_faulty_cell(story: Story) -> None:
    assert story.correction
    refused = planted(story, "refused")
    sheet = openpyxl.load_workbook(story.returned).worksheets[0]
    assert isinstance(sheet, Worksheet)
    originals = [sheet.cell(row, 1).value for row in range(2, sheet.max_row + 1) if sheet.cell(row, 3).value]
    assert sorted(int(str(number)) for number in originals if number) == sorted(refused)
    assert not story.correction.uncommented and not story.correction.unexpected
    assert {*story.correction.cured, *story.correction.removed} == {case.key for case in refused.values()}
    comments = [cell.comment.text for line in sheet.iter_rows() for cell in line if cell.comment]
    assert len(comments) >= len(refused) and all(chinese(text) for text in comments)
    assert any("第20.2条" in text for text in comments)


def test_of_the_corrected_workbook_only_the_corrected_are_new(story: Story) -> None:
    second, correction = story.second, story.correction
    assert second and second.done and correction
    assert second.checked.totals.refused == 0 and second.checked.totals.already_here == 0
    assert len(second.registrations) == correction.rows == len(correction.cured)
    assert second.done.numbers == {"G": correction.rows}
    assert story.counts[1] == story.counts[0] + correction.rows


@pytest.mark.clause("15.2")
def test_the_same_workbook_twice_makes_nothing_twice(story: Story) -> None:
    whole, corrected = story.repeats
    refused = len(planted(story, "refused"))
    cured = len(story.correction.cured) if story.correction else 0
    assert whole.checked.totals.refused == refused
    assert whole.checked.totals.already_here == ROWS - refused
    assert corrected.checked.totals.already_here == cured
    assert not whole.accepted and not corrected.accepted
    assert story.counts[2] == story.counts[1]


# ---- around it --------------------------------------------------------------------------------------------------------


def test_the_check_can_be_followed_as_it_goes(people: People, qihui: Desk) -> None:
    """Server-Sent Events: the roster whenever it has changed, until it is checked."""
    view = qihui.registrar.upload(people.roster("qihui", 30).path)
    seen = list(qihui.registrar.follow(view.id, "checked"))
    assert [kind for kind, _ in seen][-1] == "end"
    states = [msgspec.json.decode(data, type=RosterView).state for kind, data in seen if kind == "progress"]
    assert states[-1] is RosterState.CHECKED and RosterState.FAILED not in states
    order = list(RosterState)
    assert [order.index(state) for state in states] == sorted(order.index(state) for state in states)
    qihui.registrar.cancel(view.id)


@pytest.mark.clause("14")
def test_the_blank_template_has_the_forms_columns_and_drop_downs(xinchun: Desk) -> None:
    answer = xinchun.registrar.call("GET", "/v1/rosters/template")
    assert answer.headers["content-type"] == XLSX
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
    titles = {str(cell.value).strip().rstrip("*") for line in sheet.iter_rows(max_row=5) for cell in line if cell.value}
    assert set(HEADERS) <= titles, set(HEADERS) - titles
    assert len(sheet.data_validations.dataValidation) > 20


@pytest.mark.clause("15.1")
def test_whoever_acts_next_is_told_and_no_pupil_is_named(story: Story, xinchun: Desk) -> None:
    """Notices reach the class teacher, the principal and the officer; the registrar hears of the check and the end."""
    e2e_truth.settled(story.system)
    for who in (xinchun.teacher, xinchun.principal, xinchun.officer, xinchun.registrar):
        notices = who.want(NoticePage, "GET", "/v1/notices", params={"limit": 200}).items
        assert notices, who.username
        text = "".join(f"{notice.title}{notice.body}" for notice in notices)
        assert chinese(text) and not found_in(text, story.made.secrets)
    kinds = {n.kind for n in xinchun.registrar.want(NoticePage, "GET", "/v1/notices", params={"limit": 200}).items}
    assert {"roster_checked", "roster_completed"} <= kinds


# ---- what may be seen -------------------------------------------------------------------------------------------------


def all_runs(story: Story) -> list[Run]:
    return [run for run in (story.first, story.second, story.guest_run) if run]


def test_numbers_are_masked_everywhere(story: Story) -> None:
    for run in all_runs(story):
        for registration in run.registrations:
            assert "*" in registration.masked_document
            assert registration.student_number and "*" in registration.student_number
    for student in story.students:
        assert "*" in student.masked_document and "*" in student.student_number


def test_no_answer_shows_a_document_number_but_the_sheets(story: Story) -> None:
    """The returned workbook holds what the school itself wrote into it; nothing else comes back in full."""
    secrets = story.made.secrets | story.other.secrets | story.guest.secrets
    for answer in story.system.answers.given:
        if answer.kind in ("application/json", "application/problem+json", "text/event-stream"):
            text = answer.body.decode() + answer.headers
            hits = numbers_in(text, secrets) & secrets.documents
            assert not hits, f"{answer.method} {answer.path} shows {len(hits)} document numbers"
