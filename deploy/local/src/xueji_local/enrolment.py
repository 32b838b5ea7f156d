"""What a school needs before it may take new pupils: a plan in force and a zone, set over HTTP by those who set them.

Each officer of the demonstration does for the schools of the own county what an officer does in August (clauses 4.2, 5.2):
as many classes as keep a school below the size of a large one, and the whole county as the zone of each public school.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from regulation.divisions import DIVISIONS
from regulation.parameters import Parameters
from regulation.school_year import Stage, school_year_of_entry
from service_kit.clock import Clock

from xueji_local import accounts, province
from xueji_local.demo_client import Account, Client
from xueji_local.province import School


def load(gateway: str, passwords: dict[str, str], clock: Clock) -> None:
    """Zones and plans of the schools whose authority has a demonstration officer. What is set already stays as it is.

    Raises ApiProblem.
    """
    today = clock.today()
    year = school_year_of_entry(today.year, today.month)
    for officer in accounts.wanted():
        schools = [school for school in province.schools().values() if school.supervising == officer.organisation]
        if officer.role != "authority_officer" or not schools:
            continue
        client = Client(
            gateway,
            Account(
                role=officer.role,
                organisation=officer.organisation,
                username=officer.username,
                password=passwords[officer.username],
            ),
        )
        try:
            zones = [zone for s in schools if s.ownership == "public" for zone in _zones(s)]
            since = province.VALID_FROM.isoformat()
            _once(client, "/v1/attendance-zones", {"zones": zones, "valid_from": since, "reason": "本机演示"})
            _once(client, "/v1/enrolment-plans", {"plans": [plan for s in schools for plan in plans(s, year)]})
        finally:
            client.close()


def plans(school: School, year: int) -> list[dict[str, Any]]:
    """As many full classes as the large school's size allows, the same number in each stage (clauses 4.2, 24.2.1)."""
    parameters = Parameters.for_(school.division, Clock().today())
    stages = [Stage(stage) for stage in school.view().stages]
    limit = parameters.large_school_combined if len(stages) > 1 else parameters.large_school_single
    classes = limit // sum(parameters.class_size(stage) for stage in stages)
    return [
        {
            "school": school.code,
            "school_year": year,
            "stage": stage.value,
            "classes": classes,
            "places": classes * parameters.class_size(stage),
            "reason": "本机演示",
        }
        for stage in stages
    ]


def _zones(school: School) -> list[dict[str, Any]]:
    """By the county's name, which stands in every address: a zone that names a street goes before it, and both hold."""
    areas = [{"division": school.division, "streets": [DIVISIONS[school.division].name]}]
    return [{"school": school.code, "stage": stage, "areas": areas} for stage in school.view().stages]


def _once(client: Client, path: str, body: dict[str, Any]) -> None:
    """The same is carried out once in the life of a stack, however often it is started."""
    if any(body.values()):
        digest = hashlib.sha256(msgspec.json.encode(body, order="sorted")).hexdigest()[:32]
        client.post(path, body, key=f"local-{digest}")
