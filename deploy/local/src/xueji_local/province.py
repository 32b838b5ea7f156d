"""A small real province: Heilongjiang's education authorities by its divisions, and a handful of schools of each type."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from importlib import resources
from typing import Literal

import msgspec
from regulation import divisions
from regulation.divisions import DIVISIONS, Division, full_name
from regulation.school_codes import SCHOOL_TYPES
from shared_contracts.registry import LoadOrganisations, OrganisationView

from xueji_local.operator import OPERATOR, carry_out, named

VALID_FROM = date(2020, 1, 1)
"""From when the organisations exist for the registry: before any pupil of compulsory age entered."""


class School(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One school of `schools.toml`. `key`: its short name in demo accounts. `type`: BXLX code."""

    key: str
    code: str
    name: str
    type: str
    system: Literal["6-3", "5-4"]
    ownership: Literal["public", "private"]
    locality: Literal["urban", "town", "rural"]
    division: str
    authority: str = ""
    accepts_international: bool = False

    @property
    def supervising(self) -> str:
        """Code of the supervising authority (主管教育行政部门)."""
        return self.authority or self.division

    def view(self) -> OrganisationView:
        return OrganisationView(
            code=self.code,
            name=self.name,
            kind="school",
            parent=self.supervising,
            authority=self.supervising,
            division=self.division,
            school_type=self.type,
            stages=tuple(stage.value for stage in SCHOOL_TYPES[self.type].stages),
            system=self.system,
            ownership=self.ownership,
            locality=self.locality,
            accepts_international=self.accepts_international,
        )


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    school: tuple[School, ...]


@cache
def schools() -> dict[str, School]:
    """The schools by their key; the first is the demonstration's own."""
    text = resources.files("xueji_local").joinpath("data/schools.toml").read_text("utf-8")
    return {school.key: school for school in msgspec.convert(tomllib.loads(text), _File).school}


def authority_name(division: Division) -> str:
    """哈尔滨市南岗区教育局; county-level cities and counties by their own name, districts with their city's."""
    if division.level == "province":
        return f"{division.name}教育厅"
    if division.level == "county" and division.kind in ("district", "stat_only_area"):
        name = full_name(division.code).removeprefix(DIVISIONS[divisions.PROVINCE].name)
        own, city = division.name, DIVISIONS[division.parent or ""].name
        return f"{own if own.startswith(city.removesuffix('市')) else name}教育局"
    return f"{division.name}教育局"


def _authority(division: Division) -> OrganisationView:
    return OrganisationView(
        code=division.code,
        name=authority_name(division),
        kind=division.level,
        parent=division.parent,
        authority=division.parent,
        division=division.code,
    )


def organisations() -> tuple[OrganisationView, ...]:
    """All of it, parents before children."""
    ordered = sorted(DIVISIONS.values(), key=lambda d: (("province", "city", "county").index(d.level), d.code))
    return (*(_authority(d) for d in ordered), *(school.view() for school in schools().values()))


async def load(nats_url: str, password: str) -> str | None:
    """Send the province to the registry as the operator. None, or (Chinese) why it was refused.

    What is loaded already is not loaded again. Raises Unavailable or Unknown when the registry does not answer.
    """
    command = LoadOrganisations(command_id="", actor=OPERATOR, organisations=organisations(), valid_from=VALID_FROM)
    return await carry_out(nats_url, password, named("local-province", command))
