"""The yearly audit of minors' personal information (未成年人个人信息保护合规审计报告), as PDF/A.

Regulations on the Protection of Minors in Cyberspace, article 37: whoever handles minors' personal information audits
each year, by itself or through others, whether it does so lawfully. Personal Information Protection Law, article 54.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from regulation.authorisation import ROLE_TITLES, reach, table
from regulation.mark import clause
from service_kit.database import driver
from service_kit.typeset import MEDIA_TYPE, Typesetter
from shared_contracts.audit import GetComplianceReport, ReportFile
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import CATALOGUE

from access.audit.chain import Signer, key_from_jwk
from access.audit.figures import MOST_LISTED, ExportLine, Figures, gather
from access.audit.policy import KINDS
from access.audit.search import title_of
from access.audit.sums import Sum
from access.context import AccessWork

TITLE = "未成年人个人信息保护合规审计报告"
REVEAL = "identity.reveal_documents"
_STATUS = {
    "open": "待核准", "returned": "已退回", "approved": "已核准", "rejected": "未核准", "withdrawn": "已撤销",
}  # fmt: skip
_lock = Lock()  # a typesetter works on one document at a time


async def compliance_report(work: AccessWork, query: GetComplianceReport) -> ReportFile | Refused:
    bound = reach(query.actor, "access.compliance_report")
    if isinstance(bound, Refused):
        return bound
    if not 2000 <= query.year <= work.today.year:
        return refused("invalid", f"{query.year}年没有可以审计的记录。请选择今年或以前的年度。")
    await (await driver(work.tx)).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    signer = Signer(work.deps.settings.audit_seed())
    keys = {signer.key_id: key_from_jwk(signer.jwk)}
    figures = await gather(work.tx, query.actor.organisation, query.year, work.now, keys)
    content = await asyncio.to_thread(make, figures)
    return ReportFile(
        name=f"{TITLE}-{query.actor.organisation}-{query.year}.pdf", media_type=MEDIA_TYPE, content=content
    )


@clause("45.1", "45.2")
def make(figures: Figures) -> bytes:
    """The report as PDF/A."""
    with _lock:
        setter = _typesetter()
        return setter.pdf(_printable(document(figures), setter), timestamp=int(figures.made_at.timestamp()))


@cache
def _typesetter() -> Typesetter:
    return Typesetter(files("access.audit").joinpath("report.typ").read_bytes())


def _printable(value: Any, setter: Typesetter) -> Any:
    if isinstance(value, str):
        return setter.glyphs.printable(value)
    if isinstance(value, dict):
        return {key: _printable(item, setter) for key, item in value.items()}
    return [_printable(item, setter) for item in value] if isinstance(value, list) else value


def document(figures: Figures) -> dict[str, Any]:
    """The report's words and numbers, for `report.typ`: sections of paragraphs, tables and one chart."""
    return {
        "title": TITLE,
        "head": [
            f"{figures.names[figures.authority]}（{figures.authority}）",
            f"审计期间：{figures.since}至{figures.until}",
            f"生成时间：{figures.made_at:%Y-%m-%d %H:%M}",
        ],
        "sections": [
            _basis(figures),
            _overview(figures),
            _acts(figures),
            _purposes(figures),
            _authorities(figures),
            _accounts(figures),
            _exports(figures),
            _alerts(figures),
            _incidents(figures),
            _log(figures),
        ],
    }


