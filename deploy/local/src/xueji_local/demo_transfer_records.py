"""A record (学籍) as the schools see it that a transfer passes: before, after, and what the former one keeps (21.2)."""

from __future__ import annotations

from dataclasses import dataclass

from shared_contracts.records import Journal, StudentView

from xueji_local.demo_client import ApiProblem, Client, decoded


@dataclass(frozen=True)
class Record:
    """A record as one school sees it; None where it sees none."""

    student: StudentView
    journal: Journal

    @property
    def place(self) -> str:
        return f"{self.student.grade}年级{self.student.class_no}班"

    @property
    def last(self) -> str:
        entry = self.journal.entries[-1]
        return f"{len(self.journal.entries)}条，最后一条“{entry.title}”" + ("，逐条相连" if self.journal.intact else "")


def record_of(client: Client, student_id: str) -> Record | None:
    path = f"/v1/students/{student_id}"
    try:
        return Record(
            decoded(client.get(path), StudentView),
            decoded(client.get(f"{path}/journal"), Journal),
        )
    except ApiProblem as problem:
        if problem.status not in (403, 404):
            raise
        return None


def number_shown(client: Client, student_id: str) -> str:
    """Whether this school may still see the full number, in its own words."""
    try:
        client.post(f"/v1/students/{student_id}/reveal", {"purpose": "核对转出学生的学籍"})
    except ApiProblem as problem:
        return f"不可以：{problem.detail}"
    return "可以"
