"""What a re-division would do: schools to other authorities, authorities renamed and ended (行政区划调整, clause 44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from regulation.mark import clause
from shared_contracts.organisations import OrganisationView
from shared_contracts.reorganisation import Preview, Redividing, SchoolTo

from registry.context import RegistryWork
from registry.organisations import changing
from registry.organisations import store as organisations
from registry.reorganisation import policy, store
from registry.reorganisation.planning import Case


class Passed(msgspec.Struct, frozen=True, kw_only=True):
    """A school, where it was and where it goes."""

    school: str
    from_authority: str
    from_division: str
    to_authority: str
    to_division: str


class Redivided(msgspec.Struct, frozen=True, kw_only=True):
    """`renamed`: (code, former name, new name)."""

    preview: Preview
    schools: tuple[Passed, ...]
    renamed: tuple[tuple[str, str, str], ...]
    ended: tuple[str, ...]


@clause("3.1", "44")
async def redivision_plan(work: RegistryWork, case: Case, plan: Redividing) -> Redivided:
    await organisations.lock(work.tx)
    below = await store.below(work.tx, [*plan.counties, *plan.ended])
    wanted = {one.school: one for one in plan.schools}
    for county, to in plan.counties.items():
        for code in below[county]:
            if len(code) == 10:
                wanted.setdefault(code, SchoolTo(school=code, authority=to, division=to))
    named = {one.code: one.name for one in plan.renamed}
    rows = await organisations.lock_versions(work.tx, sorted({*wanted, *named, *plan.ended}))
    present = {row["code"]: organisations.view(row) for row in rows if not row["valid_to"]}
    kinds = await organisations.kinds(work.tx)
    targets = {one.authority for one in wanted.values()}
    unknown = sorted((targets | set(named) | set(plan.ended)) - kinds.keys())
    unchanged = [
        code
        for code, to in wanted.items()
        if code in present and (present[code].authority, present[code].division) == (to.authority, to.division)
    ]
    still = {
        code: left
        for code in plan.ended
        if code in kinds and (left := len([one for one in below[code] if one not in wanted and one not in plan.ended]))
    }
    found = [
        *policy.redividing_faults(
            empty=not (wanted or named or plan.ended),
            unknown=unknown,
            unchanged=unchanged,
            still_under=still,
            admitting=await organisations.admitting(work.tx, plan.ended),
        )
    ]
    taken = await store.in_hand(work.tx, list(wanted), case.id)
    if wanted:
        found += policy.naming_faults(list(wanted), (), present, taken=taken)
    authorities = {code: view.authority or "" for code, view in present.items() if code in wanted}
    found += policy.reach_faults(case.organisation, authorities)
    found += policy.reach_faults(case.organisation, {code: code for code in (*targets, *named, *plan.ended)})
    found += policy.day_note(case.effective_from, work.today)
    if not unknown:
        views = [*_schools(present, wanted), *(_renamed(present, code, name) for code, name in named.items())]
        for one in await changing.plan(work, views, case.effective_from):
            found += one.findings
    records = await store.records_of(work.tx, list(wanted))
    preview = Preview(
        classes=(),
        in_school=sum(live for live, _ in records.values()),
        ended=sum(gone for _, gone in records.values()),
        schools=tuple(wanted[code] for code in sorted(wanted)),
        registrations=await store.open_registrations(work.tx, list(wanted)),
        findings=tuple(found),
    )
    schools = tuple(
        Passed(
            school=code,
            from_authority=present[code].authority or "",
            from_division=present[code].division,
            to_authority=to.authority,
            to_division=to.division,
        )
        for code, to in sorted(wanted.items())
        if code in present
    )
    renamed = tuple((code, present[code].name, name) for code, name in named.items() if code in present)
    return Redivided(preview=preview, schools=schools, renamed=renamed, ended=plan.ended)


def _schools(present: Mapping[str, OrganisationView], wanted: Mapping[str, SchoolTo]) -> list[OrganisationView]:
    return [
        moved(present[code], to.authority, to.division)
        for code, to in sorted(wanted.items())
        if code in present and present[code].kind == "school"
    ]


def moved(view: OrganisationView, authority: str, division: str) -> OrganisationView:
    """A school under another authority. What was filed under the authority is filed under the new one."""
    values: dict[str, Any] = {"authority": authority, "division": division}
    if view.parent == view.authority:
        values["parent"] = authority
    return msgspec.structs.replace(view, **values)


def _renamed(present: Mapping[str, OrganisationView], code: str, name: str) -> OrganisationView:
    return msgspec.structs.replace(present[code], name=name.strip())


async def views_of(work: RegistryWork, codes: Sequence[str]) -> dict[str, OrganisationView]:
    """Organisations as they stand, under lock."""
    rows = await organisations.lock_versions(work.tx, sorted(codes))
    return {row["code"]: organisations.view(row) for row in rows if not row["valid_to"]}
