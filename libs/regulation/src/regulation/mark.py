"""The mark that binds code to the law: `@clause("20.2")` on a rule, `enforced(...)` where no function is one.

``` python
@clause("5.1", "20.2")
def entry_age(facts: Facts) -> Finding: ...

# The database holds this one: the named thing is looked up in the named file when the index is made.
enforced("15.4", by="student_numbers_g_unique", at="migrations/versions/0001_identity.py")
```

`python -m regulation --write` finds both in the sources, so the ids (and `by`, `at`) are string literals.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from regulation.clauses import CLAUSES

T = TypeVar("T", bound=Callable[..., Any])


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One mark. `name`: qualified name of the rule, or what enforces the clause; `file`: the source, or the file
    that enforces it; `line`: where the mark stands."""

    clause: str
    module: str
    name: str
    file: str
    line: int


_marks: dict[Mark, None] = {}


def marks(clause_id: str | None = None) -> tuple[Mark, ...]:
    """The marks of the modules imported so far, of one clause or of all."""
    return tuple(m for m in _marks if clause_id is None or m.clause == clause_id)


def clause(*ids: str) -> Callable[[T], T]:
    """Mark a function or class as the rule for these clauses; it is returned unchanged. Marks may be stacked.

    Raises UnknownClauseError at import when an id is not in the regulation, ValueError when none is given.
    """
    _known(ids)
    file, line = _caller()

    def mark(rule: T) -> T:
        for clause_id in ids:
            _marks[Mark(clause=clause_id, module=rule.__module__, name=rule.__qualname__, file=file, line=line)] = None
        return rule

    return mark


def enforced(*ids: str, by: str, at: str) -> None:
    """Say, at module level, that something which is no function upholds these clauses.

    `by`: the words that stand in the file (a constraint's or trigger's name, a grant); `at`: the file, from the
    folder of the calling module or from the project's root. The index fails when file or words are missing.
    """
    _known(ids)
    _, line = _caller()
    module = sys._getframe(1).f_globals["__name__"]
    for clause_id in ids:
        _marks[Mark(clause=clause_id, module=module, name=by, file=at, line=line)] = None


def _known(ids: tuple[str, ...]) -> None:
    if not ids:
        raise ValueError("a mark names at least one clause")
    for clause_id in ids:
        CLAUSES[clause_id]


def _caller() -> tuple[str, int]:
    frame = sys._getframe(2)
    return frame.f_code.co_filename, frame.f_lineno
