"""Who must not act in a transfer is refused over HTTP, too, by its account's own session: told by which clause and who may,
with the case as it was; and then the right one does it (3.1, 24.5.1).

Nothing is listed here: what is tried is all that the tables of the transfer service's tests do not allow
(`services/transfer/tests/tables/*.csv`), as far as there are real accounts for it. An account belongs to one organisation for
good, so that two steps of one person are those of one organisation: an authority of both schools, the province office for
another province, a person with two roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from e2e_api import problem_of
from e2e_cast import COUNTY, PROVINCE, Cast
from e2e_flow import Desk
from e2e_outside import CLERK, document, entered, inward, said
from e2e_people import People
from e2e_transfer import STEPS, WHY, application, decide, get, opened, paper, post, registered
from shared_contracts.actors import Role
from verdicts import ONE_PERSON, WHO_MAY, one_person_may

pytestmark = [pytest.mark.clause("3.1", "24.5.1")]

ROLES = {
    "registrar": Role.REGISTRAR, "principal": Role.PRINCIPAL, "teacher": Role.CLASS_TEACHER,
    "officer": Role.AUTHORITY_OFFICER, "leader": Role.LEADER, "auditor": Role.AUDITOR, "admin": Role.ACCOUNT_ADMIN,
}  # fmt: skip
OF_SCHOOL, OF_AUTHORITY = ("registrar", "principal", "teacher"), ("officer", "leader", "auditor", "admin")
PLACES = {
    "receiving_school": ("shanhe.", OF_SCHOOL),
    "releasing_school": ("", OF_SCHOOL),
    "third_school": ("qihui.", OF_SCHOOL),
    "receiving_authority": ("neighbour.", OF_AUTHORITY),
    "releasing_authority": ("county.", OF_AUTHORITY),
    "city": ("city.", OF_AUTHORITY),
    "province": ("province.", OF_AUTHORITY),
}
"""Relations of the table that somebody of the cast stands in, to a case between Xinchun and Shanhe."""
ACTS = sorted(
    {act for act, *_ in WHO_MAY if act.startswith("transfer.decide_transfer/")}
    | {f"transfer.{name}_transfer" for name in ("resubmit", "withdraw", "reroute")}
)
CASES = 12
"""Pupils who are registered once for all that is tried."""


class Pairs:
    """The cast, and pupils of Xinchun for one case after the other."""

    def __init__(self, cast: Cast, found: list[dict[str, Any]]) -> None:
        self.cast = cast
        self._all = {one["student_id"]: one for one in found}
        self._next = iter(found)
        for name, place, role in (("county.second", COUNTY, Role.AUTHORITY_OFFICER),
                                  ("province.second", PROVINCE, Role.AUTHORITY_OFFICER)):  # fmt: skip
            cast.member(name, place, role)
        cast.member("county.both", COUNTY, Role.AUTHORITY_OFFICER, Role.LEADER)

    def pupil(self) -> dict[str, Any]:
        return next(self._next)

    def named(self, case: dict[str, Any]) -> dict[str, Any]:
        """The case, with what its application calls the pupil."""
        return {**case, **{name: self._all[case["student_id"]][name] for name in ("name", "document_number")}}

    def everybody(self) -> Iterator[tuple[str, Role, str]]:
        """Relation, role, name in the cast."""
        for relation, (prefix, titles) in PLACES.items():
            for title in titles:
                yield relation, ROLES[title], prefix + title

    def until(self, act: str) -> dict[str, Any]:
        """A case at which this act is possible; each act on the way by whoever has it."""
        case = opened(self.cast, self.pupil())
        if act == "transfer.resubmit_transfer":
            return decide(self.cast, case["id"], *STEPS[0], decision="return", reason="请补正", asks=["phone"])
        for step, who in STEPS:
            if act in (f"transfer.decide_transfer/{step}", "transfer.withdraw_transfer", "transfer.reroute_transfer"):
                break
            case = decide(self.cast, case["id"], step, who)
        return case

    def attempt(self, act: str, case: dict[str, Any], who: str) -> httpx.Response:
        path, more = f"/v1/transfers/{case['id']}", {}
        word, _, step = act.removeprefix("transfer.").partition("/")
        body: dict[str, Any] = {"reason": WHY}
        if word == "decide_transfer":
            over = step == "receiving_authority"
            path, body = f"{path}/decisions", {"step": step, "decision": "approve", "override": over, "reason": WHY}
        elif word == "resubmit_transfer":
            path, body = f"{path}/resubmission", application(self.named(case))
            more = {"headers": {"If-Match": f'"{case["version"]}"'}}
        elif word == "reroute_transfer":
            path, body["school"] = f"{path}/rerouting", "2123000102"
        else:
            path = f"{path}/withdrawal"
        return self.cast[who].send("POST", path, json=body, **more)

    def stands(self, case: dict[str, Any]) -> tuple[Any, ...]:
        seen = get(self.cast["county.leader"], f"/v1/transfers/{case['id']}")
        return seen["version"], seen["state"], len(seen["timeline"]), seen["waits_for"], seen["to_school"]


@pytest.fixture(scope="module")
def pairs(cast: Cast, people: People, xinchun: Desk) -> Pairs:
    return Pairs(cast, registered(people, xinchun, CASES)[1])


def told_why(answer: httpx.Response, *statuses: int) -> str:
    """The code of the finding that an answer gives; it names the clause and who may instead."""
    assert answer.status_code in statuses, answer.text
    found = problem_of(answer).findings[0]
    assert found.clause and found.message and found.cure, answer.text
    return found.code


@pytest.mark.parametrize("act", ACTS)
def test_whoever_is_not_in_the_table_is_told_why(pairs: Pairs, act: str) -> None:
    case = pairs.until(act)
    before, tried = pairs.stands(case), 0
    for relation, role, who in pairs.everybody():
        if (act, relation, role) in WHO_MAY:
            continue
        answer = pairs.attempt(act, case, who)
        sees = pairs.cast[who].send("GET", f"/v1/transfers/{case['id']}").status_code == 200
        if sees or answer.status_code != 404:  # to whoever does not see it there is no such case
            told_why(answer, 403, 409)
        tried += sees
    assert tried > 8, "parties of the case and those above them have tried"
    assert pairs.stands(case) == before
    relation, role = next((relation, role) for name, relation, role in sorted(WHO_MAY) if name == act)
    right = next(who for place, has, who in pairs.everybody() if (place, has) == (relation, role))
    if act == "transfer.reroute_transfer":  # there is no other school with a place
        assert "reroute" in get(pairs.cast[right], f"/v1/transfers/{case['id']}")["may"]
        return
    answer = pairs.attempt(act, case, right)
    assert answer.status_code == 200, answer.text


OF_ONE_AUTHORITY = [
    pytest.param(earlier, who, id=f"{earlier} and then {later}, {who}")
    for (earlier, later), verdict in ONE_PERSON.items()
    if verdict == "one_signature" and later == "releasing_authority" and earlier.startswith("receiving_authority.")
    if earlier.partition(".")[2]
    in ("return", "override")  # in a first term nothing is approved without; nowhere to send to
    for who in ("county.officer", "county.both")
]


@pytest.mark.parametrize(("earlier", "who"), OF_ONE_AUTHORITY)
def test_nobody_signs_for_both_schools(pairs: Pairs, earlier: str, who: str) -> None:
    """Xinchun and Qihui have one authority, and one signature does not serve for both: whoever has acted on the one step does
    not take the other, not as somebody with two roles either."""
    cast, case = pairs.cast, opened(pairs.cast, pairs.pupil(), "qihui.registrar")
    path = f"/v1/transfers/{case['id']}/decisions"
    if earlier.endswith(".return"):
        assert one_person_may(earlier, "receiving_authority"), "who has returned it may go on with it"
        case = decide(cast, case["id"], "receiving_authority", who, decision="return", reason="请补正", asks=["phone"])
        corrected = pairs.attempt("transfer.resubmit_transfer", pairs.named(case), "qihui.registrar")
        assert corrected.status_code == 200, corrected.text
    decide(cast, case["id"], "receiving_authority", who)
    decide(cast, case["id"], "releasing_school", "principal")
    before = pairs.stands(case)
    assert not one_person_may(earlier, "releasing_authority")
    for decision in ("approve", "reject"):
        body = {"step": "releasing_authority", "decision": decision, "reason": WHY}
        assert told_why(cast[who].send("POST", path, json=body), 409) == "case.same_person"
    assert "decide" not in get(cast[who], f"/v1/transfers/{case['id']}")["may"]
    assert pairs.stands(case) == before
    assert decide(cast, case["id"], "releasing_authority", "county.second")["state"] in ("moving", "completed")


def test_the_province_office_acts_for_the_other_province_as_two(pairs: Pairs) -> None:
    """What one entered another one decides; who has decided neither corrects nor takes back."""
    cast, case = pairs.cast, entered(pairs.cast, pairs.pupil())
    path, second = f"/v1/outside-transfers/outward/{case['id']}", "province.second"

    def deciding(who: str) -> httpx.Response:
        body = {"step": "receiving_authority", "decision": "approve", "document": document(),
                "evidence": paper(cast[who], "official_document")}  # fmt: skip
        return cast[who].send("POST", f"/v1/outside-transfers/{case['id']}/decisions", json=body)

    def taking_back(who: str) -> httpx.Response:
        return cast[who].send("POST", f"{path}/withdrawal", json={"reason": WHY})

    assert not one_person_may("open", "receiving_authority")
    before = pairs.stands(case)
    assert told_why(deciding(CLERK), 409) == "case.same_person"
    assert pairs.stands(case) == before
    said(cast, case["id"], "receiving_authority", who=second)
    assert not one_person_may("receiving_authority.approve", "take_back")
    before = pairs.stands(case)
    assert told_why(taking_back(second), 409) == "case.same_person"
    assert pairs.stands(case) == before
    assert one_person_may("open", "take_back")
    assert taking_back(CLERK).status_code == 200


def test_both_steps_of_the_other_province_are_two_persons(pairs: Pairs, people: People) -> None:
    """A child comes: school and authority of the other province are entered by two accounts of the office."""
    cast = pairs.cast
    made = people.roster("xinchun", 1)
    (row,) = made.rows
    child = {**made.person(row), "document_kind": "1", "student_number": "G" + made.person(row)["document_number"]}
    body = inward(child, 1, child=child, exception=WHY, evidence=paper(cast["registrar"]))
    case = post(cast["registrar"], "/v1/outside-transfers/inward", 201, **body)
    decide(cast, case["id"], "receiving_authority", "county.officer")
    said(cast, case["id"], "releasing_school", who=CLERK)
    before = pairs.stands(case)
    assert not one_person_may("releasing_school.approve", "releasing_authority")
    again = {"step": "releasing_authority", "decision": "approve", "document": document("西教转〔2026〕19号"),
             "evidence": paper(cast[CLERK], "official_document")}  # fmt: skip
    answer = cast[CLERK].send("POST", f"/v1/outside-transfers/{case['id']}/decisions", json=again)
    assert told_why(answer, 409) == "case.same_person"
    assert pairs.stands(case) == before
    said(cast, case["id"], "releasing_authority", who="province.second")
    assert pairs.stands(case) != before
