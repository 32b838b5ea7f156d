"""What an export costs: a file of many pupils with full numbers, and whether memory grows with it.

    python benchmarks/exporting.py [--rows 200000] [--small 20000] [--write]

A PostgreSQL (fsync on) and a NATS of its own, the real registry and identity as processes, pupils with sealed numbers in
both. The approval is published as access does it; clocked from there to `registry.export_made`: rows out of a cursor, each
number opened and recorded by identity, written by the child, sealed into the file store. Baseline in the same run: XlsxWriter
(`constant_memory`) and the fast writer, each writing the very cells of that file, ready-made, in a process of its own. Peak
memory is the registry's with its child, looked at every 20 ms, for the small and for the large file.

Exit status: 0; 1 where the large file takes more than twice the small one's memory beside 64 MB; 2 where nothing was made.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import psutil
from identity.vault import Vault
from nats.aio.client import Client
from service_kit import migrate, settings
from service_kit.ids import new_id
from shared_contracts.exports import ExportApproved, ExportMade, ExportParty, ExportSelection, Recipient
from shared_contracts.identity import PersonEntry
from shared_contracts.messages import subject
from xueji_infra import databases, declare, nats_conf
from xueji_local import credentials
from xueji_local.credentials import Credentials
from xueji_local.environment import Places, environment_of
from xueji_local.processes import free_port
from xueji_local.servers import Nats, Postgres

HERE = Path(__file__).resolve().parent
HOME = HERE.parent / ".xueji" / "benchmark-export"
RESULTS = HERE / "export-results.md"
COUNTY, SERVICES = "230102", ("registry", "identity")
A_SCHOOL, A_CLASS = 900, 45
FIELDS = ("county_name", "school", "school_name", "stage", "grade", "class_no", "name", "sex", "birth_date",
          "document_kind", "document_number", "student_number", "verification", "state", "registered_on")  # fmt: skip
PATIENCE = 900.0
SPARE = 64 * 1024 * 1024


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `peak`, `idle`: bytes of memory of the registry and its child; `cpu`: processor seconds of all."""

    rows: int
    seconds: float
    peak: int
    idle: int
    cpu: float
    size: int
    file_id: str


# ---- pupils ---------------------------------------------------------------------------------------------------------


async def fill(urls: dict[str, str], vault: Vault, rows: int) -> None:
    """So many pupils of one county, in both databases as the services would have left them."""
    moment = datetime.fromisoformat("2026-09-20T10:00:00+08:00")
    registry = await asyncpg.connect(urls["registry"])
    identity = await asyncpg.connect(urls["identity"])
    await _organisations(registry, rows)
    step = 20_000
    for start in range(0, rows, step):
        block = [_pupil(i) for i in range(start, min(start + step, rows))]
        await registry.executemany(
            """INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
               VALUES ($1, $2, 'primary', 2026, $3, 1, '6-3') ON CONFLICT DO NOTHING""",
            sorted({(p["class"], p["school"], p["class_no"]) for p in block}),
        )
        await registry.copy_records_to_table(
            "class_memberships",
            records=[(p["id"], date(2026, 9, 1), p["class"]) for p in block],
            columns=["student_id", "joined_on", "class_id"],
        )
        await registry.copy_records_to_table(
            "students",
            records=[
                (p["id"], p["person"], p["school"], p["name"], "1", p["born"], "1", p["masked"], "G" + p["masked"], "G",
                 "matched", "primary", 2026, "ordinary", "in_school", moment)
                for p in block
            ],
            columns=["id", "person_id", "school", "name", "sex", "birth_date", "document_kind", "masked_document",
                     "student_number", "number_kind", "verification", "stage", "cohort", "placement", "state",
                     "registered_at"],
        )  # fmt: skip
        people, numbers = [], []
        for p in block:
            entry = PersonEntry(
                row=0, name=p["name"], sex="1", birth_date=p["born"], document_kind="1", document_number=p["number"],
                area=COUNTY,
            )  # fmt: skip
            people.append((
                p["person"], p["name"], "1", p["born"], COUNTY, "1", vault.seal_document(p["person"], p["number"]),
                vault.document_index(entry, p["school"]), p["masked"], [],
            ))  # fmt: skip
            full = "G" + p["number"]
            sealed = vault.seal_number(p["person"], full)
            numbers.append((vault.number_index(full), p["person"], "G", sealed, "G" + p["masked"], moment))
        await identity.copy_records_to_table(
            "persons", records=people,
            columns=["id", "name", "sex", "birth_date", "area", "document_kind", "document", "document_index",
                     "masked_document", "name_keys"],
        )  # fmt: skip
        await identity.copy_records_to_table(
            "student_numbers", records=numbers,
            columns=["number_index", "person_id", "kind", "number", "masked", "valid_from"],
        )  # fmt: skip
    for connection in (registry, identity):
        await connection.execute("ANALYZE")
        await connection.close()


