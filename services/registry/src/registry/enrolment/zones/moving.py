"""What a zone says after its school has gone to another county (clauses 5.2, 44). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from regulation.mark import clause

from registry.enrolment.zones.matching import Area, normalise


@clause("5.2", "44")
def redivided(areas: Sequence[Area], former: str, new: str) -> tuple[Area, ...]:
    """Streets of the former division are streets of the new one as well; under the former one they stay, since household
    registers and cards say the old code for years. A zone of the whole former division never becomes one of the whole new.

    A school that comes back finds its streets there already: then what it had of the division that it leaves goes.
    """
    streets = {area.division: area.streets for area in areas}
    moving = streets.get(former, ())
    if not moving:
        return tuple(areas)
    there = streets.get(new)
    if there is not None and (not there or _all_in(moving, there)):
        return tuple(area for area in areas if area.division != former)
    known = {normalise(street) for street in there or ()}
    streets[new] = (*(there or ()), *(street for street in moving if normalise(street) not in known))
    return tuple(Area(division=division, streets=names) for division, names in streets.items())


def _all_in(some: Sequence[str], others: Sequence[str]) -> bool:
    return {normalise(one) for one in some} <= {normalise(one) for one in others}
