"""The demonstration's own tools: a client that repeats safely, and a comparison that cannot be pleased.

The whole demonstration on a real stack is in `tests_e2e`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.registry import (
    Progress,
    RegistrationState,
    RegistrationView,
    RosterRow,
    RosterState,
    RosterView,
    RowState,
    RowTotals,
)
from xueji_local import demo_client
from xueji_local.demo_client import Account, ApiProblem, Client
from xueji_local.demo_flow import DemoProblem, Run
from xueji_local.demo_report import (
    compare_check,
    compare_repeat,
    compare_result,
    reasons,
    row_numbers,
    show_result,
)
from xueji_local.demo_screen import Screen
from xueji_local.demo_stack import carried_out
from xueji_local.generator import Roster
from xueji_local.generator_cases import Case
from xueji_local.generator_form import School

ACCOUNT = Account(role="registrar", organisation="2123000101", username="a", password="secret-password")
SCHOOL = School(code=ACCOUNT.organisation, name="学校", division="230103")


def view(state: RosterState = RosterState.COMPLETED, **more: Any) -> RosterView:
    return RosterView(
        id="r1",
        school=SCHOOL.code,
        school_name=SCHOOL.name,
        file_name="x.xlsx",
        state=state,
        progress=Progress(done=3, total=3),
        version=1,
        created_at=datetime(2026, 9, 1, tzinfo=UTC),
        created_by="a",
        **{"totals": RowTotals(rows=3, valid=2, refused=1), **more},
    )


# ---- the client -----------------------------------------------------------------------------------------------------

Answer = tuple[int, str, bytes]
Script = Callable[[str, str, dict[str, str], int], "Answer | None"]


@pytest.fixture
def served() -> Iterator[Callable[[Script], tuple[Client, list[tuple[str, str, dict[str, str]]]]]]:
    """A real HTTP server that answers by a script: (method, path, headers, how often so far) -> answer or a broken line."""
    opened: list[Any] = []

    def serve(script: Script) -> tuple[Client, list[tuple[str, str, dict[str, str]]]]:
        requests: list[tuple[str, str, dict[str, str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                if path == "/v1/sessions":
                    found: Answer | None = (201, "application/json", b'{"access_token": "t", "expires_in": 600}')
                else:
                    before = sum(1 for m, p, _ in requests if (m, p) == (self.command, path))
                    requests.append((self.command, path, dict(self.headers)))
                    found = script(self.command, path, dict(self.headers), before)
                if found is None:
                    self.close_connection = True
                    return
                status, kind, body = found
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        client = Client(f"http://127.0.0.1:{server.server_address[1]}", ACCOUNT)
        opened.extend((client, server))
        return client, requests

    yield serve
    for thing in opened:
        if isinstance(thing, Client):
            thing.close()
        else:
            thing.shutdown()
            thing.server_close()


def ok(thing: Any) -> Answer:
    return 200, "application/json", msgspec.json.encode(thing)


def test_what_passes_is_repeated_with_the_same_key(served: Any) -> None:
    def script(method: str, path: str, headers: dict[str, str], before: int) -> Answer | None:
        return [None, (503, "application/problem+json", b"{}"), ok(view())][before]

    client, requests = served(script)
    assert client.confirm("r1").id == "r1"
    keys = {headers["Idempotency-Key"] for _, _, headers in requests}
    assert len(requests) == 3 and len(keys) == 1


def test_a_refusal_is_not_repeated_and_keeps_its_findings(served: Any) -> None:
    finding = Finding(code="x", outcome=Outcome.REFUSE, message="不行", cure="改正")
    body = msgspec.json.encode({"detail": "不能确认", "findings": [finding]})
    client, requests = served(lambda *_: (409, "application/problem+json", body))
    with pytest.raises(ApiProblem) as caught:
        client.confirm("r1")
    assert (caught.value.status, caught.value.detail, caught.value.findings) == (409, "不能确认", (finding,))
    assert len(requests) == 1


def test_it_gives_up_after_a_while(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_client, "PATIENCE", 3.0)
    client, _ = served(lambda *_: (503, "text/plain", b""))
    with pytest.raises(ApiProblem):
        client.roster("r1")


def test_a_stream_that_breaks_is_taken_up_where_it_was(served: Any) -> None:
    def script(method: str, path: str, headers: dict[str, str], before: int) -> Answer | None:
        state = [RosterState.CHECKING, RosterState.CHECKED][before]
        text = f"event: progress\nid: e{before}\ndata: {msgspec.json.encode(view(state)).decode()}\n\n"
        return 200, "text/event-stream", (text + ("event: end\ndata: {}\n\n" if before else "")).encode()

    client, requests = served(script)
    assert [v.state for v in client.follow("r1", "checked")] == [RosterState.CHECKING, RosterState.CHECKED]
    assert "Last-Event-ID" not in requests[0][2] and requests[1][2]["Last-Event-ID"] == "e0"


def test_a_problem_in_the_stream_is_one(served: Any) -> None:
    problem = b'event: problem\ndata: {"detail": "\xe6\xb2\xa1\xe6\x9c\x89\xe6\x9d\x83\xe9\x99\x90"}\n\n'
    client, _ = served(lambda *_: (200, "text/event-stream", problem))
    with pytest.raises(ApiProblem, match="没有权限"):
        list(client.follow("r1", "checked"))


def test_pages_are_followed_to_the_end(served: Any) -> None:
    row = RosterRow(row=5, state=RowState.VALID, name="", masked_document="", grade=1, class_no=1, findings=())
    pages = [{"type": "registry.roster_row_page", "items": [row], "next_cursor": "c"},
             {"type": "registry.roster_row_page", "items": [row, row]}]  # fmt: skip
    client, _ = served(lambda method, path, headers, before: ok(pages[before]))
    assert len(list(client.rows("r1"))) == 3


def test_a_download_is_readable_by_its_owner_alone(served: Any, tmp_path: Path) -> None:
    client, _ = served(lambda *_: (200, "application/pdf", b"%PDF"))
    file = msgspec.convert(
        {
            "kind": "confirmation_sheets",
            "name": "../一班.pdf",
            "file": {"id": "f", "name": "x", "size": 4, "sha256": "", "media_type": "application/pdf"},
        },
        demo_client.RosterFile,
    )
    path = client.download("r1", file, tmp_path / "out")
    assert path == tmp_path / "out" / "一班.pdf" and path.read_bytes() == b"%PDF"
    assert path.stat().st_mode & 0o077 == 0


def test_the_password_is_not_shown() -> None:
    assert ACCOUNT.password not in repr(ACCOUNT)


# ---- how one ends ---------------------------------------------------------------------------------------------------


def stopped(*findings: Finding) -> Callable[[], int]:
    def demonstrate() -> int:
        raise ApiProblem(403, "不能办理", findings)

    return demonstrate


def test_what_stops_it_is_told_without_what_was_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    found = (
        Finding(code="a", outcome=Outcome.PASS, message="材料齐全"),
        Finding(code="b", outcome=Outcome.REFUSE, message="已满", cure="改派"),
    )
    assert carried_out(Screen(), stopped(*found)) == 2
    shown = capsys.readouterr().out
    assert "已满（改派）" in shown and "材料齐全" not in shown and "make down" not in shown


def test_accounts_that_the_clock_has_outlived_are_told_from_others(capsys: pytest.CaptureFixture[str]) -> None:
    old = Finding(code="account.password", outcome=Outcome.REFUSE, message="账号尚未完成安全设置")
    assert carried_out(Screen(), stopped(old)) == 2
    assert "make down、make up" in capsys.readouterr().out


@pytest.mark.parametrize(("raised", "code"), [(KeyboardInterrupt(), 130), (DemoProblem("没有启动"), 2)])
def test_its_exit_status(raised: BaseException, code: int) -> None:
    def demonstrate() -> int:
        raise raised

    assert carried_out(Screen(), demonstrate) == code
    assert carried_out(Screen(), lambda: 1) == 1


# ---- the comparison -------------------------------------------------------------------------------------------------

REFUSED = Case(key="a", title="拒绝", outcome="refused", rows=(7,), clause="20.2", code="age.under_entry")
SPECIAL = Case(key="b", title="临时", outcome="accepted", rows=(6,), number="L", verification="not_found")
ROSTER = Roster(
    path="x.xlsx", school=SCHOOL, school_year=2026, seed=1, rows=3, header_row=4, classes=1, needed=0,
    cases=(REFUSED, SPECIAL, Case(key="extra_column", title="", outcome="read")),
)  # fmt: skip
FINDING = Finding(code="age.under_entry", outcome=Outcome.REFUSE, message="不足", clause="20.2", cure="核对")
EXTRA = Finding(code="workbook.extra_columns", outcome=Outcome.NOTE, message="“备注”已忽略")


def row(number: int, *findings: Finding, state: RowState = RowState.REFUSED) -> RosterRow:
    return RosterRow(row=number, state=state, name="王", masked_document="", grade=1, class_no=1, findings=findings)


def registration(number: int, kind: str = "G", why: str = "matched", **more: Any) -> RegistrationView:
    fields: dict[str, Any] = {
        "id": str(number), "roster_id": "r1", "row": number, "person_id": "p", "school": SCHOOL.code,
        "school_name": "", "name": "王", "sex": "1", "birth_date": date(2020, 1, 1), "masked_document": "",
        "document_kind": "1", "grade": 1, "class_no": 1, "school_year": 2026, "placement": "ordinary",
        "state": RegistrationState.REGISTERED, "waits_for": None, "due_on": None, "version": 1,
        "verification": Verification(why), "student_number": "G23****", "number_kind": NumberKind(kind),
    }  # fmt: skip
    return RegistrationView(**(fields | more))


def run(**more: Any) -> Run:
    fields: dict[str, Any] = {
        "path": Path("x.xlsx"),
        "view": view(numbers={"G": 1, "L": 1}, findings=(EXTRA,)),
        "refused": [row(7, FINDING)],
        "registrations": [registration(5), registration(6, "L", "not_found")],
        "seconds": {"检查": 1.0},
    }
    return Run(**(fields | more))


def test_all_as_planted_is_no_difference() -> None:
    assert compare_check(ROSTER, run()) == [] and compare_result(ROSTER, run()) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"refused": []}, "应当被拒绝"),
        ({"refused": [row(7, FINDING), row(5, FINDING)]}, "应当被接受"),
        ({"refused": [row(7, msgspec.structs.replace(FINDING, clause="5.1"))]}, "应当引用20.2"),
        ({"refused": [row(7, msgspec.structs.replace(FINDING, code="other"))]}, "应当是 age.under_entry"),
        ({"refused": [row(7, msgspec.structs.replace(FINDING, cure=None))]}, "改正办法"),
        ({"view": view(findings=())}, "备注"),
        ({"view": view(findings=(EXTRA,), totals=RowTotals(rows=2, valid=1, refused=1))}, "读到2行"),
    ],
)
def test_each_difference_of_the_check_is_told(changed: dict[str, Any], says: str) -> None:
    (told,) = compare_check(ROSTER, run(**changed))
    assert says in told


@pytest.mark.parametrize(
    ("registrations", "says"),
    [
        ([registration(6, "L", "not_found")], "建籍1人"),
        ([registration(5), registration(4)], "没有建籍"),
        ([registration(5), registration(6)], "应当为L、not_found"),
        ([registration(5, "L", "unavailable"), registration(6, "L", "not_found")], "应当为G、matched"),
        ([registration(5, student_number=None), registration(6, "L", "not_found")], "没有学籍号"),
        (
            [registration(5, state=RegistrationState.AUTHORITY_APPROVED), registration(6, "L", "not_found")],
            "authority_approved",
        ),
    ],
)
def test_each_difference_of_the_result_is_told(registrations: list[RegistrationView], says: str) -> None:
    (told,) = compare_result(ROSTER, run(registrations=registrations))
    assert says in told


def test_numbers_are_counted() -> None:
    (told,) = compare_result(ROSTER, run(view=view(numbers={"G": 1})))
    assert "发出1个学籍号" in told


def test_a_roster_of_pupils_who_are_here_is_as_planted() -> None:
    here = view(totals=RowTotals(rows=3, already_here=2, refused=1), findings=(EXTRA,))
    again = run(view=here, registrations=[], already_here=[row(5), row(6)])
    assert compare_check(ROSTER, again) == [] and compare_result(ROSTER, again) == []
    assert compare_repeat(again, 2, 1, "x") == []
    assert "新增2" in compare_repeat(run(), 2, 1, "x")[0]


def test_refusals_are_gathered_by_reason_and_clause() -> None:
    other = msgspec.structs.replace(FINDING, code="form.missing", clause="14", message="没有填写")
    lines = reasons([row(9, FINDING), row(7, FINDING), row(8, other, EXTRA)])
    assert lines == [("不足", "20.2", "7、9"), ("没有填写", "14", "8")]
    assert row_numbers(list(range(1, 31))).endswith("等30行")


def test_the_tables_say_rows_reasons_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    show_result(Screen(), run())
    shown = capsys.readouterr().out
    for text in ("G 正式学籍号", "不足", "20.2", "公安人口库中没有此人", "行/秒"):
        assert text in shown


def test_a_bar_without_a_terminal_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen().bar("检查") as advance:
        advance("检查", 1, 9)
        advance("检查", 9, 9)
    assert capsys.readouterr().out.count("检查") == 1


def test_the_manifest_can_be_written_and_read() -> None:
    assert msgspec.json.decode(msgspec.json.encode(ROSTER), type=Roster) == ROSTER
    assert json.loads(msgspec.json.encode(ROSTER))["cases"][0]["rows"] == [7]
