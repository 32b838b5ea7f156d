"""`docs/authorisation.md`: the table of acts for people to read, made from the table itself."""

from __future__ import annotations

from shared_contracts.actors import Role

from regulation.authorisation import ROLE_TITLES, Act, Cell, Relation, table

PAGE = "docs/authorisation.md"

RELATION_TITLES: dict[Relation, str] = {
    Relation.ANYONE: "任何人",
    Relation.ANY: "可以",
    Relation.SELF: "本人",
    Relation.CLASS: "本班",
    Relation.SCHOOL: "本校",
    Relation.SUPERVISED: "直接主管",
    Relation.SUBTREE: "辖区",
    Relation.WITHIN: "本单位及辖区",
}
_COLUMNS = tuple(role for role in ROLE_TITLES if role is not Role.SYSTEM)
_SERVICES = {
    "registry": "registry 学籍",
    "identity": "identity 身份",
    "access": "access 账号与审计",
    "transfer": "transfer 转学",
    "notifications": "notifications 消息",
}
_HEAD = """# Who may do what

Made from `libs/regulation/src/regulation/data/authorisation/*.csv` by `make regulation`; do not edit. An empty cell means
never. Every command and query has a row, or its service does not start; the kit asks the row's roles before a handler
runs, handlers ask for the relation. 审计 marks queries that show pupils: they leave once the audit log has them (45.1);
commands are recorded always.

| 词 | 关系 |
|---|---|
| 本班, 本校 | the account's own classes, own school |
| 直接主管 | the school's supervising authority itself (13.2) |
| 辖区 | that authority, and those above it (3.1) |
| 本单位及辖区 | own school or own subtree, with the scope that the client was given |
| 本人, 任何人, 可以 | the own account; also without an account; whatever the thing is |
"""


def page() -> str:
    """The whole page; the same table gives the same bytes."""
    services: dict[str, list[Act]] = {}
    for act in table().values():
        services.setdefault(act.word.partition(".")[0], []).append(act)
    parts = [_HEAD]
    for service, acts in services.items():
        parts.append(f"\n## {_SERVICES.get(service, service)}\n\n{_line('办理', '动作', *_titles(), '审计', '状态')}")
        parts.append(_line(*["---"] * (len(_COLUMNS) + 4)))
        parts += [_row(act) for act in acts]
    return "\n".join(parts).rstrip() + "\n"


def _titles() -> tuple[str, ...]:
    return tuple(ROLE_TITLES[role] for role in _COLUMNS)


def _row(act: Act) -> str:
    cells = [_cell(act.cell(role)) for role in _COLUMNS]
    return _line(act.title, f"`{act.word}`", *cells, "是" if act.personal else "", " ".join(act.states))


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return ""
    return RELATION_TITLES[cell.relation] + (f" `{cell.scope}`" if cell.scope else "")


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
