"""The console is small and has no build step: what a build would find is looked for here."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from console_engine import Browser
from gateway import console, openapi
from litestar import Litestar
from shared_contracts.access import AccountState
from shared_contracts.actors import Role
from shared_contracts.exports import ExportState, Sensitivity
from shared_contracts.identity import Verification
from shared_contracts.records import StudentState
from shared_contracts.registry import RegistrationState, RosterState, RowState, Step

SCRIPTS = {name: file.content.decode() for name, file in console.FILES.items() if name.endswith(".js")}
SERVICES = Path(__file__).parents[2]
NO_PAGE = {"/v1/organisations", "/v1/evidence-files"}
"""What the console has no page of: the notice alone says what is to be done."""


async def test_it_is_served_from_the_package_alone(anonymous: httpx.AsyncClient) -> None:
    index = await anonymous.get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in index.headers["content-security-policy"]
    again = await anonymous.get("/", headers={"If-None-Match": index.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name in ("../app.py", "..%2fapp.py", "__init__.py", "nothing.js"):
        assert (await anonymous.get(f"/console/{name}")).status_code == 404, name
    linked = re.findall(r'(?:src|href)="([^"#]+)"', index.text)
    assert linked
    for link in linked:
        assert (await anonymous.get(link)).status_code == 200, link


def test_it_loads_nothing_from_elsewhere_and_nothing_inline() -> None:
    for name, file in console.FILES.items():
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.content.decode())
        assert [link for link in found if "www.w3.org" not in link] == [], name
    index = console.FILES["index.html"].content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", index)


@pytest.mark.parametrize("name", SCRIPTS)
def test_text_never_becomes_markup(name: str) -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", SCRIPTS[name])


@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_imported_is_exported(name: str) -> None:
    for names, source in re.findall(r'import \{([^}]+)\} from "\./([\w.]+)"', SCRIPTS[name]):
        exported = set(re.findall(r"export (?:async )?(?:function\*?|const|class) (\w+)", SCRIPTS[source]))
        wanted = {word.strip() for word in names.split(",")}
        assert wanted <= exported, source
        for word in wanted:
            assert len(re.findall(rf"\b{word}\b", SCRIPTS[name])) > 1, f"{word} is imported and not used"


def test_every_address_it_asks_for_is_of_the_api(app: Litestar) -> None:
    known = {re.sub(r"\{\w+\}", "*", path) for path, _, _ in openapi.operations(app)}
    asked = set()
    for text in SCRIPTS.values():
        for address in re.findall(r'["`](/v1/[^"`?]*?)(?:\?|\$\{query|\$\{cursor|["`])', text):
            asked.add(re.sub(r"\$\{[^}]*\}", "*", address))
    # what follows a roster's id or a user name is given by name: confirmation, seal
    assert {address for address in asked if address not in known} <= {
        "/v1/rosters/*/*",
        "/v1/accounts/*/*",
        "/v1/exports/*/*",
    }
    named = set(re.findall(r'post\("([a-z-]+)"', SCRIPTS["accounts.js"]))
    assert named == {"seal", "unseal", "password-reset", "second-factor-reset"}
    assert {f"/v1/accounts/*/{act}" for act in named} <= known
    named = set(re.findall(r'post\("([a-z-]+)"', SCRIPTS["exports.js"]))
    assert named == {"decisions", "cancellation"}
    assert {f"/v1/exports/*/{act}" for act in named} <= known
    assert len(asked) >= 30


@pytest.mark.clause("45.3")
def test_no_token_is_kept_where_scripts_can_read_it() -> None:
    for name, text in SCRIPTS.items():
        assert "sessionStorage" not in text, name
        assert "document.cookie" not in text, name
        kept = re.findall(r"localStorage\.setItem\(([^)]*)\)", text)
        assert kept == (["HERE, value.account.username"] if name == "session.js" else []), name
    assert 'refresh: "cookie"' in SCRIPTS["signin.js"]


def test_each_page_of_the_navigation_has_an_address_and_the_other_way_round() -> None:
    app = SCRIPTS["app.js"]
    patterns = [pattern.replace("\\/", "/") for pattern in re.findall(r"\[/(\^#.*?\$)/, \w+\]", app)]
    links = re.findall(r'\["(#/[\w-]+)", "', app)
    assert len(patterns) >= 10
    assert len(links) >= 7
    for link in links:
        assert any(re.fullmatch(pattern, link) for pattern in patterns), link


def test_each_link_that_a_service_sends_leads_to_its_page() -> None:
    """Of notices and of lines of the work queues: who is told that something waits comes to it by one click."""
    sent: set[str] = set()
    for source in SERVICES.glob("*/src/**/*.py"):
        text = source.read_text()
        sent |= set(re.findall(r'link=f?"(/v1/[\w-]+)', text))
        if source.name == "waiting_lines.py":
            sent |= set(re.findall(r'^ +"(/v1/[\w-]+)/?",$', text, re.MULTILINE))
    assert {"/v1/archive-handovers", "/v1/transfers", "/v1/reorganisations"} <= sent
    patterns = [pattern.replace("\\/", "/") for pattern in re.findall(r"\[/(\^#.*?\$)/, \w+\]", SCRIPTS["app.js"])]
    browser = Browser("links.js")
    try:
        led = {link: browser.call("page", f"{link}/1", "") for link in sent}
    finally:
        browser.close()
    assert {link for link, page in led.items() if not page} == NO_PAGE
    for link, page in led.items():
        assert not page or any(re.fullmatch(pattern, page) for pattern in patterns), (link, page)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("ROLES", set(Role) - {Role.SYSTEM}),
        ("ROSTER_STATES", set(RosterState)),
        ("ROW_STATES", set(RowState)),
        ("VERIFICATIONS", set(Verification)),
        ("ACCOUNT_STATES", set(AccountState)),
        ("EXPORT_STATES", set(ExportState)),
        ("SENSITIVITIES", set(Sensitivity)),
    ],
)
def test_every_code_of_the_contracts_has_a_word(name: str, codes: set[str]) -> None:
    block = re.search(rf"export const {name} = \{{(.*?)\}};", SCRIPTS["words.js"], re.DOTALL)
    assert block
    assert set(re.findall(r"(\w+): \"", block[1])) == {str(code) for code in codes}


def test_the_way_of_15_1_is_complete_and_in_order() -> None:
    words = SCRIPTS["words.js"]
    assert re.findall(r'step: "(\w+)"', words) == [str(step) for step in Step]
    ways = re.findall(r'waits: "(\w+)"', words)
    ended = re.findall(r'(\w+): "', words[words.index("REGISTRATION_STATES = {") :].split("};")[0])
    assert [*ways, *ended] == [str(state) for state in RegistrationState]


def test_it_offers_every_state_of_a_student() -> None:
    listed = re.search(r"export const STATES = \{(.*?)\}", SCRIPTS["search.js"], re.DOTALL)
    assert listed
    assert set(re.findall(r"(\w+):", listed[1])) == set(StudentState)
