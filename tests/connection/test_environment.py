"""A connection is read from the environment, whose wrong variables are named."""

from __future__ import annotations

import pytest

from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid
from tests.connection.refusals import CANARY, GOOD, assert_nothing_shows
from tests.support.clients import APP, SITE, TRACK

ENVIRON = {
    "CUSTOMERIO_SITE_ID": SITE,
    "CUSTOMERIO_TRACK_API_KEY": f"{TRACK}\n",
    "CUSTOMERIO_APP_API_KEY": APP,
    "CUSTOMERIO_REGION": "EU",
    "CUSTOMERIO_TRACK_URL": "http://127.0.0.1:8025",
    "CUSTOMERIO_APP_URL": "http://127.0.0.1:8026/",
    "CUSTOMERIO_CA_FILE": "",
    "PATH": CANARY,
}
SAME = {
    **GOOD,
    "region": "eu",
    "track_url": "http://127.0.0.1:8025",
    "app_url": "http://127.0.0.1:8026",
}


def test_from_env_reads_the_named_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    assert Connection.from_env() == Connection.from_env(ENVIRON) == Connection.load(SAME)


def test_from_env_names_the_variables_that_are_wrong() -> None:
    wrong = {
        **ENVIRON,
        "CUSTOMERIO_SITE_ID": APP,
        "CUSTOMERIO_TRACK_API_KEY": "",
        "CUSTOMERIO_CA_FILE": f"/{CANARY}",
    }
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.from_env(wrong)

    assert {flaw.path: flaw.problem for flaw in caught.value.fields} == {
        "CUSTOMERIO_SITE_ID": "is the same text as CUSTOMERIO_APP_API_KEY",
        "CUSTOMERIO_TRACK_API_KEY": "is empty",
        "CUSTOMERIO_APP_API_KEY": "is the same text as CUSTOMERIO_SITE_ID",
        "CUSTOMERIO_CA_FILE": "is not a file that can be read",
    }
    assert_nothing_shows(caught.value, CANARY, APP)
