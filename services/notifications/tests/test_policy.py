"""Who is told what, and in which words."""

from __future__ import annotations

from datetime import date
from typing import Literal

import pytest
from notifications.notices import policy
from notifications.notices.policy import Draft, text
from shared_contracts.access import AlertRaised
from shared_contracts.actors import Role
from shared_contracts.appointments import AppointmentsChanged
from shared_contracts.exports import ExportStands
from shared_contracts.identity import Verification
from shared_contracts.organisations import OrganisationChanged, OrganisationsChanged
from shared_contracts.registry import (
    CorrectionsNeeded,
    RegistrationState,
    RosterChecked,
    RosterCompleted,
    RowTotals,
    Step,
    StepReached,
)
from shared_contracts.waiting import WorkWaiting

DAY = date(2026, 9, 1)
SCHOOL, AUTHORITY = "2301000001", "230102"


def reached(state: RegistrationState, step: Step | None, role: Role | None = None, **more: object) -> StepReached:
    values: dict[str, object] = {"roster_id": "r1", "count": 30, **more}
    return StepReached(
        school=SCHOOL,
        school_name="第一小学",
        authority=AUTHORITY,
        state=state,
        waits_for=step,
        role=role,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("state", "step", "organisation", "role", "title"),
    [
        (RegistrationState.ENTERED, Step.CLASS_TEACHER, SCHOOL, Role.CLASS_TEACHER, "待办：班主任审核"),
        (RegistrationState.CLASS_TEACHER_CHECKED, Step.PRINCIPAL, SCHOOL, Role.PRINCIPAL, "待办：学籍主管校长审核"),
        (RegistrationState.PRINCIPAL_CHECKED, Step.GUARDIAN, SCHOOL, Role.REGISTRAR, "待办：监护人确认签字"),
        (RegistrationState.GUARDIAN_CONFIRMED, Step.SCHOOL, SCHOOL, Role.PRINCIPAL, "待办：学校审核"),
        (
            RegistrationState.SCHOOL_APPROVED,
            Step.AUTHORITY,
            AUTHORITY,
            Role.AUTHORITY_OFFICER,
            "待办：学籍主管部门核准",
        ),
        (RegistrationState.AUTHORITY_APPROVED, None, SCHOOL, Role.REGISTRAR, "已核准"),
        (RegistrationState.RETURNED, None, SCHOOL, Role.REGISTRAR, "被退回更正"),
        (RegistrationState.REJECTED, None, SCHOOL, Role.REGISTRAR, "未予建立学籍"),
    ],
)
def test_a_step_tells_whoever_acts_next(
    state: RegistrationState, step: Step | None, organisation: str, role: Role, title: str
) -> None:
    (draft,) = policy.step_reached(reached(state, step), DAY)
    assert (draft.organisation, draft.role) == (organisation, role)
    written = text(draft, draft.counts)
    assert written.title == title
    assert "第一小学 30 名学生" in written.body
    assert draft.link == "/v1/rosters/r1"


def test_the_role_the_event_names_goes_before_ours() -> None:
    event = reached(RegistrationState.GUARDIAN_CONFIRMED, Step.SCHOOL, Role.LEADER)
    assert policy.step_reached(event, DAY)[0].role is Role.LEADER


def test_a_return_tells_the_reason() -> None:
    (draft,) = policy.step_reached(reached(RegistrationState.RETURNED, None, reason="电话有误"), DAY)
    assert "原因：电话有误。" in text(draft, draft.counts).body


def test_portions_of_a_roster_are_one_notice_and_another_state_another() -> None:
    def merge(*args: object, **more: object) -> str:
        return policy.step_reached(reached(*args, **more), DAY)[0].merge  # type: ignore[arg-type]

    first = merge(RegistrationState.ENTERED, Step.CLASS_TEACHER)
    assert merge(RegistrationState.ENTERED, Step.CLASS_TEACHER, count=5) == first
    assert merge(RegistrationState.CLASS_TEACHER_CHECKED, Step.PRINCIPAL) != first
    assert merge(RegistrationState.ENTERED, Step.CLASS_TEACHER, roster_id="r2") != first


def test_pupils_entered_one_by_one_are_one_notice_a_day() -> None:
    event = reached(RegistrationState.ENTERED, Step.CLASS_TEACHER, roster_id=None, count=1)
    (today,), (again,) = policy.step_reached(event, DAY), policy.step_reached(event, DAY)
    (tomorrow,) = policy.step_reached(event, date(2026, 9, 2))
    assert today.merge == again.merge != tomorrow.merge
    assert today.link == "/v1/registrations?state=entered"


