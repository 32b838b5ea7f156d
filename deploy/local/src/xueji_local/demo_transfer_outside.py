"""A child comes from a school of another province (24.5.1): applied for here, decided there by paper, registered by its
school."""

from __future__ import annotations

from typing import Any

from shared_contracts.decisions import Outcome
from shared_contracts.evidence import EvidenceView
from shared_contracts.records import StudentView
from shared_contracts.transfer import Step, TransferPrechecked, TransferState, TransferView

from xueji_local.demo_client import Client, decoded
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_transfer_case import PDF, against, home, show_findings, with_paper
from xueji_local.demo_transfer_cast import GRADE, NEW, Scene, classes, listed, people_of, register, until, with_room
from xueji_local.generator import Roster

SCHOOL = {"division": "330106", "name": "杭州市西湖区文一街小学", "authority": "杭州市西湖区教育局"}
_SEED = 300
"""The first seed of these rosters, which hold one child each."""
LETTER = "西教转〔{year}〕{n}号"


def comes(scene: Scene) -> None:
    screen, desk = scene.screen, scene.desks[NEW]
    with_room(scene, NEW, GRADE, 1)
    roster = listed(scene, desk, GRADE, 1, _smallest(scene), _SEED)
    (child,) = people_of(roster)
    body = _application(scene, child)
    checked = decoded(desk.registrar.post("/v1/outside-transfers/inward/prechecks", body), TransferPrechecked)
    missing = checked.decision.of(Outcome.REFUSE)
    scene.must(all(one.code.startswith("evidence.") for one in missing), "外省转入的预检有材料以外的“不可以”")
    show_findings(screen, "预检：除材料以外", [one for one in checked.decision.findings if one not in missing])
    view = _filed(scene, body)
    screen.note(
        f"{scene.today} {view.to_school_name}发起，办理编号 {view.number}，由{view.from_school_name}转入，已保留学位"
    )
    scene.must(view.seat, "外省转入的学生没有保留学位")
    view = _decided(scene, view)
    for reader, step in zip(scene.office, (Step.RELEASING_SCHOOL, Step.RELEASING_AUTHORITY), strict=False):
        scene.later(2)
        view = _entered(scene, view, reader, step)
        act = view.timeline[-1]
        screen.note(
            f"{scene.today} {act.step_title}：{act.decision_title}，凭{act.document.number if act.document else ''}"
        )
        scene.must(bool(act.entered_for), "外省的决定没有写明为谁录入")
    screen.note(f"{scene.today} {view.state_title}")
    _registered(scene, view, roster)


def _application(scene: Scene, child: dict[str, str]) -> dict[str, Any]:
    number = child["document_number"]
    return {
        "child": {**child, "document_kind": "1", "student_number": f"G{number}"},
        "school": SCHOOL,
        "grade": GRADE,
        "ground": "residence_changed",
        "residence": home(scene, NEW),
        "guardian": f"{child['name'][0]}家长",
        "phone": "13857110001",
    }


def _filed(scene: Scene, body: dict[str, Any]) -> TransferView:
    registrar = scene.registrar(NEW)
    return decoded(registrar.post("/v1/outside-transfers/inward", with_paper(registrar, body)), TransferView)


def _decided(scene: Scene, view: TransferView) -> TransferView:
    """Our authority is the first, as of every transfer."""
    scene.later(1)
    officer = scene.officer(NEW)
    override = bool(against(view.findings))
    body = {"step": Step.RECEIVING_AUTHORITY, "decision": "approve", "override": override, "reason": "材料齐全，同意"}
    found = decoded(officer.post(f"/v1/transfers/{view.id}/decisions", body), TransferView)
    scene.screen.note(f"{scene.today} {found.timeline[-1].step_title}：{found.timeline[-1].decision_title}")
    return found


def _entered(scene: Scene, view: TransferView, reader: Client, step: Step) -> TransferView:
    """The letter of the other province, by one person of the office and the next by another."""
    paper = decoded(
        reader.post("/v1/evidence-files", files={"file": ("外省复函.pdf", PDF, "application/pdf")}), EvidenceView
    )
    today = scene.today
    body = {
        "step": step,
        "decision": "approve",
        "document": {
            "number": LETTER.format(year=today.year, n=18 + len(view.timeline)),
            "issued_on": today.isoformat(),
            "issuer": SCHOOL["authority"],
        },
        "evidence": [{"evidence_id": paper.id, "kind": "official_document"}],
    }
    return decoded(reader.post(f"/v1/outside-transfers/{view.id}/decisions", body), TransferView)


def _registered(scene: Scene, view: TransferView, roster: Roster) -> None:
    """The school enters the child as any other; with its record the case is done."""
    registrar = scene.registrar(NEW)
    register(scene, scene.desks[NEW], roster)

    def there() -> bool:
        seen = decoded(registrar.get(f"/v1/transfers/{view.id}"), TransferView)
        if seen.state is TransferState.NEEDS_ATTENTION:
            raise DemoProblem(f"{view.number}：" + "；".join(one.message for one in seen.problem))
        done.append(seen)
        return seen.state is TransferState.COMPLETED

    done: list[TransferView] = []
    until(there, f"{view.number}没有办结。请查看 registry 的日志：make logs")
    case = done[-1]
    pupil = decoded(registrar.get(f"/v1/students/{case.student_id}"), StudentView)
    scene.screen.note(
        f"{scene.today} 转入学校建籍：{case.state_title}，{case.grade}年级{case.class_no}班，学籍号 {pupil.student_number}"
    )
    kind = (pupil.student_number or "")[:1]
    scene.must(kind == "G", "与公安比对一致的学生，没有得到与外省相同的正式学籍号")
    scene.must((pupil.school, pupil.grade) == (scene.desks[NEW].school.code, GRADE), "学籍不在转入学校或年级变了")


def _smallest(scene: Scene) -> int:
    return min(classes(scene.registrar(NEW), GRADE), key=lambda one: (one.size, one.class_no)).class_no
