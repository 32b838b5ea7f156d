"""The declaration agrees with the contracts: every event that travels has a stream, and every filter names a real one."""

from __future__ import annotations

import importlib
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from shared_contracts import access, audit, identity, registry, transfer
from shared_contracts.messages import members, subjects
from xueji_infra.topology import Consumer, Topology, split_durable, topology

HERE = Path(__file__).parents[1]


def _events() -> set[str]:
    unions = (identity.Events, registry.Events, transfer.Events, access.Events, audit.Audited)
    return {name for union in unions for name in subjects(members(union))}


def _taken(consumer: Consumer) -> set[str]:
    """The events a filter names: an audit entry comes under one subject for each service that says it."""
    return {name.removesuffix(".>") for name in consumer.filter}


def test_filters_name_events_of_the_contracts() -> None:
    for durable, consumer in topology().consumers.items():
        _, source = split_durable(durable)
        assert _taken(consumer) <= {name for name in _events() if name.startswith(f"evt.{source}.")}


def test_every_event_has_a_stream() -> None:
    kept = [subject.removesuffix(">") for stream in topology().streams.values() for subject in stream.subjects]
    for name in _events():
        assert sum(name.startswith(prefix) for prefix in kept) == 1, name


def test_consumers_take_exactly_what_the_services_have_handlers_for() -> None:
    for durable, consumer in topology().consumers.items():
        reader, source = split_durable(durable)
        service = importlib.import_module(f"{reader}.app").SERVICE
        handled = {name for name in subjects(service.events) if name.startswith(f"evt.{source}.")}
        assert _taken(consumer) == handled


def test_no_handler_waits_for_an_event_of_a_stream_that_its_service_does_not_read() -> None:
    readers: dict[str, set[str]] = {}
    for durable, consumer in topology().consumers.items():
        readers.setdefault(split_durable(durable)[0], set()).update(_taken(consumer))
    for reader, taken in readers.items():
        assert set(subjects(importlib.import_module(f"{reader}.app").SERVICE.events)) == taken, reader


def test_every_asked_subject_has_somebody_who_answers() -> None:
    for user in (*topology().services.values(), *topology().users.values()):
        for asked in user.asks:
            assert asked.split(".")[1] in topology().services


def test_what_is_never_to_be_asked_would_be_allowed_otherwise() -> None:
    """A denial that denies nothing is a misspelt one."""
    services = topology().services
    for service in services.values():
        others = [*topology().users.values(), *(other for other in services.values() if other is not service)]
        for subject in service.never:
            assert any(subject.startswith(asked.removesuffix(">")) for asked in service.asks)
            assert any(subject in other.asks for other in others)


def test_a_consumer_of_nobody_is_an_error() -> None:
    plan = msgspec.to_builtins(topology())
    plan["consumers"]["nobody-registry"] = {"filter": []}
    with pytest.raises(msgspec.ValidationError, match="nobody-registry"):
        msgspec.convert(plan, Topology)


def test_a_consumer_of_a_stream_that_is_not_there_is_an_error() -> None:
    plan = msgspec.to_builtins(topology())
    plan["consumers"]["access-gateway"] = {"filter": []}
    with pytest.raises(msgspec.ValidationError, match="access-gateway"):
        msgspec.convert(plan, Topology)


def test_alert_rules_watch_metrics_that_exist() -> None:
    """A renamed metric makes an alert that never fires."""
    rules = (HERE / "prometheus" / "alerts.yml").read_text()
    root = HERE.parent
    code = "\n".join(path.read_text() for part in ("libs", "services") for path in (root / part).glob("*/src/**/*.py"))
    expressions = re.findall(r"expr: (.*)", rules)
    assert len(expressions) == rules.count("- alert:")
    for expression in expressions:
        for metric in re.findall(r"\b[a-z]+(?:_[a-z]+)+\b(?=[{\[)]| ==)", expression):
            if metric not in ("min_over_time", "stream_name") and not metric.startswith("jetstream_"):
                assert f'"{metric}"' in code, metric


def test_command_line_makes_a_config_once(tmp_path: Path) -> None:
    def run() -> str:
        done = subprocess.run(
            [sys.executable, "-m", "xueji_infra", "nats-config", "--passwords", str(tmp_path / "p.json")],
            capture_output=True, text=True, check=True, env=os.environ,
        )  # fmt: skip
        return done.stdout

    first = run()
    assert run() == first
    kept = tmp_path / "p.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert all(password in first for password in json.loads(kept.read_text())["nats"].values())
