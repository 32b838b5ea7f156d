"""When a use of pupils' data is unusual enough that somebody looks at it (clause 45.1), and who may handle that. Pure.

An alert accuses nobody: at the start of a school year a registrar works on Sundays. It says what was counted; an auditor
asks, and writes down what it was. The lines are dated parameters; a lower authority may draw them closer.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

import msgspec
from regulation.authorisation import Act, table
from regulation.calendar import Calendar
from regulation.findings import refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.actors import Role
from shared_contracts.decisions import Finding

KINDS = {
    "many_pupils": "短时间内查看大量学生",
    "off_hours": "非工作时段查看较多学生",
    "sealed_account": "已封存账号尝试登录",
    "refused_often": "频繁越权或查询不存在的对象",
    "token_reuse": "登录令牌被重复使用（可能被盗用）",
}

_PROBING = ("forbidden", "not_found")
_ONE_BY_ONE = {"sealed": "sealed_account", "reused": "token_reuse"}


class Use(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the log as the rules see it. `at`: aware, Asia/Shanghai. `pupils`: ids of those it showed."""

    account: str
    organisation: str
    authority: str
    at: datetime
    outcome: str
    pupils: tuple[str, ...] = ()
    machine: bool = False


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters in force for an authority on a day. Counts at which an alert is raised, times of day."""

    window: timedelta
    many_pupils: int
    many_pupils_client: int
    refusals: int
    off_hours_pupils: int
    quiet_from: time
    quiet_to: time

    @staticmethod
    def of(parameters: Parameters) -> Lines:
        return Lines(
            window=timedelta(minutes=parameters.audit_window_minutes),
            many_pupils=parameters.audit_many_pupils,
            many_pupils_client=parameters.audit_many_pupils_client,
            refusals=parameters.audit_refusals,
            off_hours_pupils=parameters.audit_off_hours_pupils,
            quiet_from=time.fromisoformat(parameters.audit_quiet_from),
            quiet_to=time.fromisoformat(parameters.audit_quiet_to),
        )


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An alert to be. The same kind, account and `window` is one alert, however often the rules look."""

    kind: str
    window: str
    at: datetime
    count: int
    account: str
    organisation: str
    authority: str


def pupil_ids(row: Act) -> tuple[bool, int]:
    """Whether a look shows a list of pupils, an id each; and how many other ids stand in its entry, after those.

    A look at one pupil names it by each of its ids (`student_id >person_id`): no list, one pupil.
    """
    lists = [path for path in row.objects if path.startswith(">items.") or path.endswith("_ids")]
    return bool(lists), len(row.objects) - len(lists)


def pupils_shown(act: str, outcome: str, objects: Sequence[str], count: int) -> tuple[str, ...]:
    """Whom an entry showed: nobody when it was refused, all of a list, one pupil otherwise."""
    row = table().get(act)
    if row is None or not row.personal or outcome not in ("done", "repeated"):
        return ()
    listed, others = pupil_ids(row)
    return tuple(objects[: max(count - others, 0)] if listed else objects[:1])


def unusual(uses: Sequence[Use], lines: Lines, calendar: Calendar) -> list[Raised]:
    """All alerts for the uses of one account, in order of time."""
    ordered = sorted(uses, key=lambda use: use.at)
    return [
        *many_pupils(ordered, lines),
        *off_hours(ordered, lines, calendar),
        *refused_often(ordered, lines),
        *one_by_one(ordered),
    ]


@clause("45.1")
def many_pupils(uses: Sequence[Use], lines: Lines) -> list[Raised]:
    """As many different pupils within the window as the line says. `count`: the most within one window."""
    held: deque[Use] = deque()
    pupils: Counter[str] = Counter()
    found: dict[str, Raised] = {}
    for use in uses:
        if not use.pupils:
            continue
        held.append(use)
        pupils.update(use.pupils)
        while held[0].at <= use.at - lines.window:
            pupils.subtract(held.popleft().pupils)
            pupils += Counter()  # drops what is at zero
        if len(pupils) >= (lines.many_pupils_client if use.machine else lines.many_pupils):
            _note(found, "many_pupils", _slot(use.at, lines.window), use, len(pupils))
    return list(found.values())


@clause("45.1")
def off_hours(uses: Sequence[Use], lines: Lines, calendar: Calendar) -> list[Raised]:
    """As many different pupils in one night, or on one day off with its night, as the line says. Machines work at night."""
    pupils: defaultdict[date, set[str]] = defaultdict(set)
    found: dict[str, Raised] = {}
    for use in uses:
        if use.machine or not use.pupils or not is_off_hours(use.at, lines, calendar):
            continue
        night = working_date(use.at, lines)
        pupils[night].update(use.pupils)
        if len(pupils[night]) >= lines.off_hours_pupils:
            _note(found, "off_hours", night.isoformat(), use, len(pupils[night]))
    return list(found.values())