def _section(title: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    return {"title": title, "blocks": list(blocks)}


def _text(text: str) -> dict[str, Any]:
    return {"kind": "text", "text": text}


def _table(columns: list[str], widths: list[float], rows: Iterable[Iterable[Any]], empty: str) -> dict[str, Any]:
    """`widths`: shares of the line."""
    cells = [[str(cell) for cell in row] for row in rows]
    return {"kind": "table", "columns": columns, "widths": widths, "rows": cells} if cells else _text(empty)


def _basis(figures: Figures) -> dict[str, Any]:
    return _section(
        "一、审计依据与范围",
        _text(
            "依据《未成年人网络保护条例》第三十七条、《中华人民共和国个人信息保护法》第五十四条和《黑龙江省义务教育阶段学生"
            "学籍管理实施细则》第四十五条，对学籍系统处理未成年人个人信息的情况进行年度合规审计。"
        ),
        _text(
            f"范围为{figures.names[figures.authority]}及其所属机构的全部账号。各项数字由系统自审计记录、账号、导出申请和预警"
            "处理记录直接汇总；审计记录只含标识，不含学生姓名和号码。“人次”为显示学生信息的次数之和，同一学生重复显示重复计算。"
        ),
    )


def _overview(figures: Figures) -> dict[str, Any]:
    acts = figures.sums.by_act
    reads = [one for one in acts if one.done and _personal(one)]
    reveals = [one for one in reads if one.act == REVEAL]
    return _section(
        "二、总体情况",
        _table(
            ["项目", "数量", "说明"],
            [2, 1, 3],
            [
                ["审计记录", sum(one.entries for one in acts), "期间内的查询、办理、导出和被拒绝的请求"],
                ["查看学生个人信息", sum(one.entries for one in reads), f"共{sum(one.pupils for one in reads)}人次"],
                ["其中查看完整号码", sum(one.entries for one in reveals), f"共{sum(one.pupils for one in reveals)}人次"],
                ["被拒绝的请求", sum(one.entries for one in acts if not one.done), "越权、不存在、不合规则或登录失败"],
                ["导出申请", len(figures.exports), f"生成文件{sum(one.made for one in figures.exports)}件"],
                ["异常使用预警", sum(one.raised for one in figures.alerts),
                 f"已处理{sum(one.handled for one in figures.alerts)}件"],
                ["个人信息安全事件", len(figures.incidents), "含由预警认定的违规使用"],
            ],
            "",
        ),
        _months(figures),
    )  # fmt: skip


def _months(figures: Figures) -> dict[str, Any]:
    """Looks at pupils' data, month by month."""
    entries: Counter[int] = Counter()
    for one in figures.sums.by_month:
        if one.done and _personal(one):
            entries[int(one.key)] += one.entries
    months = range(1, figures.until.month + 1)
    return {
        "kind": "bars",
        "title": "各月查看学生个人信息的次数",
        "bars": [[f"{month}月", entries[month]] for month in months],
    }


def _acts(figures: Figures) -> dict[str, Any]:
    lines: dict[str, list[int]] = {}
    for one in figures.sums.by_act:
        line = lines.setdefault(one.act, [0, 0, 0])
        line[0 if one.done else 2] += one.entries
        line[1] += one.pupils
    ordered = sorted(lines.items(), key=lambda item: (-item[1][0], item[0]))
    return _section(
        "三、按处理行为统计",
        _table(
            ["处理行为", "行为代码", "完成次数", "显示人次", "被拒次数"],
            [3, 3.4, 1.2, 1.2, 1.2],
            [[title_of(act), act, *counts] for act, counts in ordered],
            "期间内没有审计记录。",
        ),
    )


def _purposes(figures: Figures) -> dict[str, Any]:
    purposes = sorted(
        (one for one in figures.sums.by_purpose if one.key and one.done), key=lambda one: (-one.entries, one.key)
    )
    return _section(
        "四、按处理目的统计",
        _text("需要说明目的的行为（查看完整号码、申请导出等），按填写的目的汇总，列出最多的50项。"),
        _table(
            ["处理目的", "处理行为", "次数", "人次"],
            [4, 2.6, 1, 1],
            [[one.key, title_of(one.act), one.entries, one.pupils] for one in purposes[:50]],
            "期间内没有需要说明目的的处理。",
        ),
    )


def _authorities(figures: Figures) -> dict[str, Any]:
    lines: dict[str, list[int]] = {}
    for one in figures.sums.by_authority:
        line = lines.setdefault(one.key, [0, 0, 0, 0])
        if not one.done:
            line[3] += one.entries
        elif _personal(one):
            line[0] += one.entries
            line[1] += one.pupils
            line[2] += one.entries if one.act == REVEAL else 0
    return _section(
        "五、各主管部门情况",
        _table(
            ["主管教育行政部门", "代码", "查看次数", "人次", "查看完整号码", "被拒次数"],
            [3, 1.2, 1.2, 1.2, 1.5, 1.2],
            [[figures.names.get(code, code), code, *counts] for code, counts in sorted(lines.items())],
            "期间内没有审计记录。",
        ),
    )


def _accounts(figures: Figures) -> dict[str, Any]:
    known = {role.value: title for role, title in ROLE_TITLES.items()}
    return _section(
        "六、账号与角色",
        _text("截至报告生成时。一个账号有几个角色的，各角色分别计算。"),
        _table(
            ["角色", "账号数", "期间内登录过", "已封存", "已绑定动态口令"],
            [2.5, 1, 1.4, 1, 1.6],
            [[known.get(one.role, one.role), one.accounts, one.used, one.sealed, one.second_factor]
             for one in figures.roles],
            "没有账号。",
        ),
    )  # fmt: skip


def _exports(figures: Figures) -> dict[str, Any]:
    def recipient(line: ExportLine) -> str:
        return ("系统外：" if line.request.recipient.kind == "outside" else "") + line.request.recipient.name

    def fields(line: ExportLine) -> str:
        return "、".join(CATALOGUE[key].title if key in CATALOGUE else key for key in line.request.fields)

    outside = sum(one.made and one.request.recipient.kind == "outside" for one in figures.exports)
    made = [one for one in figures.exports if one.made]
    return _section(
        "七、导出与对外提供",
        _text(
            f"导出申请{len(figures.exports)}件，生成文件{len(made)}件、{sum(one.rows for one in made)}人，其中提供给系统外"
            f"{outside}件；每件均须主管教育行政部门书面核准。" + _at_most(len(figures.exports))
        ),
        _table(
            ["编号", "申请单位", "申请日期", "结果", "接收方", "目的", "内容", "人数", "下载日期"],
            [2.8, 2, 1.8, 1.2, 2, 2, 2.6, 1, 1.8],
            [[one.number, one.organisation_name, one.requested_on, _STATUS.get(one.status, one.status), recipient(one),
              one.request.purpose, fields(one), one.rows, one.downloaded_on or "—"] for one in figures.exports],
            "期间内没有导出申请。",
        ),
    )  # fmt: skip


def _alerts(figures: Figures) -> dict[str, Any]:
    return _section(
        "八、异常使用预警及处理",
        _table(
            ["预警种类", "预警", "已处理", "待处理", "认定违规"],
            [3, 1, 1, 1, 1],
            [[KINDS.get(one.kind, one.kind), one.raised, one.handled, one.raised - one.handled, one.incidents]
             for one in figures.alerts],
            "期间内没有预警。",
        ),
    )  # fmt: skip


def _incidents(figures: Figures) -> dict[str, Any]:
    return _section(
        "九、个人信息安全事件",
        *([_text(_at_most(len(figures.incidents)))] if len(figures.incidents) == MOST_LISTED else []),
        _table(
            ["日期", "单位", "事件", "处置措施"],
            [1.4, 2, 2.4, 4],
            [[one.happened_on, figures.names.get(one.organisation, one.organisation), one.title, one.measures]
             for one in figures.incidents],
            "期间内没有登记的个人信息安全事件。",
        ),
    )  # fmt: skip


def _log(figures: Figures) -> dict[str, Any]:
    log = figures.log
    how = (
        "生成本报告时已对期间内全部记录逐条重新计算并核对。"
        if log.computed
        else "生成本报告时核对了每日签名；全部记录的逐条核对由运维人员用 make audit-verify 进行，结论应附于本报告之后。"
    )
    verdict = "未发现改动、删除或调换。" if not log.faults else f"发现{len(log.faults)}处不符，须立即查明："
    root = f"{log.last_day}的根：{log.last_root}。" if log.last_day else "期间内还没有签名的日子。"
    return _section(
        "十、审计记录的完整性",
        _text(
            f"全省审计记录按日成链，每日的根用Ed25519签名。期间内有记录的日子{log.days}天，已签名{log.signed}天，"
            f"记录{log.entries}条。{how}{verdict}{root}"
        ),
        *(_text(fault) for fault in log.faults[:50]),
    )


def _at_most(number: int) -> str:
    return f"仅列出前{MOST_LISTED}件。" if number == MOST_LISTED else ""


def _personal(one: Sum) -> bool:
    row = table().get(one.act)
    return row is not None and row.personal
