"""The log says which kind of error and where, and nothing of what was asked."""

from __future__ import annotations

import json
import logging

from matcher.logs import JsonFormatter


def test_an_error_is_told_by_its_kind_and_its_place() -> None:
    try:
        try:
            raise LookupError("230102201901011234")
        except LookupError as cause:
            raise ValueError("欧阳海燕") from cause
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("matcher", logging.ERROR, __file__, 1, "request failed", (), info)
    line = JsonFormatter().format(record)
    told = json.loads(line)
    assert told["message"] == "request failed"
    assert told["exception"].startswith("ValueError <- LookupError at ") and "test_logs.py" in told["exception"]
    assert "欧阳海燕" not in line and "230102201901011234" not in line