@clause("45.1")
def refused_often(uses: Sequence[Use], lines: Lines) -> list[Raised]:
    """As many refusals within the window as the line says: what is not one's business, or ids that were guessed."""
    held: deque[datetime] = deque()
    found: dict[str, Raised] = {}
    for use in uses:
        if use.outcome not in _PROBING:
            continue
        held.append(use.at)
        while held[0] <= use.at - lines.window:
            held.popleft()
        if len(held) >= lines.refusals:
            _note(found, "refused_often", _slot(use.at, lines.window), use, len(held))
    return list(found.values())


@clause("45.1", "45.3")
def one_by_one(uses: Sequence[Use]) -> list[Raised]:
    """What once is too often: a sealed account tried with its right password, a used refresh token used again. Once a day."""
    found: dict[str, Raised] = {}
    counts: Counter[str] = Counter()
    for use in uses:
        if kind := _ONE_BY_ONE.get(use.outcome):
            key = f"{kind} {use.at.date()}"
            counts[key] += 1
            _note(found, kind, use.at.date().isoformat(), use, counts[key], key=key)
    return list(found.values())


def is_off_hours(at: datetime, lines: Lines, calendar: Calendar) -> bool:
    """By night, or on a day that is no statutory working day."""
    clock = at.timetz().replace(tzinfo=None)
    night = clock >= lines.quiet_from or clock < lines.quiet_to
    return night or not calendar.is_working_day(at.date()).working


def working_date(at: datetime, lines: Lines) -> date:
    """The small hours belong to the day before."""
    small_hours = timedelta(hours=lines.quiet_to.hour, minutes=lines.quiet_to.minute)
    return (at - small_hours).date()


def looks_back(lines: Lines) -> timedelta:
    """How long before a use the rules need to see: a day off with its night, or the window."""
    return max(timedelta(hours=24), lines.window)


def _slot(at: datetime, window: timedelta) -> str:
    """Alerts of one account come at most once in each stretch of the window's length."""
    number = int(at.timestamp() // window.total_seconds())
    return datetime.fromtimestamp(number * window.total_seconds(), at.tzinfo).isoformat(timespec="minutes")


def _note(found: dict[str, Raised], kind: str, window: str, use: Use, count: int, key: str = "") -> None:
    """`at` stays that of the moment when the line was reached; the count is the highest."""
    first = found.get(key or window)
    found[key or window] = Raised(
        kind=kind,
        window=window,
        at=first.at if first else use.at,
        count=max(count, first.count if first else 0),
        account=use.account,
        organisation=use.organisation,
        authority=use.authority,
    )


# ---- handling ---------------------------------------------------------------------------------------------------------

LONGEST_TITLE, LONGEST_TEXT = 100, 2000


@clause("45.1")
def no_judge_of_oneself(account: str, alert_account: str) -> Finding | None:
    """Whoever an alert is about does not close it."""
    if account != alert_account:
        return None
    return refuse("45.1", "alert.own", "预警涉及您本人的账号，不能由本人处理", cure="请本级其他审计员或上级审计员处理")


@clause("45.1")
def written(texts: Iterable[tuple[str, str, int]]) -> list[Finding]:
    """`texts`: (title, text, longest). Each is there, not too long, and holds no document number."""
    found = []
    for title, text, longest in texts:
        if not text.strip():
            found.append(refuse("45.1", "text.missing", f"{title}没有填写", cure=f"请填写{title}"))
        elif len(text) > longest:
            found.append(refuse("45.1", "text.too_long", f"{title}超过{longest}字", cure=f"请缩短到{longest}字以内"))
        elif _has_number(text):
            cure = "请删去号码，用学籍标识或“某学生”指代"
            found.append(refuse("45.1", "text.number", f"{title}中有身份证件号码或学籍号", cure=cure))
    return found


def _has_number(text: str) -> bool:
    """Fifteen digits in a row or more: a resident number, a student number."""
    run = 0
    for character in text:
        run = run + 1 if character.isdigit() else 0
        if run >= 15:
            return True
    return False


@clause("45.1")
def happened(on: date, today: date) -> Finding | None:
    if on <= today:
        return None
    return refuse("45.1", "incident.future", f"发生日期{on}晚于今天", cure="请填写事件实际发生的日期")


def role_is_machine(roles: Sequence[str]) -> bool:
    return Role.INTEGRATION_CLIENT in roles
