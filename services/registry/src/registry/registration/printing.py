"""The confirmation sheet of one registration, with the full numbers that the family has to confirm (clause 15.1)."""

from __future__ import annotations

from regulation.mark import clause
from service_kit.bus import Unavailable, Unknown
from service_kit.ids import derived
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import RevealDocuments, RevealedDocuments
from shared_contracts.messages import word
from shared_contracts.registry import PrintSheet, RegistrationState, SheetPrinted, Step

from registry.context import RegistryWork
from registry.organisations.facts import SchoolFacts
from registry.records import copies
from registry.registration import access, queries, store
from registry.registration.chain import STATE_TITLES, state_of
from registry.registration.decide import open_school, sees
from registry.registration.store import Waiting
from registry.rosters.child import ChildDied, child
from registry.rosters.frames import Page, PrintOrder, encode
from registry.rosters.sheets import MEDIA_TYPE, class_title

PURPOSE = "打印学生基本信息确认表，交监护人签字确认"
LARGEST = 4 * 1024 * 1024
_TOO_EARLY = (RegistrationState.ENTERED, RegistrationState.CLASS_TEACHER_CHECKED, RegistrationState.RETURNED)
_TOO_LATE = (RegistrationState.REJECTED, RegistrationState.WITHDRAWN)


@clause("15.1")
async def print_sheet(work: RegistryWork, command: PrintSheet) -> SheetPrinted | Refused:
    """After class teacher and principal, before the guardian signs; later it is a copy and changes nothing.

    Identity records who was shown the full numbers, and what for.
    """
    registration = await store.lock(work.tx, command.registration_id)
    if registration is None or not sees(command.actor, registration):
        return refused("not_found", access.NOT_FOUND)
    if not sees(command.actor, registration, word(command)):
        return refused("forbidden", "确认表由学校学籍管理员打印。请由学籍管理员的账号登录后办理。")
    standing = registration.standing
    state = state_of(standing.status, standing.step, registration.registered)
    if state in _TOO_LATE:
        return refused("conflict", f"{STATE_TITLES[state]}，不需要打印确认表。")
    if state in _TOO_EARLY:
        return refused("conflict", f"{STATE_TITLES[state]}。确认表在班主任和学籍主管校长审核之后打印。")
    if registration.registered and await copies.left(work, registration.id, registration.school):
        return refused("conflict", "学生已转入其他学校，不再由本校打印确认表。")
    school = await open_school(work, registration.school)
    if isinstance(school, Refused):
        return school
    reveal = RevealDocuments(
        command_id=derived(command.command_id, "reveal"),
        actor=command.actor,
        person_ids=(registration.person_id,),
        purpose=PURPOSE,
        record_ids=(registration.id,),
    )
    try:
        revealed: RevealedDocuments | Refused = await work.deps.bus.ask(reveal)
    except (Unavailable, Unknown):
        return refused("unavailable", "身份服务暂时没有应答，没有打印。请稍后重试。")
    if isinstance(revealed, Refused):
        return revealed
    person = revealed.persons[0]
    documents = {"document_number": person.document_number}
    documents |= {f"member{slot}_document_number": number for slot, number in person.members}
    try:
        pdf = await _print(work, school, registration, documents)
    except ChildDied:
        return refused("unavailable", "打印没有成功，请稍后重试；多次失败请联系运维人员。")
    file = await work.deps.files.put(
        f"确认表-{registration.id}.pdf", MEDIA_TYPE, pdf, LARGEST, file_id=derived(command.command_id, "sheet")
    )
    if standing.status == "open" and standing.step == Step.GUARDIAN:
        await store.mark_printed(work.tx, [registration.id], work.now)
    return SheetPrinted(file=file)


async def _print(work: RegistryWork, school: SchoolFacts, registration: Waiting, documents: dict[str, str]) -> bytes:
    page = Page(
        registration_id=registration.id,
        form=await queries.read_form(work, registration.id),
        documents=documents,
    )
    order = PrintOrder(
        school=school.name,
        class_title=class_title(registration.grade, registration.class_no),
        printed_on=work.today,
        pages=(page,),
    )
    async with child("sheets") as printer:
        await printer.send(encode(order))
        printer.close()
        return await printer.answer()
