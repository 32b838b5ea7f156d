"""Who may do what: one table (`data/authorisation/*.csv`), act x role -> relation, and the two questions asked of it.

A row is an act: the word of a command or query (`registry.student`), with the step where steps have different deciders
(`registry.decide_registration/principal`). A cell says in which relation to the thing an account of that role must stand;
an empty cell means never. `state`: where the thing must stand for the act to be possible at all.

`gate` asks for the role alone, before anything is read: the kit puts it in front of every handler. `check` is asked for
one thing, `reach` for lists. All are pure; services gather the facts and enforce the answer. What
is recorded of an act (clause 45.1) stands in the same row: `personal` queries show pupils, `objects` says of whom.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib import resources

import msgspec
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused

from regulation.divisions import chain
from regulation.findings import refuse
from regulation.mark import clause

ROLE_TITLES: dict[Role, str] = {
    Role.REGISTRAR: "学籍管理员",
    Role.CLASS_TEACHER: "班主任",
    Role.PRINCIPAL: "学籍主管校长",
    Role.AUTHORITY_OFFICER: "学籍主管",
    Role.LEADER: "分管局长",
    Role.AUDITOR: "审计员",
    Role.ACCOUNT_ADMIN: "账号管理员",
    Role.INTEGRATION_CLIENT: "接口用户",
    Role.OPERATOR: "运维人员",
    Role.SYSTEM: "系统",
}


class Relation(StrEnum):
    """What an account's organisation must be to the thing it acts on."""

    ANYONE = "anyone"  # also without an account: signing in
    ANY = "any"  # whatever the thing is: the public directory
    SELF = "self"  # the own account
    CLASS = "class"  # a class teacher's own classes
    SCHOOL = "school"  # the own school
    SUPERVISED = "supervised"  # the school's supervising authority itself (clause 13.2)
    SUBTREE = "subtree"  # that authority or one above it (clause 3.1)
    WITHIN = "within"  # the own school or the own subtree, whichever the organisation is


class Cell(msgspec.Struct, frozen=True):
    """`scope`: what an integration client must have been given beside its role."""

    relation: Relation
    scope: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One row. `objects`: where the ids of what is acted on stand: a field of the message, or `>path` in the reply;
    `a|b` is b where a is empty.

    `everybody`: the relation in which every role stands that has no cell of its own. `limited`: possible also before
    the account has its own password and its second factor.
    """

    word: str
    title: str
    personal: bool
    objects: tuple[str, ...]
    states: tuple[str, ...]
    cells: Mapping[Role, Cell]
    everybody: Cell | None = None

    @property
    def limited(self) -> bool:
        return self.everybody is not None and self.everybody.relation in (Relation.SELF, Relation.ANYONE)

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles with a cell, in the table's order."""
        return tuple(self.cells)

    def cell(self, role: Role) -> Cell | None:
        return self.cells.get(role, self.everybody)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The thing acted on. `school`: its school's code; `authority`: that school's supervising authority, or the
    authority itself where the thing belongs to one; `account`: whose it is.
    """

    school: str | None = None
    authority: str | None = None
    grade: int | None = None
    class_no: int | None = None
    account: str | None = None


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What of a list an account may see; more than one may be given, and any of them is enough.

    `subtree`: everything under this authority. `supervised`: what this authority supervises itself. `school`: all of
    this school. `classes`: only these classes of `classes_of`. `account`: only what is its own. `everything`: no bound.
    """

    subtree: str | None = None
    supervised: str | None = None
    school: str | None = None
    classes_of: str | None = None
    classes: tuple[str, ...] = ()
    account: str | None = None
    everything: bool = False


NOTHING = Target()
"""For acts that are about no thing in particular."""
MISSING = "没有找到，或者不属于您管理的范围。"


@cache
def table() -> dict[str, Act]:
    """The rows by their act. Raises ValueError where the file contradicts itself."""
    folder = resources.files("regulation").joinpath("data/authorisation")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".csv")), key=lambda file: file.name)
    rows = [_act(row) for file in files for row in csv.DictReader(file.read_text("utf-8").splitlines())]
    found = {row.word: row for row in rows}
    if len(found) < len(rows):
        raise ValueError("authorisation: an act stands twice")
    return found


def act(word: str) -> Act:
    """Raises KeyError for an act without a row: nothing is allowed by being forgotten."""
    return table()[word]


def steps(word: str) -> tuple[Act, ...]:
    """The rows of an act that has steps."""
    return tuple(row for row in table().values() if row.word.startswith(word + "/"))


def known(word: str) -> bool:
    """Whether a command or query has a row, or one for each of its steps."""
    return word in table() or bool(steps(word))


@clause("43", "45.3")
def gate(actor: Actor, row: Act) -> Refused | None:
    """Whether any role of the account does this act at all, and the account is in a state to use it."""
    if actor.has(Role.SYSTEM):
        return None
    if closed := _closed(actor, row):
        return closed
    return None if _cells(actor, row) else _not_of_this_role(actor, row)


@clause("3.1", "45.3")
def check(
    actor: Actor, word: str, target: Target = NOTHING, *, state: str | None = None, missing: str = MISSING
) -> Refused | None:
    """None where the account may; otherwise the refusal as its person reads it.

    Whoever has the role and stands in no relation to the thing is told that it is not there (`missing`).
    """
    row = act(word)
    if actor.has(Role.SYSTEM):
        return None
    if shut := gate(actor, row):
        return shut
    if not any(_stands(actor, cell.relation, target) for cell in _cells(actor, row)):
        return refused("not_found", missing)
    if state is not None and row.states and state not in row.states:
        return refused("conflict", f"当前状态下不能办理“{row.title}”。请刷新后查看进展。")
    return None