def _pupil(i: int) -> dict[str, Any]:
    school, seat = f"2123{i // A_SCHOOL:06d}", i % A_SCHOOL
    born = date(2019, 9, 1) + timedelta(days=i % 365)
    number = f"{COUNTY}{born:%Y%m%d}{i % 10_000:04d}"[:10] + f"{i:08d}"
    return {
        "id": hashlib.md5(str(i).encode()).hexdigest(),  # any order but the serial one
        "person": f"p-{i}", "school": school, "class": f"k-{school}-{seat // A_CLASS + 1}",
        "class_no": seat // A_CLASS + 1, "name": f"王小{i}", "born": born, "number": number,
        "masked": number[:4] + "*" * 10 + number[-4:],
    }  # fmt: skip


async def _organisations(registry: asyncpg.Connection[asyncpg.Record], rows: int) -> None:
    start = date(2020, 1, 1)
    above = [("230000", None, "province"), ("230100", "230000", "city"), (COUNTY, "230100", "county")]
    made = [(c, start, f"{c}教育局", kind, up, up, c, None, [], None, None, None, False) for c, up, kind in above]
    for i in range(0, rows, A_SCHOOL):
        code = f"2123{i // A_SCHOOL:06d}"
        made.append((code, start, f"第{i // A_SCHOOL}小学", "school", COUNTY, COUNTY, COUNTY, "211", ["primary"], "6-3",
                     "public", "urban", False))  # fmt: skip
    await registry.copy_records_to_table(
        "organisations", records=made,
        columns=["code", "valid_from", "name", "kind", "parent", "authority", "division", "school_type", "stages",
                 "system", "ownership", "locality", "accepts_international"],
    )  # fmt: skip


# ---- the file -------------------------------------------------------------------------------------------------------


def approved(number: int, rows: int) -> ExportApproved:
    """The whole county, asked for by its officer."""
    officer = ExportParty(
        account="o1", name="主管", organisation=COUNTY, organisation_name="道里区教育局", roles=("authority_officer",)
    )
    now = datetime.now().astimezone()
    return ExportApproved(
        export_id=new_id(), number=f"DC-2026-{number:06d}", authority=COUNTY, requester=officer, approver=officer,
        fields=FIELDS, selection=ExportSelection(organisation=COUNTY), recipient=Recipient(kind="outside", name="考试院"),
        purpose="核对升学名册", row_cap=rows, approved_at=now, expires_at=now + timedelta(days=1),
    )  # fmt: skip


async def make(bus: Client, url: str, pids: dict[str, int], event: ExportApproved) -> Made:
    """Publish the approval and watch until the registry says that the file is made."""
    look = await asyncpg.connect(url)
    registry = psutil.Process(pids["registry"])
    idle = peak = _memory(registry)
    before, started = sum(map(_cpu, pids.values())), time.perf_counter()
    await bus.jetstream().publish(
        subject(event), msgspec.json.encode(event), headers={"ce-id": event.export_id, "Nats-Msg-Id": event.export_id}
    )
    kept: Any = None
    while kept is None:
        peak = max(peak, _memory(registry))
        kept = await look.fetchval(
            "SELECT payload FROM outbox WHERE subject = $1 AND key = $2", subject(ExportMade), event.export_id
        )
        state = await look.fetchval("SELECT state FROM exports WHERE id = $1", event.export_id)
        if state == "failed" or time.perf_counter() - started > PATIENCE:
            sys.exit(f"no file was made: {state}")
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    told = msgspec.json.decode(kept, type=ExportMade)
    cpu = sum(map(_cpu, pids.values())) - before
    await look.close()
    return Made(
        rows=told.rows, seconds=seconds, peak=peak, idle=idle, cpu=cpu, size=told.file.size, file_id=told.file.id
    )


