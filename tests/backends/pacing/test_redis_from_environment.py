"""The Redis that workers share is chosen by an environment variable."""

from __future__ import annotations

import sys

import pytest
import redis

from customerio_tool.backends import Backends
from customerio_tool.backends.pacing.pacer import Pacer
from customerio_tool.backends.pacing.slots import bucket_of
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.deadline import Clock
from customerio_tool.errors import RateLimited
from customerio_tool.subtools.declare import Pace
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires
from tests.support.timeouts import PATIENCE

pytestmark = requires("redis-server")

BUCKET = bucket_of("5eed", Pace.APP)


def test_the_variable_names_the_redis_that_is_shared(
    client: redis.Redis, server: RedisServer
) -> None:
    limiter = Backends.from_env({REDIS_URL_VARIABLE: f" {server.patient_url} "}).limiter
    slot = limiter.reserve(BUCKET, Pace.APP, 0)
    assert slot is not None
    assert slot.shared


@pytest.mark.parametrize("environ", [{}, {REDIS_URL_VARIABLE: " "}])
def test_without_it_each_process_paces_itself(environ: dict[str, str]) -> None:
    shared = Backends()
    assert Backends.from_env(environ, shared=shared) is shared


def test_a_wrong_address_is_refused_and_not_shown() -> None:
    with pytest.raises(ValueError, match="begins with redis://") as refusal:
        Backends.from_env({REDIS_URL_VARIABLE: "http://:canary@127.0.0.1:1"})
    assert "canary" not in str(refusal.value)
    assert refusal.value.__cause__ is refusal.value.__context__ is None


@pytest.mark.parametrize("host", ["a..b", "redis.invalid", "x" * 80])
def test_a_host_that_cannot_be_found_stops_nobody(host: str) -> None:
    limiter = Backends.from_env({REDIS_URL_VARIABLE: f"redis://{host}:6379"}).limiter
    patience = 3600.0  # where there are no name servers the question takes long
    assert limiter.reserve(BUCKET, Pace.APP, patience) is not None


def test_a_redis_that_was_never_there_stops_nobody(caplog: pytest.LogCaptureFixture) -> None:
    with RedisServer() as gone:
        pass
    limiter = Backends.from_env({REDIS_URL_VARIABLE: gone.url}).limiter
    pacer = Pacer(limiter, Clock(sleep=lambda _: None))
    pacer.wait(BUCKET, Pace.APP, PATIENCE)
    pacer.pause(BUCKET, Pace.APP, 30.0)
    with pytest.raises(RateLimited):
        pacer.wait(BUCKET, Pace.APP, 0.0)
    assert len(caplog.records) == 1


def test_without_redis_py_the_message_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ImportError, match=r"pip install 'customerio-tool\[redis\]'"):
        Backends.from_env({REDIS_URL_VARIABLE: "redis://127.0.0.1:6379"})