def test_a_checked_roster_tells_its_totals_and_a_broken_one_why() -> None:
    totals = RowTotals(rows=300, valid=270, warned=10, refused=15, already_here=5)
    event = RosterChecked(roster_id="r1", school=SCHOOL, file_name="一年级.xlsx", totals=totals)
    (draft,) = policy.roster_checked(event, DAY)
    assert (draft.organisation, draft.role) == (SCHOOL, Role.REGISTRAR)
    assert text(draft, draft.counts).body == (
        "《一年级.xlsx》共 300 行，可导入 280 行，其中 10 行有提示，拒绝 15 行，已在本校 5 行。请核对后确认导入。"
    )
    broken = RosterChecked(
        roster_id="r1", school=SCHOOL, file_name="a.xlsx", totals=RowTotals(), problem="文件含有宏。"
    )
    (draft,) = policy.roster_checked(broken, DAY)
    assert text(draft, draft.counts) == policy.Text("名册无法读取", "《a.xlsx》：文件含有宏。")


def test_a_completed_roster_tells_its_numbers() -> None:
    event = RosterCompleted(
        roster_id="r1",
        school=SCHOOL,
        file_name="一年级.xlsx",
        totals=RowTotals(rows=300, valid=280),
        numbers={"G": 270, "L": 10, "J": 0},
    )
    (draft,) = policy.roster_completed(event, DAY)
    body = text(draft, draft.counts).body
    assert "G 学籍号 270 个，L 学籍号 10 个" in body
    assert "临时学籍号" in body
    (only_g,) = policy.roster_completed(
        RosterCompleted(roster_id="r", school=SCHOOL, file_name="a", totals=RowTotals(), numbers={"G": 3}), DAY
    )
    assert "临时" not in text(only_g, only_g.counts).body


@pytest.mark.clause("15.3")
def test_a_mismatch_is_a_task_for_the_school() -> None:
    event = CorrectionsNeeded(
        school=SCHOOL,
        registrations=(
            ("a", Verification.NAME_MISMATCH),
            ("b", Verification.NAME_MISMATCH),
            ("c", Verification.BIRTH_DATE_MISMATCH),
        ),
    )
    (draft,) = policy.corrections_needed(event, DAY)
    assert (draft.organisation, draft.role) == (SCHOOL, Role.REGISTRAR)
    assert draft.link == "/v1/registrations?to_correct=true"
    body = text(draft, draft.counts).body
    assert body.startswith("3 名学生的信息与公安人口信息不一致（姓名不符 2 名，出生日期不符 1 名）")


@pytest.mark.clause("45.1")
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("many_pupils", "查看了 500 名学生"),
        ("off_hours", "在非工作时段查看了 500 名学生"),
        ("sealed_account", "已封存"),
        ("refused_often", "被拒绝 500 次"),
        ("token_reuse", "可能被盗用"),
    ],
)
def test_an_alert_goes_to_the_auditors_of_the_authority(kind: str, words: str) -> None:
    event = AlertRaised(alert_id="a", kind=kind, authority=AUTHORITY, account="li.na", organisation=SCHOOL, count=500)
    (draft,) = policy.alert_raised(event, DAY)
    assert (draft.organisation, draft.role) == (AUTHORITY, Role.AUDITOR)
    written = text(draft, draft.counts)
    assert written.title.startswith("预警：")
    assert words in written.body and "li.na" in written.body


@pytest.mark.clause("43")
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("appointed", "第一小学登记了学籍管理员李敏"),
        ("replaced", "第一小学更换学籍管理员，由李敏接任"),
        ("ended", "第一小学终止了学籍管理员李敏的任用"),
    ],
)
def test_a_change_of_registrar_is_told_to_the_authoritys_officers(
    change: Literal["appointed", "replaced", "ended"], words: str
) -> None:
    def drafted(username: str = "li.min", day: date = DAY) -> Draft:
        event = AppointmentsChanged(
            school=SCHOOL, school_name="第一小学", authority=AUTHORITY, username=username, name="李敏", change=change
        )
        (draft,) = policy.appointments_changed(event, day)
        return draft

    draft = drafted()
    assert (draft.organisation, draft.role) == (AUTHORITY, Role.AUTHORITY_OFFICER)
    assert text(draft, draft.counts).body.startswith(words)
    assert draft.link == f"/v1/appointments?school={SCHOOL}"
    assert draft.merge == drafted().merge
    assert len({draft.merge, drafted("wang.fang").merge, drafted(day=date(2026, 9, 2)).merge}) == 3


def test_every_state_that_an_event_may_name_has_words() -> None:
    for state in RegistrationState:
        for draft in policy.step_reached(reached(state, None), DAY):
            assert not text(draft, draft.counts).title.isascii()
    for step in Step:
        (draft,) = policy.step_reached(reached(RegistrationState.ENTERED, step), DAY)
        assert not text(draft, draft.counts).title.isascii()


def changed(
    code: str = "2123010001", former: str | None = None, authority: str | None = "230103"
) -> OrganisationChanged:
    return OrganisationChanged(
        code=code,
        name="第一小学",
        kind="school",
        parent=authority,
        authority=authority,
        division="230102",
        valid_from=date(2026, 9, 1),
        closed=False,
        version=2,
        former_authority=former,
    )


