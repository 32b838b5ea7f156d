from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest
from regulation.scan import Found, scan


class Project(Protocol):
    root: Path

    def write(self, path: str, text: str) -> None: ...


POLICY = "services/registry/src/registry/policy.py"
TESTS = "services/registry/tests/test_policy.py"
ROUTES = "services/gateway/src/gateway/routes/rosters.py"


def names(found: dict[str, list[Found]]) -> dict[str, list[str]]:
    return {clause: [f"{f.name} {f.file}:{f.line}" for f in places] for clause, places in found.items()}


def test_rules_are_found_with_file_and_line(project: Project) -> None:
    project.write(
        POLICY,
        """
        from regulation.mark import clause

        @clause("5.1", "20.2")
        def entry_age(facts):
            return None

        @clause("15.1")
        class States:
            @property
            @clause("13.2")
            def waits(self): ...

        @clause("50")
        @clause("9")
        async def documents(facts): ...
        """,
    )
    result = scan(project.root)
    assert names(result.rules) == {
        "5.1": [f"registry.policy.entry_age {POLICY}:4"],
        "20.2": [f"registry.policy.entry_age {POLICY}:4"],
        "15.1": [f"registry.policy.States {POLICY}:8"],
        "13.2": [f"registry.policy.States.waits {POLICY}:11"],
        "50": [f"registry.policy.documents {POLICY}:15"],
        "9": [f"registry.policy.documents {POLICY}:15"],
    }
    assert result.problems == []


def test_the_mark_is_known_by_its_import_and_not_by_its_name(project: Project) -> None:
    project.write(POLICY, 'from elsewhere import clause\n\n@clause("99")\ndef other(): ...\n')
    project.write(
        "libs/casework/src/casework/__init__.py",
        "from regulation import mark\nfrom regulation.mark import clause as of\n\n"
        '@of("15.1")\ndef a(): ...\n\n@mark.clause("13.2")\ndef b(): ...\n',
    )
    result = scan(project.root)
    assert {c: [f.name for f in places] for c, places in result.rules.items()} == {
        "15.1": ["casework.a"],
        "13.2": ["casework.b"],
    }
    assert result.problems == []


@pytest.mark.parametrize(
    ("mark", "problem"),
    [
        ('clause("15.9")', "no clause '15.9'"),
        ("clause()", "names no clause"),
        ("clause(ID)", "string literals"),
    ],
)
def test_a_mark_that_names_no_clause_is_a_problem(project: Project, mark: str, problem: str) -> None:
    project.write(POLICY, f"from regulation.mark import clause\n\n@{mark}\ndef rule(): ...\n")
    (found,) = scan(project.root).problems
    assert found.startswith(f"{POLICY}:3: ")
    assert problem in found


def test_what_the_database_enforces_is_found_where_it_stands(project: Project) -> None:
    migration = "services/identity/src/identity/migrations/0001.py"
    project.write(migration, '"""First."""\n\nSQL = "CONSTRAINT g_once UNIQUE (number)"\n')
    project.write("infra/grants.sql", "-- roles\nGRANT SELECT, INSERT ON journal;\n")
    project.write(
        "services/identity/src/identity/numbers.py",
        """
        from regulation.mark import enforced

        enforced("15.4", "15.2", by="g_once", at="migrations/0001.py")
        enforced("21.1", by="GRANT SELECT, INSERT ON journal", at="infra/grants.sql")
        """,
    )
    result = scan(project.root)
    assert names(result.rules) == {
        "15.4": [f"g_once {migration}:3"],
        "15.2": [f"g_once {migration}:3"],
        "21.1": ["GRANT SELECT, INSERT ON journal infra/grants.sql:2"],
    }
    assert result.problems == []


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        ('enforced("15.4", by="g_once", at="migrations/0002.py")', "there is no file"),
        ('enforced("15.4", by="g_twice", at="0001.py")', "does not say 'g_twice'"),
        ('enforced("15.4", by="", at="0001.py")', "needs by="),
        ('enforced("15.4", by="g_once", at="../../../../../outside.py")', "there is no file"),
        ('enforced("15.44", by="g_once", at="0001.py")', "no clause"),
    ],
)
def test_an_enforcement_that_is_not_there_is_a_problem(project: Project, call: str, problem: str) -> None:
    project.write("services/identity/src/identity/0001.py", "CONSTRAINT = 'g_once'\n")
    project.write("../outside.py", "CONSTRAINT = 'g_once'\n")
    project.write("services/identity/src/identity/numbers.py", f"from regulation.mark import enforced\n\n{call}\n")
    (found,) = scan(project.root).problems
    assert problem in found


