"""A transfer as its four parties work on it (24.5.1), over HTTP."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared_contracts.decisions import Finding, Outcome
from shared_contracts.evidence import EvidenceView
from shared_contracts.transfer import (
    Rooms,
    Step,
    TransferPrechecked,
    TransferState,
    TransferView,
)
from shared_contracts.worklist import WorkPage, WorkRow

from xueji_local.demo_client import ApiProblem, Client, decoded
from xueji_local.demo_flow import DemoProblem
from xueji_local.demo_screen import Screen
from xueji_local.demo_transfer_cast import OLD, Family, Scene, until
from xueji_local.demo_transfer_records import record_of

PDF = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"
"""What a scanned paper is in the demonstration."""
OUTCOMES: dict[Outcome, str] = {
    Outcome.REFUSE: "不可以",
    Outcome.NEEDS_OVERRIDE: "原则上不可以，主管部门决定",
    Outcome.NOTE: "请注意",
    Outcome.PASS: "符合",
}
_ROOM = ("24.2.1", "24.2.2")
"""Whether there is room: of no matter where a seat is held."""


def home(scene: Scene, to: str) -> dict[str, str]:
    """Where a family lives now: in the county of the school it applies to."""
    return {"division": scene.desks[to].school.division, "address": "哈尔滨市南岗区建设街8号3单元501室"}


def application(scene: Scene, family: Family, to: str, **changes: Any) -> dict[str, Any]:
    """The guardian's application, as the receiving school enters it."""
    return {
        "name": family.name,
        "number": family.number,
        "ground": "residence_changed",
        "residence": home(scene, to),
        "guardian": family.guardian,
        "phone": family.phone,
        **changes,
    }


