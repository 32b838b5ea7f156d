"""Classes and assignments as people see them, and the file that an assignment publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from regulation import assignment as fair
from regulation.school_year import Stage
from shared_contracts.classes import (
    AssignmentRule,
    AssignmentState,
    AssignmentView,
    ClassBalance,
    ClassView,
    Redraw,
)
from shared_contracts.decisions import Finding

from registry.classes import draws, policy, store
from registry.classes.store import Row
from registry.context import RegistryWork

STATE_TITLES: dict[str, str] = {
    "draft": "准备中",
    "committed": "名单已封存，待抽签",
    "drawn": "已抽签，待执行",
    "applied": "已执行",
    "cancelled": "已取消",
    "set_aside": "经批准重新分班，本次作废",
}


async def class_views(work: RegistryWork, rows: Sequence[Row]) -> list[ClassView]:
    """`rows`: of `store.class_row` and `store.class_page`."""
    counted: dict[str, Any] = {**await store.counted(work.tx, [row["id"] for row in rows])}
    return [_class(work, row, counted[row["id"]]) for row in rows]


def _class(work: RegistryWork, row: Row, counted: Row) -> ClassView:
    standard = work.deps.policy.parameters(row["division"], work.today).class_size(Stage(row["stage"]))
    students = counted["boys"] + counted["girls"]
    return ClassView(
        id=row["id"],
        school=row["school"],
        school_name=row["school_name"],
        stage=row["stage"],
        grade=row["grade"],
        class_no=row["class_no"],
        cohort=row["cohort"],
        display_name=counted["display_name"],
        boys=counted["boys"],
        girls=counted["girls"],
        on_the_way=counted["on_the_way"],
        size=students + counted["on_the_way"],
        standard=standard,
        excess=policy.excess(students, standard),
        closed_on=None if students + counted["on_the_way"] else counted["closed_on"],  # who comes in opens it again
        version=counted["version"],
    )


async def assignment_views(work: RegistryWork, rows: Sequence[Row]) -> list[AssignmentView]:
    """Without findings and balance: only one that is looked at by itself has them."""
    ids = [row["id"] for row in rows]
    rules = await draws.rules_of(work.tx, ids)
    counts = await draws.pupil_counts(work.tx, ids)
    return [_assignment(row, counts.get(row["id"], (0, 0)), rules.get(row["id"], [])) for row in rows]


async def assignment_view(work: RegistryWork, row: Row, findings: tuple[Finding, ...] = ()) -> AssignmentView:
    (view,) = await assignment_views(work, [row])
    if row["drawn_at"] is None:
        return msgspec.structs.replace(view, findings=findings)
    listed = await draws.listed(work.tx, row["id"])
    return msgspec.structs.replace(view, findings=findings, balance=balance(row["classes"], listed))


def _assignment(row: Row, counts: tuple[int, int], rules: Sequence[AssignmentRule]) -> AssignmentView:
    """`counts`: pupils to draw, pupils placed by hand."""
    pupils, placed = counts
    return AssignmentView(
        id=row["id"],
        number=row["number"],
        state=AssignmentState(row["state"]),
        state_title=STATE_TITLES[row["state"]],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        school_year=row["school_year"],
        grade=row["grade"],
        standard=row["standard"],
        classes=tuple(row["classes"]),
        attributes=tuple(row["attributes"]),
        rules=tuple(rules),
        pupils=pupils,
        placed=placed,
        version=row["version"],
        list_sha256=row["list_sha256"],
        commitment=row["commitment"],
        public_source=row["public_source"],
        public_at=row["public_at"],
        public_value=row["public_value"],
        committed_at=row["committed_at"],
        drawn_at=row["drawn_at"],
        applied_at=row["applied_at"],
        replaces=row["replaces"],
        redraw=_redraw(row),
        cancelled_reason=row["cancelled_reason"],
    )


def _redraw(row: Row) -> Redraw | None:
    if row["redraw_decision"] is None:
        return None
    return Redraw(
        reason=row["redraw_reason"],
        asked_at=row["redraw_asked_at"],
        decision=row["redraw_decision"],
        decided_at=row["redraw_decided_at"],
        decision_reason=row["redraw_decision_reason"] or "",
    )


def balance(classes: Sequence[int], pupils: Sequence[Row]) -> tuple[ClassBalance, ...]:
    """How the classes are made up. `pupils`: rows with `class_no`, `place_in`, `sex`, `attributes`."""
    found = []
    for number in sorted(classes):
        placed = sum(one["place_in"] == number for one in pupils)
        drawn = [one for one in pupils if one["class_no"] == number]
        boys = sum(one["sex"] == fair.BOY for one in drawn)
        counts: dict[str, Counter[str]] = {}
        for one in drawn:
            for name, value in one["attributes"].items():
                counts.setdefault(name, Counter())[value] += 1
        found.append(
            ClassBalance(
                class_no=number,
                size=placed + len(drawn),
                placed=placed,
                boys=boys,
                girls=len(drawn) - boys,
                attributes={name: dict(sorted(values.items())) for name, values in sorted(counts.items())},
            )
        )
    return tuple(found)


def listing(row: Row, pupils: Sequence[Row], rules: Sequence[AssignmentRule]) -> fair.Listing:
    """The list as it is closed and published: codes, no names."""
    codes = {one["pupil_id"]: one["code"] for one in pupils}

    def of(kind: Literal["together", "apart"]) -> tuple[tuple[str, ...], ...]:
        return tuple(tuple(codes[pupil] for pupil in rule.pupils) for rule in rules if rule.kind == kind)

    return fair.Listing(
        number=row["number"],
        school=row["school"],
        school_year=row["school_year"],
        grade=row["grade"],
        standard=row["standard"],
        classes=tuple(
            fair.Klass(class_no=number, placed=sum(one["place_in"] == number for one in pupils))
            for number in sorted(row["classes"])
        ),
        pupils=tuple(
            fair.Pupil(code=one["code"], sex=one["sex"], attributes=one["attributes"])
            for one in sorted(pupils, key=lambda one: str(one["code"]))
            if one["place_in"] is None
        ),
        together=of("together"),
        apart=of("apart"),
    )


class History(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of it: part of the published file, nothing that is computed with."""

    state: str
    state_title: str
    school_name: str
    committed_at: str
    public_at: str
    drawn_at: str | None = None
    applied_at: str | None = None
    cancelled_at: str | None = None
    cancelled_reason: str | None = None
    replaces: str | None = None
    replaced_by: str | None = None
    redraw_reason: str | None = None
    redraw_decision: str | None = None
    redraw_decision_reason: str | None = None


