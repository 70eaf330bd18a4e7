"""Where the environment cannot be used, no frame of ours shows what it holds."""

from __future__ import annotations

import os

import pytest

from customerio_tool import Backends, CustomerIoTool, Policy, RedisLedger, RedisLimiter
from customerio_tool.secret import Environment
from tests.support.canaries import APP_KEY, SITE, TRACK_KEY, leaked_keys, locals_of

ENVIRON = {
    "CUSTOMERIO_SITE_ID": SITE,
    "CUSTOMERIO_TRACK_API_KEY": TRACK_KEY,
    "CUSTOMERIO_APP_API_KEY": APP_KEY,
}
WRONG = {
    "CUSTOMERIO_REGION": "mars",
    "CUSTOMERIO_POLICY": "carefree",
    "CUSTOMERIO_REDIS_URL": "http://:kk7key-redis@127.0.0.1:1",
    "CUSTOMERIO_AUDIT_FILE": "/",
}


@pytest.mark.parametrize("variable", WRONG)
def test_a_tool_from_a_wrong_environment_shows_no_key(variable: str) -> None:
    environ = {**ENVIRON, variable: WRONG[variable]}
    with pytest.raises(ValueError if "REDIS" in variable else Exception) as failed:
        CustomerIoTool.from_env(environ)
    assert leaked_keys(locals_of(failed.value)) == set()


@pytest.mark.parametrize("variable", ["CUSTOMERIO_REDIS_URL", "CUSTOMERIO_AUDIT_FILE"])
def test_backends_from_a_wrong_environment_show_no_key(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRON, variable: WRONG[variable]}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Exception, match=r"Redis|audit trail") as failed:
        Backends.from_env()
    assert leaked_keys(locals_of(failed.value)) == set()


@pytest.mark.parametrize("made", [RedisLedger, RedisLimiter])
@pytest.mark.parametrize("url", ["http://:{}@h", "redis://:{}@h:port", "redis://:{}@h/0?db=x"])
def test_the_address_of_no_redis_shows_no_password(made: type, url: str) -> None:
    with pytest.raises(ValueError, match="no address of a Redis server") as failed:
        made(url.format("kk7key-redis"))
    assert leaked_keys(locals_of(failed.value)) == set()


@pytest.mark.parametrize("variable", WRONG)
def test_a_tool_that_is_given_its_connection_reads_no_environment(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**ENVIRON, variable: WRONG[variable]}.items():
        monkeypatch.setenv(name, value)
    with CustomerIoTool({"site_id": "s", "track_api_key": "t", "app_api_key": "a"}) as tool:
        assert tool.subtools()


def test_a_policy_from_a_wrong_environment_shows_no_key() -> None:
    with pytest.raises(Exception, match="CUSTOMERIO_POLICY") as failed:
        Policy.from_env({**ENVIRON, "CUSTOMERIO_POLICY": "carefree"})
    assert leaked_keys(locals_of(failed.value)) == set()


def test_the_environment_is_the_processs_own_where_none_is_given() -> None:
    assert dict(Environment(None)) == dict(os.environ)
    assert dict(Environment({"A": "b"})) == {"A": "b"}
    assert len(Environment({"A": "b"})) == 1


def test_the_environment_is_shown_nowhere() -> None:
    held = Environment({"A": TRACK_KEY})
    assert {repr(held), str(held), f"{held}"} == {"***"}
