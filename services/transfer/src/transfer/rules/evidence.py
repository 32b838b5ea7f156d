"""What each ground asks for, and that nobody asks for more (24.1.1 to 24.1.3, 24.4). The lists are the law's own: a paper
that is not named here is not asked for by any form, any finding or any return for correction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from regulation.findings import note, passed, refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.evidence import EVIDENCE_TITLES, EvidenceGiven, EvidenceKind
from shared_contracts.transfer import GROUND_TITLES, Application, EvidenceAsked, Ground


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """One paper. `kinds`: any one of them does."""

    kinds: tuple[EvidenceKind, ...]
    title: str


class Papers(msgspec.Struct, frozen=True, kw_only=True):
    clause: str
    papers: tuple[Paper, ...]

    @property
    def kinds(self) -> frozenset[EvidenceKind]:
        return frozenset(kind for paper in self.papers for kind in paper.kinds)


PAPERS: Mapping[Ground, Papers] = MappingProxyType(
    {
        Ground.HOUSEHOLD_MOVED: Papers(
            clause="24.1.1",
            papers=(Paper(kinds=(EvidenceKind.HOUSEHOLD_REGISTER,), title="迁移后的户口簿"),),
        ),
        Ground.RESIDENCE_CHANGED: Papers(
            clause="24.1.2",
            papers=(
                Paper(kinds=(EvidenceKind.RESIDENCE, EvidenceKind.RESIDENCE_PERMIT), title="现居住地的房产证或居住证"),
            ),
        ),
        Ground.HOUSE_PURCHASE: Papers(
            clause="24.1.2", papers=(Paper(kinds=(EvidenceKind.RESIDENCE,), title="新居住地的房产证"),)
        ),
        Ground.MIGRANT_CHILD: Papers(
            clause="24.1.3",
            papers=(
                Paper(kinds=(EvidenceKind.RESIDENCE_PERMIT,), title="学生及监护人的居住证"),
                Paper(kinds=(EvidenceKind.HOUSEHOLD_REGISTER,), title="学生及监护人的户口簿"),
            ),
        ),
        Ground.SPECIAL_EDUCATION: Papers(
            clause="24.4",
            papers=(Paper(kinds=(EvidenceKind.TRANSFER_APPLICATION,), title="监护人的转学申请（写明学籍转入或保留）"),),
        ),
        Ground.SPECIAL_SCHOOL: Papers(
            clause="24.4",
            papers=(
                Paper(
                    kinds=(EvidenceKind.TRANSFER_APPLICATION, EvidenceKind.OFFICIAL_DOCUMENT),
                    title="原学校与监护人商定学籍去留的书面意见",
                ),
            ),
        ),
    }
)

CORRECTABLE: Mapping[str, str] = MappingProxyType(
    {
        "ground": "转学理由",
        "residence": "居住地址",
        "household": "户籍地址",
        "guardian": "监护人姓名",
        "phone": "监护人电话",
        "alone_in_household": "是否单独立户",
        "record_moves": "学籍是否转入",
        "agreed": "是否已经商定",
        "exception": "例外理由",
    }
)
"""What of an application a return may ask to correct, beside its papers. Pupil and school stay as they are."""

MOST = 20
"""Papers of one application."""
PAPER = "evidence."
"""A return asks for a paper by this and its kind."""

JUDGED = frozenset({"ground", "residence", "household", "alone_in_household", "record_moves", "agreed"})
"""What whoever approves has looked at: changed behind an approval, nobody would have approved the case that there is."""


def asked(application: Application, papers: Papers | None = None) -> tuple[EvidenceAsked, ...]:
    """The list for a ground, with what has been given. `papers`: another list in its place."""
    given = {one.kind for one in application.evidence}
    return tuple(
        EvidenceAsked(kinds=tuple(paper.kinds), title=paper.title, given=any(kind in given for kind in paper.kinds))
        for paper in (papers or PAPERS[application.ground]).papers
    )


@clause("24.1.1", "24.1.2", "24.1.3", "24.4")
def evidence_given(application: Application) -> tuple[Finding, ...]:
    """Each paper of the list, and a word on those that nobody needs."""
    papers = PAPERS[application.ground]
    missing = [paper.title for paper, state in zip(papers.papers, asked(application), strict=True) if not state.given]
    found: list[Finding] = []
    if missing:
        message = f"“{GROUND_TITLES[application.ground]}”还缺：{'、'.join(missing)}"
        cure = f"上传{'、'.join(missing)}"
        found.append(refuse(papers.clause, "evidence.missing", message, cure=cure, fields=("evidence",)))
    else:
        titles = "、".join(paper.title for paper in papers.papers)
        found.append(passed(papers.clause, "evidence.complete", f"材料齐全：{titles}", fields=("evidence",)))
    extra = sorted({one.kind for one in application.evidence} - papers.kinds)
    if extra:
        titles = "、".join(EVIDENCE_TITLES[kind] for kind in extra)
        message = f"不需要提供：{titles}"
        cure = "可以撤下不需要的材料；学校不得要求规定以外的材料"
        found.append(note(papers.clause, "evidence.not_needed", message, cure=cure, fields=("evidence",)))
    return tuple(found)


@clause("24.1.3")
def may_ask(ground: Ground, asks: Iterable[str], papers: Papers | None = None) -> tuple[Finding, ...]:
    """What a return for correction asks: fields of the application, or papers of the ground's list, no others.

    `asks`: `"phone"`, `"evidence.residence"` (a field and a kind of evidence may have one name). `papers`: another list in
    the place of the ground's.
    """
    papers, wanted = papers or PAPERS[ground], tuple(asks)
    if not wanted:
        message = "退回补正须指明需要更正的内容或补充的材料"
        cure = "选择需要更正的项目，或材料清单中的材料"
        return (refuse("24.5.1", "return.nothing_asked", message, cure=cure, fields=("asks",)),)
    listed_ones = {*CORRECTABLE, *(PAPER + kind for kind in papers.kinds)}
    extra = [one for one in wanted if one not in listed_ones]
    if not extra:
        return (passed(papers.clause, "return.within_list", "只要求规定范围内的更正和材料", fields=("asks",)),)
    titles = "、".join(_title(one) for one in extra)
    listed = "、".join(paper.title for paper in papers.papers)
    message = f"不得要求提供：{titles}。“{GROUND_TITLES[ground]}”只需要：{listed}"
    cure = "只要求材料清单中的材料；对材料真实性有疑问的，由本部门核实"
    return (refuse(papers.clause, "return.asks_more", message, cure=cure, fields=("asks",)),)


@clause("24.5.1")
def may_correct(before: Application, after: Application, approved: bool) -> tuple[Finding, ...]:
    """A correction changes nothing that somebody has already approved.

    `approved`: the receiving authority has approved. That the pupil is the same is seen by the record, not by a name, which
    may have been corrected meanwhile.
    """
    changed = tuple(name for name in CORRECTABLE if name in JUDGED and getattr(before, name) != getattr(after, name))
    if not approved or not changed:
        return ()
    titles = "、".join(CORRECTABLE[name] for name in changed)
    message = f"{titles}已经前一环节核准，补正时不能更改"
    cure = "确须更改的，撤回后重新申请，由各环节重新核准"
    return (refuse("24.5.1", "correction.already_judged", message, cure=cure, fields=changed),)


@clause("24.1.3", "24.5.1")
def corrected(
    before: tuple[EvidenceGiven, ...], more: tuple[EvidenceGiven, ...], taken_off: tuple[str, ...], approved: bool
) -> tuple[EvidenceGiven, ...] | Finding:
    """The papers after a correction: those that were given, without what is taken off, and those that are new; or why not.

    Papers that were given once need not be brought again. Behind an approval (`approved`) papers are added and none is taken
    away or given another name: whoever approved has looked at them.
    """
    known, named = {one.evidence_id for one in before}, {one.evidence_id for one in more}
    if unknown := set(taken_off) - known:
        message = f"要撤下的材料不在这项申请中（{len(unknown)}份）"
        cure = "刷新后从已有材料中选择"
        return refuse("24.5.1", "correction.no_such_paper", message, cure=cure, fields=("taken_off",))
    if both := named & set(taken_off):
        message = f"同一份材料不能既补充又撤下（{len(both)}份）"
        return refuse("24.5.1", "correction.both", message, cure="只选择其中一种", fields=("evidence", "taken_off"))
    if approved and (taken_off or named & known):
        wrong = (*(("evidence",) if named & known else ()), *(("taken_off",) if taken_off else ()))
        message = "已有材料经前一环节核准，补正时只能补充，不能撤下或更改"
        cure = "补充新的材料；确须更换的，撤回后重新申请，由各环节重新核准"
        return refuse("24.5.1", "correction.already_judged", message, cure=cure, fields=wrong)
    kept = tuple(one for one in before if one.evidence_id not in named | set(taken_off))
    if len(kept) + len(more) > MOST:
        message = f"材料不能超过{MOST}份"
        cure = "撤下不需要的材料，或者把多页合并为一个文件"
        return refuse("24.5.1", "correction.too_many", message, cure=cure, fields=("evidence",))
    return (*kept, *more)


def _title(asked_for: str) -> str:
    try:
        return EVIDENCE_TITLES[EvidenceKind(asked_for.removeprefix(PAPER))]
    except ValueError:
        return asked_for
