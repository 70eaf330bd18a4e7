"""What tests of a connection share: one that loads, and how its refusals are looked into."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import customerio_tool
from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid
from tests.support.clients import SAVED

GOOD: Mapping[str, object] = SAVED
CANARY = "CaNaRy7Q"
PACKAGE = Path(customerio_tool.__file__).parent


def refused(saved: Any, **options: Any) -> ConnectionInvalid:
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.load(saved, **options)
    return caught.value


def assert_nothing_shows(error: BaseException, *values: str) -> None:
    """Look for values in all of an error, and in the locals of the package's own frames."""
    said = [str(error), repr(error), repr(error.args), repr(vars(error))]
    said.append("".join(traceback.format_exception(error)))
    if isinstance(error, ConnectionInvalid):
        said.append(json.dumps(error.as_result()))
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in report.stack if PACKAGE in Path(frame.filename).parents]
    assert frames, "the error was raised inside the package"
    said.extend(repr(frame.locals) for frame in frames)
    assert error.__cause__ is None
    assert error.__context__ is None
    for value in values:
        assert not [text for text in said if value in text]
