"""The child whose document is in somebody's hand: a school, which sees no county's list, finds the one it is asked about."""

from __future__ import annotations

import unicodedata

from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.bus import Unavailable, Unknown
from shared_contracts.admission import ChildPage, FindChild
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import FindPersons
from shared_contracts.messages import word

from registry.context import RegistryWork
from registry.enrolment.admission import held
from registry.enrolment.children import store, views
from registry.organisations import store as organisations
from registry.rosters.access import names_of

SILENT = "身份服务暂时没有应答。请稍后重试。"


@clause("6", "45.3")
async def find_child(work: RegistryWork, query: FindChild) -> ChildPage | Refused:
    """Name and number together, so that a number alone tells nobody whose it is; on the lists of the school's own county."""
    if no := check(query.actor, word(query), Target(school=query.actor.organisation)):
        return no
    school = await organisations.school(work.tx, query.actor.organisation)
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。请联系主管教育行政部门。")
    try:
        found = await work.deps.bus.ask(FindPersons(actor=query.actor, number=query.document_number.strip()))
    except (Unavailable, Unknown):
        return refused("unavailable", SILENT)
    if isinstance(found, Refused):
        return found
    counties = sorted({school.authority, school.division})
    rows = [
        row
        for row in await store.of_persons(work.tx, found.person_ids, counties)
        if row["state"] != "left" and plain(row["name"]) == plain(query.name)
    ]
    places = await held.of_children(work.tx, [row["id"] for row in rows])
    names = await names_of(work.tx, {school for _, school in places.values()})
    return ChildPage(items=tuple(views.view(row, places, names, work.today) for row in rows))


def plain(name: str) -> str:
    """As names are compared: full-width forms, blanks and dots do not count."""
    return "".join(c for c in unicodedata.normalize("NFKC", name) if unicodedata.category(c)[0] == "L")
