"""Whatever is done with a connection that loaded, its keys show nowhere."""

from __future__ import annotations

import copy
import json
import pickle
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from customerio_tool.connection import Connection
from tests.connection.refusals import CANARY, GOOD, assert_nothing_shows, refused
from tests.support.clients import APP, SITE, TRACK

SHOWN: Mapping[str, Callable[[Connection], object]] = {
    "repr": repr,
    "str": str,
    "f-string": lambda c: f"{c} {c!r} {c.track_api_key} {c.app_api_key!s:>20} {c.app_api_key!r}",
    "percent": lambda c: "%s %r" % (c, c.app_api_key),  # noqa: UP031 - the old way is the test
    "model_dump": lambda c: c.model_dump(),
    "model_dump in json mode": lambda c: c.model_dump(mode="json"),
    "model_dump_json": lambda c: c.model_dump_json(),
    "dict": dict,
    "vars": vars,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy inside a dict": lambda c: copy.deepcopy({"c": vars(c)}),
    "model_copy": lambda c: c.model_copy(),
    "__getstate__": lambda c: c.__getstate__(),
    "dir": lambda c: [dir(c), c.__pydantic_fields_set__],
    "digests": lambda c: [c.digest, c.workspace_key],
    "TypeAdapter": lambda c: TypeAdapter(Connection).dump_json(c),
}


@pytest.mark.parametrize("way", SHOWN)
def test_no_way_of_printing_a_connection_shows_a_key(way: str) -> None:
    shown = repr(SHOWN[way](Connection.load(GOOD)))

    assert TRACK not in shown
    assert APP not in shown


def test_a_key_shows_as_three_stars() -> None:
    connection = Connection.load(GOOD)

    assert f"{connection.track_api_key}" == "***"
    assert f"site_id='{SITE}', track_api_key=***, app_api_key=***" in repr(connection)
    assert connection.model_dump()["app_api_key"] == "***"
    assert json.loads(connection.model_dump_json())["track_api_key"] == "***"


def test_a_traceback_with_locals_shows_no_key() -> None:
    connection = Connection.load(GOOD)
    try:
        connection.no_such_attribute  # type: ignore[attr-defined]  # noqa: B018
    except AttributeError as error:
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = "".join(report.format())

    assert "connection = Connection(" in shown
    assert TRACK not in shown
    assert APP not in shown


def test_what_was_dumped_does_not_load_again() -> None:
    error = refused(Connection.load(GOOD).model_dump())

    assert [flaw.path for flaw in error.fields] == ["track_api_key", "app_api_key"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickling_is_refused(protocol: int) -> None:
    connection = Connection.load(GOOD)

    for held in (connection, connection.app_api_key):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(held, protocol)


def test_copies_are_the_connection_itself() -> None:
    connection = Connection.load(GOOD)

    assert copy.copy(connection) is connection
    assert copy.copy(connection.app_api_key) is connection.app_api_key
    assert copy.deepcopy(connection) is connection
    assert connection.model_copy(deep=True) is connection


RAW: dict[str, Any] = {"site_id": SITE, "track_api_key": CANARY, "app_api_key": APP}


@pytest.mark.parametrize(
    "make",
    [
        lambda: Connection(**RAW),
        lambda: Connection.model_construct(**RAW),
        lambda: Connection.model_validate(RAW),
        lambda: Connection.model_validate_json(json.dumps(RAW)),
        lambda: Connection.load(GOOD).model_copy(update=RAW),
    ],
)
def test_no_other_way_of_making_one_is_open(make: Callable[[], object]) -> None:
    with pytest.raises(TypeError, match=r"Connection\.load") as caught:
        make()
    assert_nothing_shows(caught.value, CANARY)


def test_a_connection_cannot_be_changed() -> None:
    connection = Connection.load(GOOD)

    with pytest.raises(ValidationError, match="frozen"):
        connection.region = "us"  # type: ignore[misc]  # that it fails is the test
