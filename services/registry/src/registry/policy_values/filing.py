"""Filing to the province (备案, clause 49): the province acknowledges what a city or county has published, or returns it.

A filing is no approval: the value takes effect on its day whether the province has looked at it or not. What is returned
in time does not; what holds already goes on holding until its authority publishes a successor, which it is asked for.
"""

from __future__ import annotations

from regulation.authorisation import Target, check, reach, subtree_pattern
from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.policy import DecideFiling, Filing, FilingPage, ListFilings
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.policy_values import policy, publishing, store, views

MISSING = "没有这项备案，或者它不属于您管理的范围。"


@clause("49")
async def decide(work: RegistryWork, command: DecideFiling) -> Filing | Refused:
    if no := check(command.actor, word(command), Target(authority=PROVINCE), missing=MISSING):
        return no
    await store.hold_book(work.tx)
    row = await store.one(work.tx, command.value_id)
    if row is None or row.filing_state is None:
        return refused("not_found", MISSING)
    if row.filing_state != "waiting":
        return refused("conflict", f"这项备案已办结（版本{row.version}）。请刷新后查看结果。")
    if command.version is not None and command.version != row.version:
        return refused("conflict", f"这项备案已被更改（版本{row.version}）。请刷新后再办理。")
    reason = command.reason.strip()
    if command.decision == "return":
        if fault := policy.reason_fault(reason):
            return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
        if no := await _return(work, row, command.actor.name, reason):
            return no
    state = "acknowledged" if command.decision == "acknowledge" else "returned"
    who = command.actor
    await store.close_filing(work.tx, row.id, state, work.now, who.account, who.name, reason or None)
    after = await store.one(work.tx, row.id)
    assert after is not None
    return views.filing_view(after, work.today)


async def _return(work: RegistryWork, row: store.ValueRow, by: str, reason: str) -> Refused | None:
    """In time: the value does not take effect. Too late for that: the authority has to publish another."""
    in_time = policy.ending_fault(row.valid_from, work.now, "退回") is None
    if in_time:
        if no := await publishing.may_end(work, row, "退回"):
            return no
        await store.end(work.tx, row.id, "returned", work.now, by, reason)
        await publishing.ended(work, row, "returned")
    known = views.parameter(row.key)
    title = known.title if known else row.key
    rest = "该值不再生效。" if in_time else "该值已经生效，请尽快发布新的值代替它。"
    for role in (Role.AUTHORITY_OFFICER, Role.LEADER):
        work.emit(
            WorkWaiting(
                organisation=row.division,
                role=role,
                kind="policy_returned",
                title="政策参数备案被退回",
                detail=f"“{title}”（自{row.valid_from}起）的备案被省级教育行政部门退回。原因：{reason}。{rest}",
                link=f"/v1/policy/values?division={row.division}&key={row.key}",
            ),
            row.division,
        )
    return None


@clause("49")
async def filings(work: RegistryWork, query: ListFilings) -> FilingPage | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    before = paging.decode(query.cursor, str, str)
    if isinstance(before, Refused):
        return before
    at = None if before is None else views.moment_of(before)
    if isinstance(at, Refused):
        return at
    limit = paging.size(query.limit)
    rows = await store.filings(
        work.tx,
        pattern="%" if may.everything else subtree_pattern(may.subtree) if may.subtree else "",
        state=query.state,
        before=at,
        limit=limit + 1,
    )
    kept, cursor = paging.page(rows, limit, lambda row: (views.text_of(row.filed_at), row.id))
    return FilingPage(items=tuple(views.filing_view(row, work.today) for row in kept), next_cursor=cursor)


COMMANDS: dict[type[Command], CommandHandler] = {DecideFiling: decide}
QUERIES: dict[type[Query], QueryHandler] = {ListFilings: filings}
