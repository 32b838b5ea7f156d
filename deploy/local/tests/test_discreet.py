"""No struct of the house shows what it knows of a person: its `repr` ends up in an exception, a log line, a trace.

Every package is walked, so that a new struct cannot forget it. What crosses the bus is held to more: it shows ids alone.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from shared_contracts.decisions import Decision, Finding, Outcome, Refused
from shared_contracts.discreet import Discreet
from shared_contracts.identity import PersonEntry
from shared_contracts.messages import Message

HOUSE = ("shared_contracts", "regulation", "casework", "service_kit", "identity", "registry", "transfer", "notifications",
         "access", "gateway", "matcher")  # fmt: skip

PERSONAL: Mapping[str, str] = {
    # Words of a field's name, or the whole name.
    "name": "who somebody is",
    "names": "former ones too",
    "birth": "with a name and a place it says who",
    "document": "identity documents, their kinds and numbers",
    "masked": "what is left of a number still narrows it down",
    "student_number": "with a G it is the identity number",
    "former_number": "as well",
    "address": "of a home, of a mailbox, of a computer",
    "place": "a registered residence as the form has it",
    "postcode": "narrows an address down",
    "phone": "of a guardian",
    "digits": "the last four of it are the key to a case",
    "guardian": "a name, or whose child it is",
    "guardians": "as well",
    "members": "of the family, with their documents",
    "relation": "to the child",
    "nationality": "with a name it says who",
    "employer": "of a guardian",
    "post": "of a guardian",
    "disability": "health is nobody's business",
    # What holds any of these under names of its own.
    "form": "the 72 fields of the national form",
    "content": "an entry of the journal",
    "changes": "of fields of the form",
    "before": "what fields were",
    "after": "what fields become",
    "details": "of a decision, of an application",
    "values": "cells of a row",
    "value": "a cell",
    "rows": "as they came",
    "text": "what was looked for, or said of a child",
    "said": "as it stands in an archive",
    "record": "a row of the form",
    "result": "of an examination, of this pupil alone (34.2)",
}
"""Fields known to be about a person, with reasons."""

THINGS: Mapping[str, str] = {
    "casework.kinds.CaseKind": "a word of the code",
    "casework.kinds.StepKind": "a word of the code",
    "gateway.routes.classes.ClassIn": "a class's",
    "gateway.routes.classes.ClassName": "a class's",
    "gateway.routes.clients.NewClient": "a system's",
    "gateway.routes.codes.Code": "a code's",
    "gateway.routes.codes.Division": "a place's",
    "gateway.routes.organisations.NameChange": "an organisation's",
    "gateway.routes.organisations.NewOrganisation": "an organisation's",
    "gateway.routes.outside_transfers.SchoolThere": "a school's",
    "gateway.routes.policy.NewValue": "a parameter of the law",
    "gateway.routes.policy.Proposed": "a parameter of the law",
    "gateway.routes.reorganisations.NewName": "an organisation's",
    "gateway.routes.reorganisations.ReorganisationDraft": "the number of a decree",
    "matcher.population.County": "a county's",
    "gateway.routes.class_assignments.DrawIn": "a number that was drawn in public",
    "matcher.population.Day": "a day as text, of nobody",
    "notifications.worklist.store.Due": "marks before a last day",
    "registry.archive.package.InPackage": "a file in the package, named by what it is",
    "registry.classes.views.Document": "a number that was drawn in public",
    "registry.enrolment.plans.sheet.Read": "a school's",
    "registry.enrolment.zones.drafting.Draft": "zones",
    "registry.enrolment.zones.drafting.Line": "a school's",
    "registry.moving.store.Operation": "a decree, and organisations as they were",
    "registry.organisations.facts.SchoolFacts": "a school's",
    "registry.organisations.sheet.Read": "a school's",
    "registry.policy_values.counting.Counted": "a county's",
    "registry.policy_values.counting.Frame": "parameters of the law",
    "registry.policy_values.simulation._Change": "parameters of the law",
    "registry.policy_values.store.NewValue": "a parameter of the law",
    "registry.policy_values.store.ValueRow": "a parameter of the law",
    "registry.reorganisation.policy.Ending": "a school's",
    "registry.reorganisation.policy.Receiving": "a school's",
    "regulation.assignment.Published": "a number that was drawn in public",
    "regulation.codetables.Entry": "a code's",
    "regulation.codetables._Raw": "codes",
    "regulation.divisions.Division": "a place's",
    "regulation.holidays.Festival": "a festival's",
    "regulation.lottery.Published": "a number that was drawn in public",
    "regulation.mark.Mark": "a function's",
    "regulation.parameters.ParameterValue": "of the law",
    "regulation.scan.Found": "a test's",
    "regulation.school_codes.SchoolType": "a kind of school",
    "service_kit.cli.Act": "a command's",
    "service_kit.listing.Asked": "where a page ended: an id or a day",
    "service_kit.service.Kit": "a service's",
    "service_kit.service.Service": "a service's",
}
"""Structs in which such a field is about something else, with what it is about."""

FINDINGS = {Finding, Decision, Refused}
"""Shown whole: what a rule says to people, and the personal values among its facts are masked (`regulation.findings`)."""

OF_THINGS = re.compile(
    r"document_kind$|_ids?$|^(to_|from_)?(school|authority|organisation|county|city|division|province)_names?$"
)
"""Fields that are about no person whatever struct they stand in: codes of kinds, ids, names of organisations and places."""


def structs() -> list[type[Any]]:
    """Every struct, dataclass and named tuple that the house's packages declare."""
    found: set[type[Any]] = set()
    for name in HOUSE:
        package = importlib.import_module(name)
        modules = [package]
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not re.search(r"\.__main__$|\.migrations\.", module.name):
                modules.append(importlib.import_module(module.name))
        for module_ in modules:
            found |= {kind for kind in vars(module_).values() if inspect.isclass(kind) and _declared(kind)}
    return sorted(found, key=_title)


