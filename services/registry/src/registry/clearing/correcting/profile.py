"""Keeping a pupil's form up to date (21.1 及时更新): what is neither key, nor of the grade, nor decided elsewhere.

The form is sealed; the journal says which fields changed, not what stood or stands there (`records.forms`): addresses and
telephone numbers have no place in an entry that is kept for ever.
"""

from __future__ import annotations

import msgspec
from regulation.authorisation import check
from regulation.mark import clause
from shared_contracts.clearing import UpdateProfile
from shared_contracts.decisions import Outcome, Refused, refused
from shared_contracts.messages import word
from shared_contracts.records import StudentState, StudentView

from registry.clearing import record
from registry.clearing.correcting import policy, store
from registry.context import RegistryWork
from registry.form.check import check_form
from registry.form.fields import BY_KEY
from registry.form.rules import FormFacts
from registry.organisations import store as organisations
from registry.records import forms, views, writing
from registry.records import store as records
from registry.records.writing import Change
from registry.registration import queries
from registry.registration import store as registrations
from registry.registration.intake import form_context

NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"
_KNOWN = frozenset(BY_KEY)


@clause("21.1", "40", "41")
async def update_profile(work: RegistryWork, command: UpdateProfile) -> StudentView | Refused:
    await records.lock_students(work.tx, [command.student_id])
    subject = await record.read_one(work.tx, command.student_id)
    if subject is None or not subject.registered:
        return refused("not_found", NO_STUDENT)
    if no := check(command.actor, word(command), subject.target, missing=NO_STUDENT):
        return no
    if command.version != subject.version:
        return refused("conflict", f"该生信息已被更改（当前版本{subject.version}）。请刷新后再更新。")
    if subject.state is not StudentState.IN_SCHOOL:
        return refused("conflict", "该生不在读，学籍信息不再更新。")
    if not command.changes:
        return refused("invalid", "没有需要更新的项目。")
    if found := policy.against_plain(frozenset(command.changes), _KNOWN):
        said = "；".join(one.message for one in found[:3])
        return refused("refused", f"{said}。没有更新任何内容。", *found)
    school = await organisations.school(work.tx, subject.school)
    if school is None or await registrations.form(work.tx, subject.id) is None:
        return refused("conflict", "这份学籍没有可更新的基本信息表。请联系主管教育行政部门。")
    form = await queries.read_form(work, subject.id)
    wanted = {key: value for key, value in (form | command.changes).items() if value.strip()}
    checked = check_form(wanted, FormFacts(school=school, today=work.today, documents_on_file=True))
    faults = tuple(
        one for one in checked.findings if one.outcome is Outcome.REFUSE and set(one.fields) & command.changes.keys()
    )
    if faults:
        return refused("refused", f"有{len(faults)}处不符合要求，没有更新任何内容。", *faults)
    kept = checked.entry.form if checked.entry is not None else wanted
    new = {key: kept[key] for key in command.changes if key in kept}
    after = {key: value for key, value in form.items() if key not in command.changes} | new
    changed = sorted(key for key in command.changes if form.get(key) != after.get(key))
    if changed:
        sealed = work.deps.cipher.seal_bytes(msgspec.json.encode(after), form_context(subject.id))
        await store.put_form(work.tx, subject.id, sealed)
        await store.touch(work.tx, subject.id)
        replaced = forms.replaced({key: form.get(key) for key in changed})
        change = Change(
            student_id=subject.id,
            kind="form_updated",
            clause="21.1",
            legal_date=work.today,
            content={"fields": changed, forms.SAID: forms.said(replaced)},
            actor=command.actor,
        )
        (entry,) = await writing.record(work, [change])
        await forms.keep(work, entry, replaced)
    row = await views.row_of(work.tx, subject.id)
    assert row is not None
    return views.view(row)
