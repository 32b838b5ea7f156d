"""Who may submit an admission scheme, and for which year (clause 8). Pure."""

from __future__ import annotations

from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding

from registry.organisations.facts import SchoolFacts

MOST_PAPERS = 10
"""Files of one scheme, over all its revisions."""


@clause("8")
def paper_faults(there: int, added: int) -> tuple[Finding, ...]:
    """Files are part of the scheme and stay with it, also what a revision adds. `there`: how many it has."""
    if there + added <= MOST_PAPERS:
        return ()
    message = f"附件共{there + added}个，超过{MOST_PAPERS}个"
    cure = f"合并为不超过{MOST_PAPERS - there}个文件后再上传" if there < MOST_PAPERS else "不再添加附件"
    return (refuse("8", "scheme.too_many_papers", message, cure=cure, fields=("evidence",), papers=there + added),)


@clause("8")
def faults(school: SchoolFacts, school_year: int, this_year: int, title: str, body: str) -> tuple[Finding, ...]:
    """What keeps a scheme from being submitted. `this_year`: the school year that registrations of today are for."""
    found = []
    if school.ownership != "private":
        cure = "公办学校按招生计划和服务范围招生，不需要报送招生方案"
        message = f"{school.name}不是民办学校"
        found.append(
            refuse("8", "scheme.not_private", message, cure=cure, fields=("school",), ownership=school.ownership)
        )
    if school_year not in (this_year, this_year + 1):
        cure = f"报送{this_year}年或{this_year + 1}年秋季的招生方案"
        message = f"{school_year}年秋季的招生方案不能在现在报送"
        found.append(
            refuse("8", "scheme.wrong_year", message, cure=cure, fields=("school_year",), school_year=school_year)
        )
    if not title.strip() or not title.isprintable():
        found.append(
            refuse("8", "scheme.no_title", "方案名称为空或含有不可见的字符", cure="填写方案名称", fields=("title",))
        )
    if not body.strip() or "\x00" in body:
        found.append(
            refuse("8", "scheme.no_text", "方案内容为空或含有不可见的字符", cure="填写方案全文", fields=("body",))
        )
    return tuple(found)