def absent(actor: Actor, word: str, missing: str = MISSING) -> Refused:
    """The answer to an act on what is not there: whoever never does this is told so, everybody else that it is missing."""
    return check(actor, word, missing=missing) or refused("not_found", missing)


def may(actor: Actor, word: str, target: Target = NOTHING) -> bool:
    return check(actor, word, target) is None


@clause("3.1")
def reach(actor: Actor, word: str) -> Reach | Refused:
    """What of a list the account may see; a refusal where it may see none of it."""
    row = act(word)
    if actor.has(Role.SYSTEM):
        return Reach(everything=True)
    if shut := gate(actor, row):
        return shut
    relations = {cell.relation for cell in _cells(actor, row)}
    of = actor.organisation
    return Reach(
        everything=bool(relations & {Relation.ANY, Relation.ANYONE}),
        subtree=of if relations & {Relation.SUBTREE, Relation.WITHIN} and not is_school(of) else None,
        supervised=of if Relation.SUPERVISED in relations else None,
        school=of if relations & {Relation.SCHOOL, Relation.WITHIN} and is_school(of) else None,
        classes_of=of if Relation.CLASS in relations else None,
        classes=actor.classes if Relation.CLASS in relations else (),
        account=actor.account if Relation.SELF in relations else None,
    )


def deciders(word: str) -> tuple[Role, ...]:
    """The roles that decide a step, for the kind of case that it belongs to."""
    return act(word).roles


def is_school(organisation: str) -> bool:
    """By its code: 10 digits (学校标识码), an authority's has 6."""
    return len(organisation) == 10


def target_of(organisation: str, supervised_by: str | None) -> Target:
    """What belongs to an organisation, as a target. `supervised_by`: a school's authority; an authority is its own."""
    if is_school(organisation):
        return Target(school=organisation, authority=supervised_by)
    return Target(authority=organisation)


def subtree_pattern(authority: str) -> str:
    """An SQL LIKE pattern for the codes of an authority and of those below it: 230100 -> `2301%`."""
    for zeros in ("0000", "00"):
        if authority.endswith(zeros):
            return authority.removesuffix(zeros) + "%"
    return authority


def _closed(actor: Actor, row: Act) -> Refused | None:
    """What an account must do first (clause 45.3)."""
    if not actor.limited or row.limited:
        return None
    cure = {"password": "先修改初始密码", "second_factor": "先绑定动态口令（第二重验证）"}[actor.limited]
    found = refuse("45.3", f"account.{actor.limited}", "账号尚未完成安全设置，暂不能办理业务", cure=cure)
    return refused("forbidden", f"请{cure}，再办理业务。", found)


def _cells(actor: Actor, row: Act) -> list[Cell]:
    if actor.limited:  # not what its roles may, only what everybody may with what is his own
        return [row.everybody] if row.everybody else []
    cells = [cell for role in actor.roles if (cell := row.cell(role))]
    if not actor.roles and row.everybody and (actor.account or row.everybody.relation is Relation.ANYONE):
        return [row.everybody]  # whose every role is withheld still signs out, reads notices, changes the password
    return [cell for cell in cells if not cell.scope or cell.scope in actor.scopes]


def _not_of_this_role(actor: Actor, row: Act) -> Refused:
    if any(role in row.cells for role in actor.withheld):
        cure = "由学校报主管教育行政部门登记本学年的学籍管理员任用（含培训记录）"
        found = refuse("43", "registrar.no_appointment", "没有本学年的学籍管理员任用登记，先培训后上岗", cure=cure)
        return refused("forbidden", f"您还没有本学年的学籍管理员任用登记，不能办理“{row.title}”。请{cure}。", found)
    who = "、".join(ROLE_TITLES[role] for role in row.roles if role is not Role.INTEGRATION_CLIENT)
    what = f"“{row.title}”由{who}办理" if who else f"您的账号不能办理“{row.title}”"
    cure = f"由{who}的账号登录后办理；需要此权限的，请联系账号管理员" if who else "需要此权限的，请联系账号管理员"
    found = refuse("45.3", "act.wrong_role", what, cure=cure)
    return refused("forbidden", f"{what}。{cure}。", found)


def _stands(actor: Actor, relation: Relation, target: Target) -> bool:
    of = actor.organisation
    own_school = is_school(of) and target.school == of
    in_subtree = not is_school(of) and target.authority is not None and of in chain(target.authority)
    match relation:
        case Relation.ANYONE | Relation.ANY:
            return True
        case Relation.SELF:
            return bool(actor.account) and target.account == actor.account
        case Relation.SCHOOL:
            return own_school
        case Relation.CLASS:
            whose = target.grade, target.class_no
            return own_school and whose[0] is not None and whose[1] is not None and actor.teaches(whose[0], whose[1])
        case Relation.SUPERVISED:
            return target.authority == of
        case Relation.SUBTREE:
            return in_subtree
        case Relation.WITHIN:
            return own_school or in_subtree


def _act(row: dict[str, str]) -> Act:
    cells = {role: cell for role in Role if (cell := _cell(row.get(role.value) or ""))}
    order = [Role(name) for name in row if name in tuple(Role)]
    return Act(
        word=row["act"],
        title=row["title"],
        personal={"yes": True, "": False}[row["personal"]],
        objects=tuple(row["objects"].split()),
        states=tuple(row["state"].split()),
        cells={role: cells[role] for role in order if role in cells},
        everybody=_cell(row["everybody"]),
    )


def _cell(text: str) -> Cell | None:
    relation, _, scope = text.partition(" ")
    return Cell(Relation(relation), scope) if relation else None
