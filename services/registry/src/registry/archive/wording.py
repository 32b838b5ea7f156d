"""Entries of the archive as people read them, in Chinese: for print. The console has its own words."""

from __future__ import annotations

from typing import Final

import msgspec
from shared_contracts.archive import (
    Aid,
    Award,
    Checkup,
    Entry,
    Evaluation,
    Exam,
    FitnessTest,
    Sanction,
    Vaccination,
)
from shared_contracts.discreet import Discreet

TERMS: Final = {"autumn": "第一学期", "spring": "第二学期"}
ASPECTS: Final = {
    "community_service": "参加社区服务",
    "social_practice": "社会实践",
    "civic_morality": "公民道德素养",
    "learning": "学习能力",
    "cooperation": "交流与合作",
    "sport_and_health": "运动与健康",
    "aesthetics": "审美与表现",
    "practice_and_innovation": "实践与创新",
    "talent": "体育运动技能与艺术特长",
}
LEVELS: Final = {"excellent": "优秀", "good": "良好", "passed": "合格", "not_yet": "待提高"}
AWARD_LEVELS: Final = {
    "national": "国家级",
    "provincial": "省级",
    "municipal": "市级",
    "county": "县级",
    "school": "校级",
}
AWARD_ASPECTS: Final = {
    "moral": "德",
    "intellectual": "智",
    "physical": "体",
    "aesthetic": "美",
    "labour": "劳",
    "overall": "综合",
}
SANCTIONS: Final = {"warning": "警告", "demerit": "记过", "probation": "留校察看"}
AIDS: Final = {
    "living_subsidy": "家庭经济困难学生生活补助",
    "nutrition": "营养改善计划",
    "boarding": "寄宿生补助",
    "disability": "残疾学生资助",
    "social": "社会捐助",
    "other": "其他资助",
}
KINDS: Final = {
    "exam": "学业考试",
    "evaluation": "综合素质评价",
    "fitness_test": "体质健康测试",
    "checkup": "健康体检",
    "vaccination": "预防接种",
    "award": "奖励",
    "sanction": "处分",
    "aid": "资助",
}


class Line(Discreet, msgspec.Struct, frozen=True):
    """`what`: the entry's subject; `said`: what it says."""

    what: str
    said: str


def line(entry: Entry) -> Line:
    match entry:
        case Exam():
            return Line(f"学业考试 {_term(entry)} {entry.subject}", entry.result)
        case Evaluation():
            return Line(f"{ASPECTS[entry.aspect]} {_term(entry)}", _join(_level(entry.level), entry.text))
        case FitnessTest():
            items = "，".join(f"{name} {result}" for name, result in entry.items.items())
            score = "" if entry.score is None else f"{entry.score:g}分"
            return Line(f"体质健康测试 {_year(entry.school_year)}", _join(_level(entry.level), score, items))
        case Checkup():
            return Line(f"健康体检 {entry.institution}", _join(_measures(entry), entry.conclusion))
        case Vaccination():
            return Line("预防接种", _join(f"{entry.vaccine} 第{entry.dose}剂", entry.institution))
        case Award():
            level = f"{AWARD_LEVELS[entry.level]}（{AWARD_ASPECTS[entry.aspect]}）"
            return Line(f"奖励 {entry.title}", _join(level, entry.awarded_by, entry.document))
        case Sanction():
            return Line(f"处分 {SANCTIONS[entry.sanction]}", _join(entry.reason, entry.decided_by, entry.document))
        case Aid():
            amount = "" if entry.amount_fen is None else f"{entry.amount_fen / 100:.2f}元"
            return Line(AIDS[entry.programme], _join(amount, entry.granted_by, entry.text))


def _year(school_year: int) -> str:
    return f"{school_year}—{school_year + 1}学年"


def _term(entry: Exam | Evaluation) -> str:
    return f"{_year(entry.school_year)}{TERMS[entry.term]}"


def _level(level: str | None) -> str:
    return "" if level is None else LEVELS[level]


def _measures(entry: Checkup) -> str:
    said = [
        ("身高", entry.height_cm, "厘米"),
        ("体重", entry.weight_kg, "千克"),
        ("左眼视力", entry.vision_left, ""),
        ("右眼视力", entry.vision_right, ""),
    ]
    return "，".join(f"{name}{value:g}{unit}" for name, value, unit in said if value is not None)


def _join(*parts: str) -> str:
    return "；".join(part for part in parts if part)
