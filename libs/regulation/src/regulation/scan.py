"""Find the marks in the project's sources, by reading them (nothing is imported, so the result is deterministic).

Rules: `@clause(...)` and `enforced(...)` under libs, services, infra and deploy. Tests: `@pytest.mark.clause(...)` on a
test, its class or its module. Operations: the gateway's route handlers, `@get("/", **about("名册列表", "15.1"))`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from regulation.clauses import CLAUSES, UnknownClauseError

SOURCES = ("libs/*/src", "services/*/src", "infra/src", "deploy/*/src")
TESTS = ("libs/*/tests", "services/*/tests", "infra/tests", "deploy/*/tests", "tests_e2e")
ROUTES = ("services/gateway/src",)
METHODS = ("get", "post", "put", "patch", "delete", "head")

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


class Found(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """One place. `name`: a rule or test as one would write it, or an operation: `POST /v1/rosters`; `file` from the root."""

    file: str
    line: int
    name: str


class Scan(msgspec.Struct, frozen=True):
    """Clause id -> places, each sorted; `problems`: marks that cannot be right, one line each."""

    rules: dict[str, list[Found]]
    tests: dict[str, list[Found]]
    operations: dict[str, list[Found]]
    problems: list[str]


def scan(root: Path) -> Scan:
    """Read the sources below the project's root."""
    result = Scan({}, {}, {}, [])
    for file in _files(root, SOURCES):
        _Rules(root, file, result).read()
    for file in _files(root, TESTS):
        _Tests(root, file, result).read()
    for file in _files(root, ROUTES):
        _Operations(root, file, result).read()
    for places in (result.rules, result.tests, result.operations):
        for clause_id, found in places.items():
            places[clause_id] = sorted(set(found))
    return result


def _files(root: Path, patterns: Sequence[str]) -> list[Path]:
    folders = (folder for pattern in patterns for folder in root.glob(pattern))
    return sorted({file for folder in folders for file in folder.rglob("*.py")})


class _Reader:
    """One file. Subclasses say in `read` what they look for."""

    def __init__(self, root: Path, file: Path, result: Scan) -> None:
        self.root, self.file, self.result = root, file, result
        self.path = file.relative_to(root).as_posix()
        try:
            self.tree = ast.parse(file.read_text(encoding="utf-8"), filename=self.path)
        except SyntaxError as error:
            self.tree = ast.Module(body=[], type_ignores=[])
            self.problem(error.lineno or 0, f"cannot be read: {error.msg}")

    def problem(self, line: int, text: str) -> None:
        self.result.problems.append(f"{self.path}:{line}: {text}")

    def ids(self, nodes: Sequence[ast.expr], line: int) -> Iterator[str]:
        """The clause ids of a mark's arguments; anything but the literal id of a clause is a problem."""
        if not nodes:
            self.problem(line, "the mark names no clause")
        for node in nodes:
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                self.problem(line, "a mark names its clauses as string literals")
                continue
            try:
                yield CLAUSES[node.value].id
            except UnknownClauseError as error:
                self.problem(line, str(error))

    def definitions(self) -> Iterator[tuple[str, Definition, tuple[ast.ClassDef, ...]]]:
        """Functions and classes, not those inside functions: qualified name, node, enclosing classes."""

        def walk(
            body: Sequence[ast.stmt], classes: tuple[ast.ClassDef, ...]
        ) -> Iterator[tuple[str, Definition, tuple[ast.ClassDef, ...]]]:
            for node in body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    yield ".".join([*(c.name for c in classes), node.name]), node, classes
                if isinstance(node, ast.ClassDef):
                    yield from walk(node.body, (*classes, node))
                elif isinstance(node, ast.If | ast.Try | ast.With):
                    yield from walk(node.body, classes)

        yield from walk(self.tree.body, ())


def _calls(nodes: Sequence[ast.AST]) -> Iterator[ast.Call]:
    for node in nodes:
        yield from (n for n in ast.walk(node) if isinstance(n, ast.Call))


