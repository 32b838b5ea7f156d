"""Files that are no rosters: each is refused with a sentence that says what is wrong and what to do, and leaves nothing."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import e2e_truth
import e2e_workbooks as workbooks
import pytest
from e2e_api import XLSX, chinese, problem_of
from e2e_flow import Desk
from e2e_people import Made, People
from e2e_system import HANGS, System, wait_for
from shared_contracts.registry import RosterState

MAX_UPLOAD = 20_000_000
"""XUEJI_MAX_UPLOAD_BYTES' default."""

KINDS: dict[str, tuple[Callable[[Made], bytes], str, str]] = {
    # what: maker, what the message must name, what its cure must name
    "not a zip": (workbooks.not_a_zip, "不是Excel工作簿", "另存为"),
    "xls": (workbooks.old_excel, "旧版Excel", "另存为"),
    "encrypted": (workbooks.encrypted, "密码", "取消密码"),
    "macros": (workbooks.with_macros, "宏", "另存为"),
    "formula": (workbooks.with_a_formula, "公式", "数值"),
    "zip bomb": (workbooks.zip_bomb, "解压后过大", "模板"),
    "wrong sheet": (workbooks.wrong_sheet, "表头", "模板"),
    "missing column": (workbooks.missing_column, "身份证件号", "模板"),
    "no rows": (workbooks.without_rows, "没有学生数据", "填写"),
    "too many rows": (workbooks.too_many_rows, "50000行", "分成几个文件"),
}


@pytest.fixture(scope="module")
def good(people: People) -> Made:
    return people.roster("qihui", 3)


@pytest.mark.parametrize("what", KINDS)
def test_a_bad_workbook_is_refused_in_words_and_leaves_nothing(
    system: System, qihui: Desk, good: Made, tmp_path: Path, what: str
) -> None:
    make, says, cure = KINDS[what]
    before = at_rest(system)
    path = workbooks.write(make(good), tmp_path, "一年级新生.xlsx")
    view = qihui.registrar.upload(path)
    view = qihui.registrar.reach(view.id, RosterState.FAILED)
    assert view.problem and chinese(view.problem)
    assert says in view.problem and cure in view.problem, view.problem
    assert not qihui.registrar.rows(view.id)
    assert qihui.registrar.send("POST", f"/v1/rosters/{view.id}/confirmation").status_code == 409
    wait_for(lambda: traces(system) == before, HANGS, f"left behind: {traces(system)} instead of {before}")


def test_a_file_over_the_limit_is_not_even_read(system: System, qihui: Desk) -> None:
    before = at_rest(system)
    big = b"PK" + bytes(MAX_UPLOAD + 1)
    answer = qihui.registrar.send("POST", "/v1/rosters", files={"file": ("大.xlsx", big, XLSX)})
    assert answer.status_code == 413
    assert "MB" in problem_of(answer).detail
    assert traces(system) == before


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"files": {"attachment": ("a.xlsx", b"PK", XLSX)}}, 422),
        ({"files": [("file", ("a.xlsx", b"PK", XLSX)), ("file", ("b.xlsx", b"PK", XLSX))]}, 422),
        ({"files": {"file": ("a.xlsx", b"", XLSX)}}, 422),
        ({"json": {"file": "a.xlsx"}}, 415),
        ({"content": b"--x\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 422),
    ],
    ids=["another field", "two files", "an empty file", "json", "cut off"],
)
def test_what_is_no_upload_is_refused(system: System, qihui: Desk, request_: dict[str, Any], status: int) -> None:
    before = at_rest(system)
    answer = qihui.registrar.send("POST", "/v1/rosters", **request_)
    assert answer.status_code == status, answer.text
    problem_of(answer)
    assert traces(system) == before


def test_a_refusal_that_needs_no_body_leaves_the_connection_as_it_is(system: System) -> None:
    """The body comes behind the headers, as it does over any network; the refusal needs none of it. The server would close
    such a connection, mostly without saying so, and whoever asks next on it would get no answer."""
    where = urlsplit(system.gateway)
    body = b'{"school": "x"}'
    head = (
        f"POST /v1/children/searches HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((where.hostname, where.port), timeout=HANGS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(20):
            connection.sendall(head.encode())
            time.sleep(0.005)  # the network's, not ours to wait for
            connection.sendall(body)
            answer = http.client.HTTPResponse(connection, method="POST")
            answer.begin()
            assert (answer.status, answer.will_close) == (401, False)
            assert json.loads(answer.read())["status"] == 401


def test_a_good_workbook_after_all_of_them_is_taken(qihui: Desk, good: Made) -> None:
    view = qihui.check(good)
    assert view.totals.valid + view.totals.warned == good.size
    assert qihui.registrar.cancel(view.id).state is RosterState.CANCELLED


def test_a_cancelled_roster_leaves_nothing_but_its_name(system: System, qihui: Desk, good: Made) -> None:
    before = at_rest(system)
    view = qihui.check(good)
    qihui.registrar.cancel(view.id)
    wait_for(lambda: traces(system) == before, HANGS, f"left behind: {traces(system)} instead of {before}")
    assert not qihui.registrar.rows(view.id)


def at_rest(system: System) -> dict[str, int]:
    """`traces` when nothing is left to do of what was before: a roster that has ended is cleared away a moment later."""
    e2e_truth.settled(system)
    return traces(system)


def traces(system: System) -> dict[str, int]:
    """What an upload leaves while it is worked on: rows, people in the waiting room, files."""
    return {
        "rows": system.value("registry", "SELECT count(*) FROM roster_rows"),
        "registrations": system.value("registry", "SELECT count(*) FROM registrations"),
        "waiting": system.value("identity", "SELECT count(*) FROM intake_rows"),
        "intakes": system.value("identity", "SELECT count(*) FROM intakes"),
        "persons": system.value("identity", "SELECT count(*) FROM persons"),
        "files": len(system.stored_files()),
    }