@pytest.mark.clause("3.1", "44")
def test_of_a_school_that_goes_to_another_authority_hear_both_and_the_school() -> None:
    event = OrganisationsChanged(organisations=(changed("2123010002"), changed(former="230102")))
    drafts = policy.organisations_changed(event, DAY)
    assert [(draft.organisation, draft.role) for draft in drafts] == [
        ("2123010001", Role.REGISTRAR),
        ("230102", Role.AUTHORITY_OFFICER),
        ("230103", Role.AUTHORITY_OFFICER),
    ]
    assert len({draft.merge for draft in drafts}) == 3
    told = text(drafts[0], drafts[0].counts)
    assert told.title == "主管教育行政部门变更"
    assert "自2026年9月1日起，第一小学" in told.body
    assert "由哈尔滨市道里区教育行政部门变更为哈尔滨市南岗区教育行政部门" in told.body


def test_a_province_is_named_whole() -> None:
    (draft, *_) = policy.organisations_changed(
        OrganisationsChanged(organisations=(changed(former="230102", authority="230000"),)), DAY
    )
    assert "变更为黑龙江省教育行政部门" in text(draft, draft.counts).body


@pytest.mark.clause("45.2")
@pytest.mark.parametrize(
    ("stands", "organisation", "role", "words"),
    [
        ("waits", AUTHORITY, Role.LEADER, "第一小学申请导出学籍信息（DC-2026-000001）"),
        ("returned", SCHOOL, Role.REGISTRAR, "被退回。原因：用途不清。"),
        ("rejected", SCHOOL, Role.REGISTRAR, "未获核准。原因：用途不清。"),
        ("ready", SCHOOL, Role.REGISTRAR, "只能下载一次"),
        ("failed", SCHOOL, Role.REGISTRAR, "没有生成：用途不清"),
    ],
)
def test_an_export_is_told_to_whoever_has_to_act(
    stands: Literal["waits", "returned", "rejected", "ready", "failed"], organisation: str, role: Role, words: str
) -> None:
    def drafted(revision: int) -> Draft:
        event = ExportStands(
            export_id="e1", number="DC-2026-000001", stands=stands, organisation=SCHOOL, organisation_name="第一小学",
            authority=AUTHORITY, role=Role.REGISTRAR, revision=revision, reason="用途不清。",
        )  # fmt: skip
        (draft,) = policy.export_stands(event, DAY)
        return draft

    draft = drafted(0)
    assert (draft.organisation, draft.role, draft.link) == (organisation, role, "/v1/exports/e1")
    assert words in text(draft, draft.counts).body
    assert drafted(0).merge == draft.merge != drafted(1).merge  # told once, and again when it was sent again


def waiting(**changes: object) -> WorkWaiting:
    values: dict[str, object] = {
        "organisation": AUTHORITY,
        "role": Role.AUTHORITY_OFFICER,
        "kind": "plan_filed",
        "title": "待办：{count}项招生计划待备案",
        "detail": "有{count}项招生计划报来备案。",
        "link": "/v1/enrolment-plans?state=filed",
        "count": 3,
        **changes,
    }
    return WorkWaiting(**values)  # type: ignore[arg-type]


def test_what_waits_is_told_in_its_own_words_with_the_sum() -> None:
    (draft,) = policy.work_waiting(waiting(), DAY)
    assert (draft.organisation, draft.role, draft.kind) == (AUTHORITY, Role.AUTHORITY_OFFICER, "plan_filed")
    written = text(draft, {"count": 8})
    assert (written.title, written.body) == ("待办：8项招生计划待备案", "有8项招生计划报来备案。")


def test_what_has_a_last_day_says_it() -> None:
    (draft,) = policy.work_waiting(waiting(due_on=date(2026, 9, 30)), DAY)
    assert text(draft, draft.counts).body == "有3项招生计划报来备案。请于2026年9月30日前办理。"


def test_words_that_look_like_a_format_are_left_alone() -> None:
    (draft,) = policy.work_waiting(waiting(title="{0}{count!r}{x}", detail="100%"), DAY)
    assert text(draft, draft.counts).title == "{0}{count!r}{x}"


def test_a_kind_that_another_event_has_keeps_its_own_words() -> None:
    (draft,) = policy.work_waiting(waiting(kind="step_reached"), DAY)
    assert text(draft, draft.counts).title == "待办：3项招生计划待备案"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"count": 1, "title": "另一句话", "due_on": date(2026, 10, 1)}, True),
        ({"organisation": "230103"}, False),
        ({"role": Role.LEADER}, False),
        ({"kind": "plan_returned"}, False),
        ({"link": "/v1/enrolment-plans/1"}, False),
    ],
)
def test_one_notice_an_organisation_role_kind_and_link(change: dict[str, object], same: bool) -> None:
    (first,), (second,) = policy.work_waiting(waiting(), DAY), policy.work_waiting(waiting(**change), DAY)
    assert (first.merge == second.merge) is same


def test_a_reminder_on_another_day_is_another_notice() -> None:
    (first,), (second,) = policy.work_waiting(waiting(), DAY), policy.work_waiting(waiting(), date(2026, 9, 2))
    assert first.merge != second.merge
