"""The package proves itself without any service: whatever byte is changed, the verifier says so and where."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from archive_desk import ALL, AWARD, SANCTION, add, archive, file, item, make, move, student, supersede, upload
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.archive import package, verify
from registry.archive.zipping import Zip
from registry_world import OFFICER, OTHER_SCHOOL, REGISTRAR, TEACHER, TODAY, World, actor
from service_kit.settings import Settings
from service_kit.signing import Signer, signed
from shared_contracts.actors import Actor, Role
from shared_contracts.archive import ArchiveMade
from shared_contracts.audit import Audited
from shared_contracts.decisions import Refused

pytestmark = pytest.mark.integration


async def fetched(world: World, tmp_path: Path, one: str, who: Actor = REGISTRAR, **more: Any) -> Path:
    made = await make(world, one, "package", who, **more)
    assert isinstance(made, ArchiveMade), made
    path = tmp_path / f"{world.id('package')}.zip"
    path.write_bytes(await world.deps.files.read(made.file.id))
    return path


async def full(world: World) -> str:
    one, kept = await student(world), await upload(world)
    await file(world, one, kept.id)
    added = await add(world, *(item(one, entry) for entry in ALL))
    await supersede(world, added.ids[5], msgspec.structs.replace(AWARD, title="市级优秀少先队员"))
    return one


@pytest.mark.clause("14", "21.1")
async def test_a_package_is_whole_and_says_whose_it_is(world: World, tmp_path: Path) -> None:
    one = await full(world)
    path = await fetched(world, tmp_path, one)
    assert world.deps.signer is not None
    report = verify.verify(path, world.deps.signer.public_key)
    assert report.faults == ()
    assert (report.intact, report.known_key, report.links) == (True, True, 0)
    manifest = report.manifest
    assert manifest is not None
    assert (manifest.student_id, manifest.entries, manifest.made_for.account) == (one, 11, REGISTRAR.account)
    shown = await archive(world, one)
    assert manifest.head == shown.journal[-1].hash
    with zipfile.ZipFile(path) as opened:
        names = opened.namelist()
        assert names[:3] == ["manifest.json", "manifest.sig", "说明.txt"]
        assert REGISTRAR.account in opened.read("说明.txt").decode()
        entries = json.loads(opened.read("5-entries.json"))["entries"]
        assert [entry["view"]["entry"]["kind"] for entry in entries] == ["award", "sanction", "award"]
        assert opened.read(next(name for name in names if name.startswith("evidence/"))).startswith(b"%PDF")
        base = json.loads(opened.read("1-base.json"))
    assert base["student"]["masked_document"] == "23**************15"
    assert "*" in base["student"]["student_number"]


@pytest.mark.clause("21.1")
async def test_the_verifier_runs_by_itself(world: World, tmp_path: Path) -> None:
    path = await fetched(world, tmp_path, await full(world))

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "registry.archive.verify", str(path), *more]
        return subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin"}, check=False)

    fine = run("--key", world.deps.signer.public_key if world.deps.signer else "")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "全部完好" in fine.stdout
    assert REGISTRAR.account in fine.stdout
    strange = run("--key", "0" * 64)
    assert strange.returncode == 1
    assert "不是给出的公钥所签" in strange.stdout
    path.write_bytes(path.read_bytes()[:-1])
    assert run().returncode == 1


@pytest.fixture
def changed(tmp_path: Path) -> Iterator[Any]:
    def change(path: Path, name: str, content: bytes) -> Path:
        """The same package with another content of one part, and everything about the container right."""
        made, out = Zip(), tmp_path / "changed.zip"
        with zipfile.ZipFile(path) as opened:
            parts = {part: opened.read(part) for part in opened.namelist()}
        parts[name] = content
        out.write_bytes(b"".join([*(made.whole(part, its) for part, its in parts.items()), made.end()]))
        return out

    yield change


@pytest.mark.clause("21.1")
async def test_every_part_that_is_changed_is_named(world: World, tmp_path: Path, changed: Any) -> None:
    path = await fetched(world, tmp_path, await full(world))
    with zipfile.ZipFile(path) as opened:
        parts = {name: opened.read(name) for name in opened.namelist()}
    assert len(parts) == 11
    for name, content in parts.items():
        for at in (0, len(content) // 2, len(content) - 1):
            other = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            report = verify.verify(changed(path, name, other))
            assert not report.intact, name
            assert any(fault.startswith(name) for fault in report.faults), (name, report.faults)


@pytest.mark.clause("21.1")
async def test_a_forger_who_makes_all_hashes_anew_has_not_our_key(world: World, tmp_path: Path, changed: Any) -> None:
    """An award added, hashes and manifest made again, signed with another key: the chain and the key say no."""
    one = await full(world)
    path = await fetched(world, tmp_path, one)
    with zipfile.ZipFile(path) as opened:
        section = json.loads(opened.read("5-entries.json"))
        manifest = json.loads(opened.read("manifest.json"))
    section["entries"][0]["view"]["entry"]["title"] = "国家级奖"
    forged = json.dumps(section).encode()
    import hashlib

    manifest["parts"]["5-entries.json"] = {"size": len(forged), "sha256": hashlib.sha256(forged).hexdigest()}
    sealed = json.dumps(manifest).encode()
    forger = Signer.from_settings(msgspec.structs.replace(world.settings, files_key="A" * 43 + "="), "archive")
    signature = package.Signed(algorithm="Ed25519", public_key=forger.public_key, signature=forger.sign(sealed))
    path = changed(path, "5-entries.json", forged)
    path = path.rename(tmp_path / "a.zip")
    path = changed(path, "manifest.json", sealed).rename(tmp_path / "b.zip")
    path = changed(path, "manifest.sig", msgspec.json.encode(signature))
    assert world.deps.signer is not None
    report = verify.verify(path, world.deps.signer.public_key)
    assert len(report.faults) == 2
    assert any(fault.startswith("manifest.sig") for fault in report.faults)
    assert any("与变动记录链不符" in fault for fault in report.faults)


@pytest.mark.clause("21.1")
async def test_no_byte_can_be_changed_unseen(world: World, tmp_path: Path) -> None:
    content = (await fetched(world, tmp_path, await full(world))).read_bytes()
    path = tmp_path / "mutated.zip"

    @settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.integers(0, len(content) - 1), st.integers(1, 255))
    def mutate(at: int, by: int) -> None:
        path.write_bytes(content[:at] + bytes([content[at] ^ by]) + content[at + 1 :])
        report = verify.verify(path)
        assert not report.intact
        assert report.faults

    @settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.integers(0, len(content) - 1), st.binary(min_size=1, max_size=8))
    def lengthen(at: int, more: bytes) -> None:
        for other in (content + more, more + content, content[:at] + more + content[at:], content[:at]):
            path.write_bytes(other)
            assert not verify.verify(path).intact

    mutate()
    lengthen()


@pytest.mark.clause("21.1")
async def test_whatever_a_head_or_the_directory_says_is_answered(world: World, tmp_path: Path) -> None:
    """Another compression, another length, another place: each is a fault that is told, not an error of the verifier."""
    content = (await fetched(world, tmp_path, await student(world))).read_bytes()
    path = tmp_path / "mutated.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        heads = [range(info.header_offset, info.header_offset + 30) for info in opened.infolist()]
        directory = range(opened.start_dir, len(content))
    for at in (*itertools.chain(*heads), *directory):
        for by in (1, 8, 12, 14, 0x80, 0xFF):  # 8, 12, 14: compressed by zlib, bz2, lzma
            path.write_bytes(content[:at] + bytes([content[at] ^ by]) + content[at + 1 :])
            assert verify.verify(path).faults, (at, by)


@pytest.mark.clause("21.1")
@pytest.mark.parametrize("salt", ["", "=", "a", "AAAA", "不是"])
async def test_an_entry_with_another_salt_is_named_and_the_rest_is_looked_at(
    world: World, tmp_path: Path, changed: Any, salt: str
) -> None:
    path = await fetched(world, tmp_path, await full(world))
    with zipfile.ZipFile(path) as opened:
        section = json.loads(opened.read("5-entries.json"))
    one = section["entries"][0]
    one["salt"] = salt
    report = verify.verify(changed(path, "5-entries.json", json.dumps(section).encode()))
    assert report.faults == ("5-entries.json：内容与清单不符", f"5-entries.json {one['view']['id']}：与变动记录链不符")


@pytest.mark.clause("21.1")
@pytest.mark.parametrize("value", ["", "zz", "00"])
async def test_a_link_that_is_no_hash_breaks_the_chain_and_nothing_else(
    world: World, tmp_path: Path, changed: Any, value: str
) -> None:
    one = await student(world)
    world.clock.pass_(days=10)
    await add(world, item(one, SANCTION, world.clock.today()))
    await add(world, item(one, AWARD, TODAY))
    path = await fetched(world, tmp_path, one, as_of=TODAY)
    with zipfile.ZipFile(path) as opened:
        journal = json.loads(opened.read("1-journal.json"))
    journal["chain"][1]["link"]["hash"] = value
    report = verify.verify(changed(path, "1-journal.json", json.dumps(journal).encode()))
    assert report.faults == ("1-journal.json：内容与清单不符", "变动记录链：不完整或被改动")


@pytest.mark.clause("21.1", "44")
async def test_a_package_as_of_a_day_has_links_for_what_came_later(world: World, tmp_path: Path) -> None:
    one = await student(world)
    world.clock.pass_(days=10)
    await add(world, item(one, SANCTION, world.clock.today()))
    await add(world, item(one, AWARD, TODAY))
    path = await fetched(world, tmp_path, one, as_of=TODAY)
    report = verify.verify(path)
    assert (report.faults, report.links) == ((), 1)
    assert report.manifest is not None
    assert (report.manifest.entries, report.manifest.as_of) == (3, TODAY.isoformat())
    with zipfile.ZipFile(path) as opened:
        chain = json.loads(opened.read("1-journal.json"))["chain"]
        assert set(chain[1]["link"]) == {"seq", "previous", "hash"}
        assert json.loads(opened.read("5-entries.json"))["entries"][0]["view"]["entry"]["kind"] == "award"
        assert "sanction" not in opened.read("1-journal.json").decode()


@pytest.mark.clause("21.2")
async def test_a_former_school_s_package_is_as_of_the_move(world: World, tmp_path: Path) -> None:
    one = await full(world)
    world.clock.pass_(days=10)
    await move(world, one)
    report = verify.verify(await fetched(world, tmp_path, one))
    assert report.faults == ()
    assert report.manifest is not None
    assert report.manifest.copy_as_of == world.clock.today().isoformat()


@pytest.mark.clause("3.1", "45.1")
@pytest.mark.parametrize(
    ("who", "may"),
    [(REGISTRAR, True), (OFFICER, True), (TEACHER, False), (actor(Role.REGISTRAR, OTHER_SCHOOL.code), False)],
)
@pytest.mark.parametrize("form", ["pdf", "package"])
async def test_who_takes_an_archive_along_and_that_it_is_recorded(
    world: World, who: Actor, may: bool, form: str
) -> None:
    one = await student(world)
    reply = await make(world, one, form, who)
    assert isinstance(reply, Refused) != may
    if may:
        rows = await world.sql("SELECT payload FROM audit_outbox")
        told = [msgspec.json.decode(row["payload"], type=Audited) for row in rows]
        (entry,) = [entry for entry in told if entry.act == "registry.make_archive"]
        assert (entry.objects, entry.account) == ((one,), who.account)


async def test_a_file_that_is_lost_makes_no_package(world: World) -> None:
    one = await full(world)
    (row,) = await world.sql("SELECT file_id FROM evidence")
    await world.deps.files.delete(row["file_id"])
    assert (await make(world, one, "package")).kind == "unavailable"


def test_what_is_no_package_is_no_package(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"nothing")
    assert not verify.verify(path).intact
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("a.txt", "b")
    assert not verify.verify(path).intact
    assert not verify.verify(tmp_path / "missing.zip").intact


def test_no_key_and_no_signature_sign_nothing() -> None:
    ours = Signer.from_settings(Settings(files_key="A" * 43 + "="), "archive")
    assert signed(ours.public_key, ours.sign(b"x"), b"x")
    for public_key, signature in [
        ("", ""),
        ("zz", "zz"),
        (ours.public_key, "00" * 64),
        (ours.public_key, ours.sign(b"y")),
    ]:
        assert not signed(public_key, signature, b"x")