class Document(fair.Published, frozen=True, kw_only=True):
    """The published file: what `regulation.assignment` verifies, with its history."""

    history: History


def published(row: Row, pupils: Sequence[Row], replaced_by: str | None) -> str:
    """The file of an assignment whose list was closed, as JSON."""
    moments: dict[str, Any] = {
        name: None if row[name] is None else row[name].isoformat()
        for name in ("committed_at", "public_at", "drawn_at", "applied_at", "cancelled_at")
    }
    document = Document(
        format=fair.FORMAT,
        listing=msgspec.json.decode(row["listing"], type=fair.Listing),
        list_sha256=row["list_sha256"],
        commitment=row["commitment"],
        public_source=row["public_source"],
        secret=row["revealed"],
        public_value=row["public_value"],
        seed=row["seed"],
        result=tuple(
            fair.Placed(code=one["code"], class_no=one["class_no"]) for one in pupils if one["class_no"] is not None
        ),
        history=History(
            state=row["state"],
            state_title=STATE_TITLES[row["state"]],
            school_name=row["school_name"] or row["school"],
            replaced_by=replaced_by,
            **moments,
            **{
                name: row[name]
                for name in (
                    "cancelled_reason", "replaces", "redraw_reason", "redraw_decision", "redraw_decision_reason",
                )
            },
        ),
    )  # fmt: skip
    return msgspec.json.encode(document).decode()
