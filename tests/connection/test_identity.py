"""Connections are equal, and share what is kept for a workspace, by what they hold."""

from __future__ import annotations

import pytest

from customerio_tool.connection import Connection
from customerio_tool.subtools.declare import Api
from tests.connection.refusals import GOOD
from tests.support.clients import SITE


def test_the_workspace_key_depends_on_the_site_id_alone() -> None:
    key = Connection.load(GOOD).workspace_key

    assert len(key) == 16
    assert (
        key
        == Connection.load(
            {**GOOD, "region": "eu", "track_url": "http://127.0.0.1:8025", "app_api_key": "another"}
        ).workspace_key
    )
    assert key != Connection.load({**GOOD, "site_id": "another"}).workspace_key
    assert Connection.load({"app_api_key": SITE}, apis={Api.APP}).workspace_key == key


@pytest.mark.parametrize(
    "change",
    [
        {"site_id": "other"},
        {"track_api_key": "other"},
        {"app_api_key": "other"},
        {"region": "us"},
        {"track_url": "http://127.0.0.1:1"},
        {"app_url": "http://127.0.0.1:1"},
    ],
)
def test_the_digest_changes_with_every_field(change: dict[str, object]) -> None:
    one, same, other = (Connection.load(saved) for saved in (GOOD, GOOD, {**GOOD, **change}))

    assert one == same
    assert hash(one) == hash(same)
    assert one.digest == same.digest
    assert one != other
    assert one.digest != other.digest
