"""What a work queue costs with 20,000 open cases: p95 of its page and of its counts, as a ratio to a read by primary key.

    python benchmarks/worklist.py [--cases 20000] [--rounds 150]

The notifications service as a process of its own on a PostgreSQL and a NATS of this program's own, fsync on, asked over
the bus as the gateway asks. A read by primary key (an account's contacts: one row by its key, over the same bus, by the
same service) stands between any two questions, so that both see the same machine. The cases lie as they do in a province:
few authorities have many, most have few; the busiest one and one in the middle are asked for, its city, and a school.

Exit status: 0; 1 where a p95 is above three reads by key; 2 where nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
from notifications.worklist import store
from regulation.authorisation import ROLE_TITLES
from regulation.calendar import Calendar
from regulation.divisions import DIVISIONS, PROVINCE, chain
from service_kit import migrate, settings
from service_kit.bus import Bus, BusError
from service_kit.clock import ZONE, Clock
from service_kit.database import Database, driver
from shared_contracts.actors import Actor, Role
from shared_contracts.cases import CaseStands
from shared_contracts.delivery import GetContacts
from shared_contracts.messages import Query
from shared_contracts.worklist import CountWork, ListWork, Queue
from xueji_infra import databases, declare, nats_conf
from xueji_local import credentials
from xueji_local.environment import Places, environment_of
from xueji_local.servers import Nats, Postgres

AIM = 3.0
SEED = 7
SCHOOLS = 3_000
KINDS = (("transfer", "转学", 8), ("correction", "关键信息更正", 2), ("registration", "建籍", 1))
SERVICE = "notifications"


def cases(number: int, chance: random.Random) -> list[CaseStands]:
    """Open cases of a province: three of five wait for an authority, one of ten came back, one of twelve is overdue."""
    counties = sorted(code for code, one in DIVISIONS.items() if one.level == "county" and chain(code)[0] == PROVINCE)
    weights = [1 / (place + 1) ** 0.8 for place in range(len(counties))]
    busy = chance.choices(counties, weights, k=number)
    today, calendar = datetime.now(ZONE).date(), Calendar()
    days = [calendar.add_working_days(today - timedelta(days=14), n).date for n in range(1, 21)]
    made = []
    for n, county in enumerate(busy):
        kind, title, _ = chance.choices(KINDS, [weight for *_, weight in KINDS])[0]
        school = f"21{county}{chance.randrange(SCHOOLS // len(counties)):02d}"
        at_authority, returned = chance.random() < 0.6, chance.random() < 0.1
        overdue = chance.random() < 1 / 12
        due = chance.choice(days[:5]) if overdue else chance.choice([day for day in days if day >= today])
        made.append(
            CaseStands(
                case_id=f"case-{n:06d}", kind=kind, kind_title=title, number=f"ZX2026{n:06d}", subject=f"{title}申请",
                link=f"/v1/transfers/case-{n:06d}", version=1, status="returned" if returned else "open",
                since=datetime.now(ZONE), step="authority", step_title="主管部门核准",
                organisation=county if at_authority and not returned else school,
                roles=(Role.AUTHORITY_OFFICER,) if at_authority and not returned else (Role.REGISTRAR,),
                not_accounts=(f"{county}.{n % 5}",), due_on=None if returned else due,
                superior=chain(county)[1] if at_authority and not returned else county,
            )
        )  # fmt: skip
    return made


async def fill(environment: dict[str, str], made: list[CaseStands]) -> None:
    """As the service's own handlers write it, 500 an event."""
    loaded = settings.load(environment)
    db = Database.from_settings(loaded, Clock(), SERVICE)
    for begin in range(0, len(made), 500):
        async with db.transaction() as tx:
            await store.take(tx, [store.of_case(one) for one in made[begin : begin + 500]])
    async with db.transaction() as tx:
        for n in range(200):
            await (await driver(tx)).execute(
                """INSERT INTO contacts (account, channel, organisation, roles, address, masked, topics, set_at)
                   VALUES ($1, 'email', $2, '{}', '', '', '{work}', now())""",
                f"a{n}",
                PROVINCE,
            )
    await db.close()


