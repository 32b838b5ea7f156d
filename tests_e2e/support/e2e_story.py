"""The main job as it is told once a session; the tests look at what came of it, facet by facet."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import e2e_truth
import httpx
from e2e_api import Api
from e2e_flow import STEPS, Desk, desk, today
from e2e_people import Made, People, read
from e2e_system import System
from shared_contracts.records import Journal, StudentView
from shared_contracts.registry import RegistrationView, RosterRow, RosterState, RosterView, RowState
from xueji_local.generator_corrected import Correction, make_corrected

ROWS = 120
SEED = 1


@dataclass(frozen=True)
class Try:
    """A decision that must not be possible. `pending`: the step that waits; `step`: the one asked for."""

    pending: str
    step: str
    who: str
    answer: httpx.Response


@dataclass
class Run:
    """One roster from the check to its end."""

    checked: RosterView
    rows: dict[int, RosterRow]
    done: RosterView | None = None
    final_rows: dict[int, RosterRow] = field(default_factory=dict)
    registrations: list[RegistrationView] = field(default_factory=list)

    @property
    def accepted(self) -> set[int]:
        return {n for n, row in self.rows.items() if row.state in (RowState.VALID, RowState.WARNED)}


@dataclass
class Story:
    """`made`: the roster with the hard cases; `tries`: refused decisions; `sheets`: PDFs by label; `second`: the
    corrected workbook; `repeats`: the checks of the same workbooks once more."""

    system: System
    made: Made
    other: Made
    guest: Made
    first: Run
    again_with_same_key: RosterView
    before_confirm: dict[str, int] = field(default_factory=dict)
    after_check: dict[str, int] = field(default_factory=dict)
    tries: list[Try] = field(default_factory=list)
    sheets: dict[str, bytes] = field(default_factory=dict)
    students: list[StudentView] = field(default_factory=list)
    journals: list[Journal] = field(default_factory=list)
    returned: Path = Path()
    correction: Correction | None = None
    corrected: Path = Path()
    second: Run | None = None
    repeats: list[Run] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    guest_run: Run | None = None


def tell(system: System, people: People, folder: Path) -> Story:
    xinchun, shanhe, waiyu = desk(system, "xinchun"), desk(system, "shanhe"), desk(system, "songbei-waiyu")
    made = people.roster("xinchun", ROWS, seed=SEED, planted=True)
    other = people.elsewhere("shanhe", made)
    guest = people.guest("songbei-waiyu", made)
    _whole(shanhe, other)
    guest_run = _whole(waiyu, guest)

    before = _persons(system)
    view = xinchun.registrar.upload(made.path, key="story-upload")
    again = xinchun.registrar.upload(made.path, key="story-upload")
    first = _checked(xinchun, view.id)
    story = Story(system, made, other, guest, first, again, guest_run=guest_run)
    story.before_confirm, story.after_check = before, _persons(system)

    roster_id = view.id
    xinchun.confirm(roster_id)
    for step in STEPS:
        _try_wrongly(story, xinchun, roster_id, step)
        if step == "guardian":
            _sign_wrongly(story, xinchun, roster_id)
            sheets = xinchun.registrar.print_sheets(roster_id)
            for file in sheets.files:
                if file.kind == "confirmation_sheets":
                    story.sheets[file.label or file.name] = xinchun.registrar.file(roster_id, file.file.id)
        done = xinchun.decide(roster_id, step)
        assert done.moved == len(first.accepted), f"{step}: {done}"
    _collect(xinchun, first)
    ours = {registration.person_id for registration in first.registrations}
    everybody = xinchun.registrar.students(school=xinchun.code)
    story.students = [student for student in everybody if student.person_id in ours]
    story.journals = [xinchun.registrar.journal(student.id) for student in story.students[:5]]
    story.counts.append(len(everybody))
    _correct(story, people, xinchun, folder)
    return story


def _whole(where: Desk, made: Made) -> Run:
    run = _checked(where, where.registrar.upload(made.path).id)
    where.confirm(run.checked.id)
    where.approve(run.checked.id)
    _collect(where, run)
    return run


def _checked(where: Desk, roster_id: str) -> Run:
    view = where.registrar.reach(roster_id, RosterState.CHECKED)
    return Run(view, {row.row: row for row in where.registrar.rows(roster_id)})


def _collect(where: Desk, run: Run) -> None:
    roster_id = run.checked.id
    run.done = where.completed(roster_id)
    run.final_rows = {row.row: row for row in where.registrar.rows(roster_id)}
    run.registrations = where.registrar.registrations(roster=roster_id)


def _persons(system: System) -> dict[str, int]:
    """When nothing is under way any more of what was before."""
    e2e_truth.settled(system)
    tables = {"identity": ("persons", "record_claims", "student_numbers"), "registry": ("registrations", "students")}
    return {
        f"{service}.{table}": system.value(service, f"SELECT count(*) FROM {table}")
        for service, names in tables.items()
        for table in names
    }


def _try_wrongly(story: Story, xinchun: Desk, roster_id: str, pending: str) -> None:
    """Every other step by its own people, the pending step by all others, and by people of other places."""
    account = story.system.account
    mine = {"registrar": xinchun.registrar, "teacher": xinchun.teacher, "principal": xinchun.principal,
            "officer": xinchun.officer}  # fmt: skip
    strangers = [account("qihui.teacher"), account("qihui.principal"), account("shanhe.principal"),
                 account("wuchang.officer"), account("province.auditor")]  # fmt: skip
    wrong: list[tuple[str, Api]] = [(step, xinchun.of(step)) for step in STEPS if step != pending]
    wrong += [(pending, who) for who in mine.values() if who is not xinchun.of(pending)]
    wrong += [(pending, who) for who in strangers]
    for step, who in wrong:
        body = {"step": step, "decision": "approve", "signed_on": today()}
        answer = who.send("POST", f"/v1/rosters/{roster_id}/decisions", json=body)
        story.tries.append(Try(pending, step, who.username, answer))


def _sign_wrongly(story: Story, xinchun: Desk, roster_id: str) -> None:
    """The guardians' signatures before the sheets are printed."""
    body = {"step": "guardian", "decision": "approve", "signed_on": today()}
    answer = xinchun.registrar.send("POST", f"/v1/rosters/{roster_id}/decisions", json=body)
    story.tries.append(Try("guardian", "guardian", xinchun.registrar.username, answer))


def _correct(story: Story, people: People, xinchun: Desk, folder: Path) -> None:
    assert story.first.done
    registrar = xinchun.registrar
    refused = next(file for file in story.first.done.files if file.kind == "refused_rows")
    story.returned = folder / "returned.xlsx"
    story.returned.write_bytes(registrar.file(story.first.checked.id, refused.file.id))
    story.corrected = folder / "corrected.xlsx"
    story.correction = make_corrected(story.returned, story.corrected, story.made.roster)
    people.made.append(Made(story.corrected, story.made.roster, read(story.corrected, 1)))
    story.second = _checked(xinchun, registrar.upload(story.corrected).id)
    xinchun.confirm(story.second.checked.id)
    xinchun.approve(story.second.checked.id)
    _collect(xinchun, story.second)
    story.counts.append(len(registrar.students(school=xinchun.code)))
    for path in (story.made.path, story.corrected):
        story.repeats.append(_checked(xinchun, registrar.upload(path).id))
        registrar.cancel(story.repeats[-1].checked.id)
    story.counts.append(len(registrar.students(school=xinchun.code)))
