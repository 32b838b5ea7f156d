"""What came of a roster: the tables for the person at the terminal, and the comparison with what was planted in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.registry import RegistrationState, RegistrationView, RosterRow

from xueji_local.demo_flow import Run
from xueji_local.demo_screen import Screen
from xueji_local.generator import Roster
from xueji_local.generator_cases import Case

VERIFICATION_TITLES: dict[Verification, str] = {
    Verification.PENDING: "尚未比对",
    Verification.MATCHED: "比对一致",
    Verification.NOT_FOUND: "公安人口库中没有此人",
    Verification.NAME_MISMATCH: "姓名与公安信息不一致，学校须核对",
    Verification.SEX_MISMATCH: "性别与公安信息不一致，学校须核对",
    Verification.BIRTH_DATE_MISMATCH: "出生日期与公安信息不一致，学校须核对",
    Verification.NOT_MATCHABLE: "证件不参加公安比对（第五十条）",
    Verification.UNAVAILABLE: "公安比对服务没有应答，稍后自动再比对",
}
_SHOWN_ROWS = 6


def reasons(rows: Iterable[RosterRow], outcome: Outcome = Outcome.REFUSE) -> list[tuple[str, str, str]]:
    """(reason, clause, row numbers) of refused or noted rows, one line for each kind of reason, the commonest first."""
    kinds: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        for finding in (f for f in row.findings if f.outcome is outcome):
            kinds[finding.code, finding.clause or ""].append((row.row, finding.message))
    lines = []
    for (_, clause), found in sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[1])):
        message = found[0][1] + (" 等" if len({text for _, text in found}) > 1 else "")
        lines.append((message, clause, row_numbers([number for number, _ in found])))
    return lines


def refusing(findings: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.outcome is Outcome.REFUSE]


def row_numbers(rows: Sequence[int]) -> str:
    shown = "、".join(str(row) for row in sorted(rows)[:_SHOWN_ROWS])
    return shown if len(rows) <= _SHOWN_ROWS else f"{shown} 等{len(rows)}行"


def show_refusals(screen: Screen, run: Run) -> None:
    if run.refused:
        screen.grid("拒绝的行", ("行号", "依据", "原因"), [(rows, c, why) for why, c, rows in reasons(run.refused)])


def show_notes(screen: Screen, run: Run) -> None:
    """What was accepted with something to look at."""
    if run.noted:
        lines = reasons(run.noted, Outcome.NOTE)
        screen.grid("接受但有提示的行", ("行号", "依据", "提示"), [(rows, c, why) for why, c, rows in lines])


def show_result(screen: Screen, run: Run) -> None:
    """Rows, accepted, refused by reason, G and L and why, seconds."""
    totals, numbers = run.view.totals, run.view.numbers
    seconds = sum(run.seconds.values())
    screen.grid(
        f"结果：{run.path.name}",
        ("项目", "数量", ""),
        [
            ("名册行数", str(totals.rows), ""),
            ("接受", str(run.accepted), f"其中有提示{totals.warned}" if totals.warned else ""),
            ("拒绝", str(totals.refused), ""),
            ("已在本校", str(totals.already_here), ""),
            ("G 正式学籍号", str(numbers.get("G", 0)), ""),
            ("L 临时学籍号", str(numbers.get("L", 0)), "原因见下表" if numbers.get("L") else ""),
            ("用时", f"{seconds:.1f}秒", f"{totals.rows / seconds:.0f}行/秒" if seconds else ""),
            *(
                (f"  {phase}", f"{took:.1f}秒", f"{_rows_of(phase, run) / took:.0f}行/秒" if took else "")
                for phase, took in run.seconds.items()
            ),
        ],
    )
    show_refusals(screen, run)
    temporary = [r for r in run.registrations if r.number_kind is NumberKind.L]
    if temporary:
        rows: dict[Verification, list[int]] = defaultdict(list)
        for registration in temporary:
            rows[registration.verification].append(registration.row or 0)
        screen.grid(
            "L 临时学籍号的原因",
            ("行号", "人数", "原因"),
            [(row_numbers(found), str(len(found)), VERIFICATION_TITLES[why]) for why, found in rows.items()],
        )


def _rows_of(phase: str, run: Run) -> int:
    """All rows are checked, the accepted ones go on."""
    return run.view.totals.rows if phase == "检查" else run.accepted


def compare_check(roster: Roster, run: Run) -> list[str]:
    """What differs between the dry run and the manifest; empty when all is as planted."""
    found: list[str] = []
    if run.view.totals.rows != roster.rows:
        found.append(f"名册有{roster.rows}行，系统读到{run.view.totals.rows}行")
    refused = {row.row: row for row in run.refused}
    expected = roster.refused_rows
    for number, case in expected.items():
        if number not in refused:
            found.append(f"第{number}行（{case.title}）应当被拒绝，没有被拒绝")
        else:
            found += _cites(number, case, refusing(refused[number].findings))
    for number in sorted(refused.keys() - expected.keys()):
        why = "；".join(f"{f.message}（{f.code}）" for f in refusing(refused[number].findings))
        found.append(f"第{number}行应当被接受，却被拒绝：{why}")
    keys = {case.key for case in roster.cases}
    if "extra_column" in keys and not any("备注" in finding.message for finding in run.view.findings):
        found.append("多出的“备注”列没有得到提示")
    for case in roster.cases:
        if case.outcome == "accepted" and case.code:
            noted = {row.row: row.findings for row in (*run.noted, *run.already_here)}
            for number in case.rows:
                codes = {finding.code for finding in noted.get(number, ())}
                if case.code not in codes and number not in {row.row for row in run.already_here}:
                    found.append(f"第{number}行（{case.title}）没有给出提示 {case.code}")
    return found


def _cites(number: int, case: Case, findings: Sequence[Finding]) -> list[str]:
    found = []
    clauses, codes = {f.clause for f in findings}, {f.code for f in findings}
    if case.clause and case.clause not in clauses:
        cited = "、".join(sorted(filter(None, clauses))) or "没有"
        found.append(f"第{number}行（{case.title}）应当引用{case.clause}，实际引用：{cited}")
    if case.code and case.code not in codes:
        found.append(f"第{number}行（{case.title}）应当是 {case.code}，实际是：{'、'.join(sorted(codes))}")
    if not all(f.message and f.cure for f in findings):
        found.append(f"第{number}行（{case.title}）的拒绝没有说明原因或改正办法")
    return found


def compare_result(roster: Roster, run: Run) -> list[str]:
    """What differs between the finished roster and the manifest: every accepted row has its record and the right number."""
    found: list[str] = []
    here = {row.row for row in run.already_here}
    by_row = {registration.row: registration for registration in run.registrations}
    if len(run.registrations) != run.accepted:
        found.append(f"接受了{run.accepted}行，建籍{len(run.registrations)}人")
    counted = sum(run.view.numbers.values())
    if counted != run.accepted:
        found.append(f"接受了{run.accepted}行，发出{counted}个学籍号")
    special = {row: case for case in roster.cases if case.outcome == "accepted" for row in case.rows}
    for number, case in special.items():
        registration = by_row.get(number)
        if registration is None:
            if number not in here:
                found.append(f"第{number}行（{case.title}）应当建籍，没有建籍")
        else:
            found += _number(registration, case.number or "G", case.verification or "matched", case.title)
    for registration in run.registrations:
        if registration.row not in special:
            found += _number(registration, "G", "matched", "普通学生")
    return found


def _number(registration: RegistrationView, kind: str, verification: str, title: str) -> list[str]:
    where = f"第{registration.row}行（{title}）"
    if registration.state is not RegistrationState.REGISTERED or not registration.student_number:
        return [f"{where}没有学籍号，状态为{registration.state}"]
    if registration.number_kind != kind or registration.verification != verification:
        is_now = f"{registration.number_kind}、{registration.verification}"
        return [f"{where}应当为{kind}、{verification}，实际为{is_now}"]
    return []


def compare_repeat(run: Run, expected: int, refused: int, what: str) -> list[str]:
    """A workbook uploaded again brings nothing: its pupils are here already, its refused rows are refused again."""
    totals = run.view.totals
    if (run.accepted, totals.already_here, totals.refused) == (0, expected, refused):
        return []
    seen = f"新增{run.accepted}、已在本校{totals.already_here}、拒绝{totals.refused}"
    return [f"{what}：应当新增0、已在本校{expected}、拒绝{refused}，实际{seen}"]
