"""What may be evidence, and what of it may be attached (clause 14: 学籍信息证明材料)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from shared_contracts.evidence import MOST_BYTES, ScanState

ATTACHABLE: Final = frozenset({ScanState.CLEAN, ScanState.UNSCANNED})


class Paper(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a file that a case is given. `there`: whether it is one of the actor's organisation."""

    id: str
    name: str = ""
    there: bool = True
    scan: ScanState = ScanState.CLEAN
    attached_to: str | None = None


@clause("14")
def content_fault(size: int, media_type: str | None) -> Finding | None:
    """`media_type`: what the file is by its content, None for what the system does not take."""
    if 0 < size <= MOST_BYTES and media_type is not None:
        return None
    message = "证明材料不是完整的 PDF、JPEG 或 PNG，或者太大"
    cure = f"扫描或拍照为 PDF、JPEG 或 PNG，每个不超过 {MOST_BYTES // 1_000_000} MB，重新上传"
    return refuse("14", "evidence.content", message, cure=cure, fields=("file",), size=size)


@clause("14", "45.3")
def infected(name: str) -> Finding:
    """病毒与木马防护: nobody is handed a virus, and none enters a record."""
    message = f"文件“{name}”含有病毒，已隔离，不能使用"
    cure = "请查杀电脑病毒后，用原件重新扫描上传"
    return refuse("45.3", "evidence.infected", message, cure=cure, fields=("file",))


@clause("14", "45.3")
def attach_faults(papers: Sequence[Paper], *, to: str, most: int) -> tuple[Finding, ...]:
    """Each is there, harmless, and not part of something else; no more than `most` of them, each once."""
    if len(papers) > most:
        message = f"证明材料有{len(papers)}个，一次最多{most}个"
        return (_no("too_many", message, "合并扫描为较少的文件", count=len(papers)),)
    if len({paper.id for paper in papers}) < len(papers):
        return (_no("twice", "同一证明材料列出了两次", "去掉重复的一个"),)
    return tuple(fault for paper in papers if (fault := _fault(paper, to)))


def _fault(paper: Paper, to: str) -> Finding | None:
    shown = paper.name or paper.id
    if not paper.there:
        return _no("missing", f"没有证明材料“{shown}”，或者它不是本单位上传的", "先上传文件，再提交", evidence=paper.id)
    if paper.scan is ScanState.INFECTED:
        return infected(shown)
    if paper.scan not in ATTACHABLE:
        message = f"文件“{shown}”还在等候病毒检查"
        return _no("pending", message, "稍候片刻再提交；长时间未完成的，请告知运维人员", evidence=paper.id)
    if paper.attached_to not in (None, to):
        return _no("attached", f"文件“{shown}”已经用于另一项业务", "另行上传一份", evidence=paper.id)
    return None


def _no(code: str, message: str, cure: str, **facts: object) -> Finding:
    return refuse("14", f"evidence.{code}", message, cure=cure, fields=("evidence",), **facts)
