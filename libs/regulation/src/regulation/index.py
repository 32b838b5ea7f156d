"""The index of the law: clause -> rules, tests, HTTP operations, and whether its behaviour is built.

What is built is declared in `data/built.toml`, one line a clause, and believed only when a rule and a test carry the
clause's mark. Made from the sources alone: the same sources give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from regulation import _data, authorisation_page
from regulation.clauses import CLAUSES, Clause, UnknownClauseError
from regulation.scan import Found, Scan, scan

State = Literal["built", "partly", "begun", "open"]
"""built: all of the behaviour; partly: what is missing is said; begun: rules or tests, but not declared; open: nothing."""

PAGE, DATA = "docs/regulation.md", "docs/regulation.json"


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`what` is built; `partly`: what is still missing; `later`: what another clause's case, which is not there yet, will
    bring under this one. A clause with `later` alone is whole for everything that can happen in the system today."""

    id: str
    what: str
    partly: str | None = None
    later: str | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One clause with all that is known of it."""

    clause: Clause
    declaration: Declaration | None
    rules: list[Found]
    tests: list[Found]
    operations: list[Found]

    @property
    def later(self) -> str | None:
        return self.declaration.later if self.declaration and self.state in ("built", "partly") else None

    @property
    def state(self) -> State:
        if self.declaration and self.rules and self.tests:
            return "partly" if self.declaration.partly else "built"
        return "begun" if self.rules or self.tests else "open"


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """Entries in the order of the regulation; `problems`: what has to be put right, one line each."""

    entries: list[Entry]
    problems: list[str]


def declarations() -> tuple[Declaration, ...]:
    return msgspec.convert(tuple(_data.toml("built.toml").get("built", ())), tuple[Declaration, ...])


def make(root: Path, declared: Sequence[Declaration] | None = None) -> Index:
    """Read the sources below `root`. `declared`: instead of `built.toml`."""
    found = scan(root)
    by_id = {d.id: d for d in (declarations() if declared is None else declared)}
    entries = [
        Entry(
            clause=clause,
            declaration=by_id.get(clause.id),
            rules=found.rules.get(clause.id, []),
            tests=found.tests.get(clause.id, []),
            operations=found.operations.get(clause.id, []),
        )
        for clause in CLAUSES.values()
    ]
    return Index(entries=entries, problems=[*_problems(found, by_id, entries)])


def _problems(found: Scan, declared: dict[str, Declaration], entries: list[Entry]) -> list[str]:
    problems = list(found.problems)
    for clause_id in declared:
        try:
            CLAUSES[clause_id]
        except UnknownClauseError as error:
            problems.append(f"built.toml: {error}")
    for entry in entries:
        if entry.declaration:
            for what, places in (("rule", entry.rules), ("test", entry.tests)):
                if not places:
                    problems.append(f"built.toml: {entry.clause.id} is declared built but has no {what}")
    return problems


def outdated(root: Path, index: Index) -> list[str]:
    """The generated files that do not say what the sources say."""
    return [name for name, text in documents(index).items() if _read(root / name) != text]


def write(root: Path, index: Index) -> list[str]:
    """Write the generated files that changed; their names."""
    changed = outdated(root, index)
    for name in changed:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(documents(index)[name], encoding="utf-8")
    return changed


def _read(file: Path) -> str | None:
    return file.read_text(encoding="utf-8") if file.is_file() else None


def documents(index: Index) -> dict[str, str]:
    """File name -> content."""
    return {PAGE: page(index), DATA: data(index), authorisation_page.PAGE: authorisation_page.page()}


def data(index: Index) -> str:
    """For programs. `built` is true only where all of the behaviour is; `missing` says what a partly built one lacks,
    `later` what a case that is still to come will bring."""
    items = [
        {
            "id": e.clause.id,
            "article": e.clause.article,
            "force": e.clause.force,
            "owner": e.clause.owner,
            "built": e.state == "built",
            "state": e.state,
            "missing": e.declaration.partly if e.declaration and e.state == "partly" else None,
            "later": e.later,
            "rules": e.rules,
            "tests": e.tests,
            "operations": sorted({o.name for o in e.operations}),
        }
        for e in index.entries
    ]
    return msgspec.json.format(msgspec.json.encode(items), indent=2).decode() + "\n"


def counts(index: Index) -> dict[State, int]:
    states = [e.state for e in index.entries]
    return {s: states.count(s) for s in ("built", "partly", "begun", "open")}


def page(index: Index) -> str:
    """For people."""
    n = counts(index)
    total = len(index.entries)
    later = sum(e.state == "built" and e.later is not None for e in index.entries)
    lines = [
        "# The regulation: clause, rule, test",
        "",
        "Made by `make regulation` from the sources; do not edit. The law is 黑龙江省义务教育阶段学生学籍管理实施细则;",
        "its words are in `libs/regulation/src/regulation/data/regulation.zh.txt`, its clauses in `clauses.toml` beside it.",
        "`make article A=15.3` prints an article, its rules and tests.",
        "",
        f"Of {total} clauses **{n['built']} are built**, {n['partly']} partly (what is missing is said),",
        f"{n['begun']} begun (rules or tests exist, but nothing is claimed) and {n['open']} open.",
        f"{later} of the built ones are marked *later*: they hold for all that can",
        "happen today and will hold for a case of another clause, too, when that is built; their sections name it.",
        "",
        "| article | clause | force | owner | state | what it says | rules | tests | HTTP |",
        "|---:|---|---|---|---|---|---:|---:|---:|",
    ]
    for e in index.entries:
        anchor = f"[{e.clause.id}](#{_anchor(e)})" if e.state != "open" else e.clause.id
        state = e.state if e.state == "open" else f"**{e.state}**" + (", *later*" if e.later else "")
        lines.append(
            f"| {e.clause.article} | {anchor} | {e.clause.force} | {e.clause.owner} | {state} "
            f"| {_cell(e.clause.zh)} | {len(e.rules)} | {len(e.tests)} | {len(e.operations)} |"
        )
    for e in index.entries:
        if e.state != "open":
            lines += ["", *_section(e)]
    return "\n".join(lines) + "\n"


def _section(e: Entry) -> list[str]:
    c = e.clause
    lines = [
        f'<a id="{_anchor(e)}"></a>',
        "",
        f"## {c.id} ({c.force}, {c.owner}): {e.state}",
        "",
        f"> {c.zh}",
        "",
        f"{c.behaviour}",
        "",
    ]
    if e.declaration and e.state in ("built", "partly"):
        lines.append(f"- Built: {e.declaration.what}")
        if e.declaration.partly:
            lines.append(f"- Missing: {e.declaration.partly}")
        if e.later:
            lines.append(f"- Later: {e.later}")
    lines += [f"- Rule: {_place(f)}" for f in e.rules]
    lines += [f"- Test: {_place(f)}" for f in e.tests]
    lines += [f"- HTTP: {_place(f)}" for f in e.operations]
    return lines


def _anchor(e: Entry) -> str:
    return "clause-" + e.clause.id.replace(".", "-")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _place(f: Found) -> str:
    return f"`{f.name}` [{f.file}:{f.line}](../{f.file}#L{f.line})"
