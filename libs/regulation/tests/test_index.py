from __future__ import annotations

import json
from pathlib import Path
from typing import Protocol

import msgspec
import pytest
from regulation import index as law
from regulation.__main__ import main
from regulation.clauses import CLAUSES
from regulation.index import Declaration


class Project(Protocol):
    root: Path

    def write(self, path: str, text: str) -> None: ...


RULE = 'from regulation.mark import clause\n\n@clause("20.2")\ndef fits_age(): ...\n'
TEST = 'import pytest\n\n@pytest.mark.clause("20.2")\ndef test_fits_age(): ...\n'
ROUTE = 'from litestar import post\n\n@post("/v1/registrations", opt={"clauses": ("20.2",)})\ndef enter(): ...\n'
BUILT = Declaration(id="20.2", what="ages are checked")
PARTLY = Declaration(id="20.2", what="ages are checked", partly="the tolerance")


@pytest.fixture
def whole(project: Project) -> Project:
    project.write("services/registry/src/registry/policy.py", RULE)
    project.write("services/registry/tests/test_policy.py", TEST)
    project.write("services/gateway/src/gateway/routes.py", ROUTE)
    return project


def state(index: law.Index, clause_id: str = "20.2") -> str:
    return next(e.state for e in index.entries if e.clause.id == clause_id)


def test_every_clause_is_listed_and_open_until_there_is_something(project: Project) -> None:
    index = law.make(project.root, [])
    assert [e.clause.id for e in index.entries] == list(CLAUSES)
    assert law.counts(index) == {"built": 0, "partly": 0, "begun": 0, "open": 96}
    assert index.problems == []


def test_built_is_believed_with_a_rule_and_a_test(whole: Project) -> None:
    assert state(law.make(whole.root, [BUILT])) == "built"
    assert state(law.make(whole.root, [PARTLY])) == "partly"
    assert law.make(whole.root, [BUILT]).problems == []


def test_what_is_not_declared_is_only_begun(whole: Project) -> None:
    assert state(law.make(whole.root, [])) == "begun"


@pytest.mark.parametrize(("path", "lacks"), [("src/registry/policy.py", "rule"), ("tests/test_policy.py", "test")])
@pytest.mark.parametrize("declared", [BUILT, PARTLY])
def test_a_declaration_without_rule_or_test_is_a_problem_and_not_believed(
    whole: Project, path: str, lacks: str, declared: Declaration
) -> None:
    whole.write(f"services/registry/{path}", "")
    index = law.make(whole.root, [declared])
    assert index.problems == [f"built.toml: 20.2 is declared built but has no {lacks}"]
    assert state(index) == "begun"


def test_a_declaration_of_no_clause_is_a_problem(project: Project) -> None:
    index = law.make(project.root, [Declaration(id="20.7", what="?")])
    assert len(index.problems) == 1
    assert "no clause '20.7'" in index.problems[0]


def test_the_data_for_programs(whole: Project) -> None:
    items = {item["id"]: item for item in json.loads(law.data(law.make(whole.root, [BUILT])))}
    assert list(items) == list(CLAUSES)
    assert items["20.2"] == {
        "id": "20.2",
        "article": 20,
        "force": "must",
        "owner": "registry",
        "built": True,
        "state": "built",
        "missing": None,
        "later": None,
        "rules": [{"file": "services/registry/src/registry/policy.py", "line": 4, "name": "registry.policy.fits_age"}],
        "tests": [{"file": "services/registry/tests/test_policy.py", "line": 4, "name": "test_fits_age"}],
        "operations": ["POST /v1/registrations"],
    }
    assert items["20.1"]["built"] is False
    assert items["20.1"]["rules"] == []


def test_partly_built_is_not_built(whole: Project) -> None:
    items = {item["id"]: item for item in json.loads(law.data(law.make(whole.root, [PARTLY])))}
    assert items["20.2"]["built"] is False
    assert items["20.2"]["state"] == "partly"
    assert items["20.2"]["missing"] == "the tolerance"


