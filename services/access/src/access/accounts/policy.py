"""The rules of accounts: who may be what, passwords, lockout, dormancy (clauses 3.1, 45.3). Pure.

Times are aware; days are of Asia/Shanghai. Numbers come from dated parameters (`regulation.parameters`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Final, Literal

import msgspec
from regulation.authorisation import ROLE_TITLES, is_school
from regulation.findings import refuse
from regulation.mark import clause, enforced
from regulation.parameters import Parameters
from shared_contracts.actors import Actor, Limit, Role
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from zxcvbn import zxcvbn

SCHOOL_ROLES: Final = frozenset({Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL})
AUTHORITY_ROLES: Final = frozenset({Role.AUTHORITY_OFFICER, Role.LEADER, Role.AUDITOR, Role.ACCOUNT_ADMIN})
ALONE: Final = frozenset({Role.AUDITOR, Role.ACCOUNT_ADMIN})
"""Who hands out rights, who does the work and who looks at both are three people (三员分立)."""

enforced("45.3", by="accounts_are_kept", at="../migrations/versions/0002_accounts.py")

# ---- who may be what ------------------------------------------------------------------------------------------------

_USERNAME: Final = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*")
_CLASSES: Final = re.compile(r"[1-9](?:-(?:0[1-9]|[1-9][0-9]))?")


def folded(username: str) -> str:
    """As it is looked up: people type capitals and spaces."""
    return username.strip().lower()


@clause("45.3")
def check_username(username: str, field: str = "username") -> Finding | None:
    """3 to 64 small letters, digits and single `.`, `_`, `-` between them, a letter first."""
    if 3 <= len(username) <= 64 and _USERNAME.fullmatch(username):
        return None
    return refuse(
        "45.3",
        f"account.{field}",
        "名称应为3至64位小写字母、数字，可用点、下划线、短横分隔，以字母开头",
        cure="例如“nangang.zhang”",
        fields=(field,),
    )


@clause("45.3")
def check_name(name: str) -> Finding | None:
    if name.strip() and len(name) <= 50 and name.isprintable():
        return None
    return refuse("45.3", "account.name", "姓名为空、超过50个字或含有控制字符", cure="填写使用人姓名", fields=("name",))


LONGEST_REASON: Final = 500


@clause("45.3")
def check_reason(reason: str) -> Finding | None:
    """A sentence for whoever asks later."""
    if reason.strip() and len(reason) <= LONGEST_REASON and "\x00" not in reason:
        return None
    message, cure = "理由为空、过长或含有控制字符", f"写明理由，不超过{LONGEST_REASON}字"
    return refuse("45.3", "account.reason", message, cure=cure, fields=("reason",))


@clause("3.1", "45.3")
def check_roles(organisation: str, roles: Collection[Role]) -> tuple[Finding, ...]:
    """An account belongs to one organisation and is what such an organisation has, and no more than belongs together."""

    def no(code: str, message: str, cure: str, clause_id: str = "3.1") -> Finding:
        return refuse(clause_id, f"account.{code}", message, cure=cure, fields=("roles",))

    found: list[Finding] = []
    if not roles:
        found.append(no("no_role", "没有选择角色", "至少选择一个角色"))
    if len(set(roles)) < len(roles):
        found.append(no("role_twice", "同一角色出现了两次", "每个角色只选一次"))
    school = is_school(organisation)
    allowed = SCHOOL_ROLES if school else AUTHORITY_ROLES
    if wrong := [role for role in roles if role not in allowed]:
        titles = "、".join(ROLE_TITLES[role] for role in wrong)
        can = "、".join(title for role, title in ROLE_TITLES.items() if role in allowed)
        where = "学校" if school else "教育行政部门"
        found.append(no("role_not_here", f"{where}账号不能设为{titles}", f"{where}账号的角色：{can}"))
    if len(roles) > 1 and (alone := [role for role in roles if role in ALONE]):
        titles = "、".join(ROLE_TITLES[role] for role in alone)
        cure = "由不同的人使用不同的账号：管理账号、办理业务、审计三者分开"
        found.append(no("role_alone", f"{titles}不能兼任其他角色", cure, "45.3"))
    return tuple(found)


@clause("3.1")
def check_classes(roles: Collection[Role], classes: Collection[str]) -> Finding | None:
    """`"1"`: all classes of grade 1; `"1-03"`: class 3 of it. For class teachers alone."""

    def no(code: str, message: str, cure: str) -> Finding:
        return refuse("3.1", f"account.{code}", message, cure=cure, fields=("classes",))

    if not classes:
        return None
    if Role.CLASS_TEACHER not in roles:
        return no("classes_without_teacher", "只有班主任账号才能设置班级", "清空班级，或者增加班主任角色")
    if len(set(classes)) < len(classes) or not all(_CLASSES.fullmatch(one) for one in classes):
        return no("classes_format", "班级重复或格式不对", "整个年级写“1”，一个班写“1-03”，年级为1至9")
    return None


@clause("45.3")
def check_own(actor: Actor, username: str) -> Finding | None:
    """Nobody decides about himself: neither what he may do nor whether his account stays open."""
    if actor.account != username:
        return None
    cure = "由本级另一位或上级的账号管理员办理；修改自己的密码请用“修改密码”"
    return refuse("45.3", "account.own", "不能管理自己的账号", cure=cure)


# ---- passwords ------------------------------------------------------------------------------------------------------

LONGEST: Final = 128
_ESTIMATED: Final = 72
"""Characters that the estimate looks at: it takes long for long texts, and what is that long is not guessed."""
_USUAL: Final = (
    "xueji", "woaini", "mima", "jiaoyu", "xuexiao", "xiaoxue", "zhongxue", "laoshi", "heilongjiang", "haerbin",
    "harbin", "qiqihaer", "daqing", "jiamusi", "mudanjiang", "zhang", "wang", "li", "liu", "chen", "yang", "zhao",
    "huang", "zhou", "wu", "5201314", "1314520", "woaizhongguo", "nihao",
)  # fmt: skip
"""What people of this country put into passwords and the estimator's English lists do not know."""


