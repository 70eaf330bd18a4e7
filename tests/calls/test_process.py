"""What the tools of one process share, as in a host that makes a tool for each call."""

from __future__ import annotations

import gc

import pytest
import redis
import responses

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.deadline import Clock
from customerio_tool.sandbox import Sandbox
from tests.support.clients import EMAIL, SAVED_US, AnyPace
from tests.support.redis_server import RedisServer
from tests.support.requirements import requires

VENDOR = "https://api.customer.io/v1/segments"


def send(sandbox: Sandbox, run: str | None = None, **changes: object) -> dict[str, object]:
    """Send as a host does that makes a tool for each call."""
    policy = changes.pop("policy", None)
    saved = {**sandbox.connection(), **({"policy": policy} if policy else {})}
    with CustomerIoTool(saved) as tool:
        context = CallContext(run_id=run)
        result = tool.call("send_transactional_email", {**EMAIL, **changes}, context=context)
    del tool
    gc.collect()
    return result


def mails(sandbox: Sandbox) -> int:
    return sum(each["operation"] == "send_email" for each in sandbox.requests())


def test_a_tool_for_each_call_sends_the_same_message_once(sandbox: Sandbox) -> None:
    assert [send(sandbox)["outcome"] for _ in range(2)] == ["accepted", "already_sent"]
    assert mails(sandbox) == 1


def test_tools_on_two_hosts_know_nothing_of_each_other(sandbox: Sandbox) -> None:
    with Sandbox() as other:
        assert [send(each)["outcome"] for each in (sandbox, other)] == ["accepted", "accepted"]


def test_a_tool_with_a_clock_of_its_own_remembers_for_itself(sandbox: Sandbox) -> None:
    send(sandbox)
    with CustomerIoTool(sandbox.connection(), clock=Clock(now=sandbox.clock.now)) as tool:
        assert tool.call("send_transactional_email", EMAIL)["outcome"] == "accepted"


def test_tools_of_a_workspace_wait_for_each_other(sandbox: Sandbox) -> None:
    broadcast = {"broadcast_id": 30, "audience": "default"}
    context = CallContext(deadline_seconds=16.0)
    with CustomerIoTool(sandbox.connection()) as first:
        assert first.call("trigger_broadcast", broadcast)["ok"]
    with CustomerIoTool(sandbox.connection()) as second:
        again = {**broadcast, "idempotency_key": "again"}
        refused = second.call("trigger_broadcast", again, context=context)
    assert refused["error"]["code"] == "rate_limited"
    assert 1 < refused["error"]["retry_after_seconds"] <= 10.4


def test_a_run_ends_at_its_budget_whichever_tool_it_uses(sandbox: Sandbox) -> None:
    policy = {"send_budget": 2}
    results = [send(sandbox, "a", idempotency_key=str(n), policy=policy) for n in range(3)]
    assert [result["ok"] for result in results] == [True, True, False]
    assert send(sandbox, "b", policy=policy)["ok"]


def test_calls_without_a_run_share_a_budget_whichever_tool_they_use(sandbox: Sandbox) -> None:
    policy = {"send_budget": 1}
    assert send(sandbox, policy=policy)["ok"]
    refused = send(sandbox, subject="another", policy=policy)
    assert "whose run the host did not name" in str(refused["summary"])
    assert send(sandbox, "a", subject="another", policy=policy)["ok"]
    assert mails(sandbox) == 2


def test_one_tool_approves_what_another_of_its_workspace_asked_for(sandbox: Sandbox) -> None:
    saved = {**sandbox.connection(), "policy": "careful"}
    with CustomerIoTool(saved) as asking:
        waiting = asking.call("send_transactional_email", EMAIL)["confirmation_id"]
    with CustomerIoTool({**saved, "site_id": "another"}) as elsewhere:
        assert elsewhere.approve(waiting)["error"]["code"] == "confirmation_unknown"
    with Sandbox() as other, CustomerIoTool({**other.connection(), "policy": "careful"}) as apart:
        assert apart.approve(waiting)["error"]["code"] == "confirmation_unknown"
    with CustomerIoTool(saved) as approving:
        assert approving.approve(waiting)["outcome"] == "accepted"
        assert approving.approve(waiting)["error"]["code"] == "confirmation_unknown"
    assert mails(sandbox) == 1


def test_a_smaller_budget_does_not_shorten_the_count_of_a_run(sandbox: Sandbox) -> None:
    for number in range(3):
        assert send(sandbox, "a", idempotency_key=str(number), policy={"send_budget": 3})["ok"]
    for allowed in (1, 3):
        other = send(sandbox, "a", subject="another", policy={"send_budget": allowed})
        assert not other["ok"]


def test_an_outage_is_not_multiplied_by_making_more_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("customerio_tool.calls.retry.BACKOFF_SECONDS", 0.0)
    with responses.RequestsMock() as net:
        net.get(VENDOR, status=503)
        backends = Backends(limiter=AnyPace())
        for _ in range(30):
            with CustomerIoTool(SAVED_US, backends=backends) as tool:
                assert not tool.call("list_segments")["ok"]
        assert len(net.calls) == 30 + 500 // 14


@requires("redis-server")
def test_the_tools_of_a_process_are_one_worker_in_redis(
    sandbox: Sandbox, redis_server: RedisServer
) -> None:
    environ = {f"CUSTOMERIO_{key.upper()}": value for key, value in sandbox.connection().items()}
    environ[REDIS_URL_VARIABLE] = redis_server.patient_url

    def send_by(key: str) -> None:
        with CustomerIoTool.from_env(environ) as tool:
            message = {**EMAIL, "idempotency_key": key}
            assert tool.call("send_transactional_email", message)["outcome"] == "accepted"

    with redis.Redis.from_url(redis_server.patient_url) as client:
        send_by("first")
        connections = len(client.client_list())
        for number in range(5):
            send_by(str(number))
        (workers,) = client.keys("*:workers")
        assert client.zcard(workers) == 1
        assert len(client.client_list()) <= connections