def test_tests_carry_marks_themselves_or_through_class_and_module(project: Project) -> None:
    project.write(
        TESTS,
        """
        import pytest

        pytestmark = [pytest.mark.integration, pytest.mark.clause("13.2")]

        @pytest.mark.clause("20.2")
        @pytest.mark.parametrize("age", [5, pytest.param(6, marks=pytest.mark.clause("5.1"))])
        def test_age(age): ...

        @pytest.mark.clause("15.1")
        class TestSteps:
            async def test_order(self): ...
            def helper(self): ...
        """,
    )
    result = scan(project.root)
    assert {c: [f.name for f in places] for c, places in result.tests.items()} == {
        "13.2": ["test_age", "TestSteps.test_order"],
        "20.2": ["test_age"],
        "5.1": ["test_age"],
        "15.1": ["TestSteps.test_order"],
    }
    assert result.problems == []


@pytest.mark.parametrize("folder", ["libs/casework/tests", "tests_e2e", "deploy/local/tests", "infra/tests"])
def test_tests_are_looked_for_everywhere(project: Project, folder: str) -> None:
    project.write(f"{folder}/deep/test_x.py", 'import pytest\n\n@pytest.mark.clause("2")\ndef test_x(): ...\n')
    assert [f.file for f in scan(project.root).tests["2"]] == [f"{folder}/deep/test_x.py"]


def test_a_test_mark_on_nothing_or_on_no_clause_is_a_problem(project: Project) -> None:
    project.write(
        TESTS,
        'import pytest\n\n@pytest.mark.clause("2")\ndef helper(): ...\n\n'
        '@pytest.mark.clause("77.1")\ndef test_x(): ...\n',
    )
    first, second = scan(project.root).problems
    assert "helper carries a clause mark but is no test" in first
    assert "no clause '77.1'" in second


def test_operations_of_handlers_and_their_router(project: Project) -> None:
    project.write(
        ROUTES,
        """
        from litestar import Router, get, post

        @post("/", status_code=202, **about("上传名册", "15.1", "3.5", problems=(413,)))
        async def upload(): ...

        @post("/{roster_id:str}/decisions", opt={"clauses": ("13.2",), "public": False})
        async def decide(): ...

        @get(["/mine", "/ours"], **about("名册列表", "15.1"))
        async def rosters(): ...

        @get("/plain", **about("无条款"))
        async def plain(): ...

        @get(path="/v1/alone", opt={"clauses": ["2"]})
        async def alone(): ...

        router = Router("/v1/rosters", route_handlers=[upload, decide, rosters, plain], tags=["rosters"])
        """,
    )
    result = scan(project.root)
    assert {c: [f.name for f in places] for c, places in result.operations.items()} == {
        "15.1": ["POST /v1/rosters", "GET /v1/rosters/mine"],
        "3.5": ["POST /v1/rosters"],
        "13.2": ["POST /v1/rosters/{roster_id}/decisions"],
        "2": ["GET /v1/alone"],
    }
    assert result.problems == []


def test_an_operation_that_names_no_clause_is_a_problem(project: Project) -> None:
    project.write(
        ROUTES,
        'from litestar import get\n\n@get("/a", opt={"clauses": ("60",)})\ndef a(): ...\n\n'
        '@get("/b", opt={"clauses": CLAUSES})\ndef b(): ...\n\n'
        '@get("/c", **about("丙", "61"))\ndef c(): ...\n',
    )
    first, second, third = scan(project.root).problems
    assert "no clause '61'" in third
    assert "no clause '60'" in first
    assert "tuple of string literals" in second


def test_a_file_that_cannot_be_read_is_a_problem_and_not_a_crash(project: Project) -> None:
    project.write(POLICY, "def broken(:\n")
    (found,) = scan(project.root).problems
    assert found.startswith(f"{POLICY}:1: cannot be read")
