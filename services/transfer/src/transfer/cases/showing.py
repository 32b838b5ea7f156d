"""Findings as a school may see them that asks for another school's pupil: the verdict, and nothing of what was looked at."""

from __future__ import annotations

from shared_contracts.decisions import Decision, Finding

from transfer.rules.judge import seen_by_school

_OURS = ("24.2.1", "24.2.2", "24.5.2", "24.5.3", "24.6.4")
"""Clauses whose facts are the receiving school's own, or public. What others looked at is of another school's pupil."""


def shown(decision: Decision) -> Decision:
    """Findings as the receiving school may see them: the verdict, not what was looked at of another school's pupil."""
    seen = seen_by_school(decision)
    return Decision(findings=tuple(_shown(finding) for finding in seen.findings), policy_version=seen.policy_version)


def _shown(finding: Finding) -> Finding:
    if finding.clause in _OURS:
        return finding
    return Finding(
        code=finding.code,
        outcome=finding.outcome,
        message=finding.message,
        clause=finding.clause,
        cure=finding.cure,
        fields=finding.fields,
    )
