"""Processes and servers killed at the worst moments: no number is lost, none issued twice, every accepted row has its
record, and the import finishes by itself."""

from __future__ import annotations

import os
import random
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import e2e_truth
import pytest
from e2e_flow import Desk, desk
from e2e_people import Made, People
from e2e_system import HANGS, System, wait_for
from shared_contracts.registry import RosterState

pytestmark = pytest.mark.slow
ROWS = 60


@pytest.fixture(scope="module")
def people(breakable: System, tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(breakable, tmp_path_factory.mktemp("rosters"))


@pytest.fixture(scope="module")
def school(breakable: System) -> Desk:
    return desk(breakable, "xinchun")


@pytest.fixture(scope="module")
def other_school(breakable: System) -> Desk:
    return desk(breakable, "shanhe")


def test_registry_killed_in_the_middle_of_a_check_and_of_a_confirmation(
    breakable: System, people: People, school: Desk, other_school: Desk
) -> None:
    """Two rosters, one in each stage, at one kill: pupils are staged and claimed in identity, registry has written
    nothing of it."""
    confirmed = people.roster("xinchun", ROWS)
    confirmed_id = school.check(confirmed).id
    checked = people.roster("shanhe", ROWS)
    claims = breakable.value("identity", "SELECT count(*) FROM record_claims")
    with (
        breakable.held("registry", "LOCK TABLE roster_rows IN SHARE MODE"),
        breakable.held("registry", "LOCK TABLE registrations IN SHARE MODE"),
    ):
        checked_id = other_school.registrar.upload(checked.path).id
        school.registrar.confirm(confirmed_id)
        for table in ("roster_rows", "registrations"):
            breakable.wait_blocked("registry", table)
        assert breakable.value("identity", "SELECT count(*) FROM record_claims") == claims + ROWS
        assert breakable.value("identity", "SELECT count(*) FROM intake_rows WHERE intake_id = $1", checked_id) == ROWS
        breakable.kill("registry")
    assert breakable.value("registry", "SELECT count(*) FROM registrations WHERE roster_id = $1", confirmed_id) == 0
    breakable.start("registry")  # and from now on, whoever's lease has run out meanwhile is taken over
    other_school.registrar.reach(checked_id, RosterState.CHECKED)
    other_school.confirm(checked_id)
    school.registrar.reach(confirmed_id, RosterState.IN_APPROVAL)
    for where, roster_id in ((school, confirmed_id), (other_school, checked_id)):
        where.approve(roster_id)
        where.completed(roster_id)
    e2e_truth.check(breakable, confirmed_id, checked_id)


def test_registry_killed_between_the_authoritys_approval_and_its_publication(
    breakable: System, people: People, school: Desk
) -> None:
    roster_id = school.check(people.roster("xinchun", ROWS)).id
    school.confirm(roster_id)
    school.approve(roster_id, until="school")
    e2e_truth.settled(breakable)
    with breakable.relay_held_back("registry"):
        assert school.decide(roster_id, "authority").moved == ROWS
        waiting = breakable.value("registry", "SELECT count(*) FROM outbox WHERE stream_seq IS NULL")
        assert waiting, "the approval was published although nobody may publish"
        breakable.kill("registry")
    breakable.start("registry")
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)


def test_registry_killed_between_publication_and_its_note_of_it(
    breakable: System, people: People, school: Desk
) -> None:
    """JetStream has the events, the outbox does not know: they are sent again and taken once."""
    roster_id = school.check(people.roster("xinchun", ROWS)).id
    school.confirm(roster_id)
    school.approve(roster_id, until="school")
    e2e_truth.settled(breakable)
    before = breakable.held_messages()["REGISTRY"]
    with breakable.relay_held_back("registry"):
        school.decide(roster_id, "authority")
        hold = breakable.held("registry", "LOCK TABLE outbox IN SHARE MODE")
        hold.__enter__()
    try:
        wait_for(lambda: breakable.held_messages()["REGISTRY"] > before, HANGS, "nothing is published")
        breakable.wait_blocked("registry", "outbox")
        breakable.kill("registry")
    finally:
        hold.__exit__(None, None, None)
    assert breakable.value("registry", "SELECT count(*) FROM outbox WHERE stream_seq IS NULL")
    breakable.start("registry")
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)
    ids = [message.headers["ce-id"] for message in breakable.messages()["REGISTRY"]]
    assert len(set(ids)) == len(ids), "an event stands twice in the stream"


