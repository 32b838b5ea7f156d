"""Looking at assignments: the school and its authorities with names, everybody else the published file without any."""

from __future__ import annotations

from regulation.authorisation import check, reach
from regulation.mark import clause
from service_kit import paging
from service_kit.work import QueryHandler
from shared_contracts.classes import (
    AssignmentPage,
    AssignmentPupil,
    AssignmentPupils,
    AssignmentView,
    GetAssignment,
    GetPublishedAssignment,
    ListAssignmentPupils,
    ListAssignments,
    PublishedAssignment,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word

from registry.classes import draws, views
from registry.classes.drafts import seen, standing_faults
from registry.context import RegistryWork

NOT_PUBLISHED = "没有公布过这个编号的分班。请核对编号。"


@clause("17")
async def get_assignment(work: RegistryWork, query: GetAssignment) -> AssignmentView | Refused:
    row = await seen(work, query, query.assignment_id)
    if isinstance(row, Refused):
        return row
    return await views.assignment_view(work, row, await standing_faults(work, row))


@clause("17")
async def list_assignments(work: RegistryWork, query: ListAssignments) -> AssignmentPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await draws.assignment_page(
        work.tx, reached, school=query.school, redraws=query.redraws, after=after, limit=limit + 1
    )
    kept, cursor = paging.page(rows, limit, lambda row: (row["opened_at"].isoformat(), row["id"]))
    return AssignmentPage(items=tuple(await views.assignment_views(work, kept)), next_cursor=cursor)


@clause("17")
async def list_assignment_pupils(work: RegistryWork, query: ListAssignmentPupils) -> AssignmentPupils | Refused:
    """Names and codes: what the school hands out to the guardians."""
    row = await seen(work, query, query.assignment_id)
    if isinstance(row, Refused):
        return row
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await draws.named(work.tx, query.assignment_id, after=str(after[0]) if after else None, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda one: (one["code"],))
    return AssignmentPupils(
        items=tuple(
            AssignmentPupil(
                pupil_id=one["pupil_id"],
                code=one["code"],
                name=one["name"],
                sex=one["sex"],
                placement=one["placement"],
                attributes=one["attributes"],
                place_in=one["place_in"],
                class_no=one["class_no"],
                present_class=one["present_class"],
                registered=one["registered"],
                gone=one["gone"],
            )
            for one in kept
        ),
        next_cursor=cursor,
    )


@clause("17")
async def published_assignment(work: RegistryWork, query: GetPublishedAssignment) -> PublishedAssignment | Refused:
    """For everybody: from the closing of the list on, for ever, also of what was cancelled or set aside."""
    if no := check(query.actor, word(query)):
        return no
    row = await draws.assignment_of_number(work.tx, query.number)
    if row is None or row["committed_at"] is None:
        return refused("not_found", NOT_PUBLISHED)
    pupils = await draws.listed(work.tx, row["id"])
    all_ = await draws.of_grade(work.tx, row["school"], row["school_year"], row["grade"])
    later = [one["number"] for one in all_ if one["replaces"] == row["number"] and one["committed_at"] is not None]
    return PublishedAssignment(document=views.published(row, pupils, later[-1] if later else None))


QUERIES: dict[type[Query], QueryHandler] = {
    GetAssignment: get_assignment,
    ListAssignments: list_assignments,
    ListAssignmentPupils: list_assignment_pupils,
    GetPublishedAssignment: published_assignment,
}
