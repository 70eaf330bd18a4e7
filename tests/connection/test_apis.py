"""Each API has credentials of its own, and a connection may be for one alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Api
from tests.connection.refusals import CANARY, GOOD, assert_nothing_shows
from tests.support.clients import APP, SITE, TRACK


def test_each_api_has_its_own_authorization() -> None:
    connection = Connection.load(GOOD)
    scheme, _, pair = connection.authorization(Api.TRACK).partition(" ")

    assert scheme == "Basic"
    assert base64.b64decode(pair).decode() == f"{SITE}:{TRACK}"
    assert connection.authorization(Api.APP) == f"Bearer {APP}"


def test_a_connection_for_one_api_needs_only_its_own_fields() -> None:
    track = Connection.load({"site_id": SITE, "track_api_key": TRACK}, apis={Api.TRACK})
    app = Connection.load({"app_api_key": APP}, apis={Api.APP})

    assert track.apis == {Api.TRACK}
    assert app.apis == {Api.APP}


@pytest.mark.parametrize(
    ("saved", "apis", "asked", "absent"),
    [
        (GOOD, {Api.TRACK}, Api.APP, ["app_api_key"]),
        (GOOD, {Api.APP}, Api.TRACK, ["site_id", "track_api_key"]),
    ],
)
def test_the_other_api_is_refused_by_the_names_of_its_fields(
    saved: Mapping[str, object], apis: set[Api], asked: Api, absent: list[str]
) -> None:
    connection = Connection.load(saved, apis=apis)

    with pytest.raises(ConnectionInvalid) as caught:
        connection.authorization(asked)
    assert [flaw.path for flaw in caught.value.fields] == absent
    assert_nothing_shows(caught.value, TRACK, APP)


def test_what_belongs_to_the_other_api_is_neither_checked_nor_kept() -> None:
    saved = {**GOOD, "app_api_key": "not a key", "app_url": "nowhere"}

    connection = Connection.load(saved, apis={Api.TRACK})

    assert connection.app_api_key is None
    assert connection.app_url is None


@pytest.mark.parametrize("apis", [set(), {"track"}, "track"])
def test_apis_must_hold_an_api(apis: Any) -> None:
    with pytest.raises(ValueError, match=r"Api\.TRACK") as caught:
        Connection.load({**GOOD, "app_api_key": CANARY}, apis=apis)
    assert_nothing_shows(caught.value, CANARY)