def _declared(kind: type[Any]) -> bool:
    a_value = issubclass(kind, msgspec.Struct) or dataclasses.is_dataclass(kind) or hasattr(kind, "_field_defaults")
    return a_value and kind.__module__.split(".")[0] in HOUSE


def _title(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def fields(kind: type[Any]) -> dict[str, str]:
    """Each field with its type as text."""
    if issubclass(kind, msgspec.Struct):
        return {field.name: str(field.type) for field in msgspec.structs.fields(kind)}
    if dataclasses.is_dataclass(kind):
        return {field.name: str(field.type) for field in dataclasses.fields(kind)}
    return {name: str(kind.__annotations__.get(name, Any)) for name in kind._fields}  # type: ignore[attr-defined]


def personal(kind: type[Any]) -> list[str]:
    """Its fields that can say something of a person: in text, a date, or what has no type of its own."""
    return [
        name
        for name, type_ in fields(kind).items()
        if not OF_THINGS.search(name)
        and (name in PERSONAL or not PERSONAL.keys().isdisjoint(name.split("_")))
        and re.search(r"\b(str|date|Any|object)\b", type_)
    ]


def filled(kind: type[Any]) -> Any:
    """One of it: each field is its own name, in a form that is found again."""
    values = {name: f"«{name}»" for name in fields(kind)}
    if dataclasses.is_dataclass(kind):
        made = object.__new__(kind)
        for name, value in values.items():
            object.__setattr__(made, name, value)
        return made
    return kind(**values)


def shown(kind: type[Any]) -> set[str]:
    """The fields that can be read in what it shows, however it is asked."""
    one = filled(kind)
    texts = [repr(one), str(one), f"{one}", f"{one!a}", "%s %r" % (one, one), repr([one]), str(ValueError(one))]  # noqa: UP031
    if hasattr(one, "__rich_repr__"):
        texts.append(str(list(one.__rich_repr__())))
    return {name for name in fields(kind) for text in texts if f"«{name}»" in text or ascii(f"«{name}»") in text}


ALL = structs()
ABOUT_PERSONS = [kind for kind in ALL if personal(kind) and _title(kind) not in THINGS and kind not in FINDINGS]


def test_the_walk_has_been_everywhere() -> None:
    """A test over everything that finds nothing would pass as well."""
    assert len(ALL) > 1_000 and len(ABOUT_PERSONS) > 200
    assert {_title(kind).split(".")[0] for kind in ABOUT_PERSONS} >= {
        "shared_contracts", "identity", "registry", "transfer", "access", "gateway", "matcher",
    }  # fmt: skip
    known = {_title(kind) for kind in ALL}
    assert not set(THINGS) - known, "exempt and not there"
    assert not [title for title in THINGS if not any(_title(kind) == title and personal(kind) for kind in ALL)]


def test_the_list_finds_what_it_is_for() -> None:
    class Forgotten(msgspec.Struct):
        guardian_phone: str
        grade: int

    assert personal(Forgotten) == ["guardian_phone"] and shown(Forgotten) == {"guardian_phone", "grade"}

    class Kept(Discreet, Forgotten):
        student_id: str

    assert personal(Kept) == ["guardian_phone"] and shown(Kept) == {"student_id"}


@pytest.mark.parametrize("kind", ABOUT_PERSONS, ids=_title)
def test_nothing_of_a_person_is_shown(kind: type[Any]) -> None:
    seen = {name for name in shown(kind) if name != "id" and not name.endswith("_id")}
    assert not seen & set(personal(kind)), (
        f"{_title(kind)} shows {sorted(seen)}. Cure: let it be `Discreet` (shared_contracts.discreet), or say in THINGS"
        " what it is about if it is about no person"
    )


def test_what_crosses_the_bus_shows_ids_alone() -> None:
    """Whatever a word will carry tomorrow."""
    words = [kind for kind in ALL if issubclass(kind, Message)]
    assert len(words) > 600
    for kind in words:
        assert all(name == "id" or name.endswith("_id") for name in shown(kind)), _title(kind)


def test_ids_are_shown_and_nothing_that_hides_behind_their_name() -> None:
    class Pair(Discreet, msgspec.Struct):
        id: str
        student_id: str | None
        entry_id: Any

    assert repr(Pair(id="a", student_id="b", entry_id=1)) == "Pair(id='a', student_id='b', entry_id=1)"
    assert repr(Pair(id="a", student_id=None, entry_id={"name": "张三"})) == "Pair(id='a')"
    assert repr(Discreet()) == "Discreet()"


def test_what_holds_others_shows_no_more_than_they_do() -> None:
    class Holder(msgspec.Struct):
        one: Finding
        person: Any

    finding = Finding(code="a.b", outcome=Outcome.NOTE, message="说明")
    assert "a.b" in repr(Holder(one=finding, person=None)), "findings are for people"
    assert "«" not in repr(Holder(one=finding, person=filled(PersonEntry)))


def test_only_what_is_shown_is_touched() -> None:
    """Speed and size of a struct are those without the mixin: nothing of it is there but two methods of the class."""

    class Plain(msgspec.Struct, frozen=True, kw_only=True, gc=False):
        person_id: str
        name: str

    class Quiet(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
        person_id: str
        name: str

    assert not hasattr(Quiet(person_id="p", name="n"), "__dict__")
    assert Quiet.__basicsize__ == Plain.__basicsize__
    assert msgspec.json.encode(Quiet(person_id="p", name="n")) == msgspec.json.encode(Plain(person_id="p", name="n"))
    assert (
        set(vars(Discreet)) & {"__init__", "__new__", "__setattr__", "__getattribute__", "__eq__", "__hash__"} == set()
    )
