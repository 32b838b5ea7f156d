"""Registrations as people see them: one, or a page of those that are the actor's business."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from casework.state import DecisionRow
from casework.store import histories, history
from regulation.authorisation import reach
from regulation.mark import clause
from service_kit import paging
from service_kit.database import driver, fetch_all, fetch_one
from shared_contracts.decisions import Decision, Refused, refused
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.messages import word
from shared_contracts.registry import (
    GetRegistration,
    ListRegistrations,
    RegistrationPage,
    RegistrationState,
    RegistrationView,
    Step,
    StepTaken,
)
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.organisations.tables import organisations
from registry.reach import within
from registry.records import copies
from registry.records.listing import schools
from registry.records.tables import students
from registry.registration import access, store
from registry.registration.chain import meaning, state_of
from registry.registration.intake import form_context
from registry.registration.tables import CASES, registrations

_r, _c = registrations.c, CASES.cases.c
_o = organisations.alias("o")
_FROM = registrations.join(CASES.cases, _r.id == _c.id).outerjoin(
    _o, sa.and_(_o.c.code == _r.school, _o.c.valid_to.is_(None))
)
_COLUMNS = (
    *registrations.c,
    _c.status,
    _c.step,
    _c.due_on,
    _c.version.label("case_version"),
    _o.c.name.label("school_name"),
)

_MOVED = sa.exists().where(students.c.id == _r.id, students.c.school != _r.school)
"""The student that came of a registration is at another school now."""


@clause("3.1", "21.2", "45.3")
async def get_registration(work: RegistryWork, query: GetRegistration) -> RegistrationView | Refused:
    """With its form, its decisions and what the rules found; as it was when the student left, where the student has."""
    row = await _row(work, query.registration_id)
    if row is None:
        return refused("not_found", access.NOT_FOUND)
    if against := access.against(
        query.actor,
        word(query),
        school=row["school"],
        authority=row["authority"],
        grade=row["grade"],
        class_no=row["class_no"],
    ):
        return against
    if row["registered_at"] is not None and (copy := await copies.left(work, row["id"], row["school"])):
        kept = copy.kept.registration
        return refused("not_found", access.NOT_FOUND) if kept is None else kept
    return await _whole(work, row)


@clause("3.1")
async def list_registrations(work: RegistryWork, query: ListRegistrations) -> RegistrationPage | Refused:
    """Those of a roster in the order of its rows, others by school. Forms and decisions are left out, and so is who has
    moved to another school."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    visible = within(reached, school=_r.school, authority=_r.authority, grade=_r.grade, class_no=_r.class_no)
    statement = sa.select(*_COLUMNS).select_from(_FROM).where(visible, sa.not_(_MOVED))
    if query.school is not None:
        statement = statement.where(_r.school == query.school)
    if query.state is not None:
        statement = statement.where(*_in_state(query.state))
    if query.to_correct:
        statement = statement.where(_r.correction.is_not(None))
    limit = paging.size(query.limit)
    if query.roster_id is not None:
        return await _roster_page(work, query, statement.where(_r.roster_id == query.roster_id), limit)
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    if after is not None:
        statement = statement.where(sa.tuple_(_r.school, _r.id) > sa.tuple_(*after))
    if not reached.everything:  # school by school: see records/listing.py
        of = schools(reached, query.school, None if after is None else str(after[0]), former=True)
        own = statement.where(_r.school == of.c.code).order_by(_r.id).limit(limit + 1).correlate(of).lateral("own")
        statement = sa.select(own).select_from(of.join(own, sa.true())).order_by(of.c.code, own.c.id)
    else:
        statement = statement.order_by(_r.school, _r.id)
    rows = await fetch_all(work.tx, statement.limit(limit + 1))
    kept, cursor = paging.page(rows, limit, lambda row: (row["school"], row["id"]))
    return RegistrationPage(items=tuple(map(_view, kept)), next_cursor=cursor)


async def view(work: RegistryWork, registration_id: str) -> RegistrationView | Refused:
    """As it is now, for the reply of a command that has changed it."""
    row = await _row(work, registration_id)
    return refused("not_found", access.NOT_FOUND) if row is None else await _whole(work, row)


