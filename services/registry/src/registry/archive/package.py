"""The archive as a package that proves itself: a ZIP with a signed manifest, the sections, the chain, the files.

    manifest.json      what this is, of whom, as of when, made for whom, the end of the chain, each part with its hash
    manifest.sig       an Ed25519 signature of the manifest's bytes, and the key that made it
    说明.txt           what it is and how to check it
    1-base.json        the record as of the day, and the form          1-journal.json  the chain
    2-evidence.json    the files of section 2; they lie in evidence/
    3-….json … 6-….json  entries, each with the salt of its digest in the chain

`registry.archive.verify` says what of it is intact. Entries of the chain that do not hold on the day are links: number and
hashes, nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import msgspec
from service_kit.files import FileStore
from service_kit.signing import Signer
from shared_contracts.archive import SECTIONS, ArchiveEntryView
from shared_contracts.discreet import Discreet
from shared_contracts.messages import Moment

from registry.archive.reading import Archive
from registry.archive.zipping import Zip
from registry.records import as_of
from registry.records.journal import Entry

FORMAT: Final = "xueji-archive/1"
MANIFEST, SIGNATURE, GUIDE = "manifest.json", "manifest.sig", "说明.txt"
BASE, JOURNAL, EVIDENCE = "1-base.json", "1-journal.json", "2-evidence.json"
ENTRIES: Final = {section: f"{section}-entries.json" for section in (3, 4, 5, 6)}
_ENDS: Final = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}

_encode = msgspec.json.Encoder(order="sorted").encode


class Part(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    sha256: str


class MadeFor(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """Whose copy this is: it says so for ever."""

    account: str
    name: str
    organisation: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`head`: the hash of the last entry of the chain that holds on the day, `entries` its number."""

    format: str
    student_id: str
    as_of: str
    copy_as_of: str | None
    made_at: Moment
    made_for: MadeFor
    intact: bool
    entries: int
    head: str
    parts: dict[str, Part]


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    algorithm: str
    public_key: str
    signature: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of which only its place in the chain is shown. Hashes in hexadecimal."""

    seq: int
    previous: str
    hash: str


class Chained(msgspec.Struct, frozen=True, kw_only=True):
    """The chain: an entry, or a link."""

    entry: Entry | None = None
    link: Link | None = None


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a section and the salt (base64) with which its digest can be made again."""

    view: ArchiveEntryView
    salt: str


class InPackage(msgspec.Struct, frozen=True, kw_only=True):
    """A file of section 2. `path`: where it lies."""

    id: str
    kind: str
    name: str
    media_type: str
    size: int
    sha256: str
    filed_on: str
    journal_seq: int
    path: str


def name_of(archive: Archive) -> str:
    view = archive.view
    return f"学籍档案-{view.student.name}-{view.as_of.isoformat()}.zip"


def chain_of(archive: Archive) -> list[Chained]:
    """As far as the last entry that holds on the day; what does not hold then is a link."""
    day = archive.view.as_of
    counting = [entry.seq for entry in archive.chain if as_of.counts(entry, day)]
    return [
        Chained(entry=entry)
        if as_of.counts(entry, day)
        else Chained(link=Link(seq=entry.seq, previous=entry.previous.hex(), hash=entry.hash.hex()))
        for entry in archive.chain
        if entry.seq <= max(counting, default=0)
    ]


def parts_of(archive: Archive, guide: str) -> dict[str, bytes]:
    """The parts that are small, by path; evidence comes as a stream."""
    view = archive.view
    by_section: dict[int, list[Proven]] = {section: [] for section in ENTRIES}
    for entry in view.entries:
        by_section[entry.section].append(Proven(view=entry, salt=archive.kept[entry.id].salt))
    sections: dict[str, Any] = {
        BASE: {"section": SECTIONS[1], "student": view.student, "form": view.form},
        JOURNAL: {"section": SECTIONS[1], "chain": chain_of(archive)},
        EVIDENCE: {"section": SECTIONS[2], "files": files_of(archive)},
        **{ENTRIES[section]: {"section": SECTIONS[section], "entries": its} for section, its in by_section.items()},
    }
    return {GUIDE: guide.encode(), **{path: _encode(content) for path, content in sections.items()}}


def files_of(archive: Archive) -> list[InPackage]:
    return [
        InPackage(
            id=one.evidence.id,
            kind=str(one.evidence.kind),
            name=one.evidence.name,
            media_type=one.evidence.media_type,
            size=one.evidence.size,
            sha256=one.evidence.sha256,
            filed_on=one.filed_on.isoformat(),
            journal_seq=one.journal_seq,
            path=f"evidence/{number:02d}-{one.evidence.id}.{_ENDS.get(one.evidence.media_type, 'bin')}",
        )
        for number, one in enumerate(archive.files, start=1)
    ]


def manifest_of(archive: Archive, parts: Mapping[str, bytes], made_at: Moment, made_for: MadeFor) -> bytes:
    view, chain = archive.view, chain_of(archive)
    last = chain[-1].entry
    assert last is not None
    listed = {
        path: Part(size=len(content), sha256=hashlib.sha256(content).hexdigest()) for path, content in parts.items()
    }
    listed |= {one.path: Part(size=one.size, sha256=one.sha256) for one in files_of(archive)}
    manifest = Manifest(
        format=FORMAT,
        student_id=view.student.id,
        as_of=view.as_of.isoformat(),
        copy_as_of=None if view.copy_as_of is None else view.copy_as_of.isoformat(),
        made_at=made_at,
        made_for=made_for,
        intact=view.intact,
        entries=last.seq,
        head=last.hash.hex(),
        parts=listed,
    )
    return _encode(manifest)


async def stream(
    archive: Archive, files: FileStore, signer: Signer, made_at: Moment, made_for: MadeFor
) -> AsyncIterator[bytes]:
    """The package's bytes. Raises what the file store raises for a file that is not there or broken."""
    parts = parts_of(archive, guide_of(archive, made_at, made_for, signer.public_key))
    manifest = manifest_of(archive, parts, made_at, made_for)
    signature = Signed(algorithm="Ed25519", public_key=signer.public_key, signature=signer.sign(manifest))
    made = Zip()
    for path, content in {MANIFEST: manifest, SIGNATURE: _encode(signature), **parts}.items():
        yield made.whole(path, content)
    for listed, one in zip(files_of(archive), archive.files, strict=True):
        yield made.open(listed.path)
        async for piece in files.stream(one.evidence.file_id):
            yield made.write(piece)
        yield made.close()
    yield made.end()


def guide_of(archive: Archive, made_at: Moment, made_for: MadeFor, public_key: str) -> str:
    view = archive.view
    former = "" if view.copy_as_of is None else f"本档案为学生{view.copy_as_of}转出时，原学校留存的电子档案备份。\n"
    return (
        f"学籍档案  学生：{view.student.name}  截至：{view.as_of}\n{former}"
        f"由{made_for.name}（{made_for.account}，{made_for.organisation}）于{made_at:%Y-%m-%d %H:%M}取得。"
        "内容为个人信息，谁使用、谁负责（第四十五条）；不得擅自提供给他人。\n\n"
        "核验（不需要连接任何系统）：\n"
        "    python -m registry.archive.verify 本文件 --key 省级系统公布的公钥\n"
        f"签名公钥：{public_key}\n"
        "核验逐项说明哪些内容完好、哪些被改动。\n"
    )
