"""The same pupil twice in one file (clauses 20.1, 39)."""

from __future__ import annotations

from datetime import date

from regulation.findings import note, refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding

from registry.form.entry import Entry


class Seen:
    """The accepted rows of a file so far, by document and by name, sex and birth date."""

    def __init__(self) -> None:
        self._documents: dict[tuple[str, str], int] = {}
        self._persons: dict[tuple[str, str, date], int] = {}

    @clause("20.1", "39")
    def judge(self, entry: Entry, row: int) -> Finding | None:
        """A document that an accepted row above has is refused: which of the two is right, a person must decide.

        The same name, sex and birth date under another document is something to look at. A row that is not refused is
        remembered.
        """
        if entry.document_number:
            first = self._documents.setdefault((entry.document_kind, entry.document_number), row)
            if first != row:
                return refuse(
                    "20.1",
                    "roster.duplicate_in_file",
                    f"第{row}行与第{first}行的身份证件号相同",
                    cure="同一学生只保留一行（已采用靠前的一行）；不是同一学生的，请核对两行的证件号",
                    fields=("document_number",),
                    row=row,
                    first_row=first,
                )
        first = self._persons.setdefault((entry.name, entry.sex, entry.birth_date), row)
        if first == row:
            return None
        return note(
            "20.1",
            "roster.alike_in_file",
            f"第{row}行与第{first}行的姓名、性别、出生日期都相同，证件号不同",
            cure="请核对是否为同一学生；确为两名学生的可以继续",
            fields=("name", "birth_date"),
            row=row,
            first_row=first,
        )