async def views(work: RegistryWork, ids: Sequence[str]) -> dict[str, RegistrationView]:
    """Registrations whole, by their ids, in a constant number of statements."""
    wanted = sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Text)))
    rows = await fetch_all(work.tx, sa.select(*_COLUMNS).select_from(_FROM).where(_r.id == wanted))
    acts = await histories(await driver(work.tx), [row["id"] for row in rows])
    decisions = await store.decisions(work.tx, list({row["decision_id"] for row in rows}))
    forms = await store.forms(work.tx, [row["id"] for row in rows])
    return {
        row["id"]: _composed(
            row,
            acts.get(row["id"], []),
            decisions.get(row["decision_id"]),
            _opened(work, row["id"], forms.get(row["id"])),
        )
        for row in rows
    }


async def read_form(work: RegistryWork, registration_id: str) -> dict[str, str]:
    """The form as it was filled in, normalised, by the fields' keys, without document numbers."""
    return _opened(work, registration_id, await store.form(work.tx, registration_id))


def _opened(work: RegistryWork, registration_id: str, blob: bytes | None) -> dict[str, str]:
    if blob is None:
        return {}
    text = work.deps.cipher.open_bytes(blob, form_context(registration_id))
    return msgspec.json.decode(text, type=dict[str, str])


async def _roster_page(
    work: RegistryWork, query: ListRegistrations, statement: sa.Select[Any], limit: int
) -> RegistrationPage | Refused:
    after = paging.decode(query.cursor, int)
    if isinstance(after, Refused):
        return after
    if after is not None:
        statement = statement.where(_r.row > after[0])
    rows = await fetch_all(work.tx, statement.order_by(_r.row).limit(limit + 1))
    kept, cursor = paging.page(rows, limit, lambda row: (row["row"],))
    return RegistrationPage(items=tuple(map(_view, kept)), next_cursor=cursor)


def _in_state(state: RegistrationState) -> tuple[sa.ColumnElement[bool], ...]:
    status, step, registered = meaning(state)
    conditions: list[sa.ColumnElement[bool]] = [_c.status == status]
    if step is not None:
        conditions.append(_c.step == step)
    if registered is not None:
        conditions.append(_r.registered_at.is_not(None) if registered else _r.registered_at.is_(None))
    return tuple(conditions)


async def _row(work: RegistryWork, registration_id: str) -> RowMapping | None:
    return await fetch_one(work.tx, sa.select(*_COLUMNS).select_from(_FROM).where(_r.id == registration_id))


async def _whole(work: RegistryWork, row: RowMapping) -> RegistrationView:
    acts = await history(await driver(work.tx), row["id"])
    decision = await store.decision(work.tx, row["decision_id"])
    return _composed(row, acts, decision, await read_form(work, row["id"]))


def _composed(
    row: RowMapping, acts: Sequence[DecisionRow], decision: Decision | None, form: dict[str, str]
) -> RegistrationView:
    taken = tuple(
        StepTaken(
            step=Step(act.step),
            decision=act.decision,
            account=act.account,
            account_name=act.account_name,
            role=act.role,
            organisation=act.organisation,
            decided_at=act.decided_at,
            reason=act.reason,
        )
        for act in acts
    )
    return msgspec.structs.replace(_view(row), steps=taken, decision=decision, form=form)


def _view(row: RowMapping) -> RegistrationView:
    state = state_of(row["status"], row["step"], row["registered_at"] is not None)
    return RegistrationView(
        id=row["id"],
        roster_id=row["roster_id"],
        row=row["row"],
        person_id=row["person_id"],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        name=row["name"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        masked_document=row["masked_document"],
        document_kind=row["document_kind"],
        grade=row["grade"],
        class_no=row["class_no"],
        school_year=row["school_year"],
        placement=row["placement"],
        state=state,
        waits_for=Step(row["step"]) if row["status"] == "open" else None,
        due_on=row["due_on"],
        version=row["case_version"] + row["revision"],
        verification=Verification(row["verification"]),
        student_number=row["student_number"],
        number_kind=NumberKind(row["number_kind"]) if row["number_kind"] else None,
        correction=row["correction"],
    )