class _Rules(_Reader):
    def read(self) -> None:
        names = self._imported()
        module = ".".join(self.file.relative_to(self._source_root()).with_suffix("").parts)
        module = module.removesuffix(".__init__")
        for name, node, _ in self.definitions():
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and names.get(ast.unparse(call.func)) == "clause":
                    for clause_id in self.ids(call.args, call.lineno):
                        found = Found(self.path, node.lineno, f"{module}.{name}")
                        self.result.rules.setdefault(clause_id, []).append(found)
        for statement in self.tree.body:
            said = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(said, ast.Call) and names.get(ast.unparse(said.func)) == "enforced":
                self._enforced(said)

    def _source_root(self) -> Path:
        return next(p for p in self.file.parents if p.name == "src")

    def _imported(self) -> dict[str, str]:
        """How this file calls `clause` and `enforced`: `{"clause": "clause", "mark.clause": "clause"}`."""
        names: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom) and node.module == "regulation.mark":
                names |= {a.asname or a.name: a.name for a in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module == "regulation":
                modules = [a.asname or a.name for a in node.names if a.name == "mark"]
                names |= {f"{m}.{n}": n for m in modules for n in ("clause", "enforced")}
        return names

    def _enforced(self, call: ast.Call) -> None:
        named = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
        by, at = named.get("by"), named.get("at")
        if not (isinstance(by, str) and isinstance(at, str) and by):
            self.problem(call.lineno, "enforced(...) needs by= and at= as string literals")
            return
        candidates = (self.file.parent / at, self.root / at)
        target = next((p.resolve() for p in candidates if p.is_file()), None)
        if target is None or not target.is_relative_to(self.root.resolve()):
            self.problem(call.lineno, f"enforced(...): there is no file {at}")
            return
        lines = target.read_text(encoding="utf-8").splitlines()
        line = next((n for n, words in enumerate(lines, 1) if by in words), None)
        if line is None:
            self.problem(call.lineno, f"enforced(...): {at} does not say {by!r}")
            return
        found = Found(target.relative_to(self.root.resolve()).as_posix(), line, by)
        for clause_id in self.ids(call.args, call.lineno):
            self.result.rules.setdefault(clause_id, []).append(found)


class _Tests(_Reader):
    def read(self) -> None:
        of_module = list(self._marked(self._pytestmarks(self.tree.body)))
        for name, node, classes in self.definitions():
            marked = list(self._marked(node.decorator_list))
            is_test = node.name.startswith("test") and not isinstance(node, ast.ClassDef)
            if not is_test:
                if marked and not (isinstance(node, ast.ClassDef) and node.name.startswith("Test")):
                    self.problem(node.lineno, f"{name} carries a clause mark but is no test")
                continue
            for outer in classes:
                marked += self._marked([*outer.decorator_list, *self._pytestmarks(outer.body)])
            for clause_id in {*marked, *of_module}:
                found = Found(self.path, node.lineno, name)
                self.result.tests.setdefault(clause_id, []).append(found)

    @staticmethod
    def _pytestmarks(body: Sequence[ast.stmt]) -> list[ast.AST]:
        return [
            statement.value
            for statement in body
            if isinstance(statement, ast.Assign)
            and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in statement.targets)
        ]

    def _marked(self, nodes: Sequence[ast.AST]) -> Iterator[str]:
        for call in _calls(nodes):
            if ast.unparse(call.func) == "pytest.mark.clause":
                yield from self.ids(call.args, call.lineno)


class _Operations(_Reader):
    def read(self) -> None:
        prefixes = self._prefixes()
        for _, node, _ in self.definitions():
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] in METHODS:
                    own = call.args[0] if call.args else _keyword(call, "path")
                    parts = (prefixes.get(node.name, "").strip("/"), _text(own).strip("/"))
                    path = "/" + "/".join(part for part in parts if part)
                    path = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)  # {roster_id:str}, as OpenAPI writes it
                    method = ast.unparse(call.func).rpartition(".")[2].upper()
                    for clause_id in self._clauses(call):
                        found = Found(self.path, node.lineno, f"{method} {path}")
                        self.result.operations.setdefault(clause_id, []).append(found)

    def _prefixes(self) -> dict[str, str]:
        """Handler -> path of the router of this module that holds it: `Router("/v1/rosters", route_handlers=[...])`."""
        found: dict[str, str] = {}
        for call in _calls([self.tree]):
            handlers = _keyword(call, "route_handlers")
            if ast.unparse(call.func).rpartition(".")[2] == "Router" and isinstance(handlers, ast.List):
                path = _text(call.args[0] if call.args else _keyword(call, "path"))
                found |= {handler.id: path for handler in handlers.elts if isinstance(handler, ast.Name)}
        return found

    def _clauses(self, call: ast.Call) -> Iterator[str]:
        """`opt={"clauses": ("15.1",)}`, or the gateway's word for it: `**about("名册列表", "15.1")`."""
        for keyword in call.keywords:
            value = keyword.value
            if keyword.arg is None and isinstance(value, ast.Call) and ast.unparse(value.func) == "about":
                if value.args[1:]:
                    yield from self.ids(value.args[1:], call.lineno)
            elif keyword.arg == "opt" and isinstance(value, ast.Dict):
                for key, named in zip(value.keys, value.values, strict=True):
                    if _text(key) == "clauses" and isinstance(named, ast.Tuple | ast.List):
                        yield from self.ids(named.elts, call.lineno)
                    elif _text(key) == "clauses":
                        self.problem(call.lineno, 'opt={"clauses": ...} is a tuple of string literals')


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((k.value for k in call.keywords if k.arg == name), None)


def _text(node: ast.AST | None) -> str:
    """A string literal, or the first of a list of them (a handler may have several paths)."""
    if isinstance(node, ast.List | ast.Tuple) and node.elts:
        return _text(node.elts[0])
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
