"""How a rule says what it found: four constructors, and `decide` that puts findings together.

`clause`: the clause cited, checked. `code`: a stable name, `"age.too_young"`. `message`, `cure`: Chinese. `fields`:
keys of the form's columns at fault. `facts`: what the rule looked at; personal values masked.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shared_contracts.decisions import Decision, Finding, Outcome

from regulation.clauses import CLAUSES

Fields = tuple[str, ...]


def passed(clause: str, code: str, message: str, *, fields: Fields = (), **facts: Any) -> Finding:
    """The rule was asked and is content."""
    return _finding(Outcome.PASS, clause, code=code, message=message, fields=fields, facts=facts)


def refuse(clause: str, code: str, message: str, *, cure: str, fields: Fields = (), **facts: Any) -> Finding:
    """The rule says no and nobody overrides it; `cure` says what would make it possible."""
    return _finding(Outcome.REFUSE, clause, code=code, message=message, cure=cure, fields=fields, facts=facts)


def needs_override(clause: str, code: str, message: str, *, cure: str, fields: Fields = (), **facts: Any) -> Finding:
    """A 原则上 rule says no: only the competent authority goes on, with a written reason."""
    return _finding(Outcome.NEEDS_OVERRIDE, clause, code=code, message=message, cure=cure, fields=fields, facts=facts)


def note(
    clause: str, code: str, message: str, *, cure: str | None = None, fields: Fields = (), **facts: Any
) -> Finding:
    """Something to look at; it stops nothing."""
    return _finding(Outcome.NOTE, clause, code=code, message=message, cure=cure, fields=fields, facts=facts)


def decide(*findings: Finding | Iterable[Finding] | None, policy_version: str = "") -> Decision:
    """All findings in the order given, passes too. None (a rule that does not apply) is left out."""
    flat: list[Finding] = []
    for item in findings:
        if isinstance(item, Finding):
            flat.append(item)
        elif item is not None:
            flat.extend(item)
    return Decision(findings=tuple(flat), policy_version=policy_version)


def _finding(
    outcome: Outcome,
    clause: str,
    *,
    code: str,
    message: str,
    fields: Fields,
    facts: dict[str, Any],
    cure: str | None = None,
) -> Finding:
    CLAUSES[clause]  # raises: a finding never cites a clause that does not exist
    return Finding(code=code, outcome=outcome, message=message, clause=clause, cure=cure, facts=facts, fields=fields)
