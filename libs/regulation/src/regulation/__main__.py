"""`python -m regulation --write | --check | article 15.3`: the index of the law, for people and for the build."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from regulation import index as law
from regulation.clauses import CLAUSES, UnknownClauseError, articles


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 fine, 1 something has to be put right, 2 a question that cannot be answered."""
    parser = argparse.ArgumentParser(prog="python -m regulation", description=__doc__)
    parser.add_argument("--root", type=Path, default=None, help="the project's root (found by itself)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="write the pages under docs/ that are made from the sources")
    what.add_argument("--check", action="store_true", help="fail when they are out of date or a mark is wrong")
    parser.add_argument("command", nargs="?", choices=("article",), help="print an article with its rules")
    parser.add_argument("id", nargs="?", help="an article (15) or a clause (15.3)")
    options = parser.parse_args(arguments)
    root = options.root or project_root(Path.cwd())
    if root is None:
        say("Not inside the project: run this in its folder or name it with --root.")
        return 2
    if options.write or options.check:
        return _write_or_check(root, write=options.write)
    if options.command and options.id:
        return _article(root, options.id)
    parser.print_help()
    return 2


def project_root(start: Path) -> Path | None:
    """The folder above (or at) `start` that holds libs/regulation."""
    candidates = (start, *start.parents)
    return next((p for p in candidates if (p / "libs/regulation/pyproject.toml").is_file()), None)


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _write_or_check(root: Path, *, write: bool) -> int:
    index = law.make(root)
    problems = list(index.problems)
    if write:
        for name in law.write(root, index):
            say(f"wrote {name}")
    else:
        problems += [f"{name} is out of date: run make regulation" for name in law.outdated(root, index)]
    for problem in problems:
        say(problem)
    n = law.counts(index)
    say(f"{len(index.entries)} clauses: " + ", ".join(f"{count} {state}" for state, count in n.items()))
    return 1 if problems else 0


def _article(root: Path, clause_id: str) -> int:
    number = clause_id.partition(".")[0]
    text = articles().get(int(number)) if number.isascii() and number.isdigit() else None
    try:
        wanted = {c.id for c in CLAUSES.under(clause_id)}
    except UnknownClauseError as error:
        if text is None or clause_id != number:
            say(str(error))
            return 2
        say(text + "\n\nThis article asks nothing of the system.")
        return 0
    say(text or "")
    for entry in law.make(root).entries:
        if entry.clause.id in wanted:
            c, told = entry.clause, entry.declaration if entry.state in ("built", "partly") else None
            say(f"\n{c.id}  {c.zh}\n  {c.force}, held by {c.owner}: {entry.state}\n  {c.behaviour}")
            if told:
                say(f"  built: {told.what}" + (f"\n  missing: {told.partly}" if told.partly else ""))
                if told.later:
                    say(f"  later: {told.later}")
            for title, places in (("rule", entry.rules), ("test", entry.tests), ("http", entry.operations)):
                for place in places:
                    say(f"  {title}  {place.name}  {place.file}:{place.line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