def test_what_waits_for_another_clause_is_built_and_says_so(whole: Project) -> None:
    later = Declaration(id="20.2", what="ages are checked", later="resumption")
    index = law.make(whole.root, [later])
    items = {item["id"]: item for item in json.loads(law.data(index))}
    assert (items["20.2"]["built"], items["20.2"]["missing"], items["20.2"]["later"]) == (True, None, "resumption")
    page = law.page(index)
    assert "1 of the built ones are marked *later*" in page
    assert "| **built**, *later* |" in page
    assert "- Later: resumption" in page


def test_the_page_counts_and_shows_where_things_are(whole: Project) -> None:
    page = law.page(law.make(whole.root, [PARTLY]))
    assert "Of 96 clauses **0 are built**, 1 partly" in page
    assert "0 begun (rules or tests exist, but nothing is claimed) and 95 open." in page
    assert "- Missing: the tolerance" in page
    policy = "services/registry/src/registry/policy.py"
    assert f"- Rule: `registry.policy.fits_age` [{policy}:4](../{policy}#L4)" in page
    assert "- HTTP: `POST /v1/registrations`" in page
    assert "## 20.1" not in page
    assert "| 20 | 20.1 | must | identity | open |" in page


def test_the_same_sources_give_the_same_bytes(whole: Project) -> None:
    assert law.documents(law.make(whole.root, [BUILT])) == law.documents(law.make(whole.root, [BUILT]))


def test_write_then_check_and_a_moved_rule_makes_the_page_stale(
    whole: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law, "declarations", lambda: (BUILT,))
    root = ["--root", str(whole.root)]
    assert main([*root, "--check"]) == 1
    assert "docs/regulation.md is out of date" in capsys.readouterr().out
    assert main([*root, "--write"]) == 0
    assert main([*root, "--check"]) == 0
    assert main([*root, "--write"]) == 0
    assert "wrote" not in capsys.readouterr().out.splitlines()[-1]
    whole.write("services/registry/src/registry/policy.py", "\n" + RULE.replace("\n\n", "\n\n\n", 1))
    assert main([*root, "--check"]) == 1


def test_check_fails_on_a_wrong_mark_even_when_the_page_is_current(
    whole: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law, "declarations", lambda: (BUILT,))
    whole.write("services/registry/tests/test_more.py", TEST.replace("20.2", "20.22"))
    root = ["--root", str(whole.root)]
    assert main([*root, "--write"]) == 1
    assert main([*root, "--check"]) == 1
    assert "no clause '20.22'" in capsys.readouterr().out


def test_an_article_is_printed_with_its_rules_and_tests(
    whole: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law, "declarations", lambda: (PARTLY,))
    assert main(["--root", str(whole.root), "article", "20.2"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("第二十条")
    assert "must, held by registry: partly" in out
    assert "missing: the tolerance" in out
    assert "rule  registry.policy.fits_age  services/registry/src/registry/policy.py:4" in out
    assert "test  test_fits_age  services/registry/tests/test_policy.py:4" in out
    assert "http  POST /v1/registrations" in out
    assert "20.1" not in out


def test_a_whole_article_and_one_without_clauses(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--root", str(project.root)]
    assert main([*root, "article", "15"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n15.{n}  " in out for n in (1, 2, 3, 4))
    assert main([*root, "article", "52"]) == 0
    assert "asks nothing of the system" in capsys.readouterr().out
    assert main([*root, "article", "15.9"]) == 2
    assert "did you mean 15.1" in capsys.readouterr().out
    assert main([*root, "article", "53"]) == 2


def test_outside_the_project_it_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 2
    assert "--root" in capsys.readouterr().out


def test_the_declarations_of_this_project_are_readable_and_name_each_clause_once() -> None:
    ids = [d.id for d in law.declarations()]
    assert len(ids) == len(set(ids))
    assert all(CLAUSES[i] for i in ids)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": "2", "what": "x", "part": "y"}, Declaration)
