"""The yearly report: every number in it comes from data, and can be read in the PDF."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pypdf
import pytest
from access.audit import figures as figures_module
from access.audit.chain import key_from_jwk
from access.audit.figures import Figures, gather
from access.audit.report import TITLE, make
from audit_desk import CITY, COUNTY, NOW, OTHER_CITY, OTHER_SCHOOL, PROVINCE, SCHOOL, Desk, auditor
from msgspec.structs import replace
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role
from shared_contracts.audit import GetComplianceReport, HandleAlert, ListAlerts, ReportFile, ReportIncident
from shared_contracts.decisions import Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1", "45.2")]

OFFICER = Actor(account="officer", name="", organisation=COUNTY, roles=(Role.AUTHORITY_OFFICER,))


async def a_year(desk: Desk) -> None:
    """Some of it in October, on days that are closed; some today."""
    desk.clock.to("2026-10-28T10:00:00+08:00")
    await desk.keep(5)
    await desk.keep(2, act="registry.students", objects=tuple(f"student-{n}" for n in range(50)))
    desk.clock.to(NOW.isoformat())
    await desk.close()
    await desk.keep(7)
    await desk.keep(3, act="identity.reveal_documents", purpose="核对监护人身份", objects=("p-1", "p-2"))
    await desk.keep(4, outcome="not_found", objects=())
    await desk.keep(6, organisation=OTHER_SCHOOL)
    await desk.keep(1, organisation=OTHER_CITY, act="registry.students", objects=("x",))
    await desk.keep(1, outcome="reused", act="access.refresh_session", objects=())
    await desk.look()
    alert = (await desk.ask(ListAlerts(actor=auditor(COUNTY)))).items[0]
    await desk.send(
        HandleAlert(
            command_id=new_id(), actor=auditor(COUNTY), alert_id=alert.id, conclusion="已约谈𰻝老师。", incident=True
        )
    )
    await desk.send(
        ReportIncident(
            command_id=new_id(), actor=OFFICER, incident_id=new_id(), happened_on=date(2026, 5, 6), title="纸质名册遗失",
            description="一册。", measures="已找回。",
        )
    )  # fmt: skip
    await accounts(desk)
    await an_export(desk)


async def accounts(desk: Desk) -> None:
    statement = """
    INSERT INTO accounts (username, name, organisation, roles, classes, password_hash, password_set_at,
        must_change_password, totp_seed, seal, open_since, last_sign_in_at, created_at, created_by)
    VALUES ($1, '', $2, $3, '{}', '', now(), false, $4, $5, now(), $6, now(), '')
    """
    for username, organisation, roles, seed, seal, seen in (
        ("a", SCHOOL, ["registrar"], None, None, NOW),
        ("b", SCHOOL, ["registrar", "class_teacher"], None, "sealed", None),
        ("c", COUNTY, ["leader"], b"x", None, NOW - timedelta(days=400)),
        ("d", OTHER_CITY, ["leader"], b"x", None, NOW),
    ):
        await desk.rows(statement, username, organisation, roles, seed, seal, seen)


async def an_export(desk: Desk) -> None:
    request = """{"fields": ["name", "birth_date"], "selection": {"organisation": "2123010001"},
        "recipient": {"kind": "outside", "name": "道里区图书馆"}, "purpose": "办理借阅证", "expires_on": "2026-12-31"}"""
    await desk.rows(
        """INSERT INTO exports (id, number, organisation, organisation_name, authority, authority_name, account,
            account_name, roles, request, rows, row_cap, approval_days, created_at, expires_at, revision, made_at,
            downloaded_at, available_until, file, file_gone)
        VALUES ('x1', 'DC-2026-000001', $1, '第一小学', $2, '道里区教育局', 'a', '', '{registrar}', $3::text::jsonb, 321,
            500, 10, $4, $5, 0, $4, $4, $5, '{}', true)""",
        SCHOOL, COUNTY, request, NOW, NOW + timedelta(days=30),
    )  # fmt: skip
    await desk.rows(
        """INSERT INTO export_cases (id, kind, subject_id, parties, entered_by, opened_at, status, provisional, deciders,
            version)
        VALUES ('x1', 'export', 'x1', '{}', 'a', $1, 'approved', false, '[]', 1)""",
        NOW,
    )  # fmt: skip


async def report(desk: Desk, of: str = COUNTY, year: int = 2026) -> bytes:
    reply = await desk.ask(GetComplianceReport(actor=auditor(of), year=year))
    assert isinstance(reply, ReportFile), reply
    assert (reply.name, reply.media_type) == (f"{TITLE}-{of}-{year}.pdf", "application/pdf")
    return reply.content


def read(pdf: bytes) -> str:
    return "".join("".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


async def facts(desk: Desk, of: str = COUNTY, year: int = 2026) -> Figures:
    async with desk.kit.db.transaction() as tx:
        keys = {desk.signer.key_id: key_from_jwk(desk.signer.jwk)}
        return await gather(tx, of, year, desk.clock.now(), keys)


async def test_the_numbers_are_those_of_the_data(audit_desk: Desk) -> None:
    await a_year(audit_desk)
    text = read(await report(audit_desk))
    for part in (
        TITLE,
        "道里区教育局（230102）",
        "审计期间：2026-01-01至2026-11-24",
        "审计记录22",  # 5 + 2 + 7 + 3 + 4 + 1
        "查看学生个人信息17共118人次",  # 5 + 2 + 7 + 3; 5 + 100 + 7 + 6
        "其中查看完整号码3共6人次",
        "被拒绝的请求5",
        "查看学籍registry.student12124",
        "学生列表与查找registry.students21000",
        "查看完整号码identity.reveal_documents360",
        "核对监护人身份查看完整号码36",
        "道里区教育局2301021711835",
        "学籍管理员2110",
        "班主任1010",
        "分管局长1001",
        "DC-2026-000001第一小学2026-11-24已核准系统外：道里区图书馆办理借阅证姓名、出生日期3212026-11-24",
        "导出申请1件，生成文件1件、321人，其中提供给系统外1件",
        "登录令牌被重复使用（可能被盗用）1101",
        "2026-05-06道里区教育局纸质名册遗失已找回。",
        "已约谈",
        "未发现改动、删除或调换",
        "审计负责人",
    ):
        assert part in text, part
    assert "南岗区" not in text, "another county's"


@pytest.mark.clause("3.1")
async def test_each_authority_has_its_own(audit_desk: Desk) -> None:
    await a_year(audit_desk)

    def entries(of: Figures) -> int:
        return sum(one.entries for one in of.sums.by_act)

    found = {of: entries(await facts(audit_desk, of)) for of in (COUNTY, CITY, OTHER_CITY, PROVINCE)}
    assert found == {COUNTY: 22, CITY: 28, OTHER_CITY: 1, PROVINCE: 29}
    assert [one.role for one in (await facts(audit_desk, OTHER_CITY)).roles] == ["leader"]
    assert (await facts(audit_desk, OTHER_CITY)).exports == ()


async def test_sums_are_the_same_before_and_after_days_are_closed(audit_desk: Desk) -> None:
    await a_year(audit_desk)
    before = await facts(audit_desk)
    assert {one.key for one in before.sums.by_month} == {"10", "11"}
    audit_desk.clock.to("2026-11-25T00:00:01+08:00")
    await audit_desk.close()
    after = await facts(audit_desk)
    for name in ("by_act", "by_authority", "by_purpose", "by_month"):
        assert set(getattr(after.sums, name)) == set(getattr(before.sums, name)), name
    total = sum(one.entries for one in after.sums.by_act)
    for name in ("by_authority", "by_purpose", "by_month"):
        assert sum(one.entries for one in getattr(after.sums, name)) == total


async def test_a_log_that_was_tampered_with_is_reported(audit_desk: Desk) -> None:
    await a_year(audit_desk)
    async with audit_desk.tampering() as sql:
        await sql.execute("DELETE FROM audit_entries WHERE day = '2026-10-28' AND number = 3")
    text = read(await report(audit_desk))
    assert "发现1处不符，须立即查明" in text and "2026-10-28：缺少第3号" in text


async def test_a_large_year_checks_signatures_and_says_so(audit_desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await a_year(audit_desk)
    monkeypatch.setattr(figures_module, "MOST_COMPUTED", 28)
    log = (await facts(audit_desk)).log
    assert (log.computed, log.entries, log.signed, log.days, log.faults) == (False, 29, 27, 28, ())
    assert "逐条核对由运维人员用makeaudit-verify进行" in read(await report(audit_desk))
    async with audit_desk.tampering() as sql:
        await sql.execute("UPDATE audit_days SET root = $1 WHERE day = '2026-10-28'", b"x" * 32)
    assert len((await facts(audit_desk)).log.faults) == 2
    monkeypatch.setattr(figures_module, "MOST_COMPUTED", 29)
    assert (await facts(audit_desk)).log.computed


async def test_a_year_without_anything(audit_desk: Desk) -> None:
    text = read(await report(audit_desk, year=2025))
    for part in ("审计期间：2025-01-01至2025-12-31", "期间内没有审计记录", "期间内没有导出申请", "期间内没有预警",
                 "期间内没有登记的个人信息安全事件", "还没有签名的日子"):  # fmt: skip
        assert part in text


@pytest.mark.parametrize("year", [2027, 1999])
async def test_a_year_that_is_none(audit_desk: Desk, year: int) -> None:
    reply = await audit_desk.ask(GetComplianceReport(actor=auditor(COUNTY), year=year))
    assert isinstance(reply, Refused) and reply.kind == "invalid"


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.AUTHORITY_OFFICER, Role.ACCOUNT_ADMIN])
async def test_whose_it_is_not(audit_desk: Desk, role: Role) -> None:
    actor = Actor(account="a", name="", organisation=COUNTY, roles=(role,))
    reply = await audit_desk.ask(GetComplianceReport(actor=actor, year=2026))
    assert isinstance(reply, Refused) and reply.kind == "forbidden"


async def test_it_is_pdf_a_and_the_same_for_the_same_facts(audit_desk: Desk) -> None:
    await a_year(audit_desk)
    found = await facts(audit_desk)
    first = make(found)
    assert make(found) == first != make(replace(found, year=2026, made_at=NOW + timedelta(days=1)))
    assert b"pdfaid:part" in first or "pdfaid" in str(pypdf.PdfReader(io.BytesIO(first)).xmp_metadata.rdf_root.toxml())
