"""Parameters and parts of bodies that many operations take."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar.params import PathParameter, QueryParameter

Id = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9-]{1,64}$", description="资源标识")]
Username = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="用户名")]
Cursor = Annotated[str | None, QueryParameter(max_length=500, description="上一页返回的 next_cursor；不给则从头开始")]
AsOf = Annotated[date | None, QueryParameter(description="这一天的情况（以生效日期为准），不晚于今天")]
KnownOn = Annotated[date | None, QueryParameter(description="只计算到这一天为止已经记录的内容，不晚于今天")]
Limit = Annotated[int, QueryParameter(ge=1, le=200, description="每页条数")]


def code(description: str) -> Any:
    return QueryParameter(pattern=r"^\d{2,12}$", description=description)


OrganisationCode = Annotated[str | None, code("教育行政部门（6 位区划代码）或学校标识码（10 位）")]
OrganisationIn = Annotated[str, msgspec.Meta(pattern=r"^\d{2,12}$")]
"""An organisation's code in a body."""
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Because(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The body of an act that has to be explained and needs nothing else."""

    reason: Reason