def accounts(made: list[CaseStands]) -> dict[str, Actor]:
    """Whose queues are asked for."""
    of = Counter(one.organisation for one in made if one.organisation)
    counties = [code for code, _ in of.most_common() if code and len(code) == 6]
    schools = [code for code, _ in of.most_common() if code and len(code) == 10]
    busiest, middle = counties[0], counties[len(counties) // 2]
    city = chain(busiest)[1]

    def actor(organisation: str, role: Role) -> Actor:
        return Actor(account=f"{organisation}.bench", name="", organisation=organisation, roles=(role,))

    return {
        f"busiest authority ({of[busiest]} rows)": actor(busiest, Role.AUTHORITY_OFFICER),
        f"authority in the middle ({of[middle]} rows)": actor(middle, Role.AUTHORITY_OFFICER),
        f"its city ({ROLE_TITLES[Role.LEADER]})": actor(city, Role.LEADER),
        f"busiest school ({of[schools[0]]} rows)": actor(schools[0], Role.REGISTRAR),
    }


async def _seconds(bus: Bus, query: Query) -> float:
    begun = time.perf_counter()
    await bus.need(query)
    return time.perf_counter() - begun


async def measure(bus: Bus, who: dict[str, Actor], rounds: int) -> bool:
    """Prints a line a question. Whether all are within the aim."""
    chance = random.Random(SEED)
    good = True
    for name, actor in who.items():
        questions: dict[str, Query] = {
            "page": ListWork(actor=actor),
            "page, one queue and kind": ListWork(actor=actor, queue=Queue.REVIEW, kind="transfer"),
            "page, due in 3 days": ListWork(actor=actor, due_within=3),
            "counts": CountWork(actor=actor),
        }
        for what, query in questions.items():
            found, keys = [], []
            for turn in range(rounds + 20):
                key = GetContacts(
                    actor=Actor(account=f"a{chance.randrange(200)}", name="", organisation=PROVINCE, roles=actor.roles)
                )
                pair = (await _seconds(bus, key), await _seconds(bus, query))
                if turn >= 20:  # plans and caches are warm
                    keys.append(pair[0])
                    found.append(pair[1])
            p95, by_key = (statistics.quantiles(times, n=20)[-1] * 1_000 for times in (found, keys))
            good &= p95 <= AIM * by_key
            sys.stdout.write(
                f"{name:44} {what:26} p50 {statistics.median(found) * 1_000:6.2f} ms  p95 {p95:6.2f} ms  "
                f"by key p95 {by_key:6.2f} ms  ratio {p95 / by_key:4.2f}\n"
            )
    return good


async def run(number: int, rounds: int, folder: Path) -> int:
    keys = credentials.generate()
    config = nats_conf.render(keys.nats_users, sync_always=True)
    with Postgres(folder / "pg", password=keys.postgres) as postgres, Nats(folder / "nats", config=config) as nats:
        admin = await declare.connect_admin(nats.url, keys.nats_users[nats_conf.ADMIN])
        await declare.declare(admin)
        superuser = await asyncpg.connect(postgres.url())
        await databases.ensure_roles(superuser, SERVICE, keys.role(databases.owner_role(SERVICE)), keys.role(SERVICE))
        await databases.ensure_database(superuser, postgres.url(), SERVICE)
        await superuser.close()
        places = Places(
            postgres_host=postgres.host, postgres_port=postgres.port, nats_url=nats.url, files=folder / "files"
        )
        environment = environment_of(SERVICE, places, keys) | {"XUEJI_LOG_LEVEL": "ERROR"}
        await migrate.upgrade(SERVICE, environment["XUEJI_MIGRATION_DATABASE_URL"])
        made = cases(number, random.Random(SEED))
        await fill(environment, made)
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", SERVICE, "serve", env={**os.environ, **environment}
        )
        try:
            bus = Bus(admin)
            await _until_up(bus)
            await asyncio.sleep(8)  # the first reminders of 20,000 cases are said
            return 0 if await measure(bus, accounts(made), rounds) else 1
        finally:
            child.terminate()
            await child.wait()
            await admin.close()


async def _until_up(bus: Bus) -> None:
    for _ in range(100):
        try:
            await bus.need(CountWork(actor=Actor(account="a", name="", organisation=PROVINCE, roles=(Role.LEADER,))))
            return
        except BusError:
            await asyncio.sleep(0.2)
    raise TimeoutError("the service has not come up")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=150)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="xueji-bench-") as folder:
        Path(folder).chmod(0o711)
        try:
            return asyncio.run(run(given.cases, given.rounds, Path(folder)))
        except (OSError, TimeoutError) as error:
            sys.stderr.write(f"nothing was measured: {error}\n")
            return 2


if __name__ == "__main__":
    sys.exit(main())
