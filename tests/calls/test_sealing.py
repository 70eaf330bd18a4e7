"""What waits outside the process is sealed: only who has the credentials can read or forge it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.calls.sealing import Seal, SealBroken
from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Api
from tests.support.clients import SAVED_US

MINE = Seal(Connection.load(SAVED_US))
OTHERS = Seal(Connection.load({**SAVED_US, "app_api_key": "another-app-key-0123456789"}))
ABOUT = b"workspace delete_customer"


@given(st.binary(max_size=200), st.sampled_from(list(Api)))
def test_what_is_sealed_opens_as_it_was(data: bytes, api: Api) -> None:
    sealed = MINE.seal(api, data, ABOUT)
    assert MINE.open(api, sealed, ABOUT) == data
    assert len(data) < 4 or data not in sealed


def test_the_same_is_never_sealed_alike_twice() -> None:
    assert MINE.seal(Api.APP, b"ada", ABOUT) != MINE.seal(Api.APP, b"ada", ABOUT)


@pytest.mark.parametrize("changed", ["bit", "cut", "about", "api", "credentials", "empty"])
def test_what_was_changed_or_is_anothers_does_not_open(changed: str) -> None:
    sealed = MINE.seal(Api.APP, b"ada@example.com", ABOUT)
    given = {"bit": sealed[:-1] + bytes([sealed[-1] ^ 1]), "cut": sealed[:-3], "empty": b""}
    seal = OTHERS if changed == "credentials" else MINE
    api = Api.TRACK if changed == "api" else Api.APP
    about = b"another call" if changed == "about" else ABOUT
    with pytest.raises(SealBroken) as broken:
        seal.open(api, given.get(changed, sealed), about)
    assert "ada" not in str(broken.value)


def test_a_digest_needs_the_credentials_too() -> None:
    assert MINE.digest(Api.APP, b"ada") == MINE.digest(Api.APP, b"ada")
    assert MINE.digest(Api.APP, b"ada") != OTHERS.digest(Api.APP, b"ada")
    assert MINE.digest(Api.TRACK, b"ada") != MINE.digest(Api.APP, b"ada")


def test_without_the_credentials_of_the_api_nothing_is_sealed() -> None:
    track = Seal(Connection.load(SAVED_US, apis=[Api.TRACK]))
    with pytest.raises(ConnectionInvalid):
        track.seal(Api.APP, b"ada", ABOUT)


def test_the_digest_of_a_call_is_the_same_in_every_version() -> None:
    """Workers of two versions share a store while one takes the place of the other."""
    assert MINE.digest(Api.APP, b"ada") == "ed747cd82cd711ddf3adc41f98cc5dc8"
    assert MINE.digest(Api.TRACK, b"ada") == "5fe2801da311ea4f80bb8170773bc5eb"
