"""May this authority set this value, from this day on? (clause 49; the bounds are those of 4.1, 5.1, 11 and the others)

What holds where is `regulation.parameters.PolicyBook`; here is what an authority may do about it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from regulation.divisions import DIVISIONS, PROVINCE, chain, full_name
from regulation.findings import passed, refuse
from regulation.mark import clause
from regulation.parameters import Fault, Parameter, ParameterValue
from shared_contracts.decisions import Finding

MARGIN = timedelta(minutes=10)
"""So long before a day begins everything is fixed that holds on it: every copy of every service has heard of it by then, or
answers nothing (`service_kit.policy.MARGIN`; a test holds the two together)."""

AHEAD_YEARS = 3
"""A value is published at most so many years ahead: what lies further is a slip of the hand."""

LONGEST_BASIS = 200


@clause("49")
def first_day(now: datetime) -> date:
    """The first day that what is decided now may still change: tomorrow, and shortly before midnight the day after."""
    return (now + MARGIN).date() + timedelta(days=1)


@clause("49")
def day_fault(valid_from: date, now: datetime) -> Finding | None:
    first = first_day(now)
    if valid_from < first:
        message = f"生效日期{valid_from}太早：政策参数发布后最早次日生效，现在发布的最早自{first}起生效"
        return refuse("49", "policy.too_early", message, cure=f"使用不早于{first}的生效日期", fields=("valid_from",))
    last = date(first.year + AHEAD_YEARS, 12, 31)
    if valid_from > last:
        message = f"生效日期{valid_from}太远"
        return refuse("49", "policy.too_far", message, cure=f"使用不晚于{last}的生效日期", fields=("valid_from",))
    return None


@clause("49")
def basis_fault(basis: str) -> Finding | None:
    """Everybody who is bound by a value may ask which document it stands in."""
    if basis.strip() and len(basis) <= LONGEST_BASIS and basis.isprintable():
        return None
    cure = f"填写文件名称和文号，不超过{LONGEST_BASIS}个字，不要换行"
    return refuse("49", "policy.no_basis", "没有写明依据的文件", cure=cure, fields=("basis",))


@clause("49")
def change_fault(parameter: Parameter, own: ParameterValue, held: Sequence[ParameterValue]) -> Finding | None:
    """What the authority's own value says already needs no second one. `held`: along its chain, on that day."""
    for before in held:
        if before.division == own.division and _said(before) == _said(own):
            message = f"“{parameter.title}”自{before.valid_from}起已是{_words(parameter, own)}，没有变化"
            return refuse("49", "policy.unchanged", message, cure="不需要发布", fields=("value",))
    return None


@clause("49")
def place_fault(division: str) -> Finding | None:
    """各地市: the education authorities of this province's divisions."""
    if division in DIVISIONS:
        return None
    cure = "由省、市、县级教育行政部门设定"
    return refuse("49", "policy.no_division", "只有本省的教育行政部门可以设定政策参数", cure=cure)


@clause("49")
def bounds_faults(parameter: Parameter, own: ParameterValue, faults: Iterable[Fault]) -> tuple[Finding, ...]:
    """What a book with this value says is wrong: the value itself, or those of lower authorities that it would outlaw.

    An upper authority does not change what a lower one has published: whoever wants narrower bounds agrees on it first,
    and each lower authority publishes a successor that fits both the old and the new ones.
    """
    found = []
    for fault in faults:
        if fault.key == parameter.key and fault.own == own:
            found.append(_own_fault(parameter, own, fault))
            continue
        name = f"{full_name(fault.own.division)}（{fault.own.division}）"
        message = f"与{name}已发布的值不符：{fault.message}"
        cure = f"与其商定，由其先发布不晚于{fault.day}生效、新旧规定都允许的值；或改变本次的范围或生效日期"
        found.append(
            refuse(
                "49",
                "policy.outlaws_lower",
                message,
                cure=cure,
                fields=("value", "low", "high"),
                division=fault.own.division,
                value=fault.own.value,
                valid_from=fault.own.valid_from.isoformat(),
                wrong_from=fault.day.isoformat(),
            )
        )
    return tuple(found)


def _own_fault(parameter: Parameter, own: ParameterValue, fault: Fault) -> Finding:
    upper = fault.upper
    if upper is None:
        cure = "按规定的格式填写；设定下级范围的，本级的值须在其中；成对的日期保持先后顺序"
        return refuse("49", "policy.no_sense", fault.message, cure=cure, fields=("value", "low", "high"))
    whose = full_name(upper.division)
    if upper.min is None and upper.max is None:
        message = f"“{parameter.title}”由{whose}统一规定，没有授权下级设定"
        cure = f"需要调整的，报{whose}教育行政部门"
        return refuse("49", "policy.not_yours", message, cure=cure, fields=("key",), bounds_of=upper.division)
    room = bounds_words(parameter, upper.min, upper.max)
    return refuse(
        "49",
        "policy.outside_bounds",
        f"{_words(parameter, own)}超出{whose}（自{upper.valid_from}起）规定的范围：{room}",
        cure=f"在{room}之间设定；需要调整范围的，报{whose}教育行政部门",
        fields=("value", "low", "high"),
        low=upper.min,
        high=upper.max,
        bounds_of=upper.division,
        value=own.value,
    )


@clause("49")
def within_bounds(parameter: Parameter, own: ParameterValue) -> Finding:
    return passed("49", "policy.within_bounds", f"{_words(parameter, own)}，在上级规定的范围内", value=own.value)


@clause("49")
def ending_fault(valid_from: date, now: datetime, act: str) -> Finding | None:
    """What has taken effect is never changed afterwards: decisions have named it. A successor replaces it."""
    if valid_from >= first_day(now):
        return None
    message = f"该值自{valid_from}起生效，已不能{act}"
    return refuse("49", "policy.in_force", message, cure="发布新的值，自新的生效日期起代替它", fields=("value_id",))


@clause("49")
def reason_fault(reason: str) -> Finding | None:
    if reason.strip() and reason.isprintable():
        return None
    return refuse("49", "policy.no_reason", "没有写明原因", cure="写明原因，不要换行", fields=("reason",))


@clause("49")
def is_filed(division: str) -> bool:
    """各地市…报省级备案: what cities and counties set is filed, what the province sets is not."""
    return division != PROVINCE


def below(division: str) -> list[str]:
    """Every division under this one, itself not."""
    return [code for code in DIVISIONS if code != division and division in chain(code)]


def bounds_words(parameter: Parameter, low: int | str | None, high: int | str | None) -> str:
    unit = parameter.unit if parameter.kind == "number" else ""
    if low is None or high is None:
        return f"不高于{high}{unit}" if low is None else f"不低于{low}{unit}"
    return f"{low}至{high}{unit}"


def _words(parameter: Parameter, own: ParameterValue) -> str:
    unit = parameter.unit if parameter.kind == "number" else ""
    room = ""
    if own.min is not None or own.max is not None:
        room = f"（下级范围{bounds_words(parameter, own.min, own.max)}）"
    return f"“{parameter.title}”{own.value}{unit}{room}"


def _said(value: ParameterValue) -> tuple[object, ...]:
    return value.value, value.min, value.max