def with_paper(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    """The same with the one paper that this ground asks for (24.1.2), scanned by the school."""
    answer = client.post("/v1/evidence-files", files={"file": ("房产证.pdf", PDF, "application/pdf")})
    return body | {"evidence": [{"evidence_id": decoded(answer, EvidenceView).id, "kind": "residence"}]}


def precheck(scene: Scene, to: str, body: dict[str, Any]) -> TransferPrechecked:
    return decoded(scene.registrar(to).post("/v1/transfers/prechecks", body), TransferPrechecked)


@dataclass
class Filed:
    """One transfer. `to`: the receiving school's key. `dues`: the last day of the step that the case waited for after each
    act, the application first; None where no clock ran."""

    scene: Scene
    to: str
    family: Family
    view: TransferView
    dues: list[date | None] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/v1/transfers/{self.view.id}"

    def seen_by(self, client: Client) -> TransferView:
        return decoded(client.get(self.path), TransferView)

    def keep(self, view: TransferView) -> TransferView:
        self.view = view
        self.dues.append(view.due_on)
        return view

    def decide(self, step: Step, decision: str = "approve", reason: str = "", **more: Any) -> TransferView:
        """By whoever the step is. The receiving authority overrides where a 原则上 rule stands against it."""
        client = self.actor(step)
        body: dict[str, Any] = {"step": step, "decision": decision, "reason": reason, **more}
        if step is Step.RECEIVING_AUTHORITY and decision == "approve" and self.to_override(client):
            body |= {"override": True, "reason": reason or "情况属实，同意转入"}
        return self.keep(decoded(client.post(f"{self.path}/decisions", body), TransferView))

    def to_override(self, officer: Client) -> tuple[Finding, ...]:
        """What the receiving authority has to decide on: with a place in another school, no longer that one is full."""
        seen = self.seen_by(officer)
        settled = _ROOM if seen.seat else ()
        return tuple(one for one in against(seen.findings) if one.clause not in settled)

    def actor(self, step: Step) -> Client:
        if step is Step.RECEIVING_AUTHORITY:
            return self.scene.officer(self.to)
        return self.scene.principal(OLD) if step is Step.RELEASING_SCHOOL else self.scene.officer(OLD)

    def resubmit(self, **changes: Any) -> TransferView:
        registrar = self.scene.registrar(self.to)
        body = with_paper(registrar, application(self.scene, self.family, self.to, **changes))
        headers = {"If-Match": f'"{self.view.version}"'}
        return self.keep(decoded(registrar.post(f"{self.path}/resubmission", body, headers=headers), TransferView))

    def reroute(self, school: str, reason: str) -> TransferView:
        body = {"school": school, "reason": reason}
        return self.keep(decoded(self.scene.officer(self.to).post(f"{self.path}/rerouting", body), TransferView))

    def finish(self) -> TransferView:
        """The steps that are left, each approved; then the record moves by itself."""
        while (step := self.view.waits_for) is not None:
            self.decide(step)
        return self.arrived()

    def arrived(self) -> TransferView:
        officer = self.scene.officer(self.to)

        def there() -> bool:
            view = self.seen_by(officer)
            if view.state is TransferState.NEEDS_ATTENTION:
                raise DemoProblem(f"{view.number}：" + "；".join(one.message for one in view.problem))
            self.view = view
            return view.state is TransferState.COMPLETED

        until(there, f"{self.view.number}没有转入。请查看 registry 的日志：make logs")
        self._in_one_school()
        return self.view

    def _in_one_school(self) -> None:
        """The record is in the new school alone; the old one keeps a copy (21.2, 21.4)."""
        scene, student = self.scene, self.family.student_id
        here = next((d for d in scene.desks.values() if d.school.code == self.view.to_school), None)
        now = None if here is None else record_of(here.registrar, student)
        scene.must(
            now is not None and now.student.school == self.view.to_school and now.student.copy_as_of is None,
            f"{self.view.number} 已转入，学籍却不在{self.view.to_school_name}",
        )
        left = record_of(scene.registrar(OLD), student)
        scene.must(
            left is not None and left.student.copy_as_of is not None,
            f"{self.view.number} 已转入，原学校保留的却不是学籍副本",
        )

    def waiting(self, client: Client) -> WorkRow:
        """The case in the work queue of whoever has to act."""
        found: list[WorkRow] = []

        def there() -> bool:
            page = decoded(client.get("/v1/worklist", kind="transfer", text=self.view.number), WorkPage)
            found[:] = [one for one in page.items if one.step == self.view.waits_for]
            return bool(found)

        until(there, f"{self.view.number} 没有进入待办。请查看 notifications 的日志：make logs")
        return found[0]


def file(scene: Scene, to: str, family: Family, **changes: Any) -> Filed:
    """The receiving school opens the case. Raises ApiProblem where a rule stands against it."""
    registrar = scene.registrar(to)
    body = with_paper(registrar, application(scene, family, to, **changes))
    view = decoded(registrar.post("/v1/transfers", body), TransferView)
    return Filed(scene, to, family, view, [view.due_on])


def refused(scene: Scene, to: str, body: dict[str, Any]) -> tuple[Finding, ...]:
    """All findings on an application that must not be taken. One that was taken is a failure, and taken back."""
    registrar = scene.registrar(to)
    try:
        taken = decoded(registrar.post("/v1/transfers", with_paper(registrar, body)), TransferView)
    except ApiProblem as problem:
        if problem.status != 409:
            raise
        return problem.findings
    scene.failures.append(f"不应受理的转学被受理：{taken.number}")
    registrar.post(f"/v1/transfers/{taken.id}/withdrawal", {"reason": "不应受理"})
    return ()


def rerouted(scene: Scene, case: Filed) -> TransferView:
    """The receiving authority sends the pupil to the nearest public school with places (24.5.2)."""
    rooms = decoded(scene.officer(case.to).get(f"{case.path}/rooms"), Rooms).items
    if not rooms:
        raise DemoProblem(f"{case.view.number}：没有可以改派的公办学校。")
    return case.reroute(rooms[0].code, "按相对就近原则统筹安排")


def against(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.outcome is Outcome.NEEDS_OVERRIDE)


def show_findings(screen: Screen, title: str, findings: Sequence[Finding]) -> None:
    """In plain words: what, by which clause, why, and what would make it possible; what stands against it first."""
    order = list(OUTCOMES)
    lines = [
        (OUTCOMES[one.outcome], f"第{one.clause}条" if one.clause else "", one.message, one.cure or "")
        for one in sorted(findings, key=lambda one: order.index(one.outcome))
    ]
    screen.grid(title, ("结论", "依据", "说明", "怎样办"), lines)
