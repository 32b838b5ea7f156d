"""A private school submits its admission scheme for a year, its authority approves, rejects or returns it (clause 8)."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Target, check, subtree_pattern
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.database import fetch_all
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.messages import Command, Query, word
from shared_contracts.plans import (
    DecideScheme,
    GetScheme,
    ListSchemes,
    ReviseScheme,
    SchemePage,
    SchemeView,
    SubmitScheme,
)
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.enrolment.schemes import policy, store
from registry.enrolment.schemes.tables import schemes
from registry.evidence import store as evidence
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.organisations.tables import organisations as organisation_table
from registry.registration.policy import registration_year

MISSING = "没有这份招生方案，或者它不属于您管理的范围。"
LINK = "/v1/admission-schemes"
_DONE = {"approve": "approved", "reject": "rejected", "return": "returned"}
_SAID = {"approved": "已批准", "rejected": "未获批准", "returned": "已退回修改"}

_o = organisation_table.alias("o")
_AUTHORITY = _o.c.authority
_SCHEMES = sa.select(
    schemes, sa.func.coalesce(_o.c.name, schemes.c.school).label("school_name"), _AUTHORITY.label("authority")
).select_from(schemes.outerjoin(_o, sa.and_(_o.c.code == schemes.c.school, _o.c.valid_to.is_(None))))


@clause("8")
async def submit_scheme(work: RegistryWork, command: SubmitScheme) -> SchemeView | Refused:
    """One a school and year at a time; after a rejection another may be submitted."""
    if no := check(command.actor, word(command), Target(school=command.actor.organisation)):
        return no
    school = await organisations.school(work.tx, command.actor.organisation)
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。请联系主管教育行政部门。")
    year = registration_year(work.today)
    if found := policy.faults(school, command.school_year, year, command.title, command.body):
        return refused("refused", "".join(f"{f.message}。{f.cure}。" for f in found), *found)
    made = await store.put(
        work.tx,
        {
            "id": command.scheme_id,
            "school": school.code,
            "school_year": command.school_year,
            "title": command.title.strip(),
            "body": command.body.strip(),
            "state": "waiting",
            "account": command.actor.account,
            "submitted_by": command.actor.name,
            "submitted_at": work.now,
            "version": 1,
        },
    )
    if not made:
        return refused("conflict", f"本校{command.school_year}年的招生方案已经报送。需要修改的，请在该方案上办理。")
    if bad := await _attach(work, command.scheme_id, command.evidence, command.actor):
        return bad
    _waits(work, school)
    return await _view(work, command.scheme_id)


@clause("8")
async def revise_scheme(work: RegistryWork, command: ReviseScheme) -> SchemeView | Refused:
    """While it waits or was returned; what is approved stays as it was approved."""
    scheme = await store.lock(work.tx, command.scheme_id)
    target = Target(school=scheme["school"] if scheme else None)
    if no := check(command.actor, word(command), target, state=scheme["state"] if scheme else None, missing=MISSING):
        return no
    assert scheme is not None
    school = await organisations.school(work.tx, scheme["school"])
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。请联系主管教育行政部门。")
    if command.version != scheme["version"]:
        return _changed(scheme["version"])
    year = registration_year(work.today)
    if found := policy.faults(school, scheme["school_year"], year, command.title, command.body):
        return refused("refused", "".join(f"{f.message}。{f.cure}。" for f in found), *found)
    values = {
        "title": command.title.strip(),
        "body": command.body.strip(),
        "state": "waiting",
        "account": command.actor.account,
        "submitted_by": command.actor.name,
        "submitted_at": work.now,
        "decided_account": None,
        "decided_by": None,
        "decided_at": None,
        "decision_reason": None,
    }
    await store.change(work.tx, command.scheme_id, values)
    if bad := await _attach(work, command.scheme_id, command.evidence, command.actor):
        return bad
    _waits(work, school)
    return await _view(work, command.scheme_id)


@clause("8")
async def decide_scheme(work: RegistryWork, command: DecideScheme) -> SchemeView | Refused:
    """Approved: the school may register new pupils of that year. Rejected and returned ones need a reason."""
    scheme = await store.lock(work.tx, command.scheme_id)
    authority = await organisations.authority_of(work.tx, scheme["school"]) if scheme else None
    state = scheme["state"] if scheme else None
    if no := check(command.actor, word(command), Target(authority=authority), state=state, missing=MISSING):
        return no
    assert scheme is not None
    if command.version is not None and command.version != scheme["version"]:
        return _changed(scheme["version"])
    reason = command.reason.strip()
    if (command.decision != "approve" and not reason) or not reason.isprintable():
        return refused("invalid", "请填写原因，不要换行。")
    done = _DONE[command.decision]
    values = {
        "state": done,
        "decided_account": command.actor.account,
        "decided_by": command.actor.name,
        "decided_at": work.now,
        "decision_reason": reason or None,
    }
    await store.change(work.tx, command.scheme_id, values)
    for role in (Role.PRINCIPAL, Role.REGISTRAR):
        work.emit(
            WorkWaiting(
                organisation=scheme["school"],
                role=role,
                kind="scheme_decided",
                title=f"{scheme['school_year']}年招生方案{_SAID[done]}",
                detail=f"意见：{reason}" if reason else "可以按方案招收新生。",
                link=f"{LINK}/{command.scheme_id}",
            ),
            command.scheme_id,
        )
    return await _view(work, command.scheme_id)


@clause("8")
async def get_scheme(work: RegistryWork, query: GetScheme) -> SchemeView | Refused:
    row = await _row(work, query.scheme_id)
    target = Target(school=row["school"], authority=row["authority"]) if row else Target()
    if no := check(query.actor, word(query), target, missing=MISSING):
        return no
    return refused("not_found", MISSING) if row is None else await _whole(work, row)


@clause("8")
async def list_schemes(work: RegistryWork, query: ListSchemes) -> SchemePage | Refused:
    """Newest first, without their texts."""
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    statement, reached = _SCHEMES, asked.reach
    if reached.subtree is not None:
        statement = statement.where(_AUTHORITY.like(subtree_pattern(reached.subtree)))
    elif not reached.everything:
        statement = statement.where(schemes.c.school == (reached.school or ""))
    if query.school_year is not None:
        statement = statement.where(schemes.c.school_year == query.school_year)
    if query.state is not None:
        statement = statement.where(schemes.c.state == query.state)
    if asked.after is not None:
        statement = statement.where(sa.tuple_(schemes.c.submitted_at, schemes.c.id) < sa.tuple_(*asked.after))
    order = (schemes.c.submitted_at.desc(), schemes.c.id.desc())
    rows = await fetch_all(work.tx, statement.order_by(*order).limit(asked.rows))
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["submitted_at"].isoformat(), row["id"]))
    return SchemePage(items=tuple(msgspec.structs.replace(_shown(row), body="") for row in kept), next_cursor=cursor)


def _waits(work: RegistryWork, school: SchoolFacts) -> None:
    work.emit(
        WorkWaiting(
            organisation=school.authority,
            role=Role.AUTHORITY_OFFICER,
            kind="scheme_submitted",
            title="{count}份民办学校招生方案待审批",
            detail=f"最近一份来自{school.name}。方案批准之前，学校不能为新生建籍。",
            link=f"{LINK}?state=waiting",
        ),
        school.authority,
    )


async def _row(work: RegistryWork, scheme_id: str) -> Any:
    rows = await fetch_all(work.tx, _SCHEMES.where(schemes.c.id == scheme_id))
    return rows[0] if rows else None


async def _view(work: RegistryWork, scheme_id: str) -> SchemeView | Refused:
    row = await _row(work, scheme_id)
    return refused("not_found", MISSING) if row is None else await _whole(work, row)


async def _attach(work: RegistryWork, scheme_id: str, given: tuple[EvidenceGiven, ...], actor: Actor) -> Refused | None:
    """Files become part of the scheme; the authority sees them, being above the school."""
    to = f"scheme:{scheme_id}"
    there = {one.id for one in await evidence.of(work.tx, to)}
    added = {one.evidence_id for one in given} - there
    if found := policy.paper_faults(len(there), len(added)):
        return refused("refused", "".join(f"{f.message}。请{f.cure}。" for f in found), *found)
    attached = await evidence.attach(work, given, to=to, actor=actor, most=policy.MOST_PAPERS)
    return attached if isinstance(attached, Refused) else None


async def _whole(work: RegistryWork, row: Any) -> SchemeView:
    papers = tuple(one.view for one in await evidence.of(work.tx, f"scheme:{row['id']}"))
    return msgspec.structs.replace(_shown(row), evidence=papers)


def _shown(row: Any) -> SchemeView:
    return SchemeView(**{name: row[name] for name in SchemeView.__struct_fields__ if name != "evidence"})


def _changed(version: int) -> Refused:
    return refused("conflict", f"内容已被更改（版本{version}）。请刷新后再办理。")


COMMANDS: dict[type[Command], CommandHandler] = {
    SubmitScheme: submit_scheme,
    ReviseScheme: revise_scheme,
    DecideScheme: decide_scheme,
}
QUERIES: dict[type[Query], QueryHandler] = {GetScheme: get_scheme, ListSchemes: list_schemes}