@pytest.mark.clause("15.3")
def test_identity_killed_in_the_middle_of_numbering(breakable: System, people: People, school: Desk) -> None:
    """The matcher has answered, the numbers are made and not yet written."""
    roster_id = school.check(people.roster("xinchun", ROWS)).id
    school.confirm(roster_id)
    school.approve(roster_id, until="school")
    with breakable.held("identity", "LOCK TABLE student_numbers IN SHARE MODE"):
        school.decide(roster_id, "authority")
        breakable.wait_blocked("identity", "student_numbers")

        def taken() -> bool:
            """By one worker or by both, in one batch or in two: all that was approved is under way."""
            count = "SELECT count(*) FROM number_requests WHERE lane = 'first' AND lease IS NOT NULL"
            return bool(breakable.value("identity", count) == ROWS)

        wait_for(taken, HANGS, "not all numbers are asked for")
        breakable.kill("identity")
    breakable.start("identity")
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)


def test_identity_killed_while_registry_asks_it(breakable: System, people: People, school: Desk) -> None:
    """The claims are asked for and not answered: asked again, they are the same claims."""
    roster_id = school.check(people.roster("xinchun", ROWS)).id
    with breakable.held("identity", "LOCK TABLE record_claims IN SHARE MODE"):
        school.registrar.confirm(roster_id)
        breakable.wait_blocked("identity", "record_claims")
        breakable.kill("identity")
    breakable.start("identity")
    school.registrar.reach(roster_id, RosterState.IN_APPROVAL)
    school.approve(roster_id)
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)


def test_gateway_killed_during_an_upload(breakable: System, people: People, school: Desk) -> None:
    """Half a file is no file: nothing is half there, and the same request made again is carried out once."""
    made = people.roster("xinchun", 20)
    e2e_truth.settled(breakable)  # what ended before is cleared away
    before = {view.id for view in school.registrar.rosters()}
    files = set(breakable.stored_files())
    key = str(uuid.uuid4())
    with half_an_upload(breakable, school, made, key):
        wait_for(lambda: set(breakable.stored_files()) - files, HANGS, "the upload does not arrive at the store")
        breakable.kill("gateway")
    half = set(breakable.stored_files()) - files
    assert all(path.name.endswith(".part") for path in half), half
    assert not any(path.read_bytes().startswith(b"PK") for path in half)
    for path in half:  # hours pass: before, it could be somebody's upload that is still under way
        os.utime(path, (0, 0))
    breakable.start("gateway")
    assert set(breakable.stored_files()) == files, "what a kill left half written is kept"
    assert {view.id for view in school.registrar.rosters()} == before
    view = school.registrar.reach(school.registrar.upload(made.path, key).id, RosterState.CHECKED)
    assert view.totals.rows == made.size
    assert {v.id for v in school.registrar.rosters()} - before == {view.id}
    school.registrar.cancel(view.id)


