"""`make demo-transfer` on a system of its own, alone and again: what its screen says is what the system says (Article 24)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from e2e_api import done
from e2e_clock import ZONE
from e2e_system import System, running_system
from regulation import lottery
from regulation.calendar import Calendar
from regulation.parameters import Parameters
from xueji_local import province

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
OLD, NEW, FULL, PRIVATE = (province.schools()[key] for key in ("zhongyang", "xinchun", "qihui", "mingde"))
NUMBER = re.compile(r"ZX\d{14}")
CALENDAR = Calendar()


@dataclass(frozen=True)
class Shown:
    """One demonstration. `parts`: what stands under each heading, by its Chinese numeral."""

    code: int
    text: str
    folder: Path

    @property
    def parts(self) -> dict[str, str]:
        found = re.split(r"^([一二三四五六七八])、", self.text, flags=re.MULTILINE)
        return dict(zip(found[1::2], found[2::2], strict=True))


@pytest.fixture(scope="module")
def fresh() -> Iterator[System]:
    """Its clock is moved."""
    with running_system() as running, running.found():
        yield running


@pytest.fixture(scope="module")
def shown(fresh: System, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return demonstrated(fresh, tmp_path_factory.mktemp("first"))


def demonstrated(system: System, folder: Path) -> Shown:
    done = subprocess.run(
        [sys.executable, "-m", "xueji_local.demo_transfer", "--out", str(folder)],
        env={**os.environ, "XUEJI_HOME": str(system.layout.home)},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    for account in ("nangang.officer", "mingde.registrar", "zhongyang.registrar", "xinchun.registrar"):
        system.account(account).forget()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert system.gateway in done.stdout, "it ran on another stack than this one"
    return Shown(done.returncode, done.stdout, folder)


def get(system: System, account: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = done(system.account(account).send("GET", path))
    return found


def transfers(system: System) -> dict[str, dict[str, Any]]:
    """By number, with their timelines."""
    listed = get(system, "nangang.officer", "/v1/transfers?limit=200")["items"]
    return {one["number"]: get(system, "nangang.officer", f"/v1/transfers/{one['id']}") for one in listed}


def days(text: str) -> list[date]:
    return [date.fromisoformat(one) for one in re.findall(r"\d{4}-\d{2}-\d{2}", text)]


def day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(ZONE).date()


@pytest.mark.clause("24.5.1")
def test_the_record_moves_and_a_copy_stays(fresh: System, shown: Shown) -> None:
    (number,) = set(NUMBER.findall(shown.parts["二"]))
    case = transfers(fresh)[number]
    assert (case["state"], case["to_school"], case["from_school"]) == ("completed", NEW.code, OLD.code)
    assert [one["decision"] for one in case["timeline"]] == ["return", "resubmit", "approve", "approve", "approve"]
    path = f"/v1/students/{case['student_id']}"
    here, left = get(fresh, "xinchun.registrar", path), get(fresh, "zhongyang.registrar", path)
    assert (here["school"], here["copy_as_of"]) == (NEW.code, None)
    assert left["copy_as_of"] == case["completed_on"] and f"只读副本（截至{left['copy_as_of']}）" in shown.parts["二"]
    assert here["name"] in shown.parts["二"] and here["student_number"] in shown.parts["二"]
    assert f"{here['grade']}年级{here['class_no']}班" in shown.parts["二"]


@pytest.mark.clause("24.6.4")
def test_the_clocks_are_those_of_the_case(fresh: System, shown: Shown) -> None:
    """Each row of the timeline: when it came, its last day, when it was done, days used and left; out of its acts."""
    (number,) = set(NUMBER.findall(shown.parts["七"]))
    assert number in shown.parts["二"]
    case = transfers(fresh)[number]
    step = Parameters.for_(NEW.division, day(case["opened_at"])).transfer_step_working_days
    lines = [line for line in shown.parts["七"].splitlines() if line.count("│") == 7 and days(line)]
    acts, arrived, due, left = case["timeline"], day(case["opened_at"]), None, step
    assert len(lines) == len(acts) + 2 and days(lines[0]) == [arrived]
    for line, act in zip(lines[1:], acts, strict=False):
        acted = day(act["decided_at"])
        spent = CALENDAR.working_days_between(arrived, acted).count
        if act["decision"] == "resubmit":
            assert days(line) == [arrived, acted] and f"停计{spent}个" in line
            arrived = acted
            continue
        due = CALENDAR.add_working_days(arrived, left).date
        left = CALENDAR.working_days_between(acted, due).count
        assert days(line) == [arrived, due, acted], line
        assert f"{spent}，剩余{left}" in line
        arrived = acted
        left = left if act["decision"] == "return" else step
    assert case["completed_on"] in lines[-1]
    said = re.search(r"监护人查询：办理编号 (\S+)，手机后四位 (\d{4})", shown.parts["七"])
    assert said and said[1] == number
    with fresh.anonymous() as nobody:
        body = {"number": said[1], "digits": said[2]}
        tracked = nobody.post("/v1/transfers/tracking", json=body, headers={"Idempotency-Key": "e2e-demo"}).json()
    assert (tracked["state"], len(tracked["steps"])) == ("completed", len(acts))
    assert case["name"] not in shown.parts["七"]


@pytest.mark.clause("24.1.2", "24.2.2", "24.3.1", "24.5.2")
def test_refused_overridden_rerouted(fresh: System, shown: Shown) -> None:
    for clause, message in (("24.1.2", "服务范围内"), ("24.3.1", "单独立户")):
        (line,) = [one for one in shown.parts["三"].splitlines() if f"第{clause}条 " in one]
        assert line.startswith("不可以") and message in line
    for clause in ("24.1.2", "24.2.2", "24.5.2", "24.6.3"):
        assert f"第{clause}条" in shown.parts["一"]
    assert NEW.name in shown.parts["一"] and OLD.name not in shown.parts["一"], "nothing of the old school leaks"
    cases = transfers(fresh)
    (over,) = set(NUMBER.findall(shown.parts["四"]))
    assert (cases[over]["to_school"], cases[over]["over"], cases[over]["state"]) == (FULL.code, True, "completed")
    (override,) = [one for one in cases[over]["timeline"] if one["override"]]
    assert override["organisation"] == NEW.supervising and override["reason"] in shown.parts["四"]
    (sent,) = set(NUMBER.findall(shown.parts["五"]))
    (moved,) = [one for one in cases[sent]["timeline"] if one["decision"] == "reroute"]
    assert (moved["from_school"], moved["to_school"]) == (FULL.code, NEW.code)
    assert (cases[sent]["to_school"], cases[sent]["over"], cases[sent]["state"]) == (NEW.code, False, "completed")


@pytest.mark.clause("24.5.3", "24.5.4")
def test_the_draw_can_be_repeated(fresh: System, shown: Shown, tmp_path: Path) -> None:
    said = shown.parts["六"]
    found = re.search(r"YH-\d{4}-\d-\d{10}-\d-\d{2}", said)
    assert found
    published = fresh.anonymous().get(f"/v1/transfer-rounds/published/{found[0]}").content
    assert (shown.folder / f"{found[0]}.json").read_bytes() == published
    document = lottery.read(published.decode())
    assert document.notice.commitment in said and document.listing is not None
    assert "✓ 重新计算的录取名单一致" in said and "✗" not in said
    (round_,) = [
        one for one in get(fresh, "nangang.officer", "/v1/transfer-rounds?limit=50")["items"]
        if one["number"] == found[0]
    ]  # fmt: skip
    assert round_["state"] == "settled" and round_["list_sha256"] in said and round_["public_value"] in said
    assert round_["winners"] == round_["places"] < round_["applicants"]
    people = get(fresh, "mingde.registrar", f"/v1/transfer-rounds/{round_['id']}/applicants")["items"]
    cases = transfers(fresh)
    for one in people:
        place = PRIVATE if one["outcome"] == "won" else NEW
        case = cases[one["transfer_number"]]
        assert (case["state"], case["to_school"]) == ("completed", place.code)
        (line,) = [row for row in said.splitlines() if row.startswith(one["transfer_number"])]
        assert one["name"] in line and place.name in line and "已转入" in line
        assert one["code"] in said and one["code"].encode() in published
        assert one["name"].encode() not in published


@pytest.mark.clause("15.3", "19", "24.5.1")
def test_a_child_comes_from_another_province(fresh: System, shown: Shown) -> None:
    (number,) = set(NUMBER.findall(shown.parts["八"]))
    case = transfers(fresh)[number]
    assert (case["state"], case["to_school"], case["outside"]["side"]) == ("completed", NEW.code, "from")
    assert [one["step"] for one in case["timeline"]] == [
        "receiving_authority", "releasing_school", "releasing_authority",
    ]  # fmt: skip
    assert case["timeline"][1]["entered_for"] == case["outside"]["school"]["name"]
    pupil = get(fresh, "xinchun.registrar", f"/v1/students/{case['student_id']}")
    assert (pupil["school"], pupil["grade"], pupil["student_number"][0]) == (NEW.code, 3, "G")
    assert pupil["student_number"] in shown.parts["八"]


def test_nobody_is_left_on_the_way_and_the_screen_is_kept(fresh: System, shown: Shown) -> None:
    assert {one["state"] for one in transfers(fresh).values()} == {"completed"}
    page = shown.folder / "演示记录.html"
    assert page.stat().st_mode & 0o077 == 0 and "随机录取" in page.read_text()


def test_it_may_be_run_again(fresh: System, shown: Shown, tmp_path: Path) -> None:
    before = set(transfers(fresh))
    again = demonstrated(fresh, tmp_path)
    after = transfers(fresh)
    new = {number: one for number, one in after.items() if number not in before}
    assert set(NUMBER.findall(again.text)) == set(new)
    assert {one["state"] for one in new.values()} == {"completed"}
    pupils = [one["student_id"] for one in after.values()]
    assert len(set(pupils)) == len(pupils), "everybody is moved once"