class Owner(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """What of an account may not stand in its password."""

    username: str
    name: str
    organisation: str
    organisation_name: str


@clause("45.3")
def check_password(password: str, owner: Owner, parameters: Parameters) -> Finding | None:
    """Long enough, nothing of its owner in it, not easily guessed (zxcvbn's score)."""

    def no(code: str, message: str, cure: str) -> Finding:
        return refuse("45.3", f"password.{code}", message, cure=cure, fields=("password",))

    if len(password) < parameters.password_min_length:
        least = parameters.password_min_length
        return no("too_short", f"密码少于{least}个字符", f"至少{least}个字符；几个不相关的词连在一起既长又好记")
    if len(password) > LONGEST:
        return no("too_long", f"密码超过{LONGEST}个字符", f"不超过{LONGEST}个字符")
    if not password.isprintable():
        return no("characters", "密码中有控制字符", "只用键盘上能直接输入的字符")
    own = _own_words(owner)
    text = password.lower()
    if any(word in text for word in own):
        return no("own_words", "密码中含有用户名、姓名或单位", "换一个与本人和单位无关的密码")
    score = int(zxcvbn(password[:_ESTIMATED], user_inputs=[*own, *_USUAL])["score"])
    if score < parameters.password_min_score:
        return no("weak", "密码太容易被猜到", "避开常用词、生日、键盘顺序和重复字符；几个不相关的词连在一起更好")
    return None


def _own_words(owner: Owner) -> tuple[str, ...]:
    """Texts of at least three letters or digits, or two characters of Chinese."""
    texts = (
        owner.username,
        *re.split(r"[._-]", owner.username),
        owner.name,
        owner.organisation,
        owner.organisation_name,
    )
    return tuple(text.lower() for text in texts if len(text) >= (3 if text.isascii() else 2))


@clause("45.3")
def password_is_old(set_on: date, today: date, parameters: Parameters) -> bool:
    """After its last day it must be changed before anything else."""
    return today > set_on + timedelta(days=parameters.password_max_days)


@clause("45.3")
def first_password_is_over(set_on: date, today: date, parameters: Parameters) -> bool:
    """A first password that nobody has used lies about on a piece of paper."""
    return today > set_on + timedelta(days=parameters.first_password_days)


@clause("45.3")
def needs_second_factor(mode: Literal["none", "authorities", "all"], organisation: str) -> bool:
    return mode == "all" or (mode == "authorities" and not is_school(organisation))


@clause("45.3")
def limit(*, must_change: bool, old: bool, factor_missing: bool) -> Limit:
    """What comes before anything else; the password first."""
    if must_change or old:
        return "password"
    return "second_factor" if factor_missing else ""


# ---- lockout --------------------------------------------------------------------------------------------------------

FIRST_WAIT: Final = timedelta(seconds=30)
LONGEST_WAIT: Final = timedelta(minutes=30)
FORGOTTEN_AFTER: Final = timedelta(hours=24)
"""Without a further failure for so long, counting begins anew."""


@clause("45.3")
def wait_after(failures: int, free: int) -> timedelta:
    """How long after the last of `failures` failures in a row the next try has to wait: nothing for fewer than `free`,
    then 30 s, doubled with each, at most half an hour: whoever forgot his password loses minutes, whoever guesses years.
    """
    if failures < free:
        return timedelta(0)
    return min(FIRST_WAIT * (1 << min(failures - free, 16)), LONGEST_WAIT)


@clause("45.3")
def failures_then(failures: int, last: datetime | None, now: datetime) -> int:
    """The count with one more failure now."""
    return 1 if last is None or now - last >= FORGOTTEN_AFTER else failures + 1


# ---- dormancy -------------------------------------------------------------------------------------------------------


@clause("45.3")
def dormant_before(today: date, parameters: Parameters) -> date:
    """Accounts last used before this day are sealed."""
    return today - timedelta(days=parameters.account_dormant_days)


def faults(findings: Iterable[Finding | None]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding is not None)
