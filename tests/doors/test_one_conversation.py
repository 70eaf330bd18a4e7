"""One conversation has the same results and the same effects through every door."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.doors.studio import main
from customerio_tool.sandbox import Sandbox
from tests.support.conversation import (
    POLICY,
    POLICY_VARIABLES,
    STEPS,
    Door,
    Envelope,
    Talk,
    ends_of,
    held,
)
from tests.support.http_door import served
from tests.support.shell import environment, invoke


def python(sandbox: Sandbox) -> Any:
    return _by_tool(sandbox, lambda tool, name, arguments: tool.call(name, arguments))


def acall(sandbox: Sandbox) -> Any:
    return _by_tool(sandbox, lambda tool, name, arguments: asyncio.run(tool.acall(name, arguments)))


def handlers(sandbox: Sandbox) -> Any:
    return _by_tool(sandbox, lambda tool, name, arguments: tool.handlers[name](**arguments))


def keywords(sandbox: Sandbox) -> Any:
    saved: dict[str, Any] = sandbox.connection()
    made = CustomerIoTool(**saved, policy=POLICY, backends=Backends())
    return _by_tool(sandbox, lambda tool, name, arguments: tool.call(name, arguments), made)


def methods(sandbox: Sandbox) -> Any:
    return _by_tool(sandbox, lambda tool, name, arguments: getattr(tool, name)(**arguments))


@contextmanager
def _by_tool(sandbox: Sandbox, call: Any, made: CustomerIoTool | None = None) -> Iterator[Talk]:
    with made or CustomerIoTool(sandbox.connection(), policy=POLICY, backends=Backends()) as tool:

        def talk(name: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
            result: Envelope = call(tool, name, arguments)
            if waiting := result.get("confirmation_id"):
                return tool.approve(waiting) if agrees else tool.decline(waiting)
            return result

        yield talk


@contextmanager
def studio(sandbox: Sandbox) -> Iterator[Talk]:
    """Each call is a `main` of its own; another worker decides what it left waiting."""
    with _shared(sandbox) as env:

        def talk(name: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
            result: Envelope = main({"subtool": name, "arguments": arguments}, env)["output"]
            if waiting := result.get("confirmation_id"):
                with CustomerIoTool.from_env(env) as worker:
                    return worker.approve(waiting) if agrees else worker.decline(waiting)
            return result

        yield talk


@contextmanager
def shell(sandbox: Sandbox) -> Iterator[Talk]:
    """Each call is a command; a person decides by another one."""
    with _shared(sandbox) as env:

        def talk(name: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
            told = invoke("call", name, "-", env=env, stdin=json.dumps(arguments))
            result: Envelope = json.loads(told.stdout)
            return _decided(result, agrees, env)

        yield talk


@contextmanager
def api(sandbox: Sandbox) -> Iterator[Talk]:
    """Each call is a request to a server; a person decides in the shell."""
    with _shared(sandbox) as env, served("--preset", "open", env=env) as server:

        def talk(name: str, arguments: Mapping[str, Any], agrees: bool) -> Envelope:
            result: Envelope = server.post(name, arguments).json()
            return _decided(result, agrees, env)

        yield talk


@contextmanager
def _shared(sandbox: Sandbox) -> Iterator[dict[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        ledger = {"CUSTOMERIO_LEDGER_FILE": str(Path(folder) / "sends.sqlite")}
        yield {**environment(sandbox.connection()), **POLICY_VARIABLES, **ledger}


def _decided(result: Envelope, agrees: bool, env: Mapping[str, str]) -> Envelope:
    if "confirmation_id" not in result:
        return result
    verb = "approve" if agrees else "decline"
    told = invoke("approvals", verb, result["confirmation_id"], "--yes", env=env)
    decided: Envelope = json.loads(told.stdout)
    return decided


DOORS: list[Door] = [python, acall, handlers, keywords, methods, studio, shell, api]


@pytest.fixture(scope="module")
def expected() -> tuple[list[Envelope], dict[str, Any]]:
    """What the plain Python door gives."""
    return held(python)


def test_the_conversation_goes_as_it_is_written(
    expected: tuple[list[Envelope], dict[str, Any]],
) -> None:
    told, _ = expected
    assert [ends_of(each) for each in told] == [step.ends for step in STEPS]
    assert len(STEPS) == 20
    assert [step.ends for step in STEPS].count("arguments_invalid") == 5


@pytest.mark.parametrize("door", DOORS[1:], ids=lambda door: door.__name__)
def test_it_is_the_same_through_every_door(
    door: Door, expected: tuple[list[Envelope], dict[str, Any]]
) -> None:
    told, state = held(door)
    for step, mine, theirs in zip(STEPS, told, expected[0], strict=True):
        assert mine == theirs, step.subtool
    assert state == expected[1]