def _memory(process: psutil.Process) -> int:
    total = process.memory_info().rss
    for child in process.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            total += child.memory_info().rss
    return total


def _cpu(pid: int) -> float:
    """With the children that have ended."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system + times.children_user + times.children_system


# ---- the baseline: the same cells, ready-made, in a process of its own ------------------------------------------------


def write_alone(writer: str, rows: int) -> None:
    """In the child: prints seconds and peak memory in MB."""
    titles = [f"列{i}" for i in range(len(FIELDS))]

    def cells() -> Iterator[list[str]]:
        for i in range(rows):
            p = _pupil(i)
            yield ["道里区教育局", p["school"], "第一小学", "小学", "1", str(p["class_no"]), p["name"], "男",
                   p["born"].isoformat(), "居民身份证", p["number"], "G" + p["number"], "核验一致", "在读",
                   "2026-09-20"]  # fmt: skip

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "x.xlsx")
        if writer == "xlsxwriter":
            import xlsxwriter

            book = xlsxwriter.Workbook(path, {"constant_memory": True, "tmpdir": folder})
            sheet = book.add_worksheet()
            sheet.write_row(0, 0, titles)
            for at, row in enumerate(cells(), start=1):
                for column, value in enumerate(row):
                    sheet.write_string(at, column, value)
            book.close()
        else:
            import rustpy_xlsxwriter

            rustpy_xlsxwriter.write_worksheet((dict(zip(titles, row, strict=True)) for row in cells()), path)
        seconds = time.perf_counter() - started
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())  # ru_maxrss would be our parent's
    print(json.dumps([seconds, int(found[1]) / 1000 if found else 0.0]))


def baseline(writer: str, rows: int) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, __file__, "--alone", writer, "--rows", str(rows)], capture_output=True, check=True
    )
    seconds, megabytes = json.loads(done.stdout)
    return seconds, megabytes


# ---- all of it ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def servers(keys: Credentials) -> Iterator[Places]:
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    with (
        Postgres(HOME / "pg", password=keys.postgres) as postgres,
        Nats(HOME / "nats", config=nats_conf.render(keys.nats_users, sync_always=True)) as nats,
    ):
        yield Places(
            postgres_host=postgres.host,
            postgres_port=postgres.port,
            nats_url=nats.url,
            files=HOME / "files",
            health_ports={service: free_port() for service in SERVICES},
        )
    shutil.rmtree(HOME, ignore_errors=True)


async def prepare(places: Places, keys: Credentials) -> dict[str, dict[str, str]]:
    """Databases at head; the environment of each service."""
    url = f"postgresql://postgres:{keys.postgres}@{places.postgres_host}:{places.postgres_port}/postgres"
    admin = await asyncpg.connect(url)
    environments = {}
    for service in SERVICES:
        await databases.ensure_roles(admin, service, keys.role(databases.owner_role(service)), keys.role(service))
        await databases.ensure_database(admin, url, service)
        environments[service] = environment_of(service, places, keys)
        await migrate.upgrade(service, environments[service]["XUEJI_MIGRATION_DATABASE_URL"])
    await admin.close()
    return environments


async def measure(large: int, small: int) -> tuple[Made, Made]:
    keys = credentials.generate()
    with servers(keys) as places, contextlib.ExitStack() as running:
        environments = await prepare(places, keys)
        vault = Vault.from_settings(settings.load(environments["identity"]))
        owners = {name: env["XUEJI_MIGRATION_DATABASE_URL"] for name, env in environments.items()}
        bus = await declare.connect_admin(places.nats_url, keys.nats_users[nats_conf.ADMIN])
        await declare.declare(bus)
        made = []
        pids = {service: serve(service, environments[service], running) for service in SERVICES}
        await ready(environments)
        await fill(owners, vault, small)
        made.append(await make(bus, owners["registry"], pids, approved(1, small)))
        await empty(owners)
        await fill(owners, vault, large)
        made.append(await make(bus, owners["registry"], pids, approved(2, large)))
        await bus.close()
    return made[0], made[1]


def serve(service: str, environment: dict[str, str], running: contextlib.ExitStack) -> int:
    """A process of its own until the block ends; returns its id."""
    plain = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")}
    more = {"XUEJI_LOG_LEVEL": "WARNING", "XUEJI_MATCHER_URL": "http://127.0.0.1:9"}
    process = subprocess.Popen([sys.executable, "-m", service, "serve"], env=plain | environment | more)
    running.callback(process.wait)
    running.callback(process.terminate)
    return process.pid


async def ready(environments: dict[str, dict[str, str]]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for environment in environments.values():
            url = f"http://127.0.0.1:{environment['XUEJI_HEALTH_PORT']}/health/live"
            for _ in range(600):
                with contextlib.suppress(httpx.HTTPError):
                    if (await client.get(url)).status_code == 200:
                        break
                await asyncio.sleep(0.1)
            else:
                sys.exit("a service does not come up")


async def empty(owners: dict[str, str]) -> None:
    registry = await asyncpg.connect(owners["registry"])
    await registry.execute("TRUNCATE organisations, students, classes, class_memberships")
    await registry.close()
    identity = await asyncpg.connect(owners["identity"])
    await identity.execute("ALTER TABLE student_numbers DISABLE TRIGGER USER")
    await identity.execute("TRUNCATE persons, record_claims, student_numbers")
    await identity.execute("ALTER TABLE student_numbers ENABLE TRIGGER USER")
    await identity.close()


def report(small: Made, large: Made, alone: dict[str, tuple[float, float]]) -> str:
    def line(name: str, rows: int, seconds: float, megabytes: float, more: str = "") -> str:
        return f"| {name} | {rows:,} | {seconds:.1f} | {rows / seconds:,.0f} | {megabytes:.0f} | {more} |"

    def mb(size: int) -> float:
        return size / 1e6

    slow, quick = alone["xlsxwriter"], alone["rustpy"]
    lines = [
        f"{len(FIELDS)} columns, full document and student numbers, {os.cpu_count()} cores, {date.today()}.",
        "",
        "| what | pupils | seconds | pupils/s | peak memory, MB | |",
        "|---|---:|---:|---:|---:|---|",
        line("the system, small", small.rows, small.seconds, mb(small.peak), f"idle {mb(small.idle):.0f} MB"),
        line("the system, large", large.rows, large.seconds, mb(large.peak),
             f"idle {mb(large.idle):.0f} MB, {large.cpu:.1f} s of processor, file {mb(large.size):.1f} MB"),
        line("XlsxWriter alone, constant memory", large.rows, *slow, "cells ready-made, nothing read or sealed"),
        line("the fast writer alone", large.rows, *quick, "the same"),
        "",
        f"XlsxWriter alone takes {slow[0] / large.seconds:.2f} times the system's time for the whole file; the fast writer "
        f"{quick[0] / large.seconds:.2f} times. Memory above idle: {mb(large.peak - large.idle):.0f} MB for the large file, "
        f"{mb(small.peak - small.idle):.0f} MB for the small one.",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="What an export costs")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--write", action="store_true", help=f"put the report into {RESULTS.name}")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        write_alone(arguments.alone, arguments.rows)
        return 0
    small, large = asyncio.run(measure(arguments.rows, arguments.small))
    alone = {writer: baseline(writer, arguments.rows) for writer in ("xlsxwriter", "rustpy")}
    text = report(small, large, alone)
    print(text)
    if arguments.write:
        RESULTS.write_text("# An export, measured\n\n" + text, encoding="utf-8")
    return int(large.peak - large.idle > 2 * (small.peak - small.idle) + SPARE)


if __name__ == "__main__":
    sys.exit(main())