class half_an_upload:
    """A connection that has sent half of a multipart body, and stays open."""

    def __init__(self, system: System, where: Desk, made: Made, key: str) -> None:
        at = urlsplit(system.gateway)
        content = made.path.read_bytes()
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
        request = (
            f"POST /v1/rosters HTTP/1.1\r\nHost: {at.netloc}\r\nAuthorization: Bearer {where.registrar.token}\r\n"
            f"Idempotency-Key: {key}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
            f"Content-Length: {len(head) + len(content) + 9}\r\n\r\n"
        )
        self._address = (at.hostname or "", at.port or 0)
        self._sent = request.encode() + head + content[: len(content) // 2]

    def __enter__(self) -> None:
        self._socket = socket.create_connection(self._address)
        self._socket.sendall(self._sent)

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def test_an_upload_that_breaks_off_leaves_nothing(breakable: System, people: People, school: Desk) -> None:
    """The client goes away: the gateway lives and cleans up behind it."""
    made = people.roster("xinchun", 20)
    e2e_truth.settled(breakable)
    files = set(breakable.stored_files())
    with half_an_upload(breakable, school, made, str(uuid.uuid4())):
        wait_for(lambda: set(breakable.stored_files()) - files, HANGS, "the upload does not arrive at the store")
    wait_for(lambda: set(breakable.stored_files()) == files, HANGS, "half a file is kept")


def test_nats_killed_and_restarted_during_an_import(breakable: System, people: People, school: Desk) -> None:
    """Once while the registry checks, once when the authority has just approved."""
    made = people.roster("xinchun", ROWS)
    roster_id = school.registrar.upload(made.path).id
    breakable.nats.kill()
    time.sleep(1.0)  # away for long enough to be missed; whether anybody was just then at it makes no difference
    breakable.nats.start()
    school.registrar.reach(roster_id, RosterState.CHECKED)
    school.confirm(roster_id)
    school.approve(roster_id, until="school")
    with breakable.relay_held_back("registry"):  # so that there is something to publish when the bus comes back
        school.decide(roster_id, "authority")
        breakable.nats.kill()
    time.sleep(1.0)
    breakable.nats.start()
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)


def test_postgresql_killed_and_restarted_during_an_import(breakable: System, people: People, school: Desk) -> None:
    """Crashed while a roster is confirmed, restarted in order while numbers are written."""
    roster_id = school.check(people.roster("xinchun", ROWS)).id
    school.registrar.confirm(roster_id)
    breakable.postgres.kill()
    breakable.postgres.start()
    school.registrar.reach(roster_id, RosterState.IN_APPROVAL)
    school.approve(roster_id)
    breakable.postgres.restart()
    school.completed(roster_id)
    e2e_truth.check(breakable, roster_id)


def test_an_old_store_of_the_bus_is_put_back(breakable: System, people: People, school: Desk, tmp_path: Path) -> None:
    """As from a backup: what the streams have forgotten is sent again, what was taken already is not taken again."""
    before = school.walk(people.roster("xinchun", ROWS)).id
    e2e_truth.settled(breakable)
    saved = tmp_path / "store"
    breakable.nats.save_store(saved)
    forgotten = school.walk(people.roster("xinchun", ROWS)).id
    e2e_truth.settled(breakable)
    known = {m.headers["ce-id"] for stream in ("REGISTRY", "IDENTITY") for m in breakable.messages()[stream]}
    breakable.nats.restore_store(saved)
    after = school.walk(people.roster("xinchun", ROWS)).id
    e2e_truth.check(breakable, before, forgotten, after)
    again = {m.headers["ce-id"] for stream in ("REGISTRY", "IDENTITY") for m in breakable.messages()[stream]}
    assert known <= again, f"{len(known - again)} events were not sent again"
    assert breakable.metric("registry", "relay_resent_total") > 0


def test_everything_is_killed_again_and_again(breakable: System, people: People, school: Desk) -> None:
    """Imports by a patient client, one after the other, while services die at moments nobody chose (seeded)."""
    rng = random.Random(20260901)
    over = Event()

    def walk_on() -> list[str]:
        walked: list[str] = []
        while not (over.is_set() and walked):
            walked.append(school.walk(people.roster("xinchun", ROWS // 2)).id)
        return walked

    with ThreadPoolExecutor(1) as pool:
        walking = pool.submit(walk_on)
        try:
            for service in ("identity", "gateway", "registry", "identity"):
                time.sleep(rng.uniform(0.2, 0.8))
                assert not walking.done(), walking.result()
                breakable.kill(service)
                breakable.start(service)
        finally:
            over.set()
        walked = walking.result()
    e2e_truth.check(breakable, *walked)
