"""`python -m registry.archive.verify FILE [--key PUBLIC_KEY]`: is this archive as it left the system?

Needs no service and no database. Says of every part whether it is intact; ends with 0 only if all of it is.
"""

from __future__ import annotations

import argparse
import hashlib
import lzma
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from service_kit.signing import fingerprint, signed

from registry.archive import package
from registry.archive.package import Chained, InPackage, Manifest, Proven, Signed
from registry.archive.store import Kept, digest
from registry.archive.zipping import Zip
from registry.records.journal import GENESIS, follows

PIECE = 1 << 20
MOST_JSON = 64 << 20
CONTAINER, CHAIN = "文件结构", "变动记录链"
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    msgspec.MsgspecError,
)
"""What reading a file of anybody's making can raise: each check takes it as its own answer, so that the others go on."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One thing looked at. `what`: a part of the package, its structure, the chain; `fault`: Chinese, None: intact."""

    what: str
    fault: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`links`: entries of the chain of which only the place is shown; `key`: fingerprint of the key that signed."""

    checked: tuple[Checked, ...]
    manifest: Manifest | None = None
    key: str = ""
    known_key: bool = False
    links: int = 0

    @property
    def intact(self) -> bool:
        return all(one.fault is None for one in self.checked)

    @property
    def faults(self) -> tuple[str, ...]:
        return tuple(f"{one.what}：{one.fault}" for one in self.checked if one.fault is not None)


def verify(path: Path, public_key: str | None = None) -> Report:
    """Everything that can be told from the file itself. `public_key`: that of the system, from elsewhere."""
    try:
        with zipfile.ZipFile(path) as opened:
            return _verify(path, opened, public_key)
    except BROKEN as error:
        return Report(checked=(Checked(what=CONTAINER, fault=f"打不开（{type(error).__name__}）"),))


def _verify(path: Path, opened: zipfile.ZipFile, public_key: str | None) -> Report:
    names = opened.namelist()
    found, hashes, sizes = [_container(path, opened)], {}, {}
    for name in names:
        hashes[name], sizes[name] = _hash(opened, name)
    try:
        raw = _read(opened, package.MANIFEST)
        manifest = msgspec.json.decode(raw, type=Manifest)
    except BROKEN:
        return Report(checked=(*found, Checked(what=package.MANIFEST, fault="没有，或者不能读")))
    found.append(_of(package.MANIFEST, manifest.format == package.FORMAT, "不是学籍档案的清单"))
    signature, key = _signature(opened, raw, public_key)
    found += signature
    expected = [package.MANIFEST, package.SIGNATURE, *manifest.parts]
    for name, part in manifest.parts.items():
        if name not in hashes:
            found.append(Checked(what=name, fault="缺少"))
        else:
            same = hashes[name] == part.sha256 and sizes[name] == part.size
            found.append(_of(name, same, "内容与清单不符"))
    found += [Checked(what=name, fault="清单中没有") for name in names if name not in expected]
    links, chain = _chain(opened, manifest)
    found += chain
    return Report(
        checked=tuple(found),
        manifest=manifest,
        key=fingerprint(key),
        known_key=public_key is not None and key == public_key,
        links=links,
    )


def _container(path: Path, opened: zipfile.ZipFile) -> Checked:
    """The parts, written again, must give the very same bytes."""
    made, again = Zip(), hashlib.sha256()
    try:
        for name in opened.namelist():
            again.update(made.open(name))
            with opened.open(name) as part:
                while piece := part.read(PIECE):
                    again.update(made.write(piece))
            again.update(made.close())
        again.update(made.end())
    except BROKEN as error:
        return Checked(what=CONTAINER, fault=f"有内容不能读（{type(error).__name__}）")
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").digest() == again.digest()
    return _of(CONTAINER, same, "与写出时不同")


def _hash(opened: zipfile.ZipFile, name: str) -> tuple[str, int]:
    """Of what can be read; what breaks off differs from the manifest by itself."""
    found, size = hashlib.sha256(), 0
    try:
        with opened.open(name) as part:
            while piece := part.read(PIECE):
                found.update(piece)
                size += len(piece)
    except BROKEN:
        return "", size
    return found.hexdigest(), size


def _read(opened: zipfile.ZipFile, name: str) -> bytes:
    if opened.getinfo(name).file_size > MOST_JSON:
        raise ValueError("too large")
    return opened.read(name)


def _signature(opened: zipfile.ZipFile, manifest: bytes, public_key: str | None) -> tuple[list[Checked], str]:
    try:
        given = msgspec.json.decode(_read(opened, package.SIGNATURE), type=Signed)
    except BROKEN:
        return [Checked(what=package.SIGNATURE, fault="没有，或者不能读")], ""
    if given.algorithm != "Ed25519" or not signed(given.public_key, given.signature, manifest):
        return [
            Checked(what=package.MANIFEST, fault="与签名不符"),
            Checked(what=package.SIGNATURE, fault="与清单不符"),
        ], given.public_key
    strange = public_key is not None and given.public_key != public_key
    return [_of(package.SIGNATURE, not strange, "不是给出的公钥所签")], given.public_key


def _chain(opened: zipfile.ZipFile, manifest: Manifest) -> tuple[int, list[Checked]]:
    try:
        chain = _list(opened, package.JOURNAL, "chain", list[Chained])
        files = _list(opened, package.EVIDENCE, "files", list[InPackage])
        proven = [one for path in package.ENTRIES.values() for one in _list(opened, path, "entries", list[Proven])]
    except BROKEN:
        return 0, [Checked(what=CHAIN, fault="不能读")]
    links = sum(one.link is not None for one in chain)
    found = [_holds(CHAIN, lambda: _closes(chain, manifest), "不完整或被改动")]
    contents = {one.entry.seq: one.entry.content or {} for one in chain if one.entry is not None}
    for one in files:
        found.append(_holds(one.path, partial(_listed, one, contents), "变动记录链中没有这个文件"))
    for entry in proven:
        what = f"{package.ENTRIES.get(entry.view.section, '?')} {entry.view.id}"
        found.append(_holds(what, partial(_vouched, entry, contents), "与变动记录链不符"))
    return links, found


def _list(opened: zipfile.ZipFile, name: str, key: str, kind: Any) -> Any:
    content = msgspec.json.decode(_read(opened, name), type=dict[str, msgspec.Raw])
    return msgspec.json.decode(content[key], type=kind)


def _closes(chain: Sequence[Chained], manifest: Manifest) -> bool:
    previous, seq = GENESIS, 0
    for one in chain:
        seq += 1
        if one.entry is not None:
            if not follows(one.entry, seq, previous) or one.entry.student_id != manifest.student_id:
                return False
            previous = one.entry.hash
        elif one.link is not None and (one.link.seq, one.link.previous) == (seq, previous.hex()):
            previous = bytes.fromhex(one.link.hash)
        else:
            return False
    return (seq, previous.hex()) == (manifest.entries, manifest.head)


def _listed(one: InPackage, contents: Mapping[int, Mapping[str, Any]]) -> bool:
    said = contents.get(one.journal_seq, {}).get("evidence", ())
    return {"id": one.id, "kind": one.kind, "sha256": one.sha256} in said


def _vouched(one: Proven, contents: Mapping[int, Mapping[str, Any]]) -> bool:
    """What the entry says, and when, is what the chain vouches for."""
    view = one.view
    said = contents.get(view.journal_seq, {})
    kept = Kept(entry=view.entry, salt=one.salt)
    return (
        said.get("entry") == view.id
        and said.get("section") == view.section
        and said.get("on") == view.on.isoformat()
        and said.get("supersedes") == view.supersedes
        and said.get("digest") == digest(kept).hex() == view.digest
    )


def _holds(what: str, check: Callable[[], bool], fault: str) -> Checked:
    """A check that cannot be made is a check that fails: a salt that is no base64, a hash that is no number."""
    try:
        return _of(what, check(), fault)
    except BROKEN:
        return _of(what, False, fault)


def _of(what: str, fine: bool, fault: str) -> Checked:
    return Checked(what=what, fault=None if fine else fault)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m registry.archive.verify", description="核验学籍档案包")
    parser.add_argument("file", type=Path)
    parser.add_argument("--key", help="省级系统公布的公钥（64 位十六进制）")
    given = parser.parse_args(arguments)
    report = verify(given.file, given.key)
    for line in lines(report):
        sys.stdout.write(f"{line}\n")
    return 0 if report.intact else 1


def lines(report: Report) -> list[str]:
    said = []
    if (made := report.manifest) is not None:
        who = made.made_for
        said += [
            f"学籍档案 {made.student_id}，截至 {made.as_of}",
            f"取得：{who.name}（{who.account}，{who.organisation}），{made.made_at:%Y-%m-%d %H:%M}",
            f"变动记录 {made.entries} 条（其中只有链接的 {report.links} 条），链尾 {made.head}",
        ]
        if not made.intact:
            said.append("注意：取得时，系统中的档案已经不完整。")
    said += [
        f"{'完好' if one.fault is None else '改动'}  {one.what}{'' if one.fault is None else '：' + one.fault}"
        for one in report.checked
    ]
    if report.key:
        known = "与给出的公钥一致" if report.known_key else "没有与公布的公钥核对（用 --key 给出）"
        said.append(f"签名公钥指纹 {report.key}，{known}")
    said.append("全部完好。" if report.intact else "有内容被改动。")
    return said


if __name__ == "__main__":
    sys.exit(main())
