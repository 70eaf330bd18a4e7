"""A session that would repeat a request by itself is refused before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.util import Retry

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.clients import EMAIL, AnyPace, code_of, example_of

MAIL = "send_transactional_email"


def with_attribute(value: Any) -> HTTPAdapter:
    """Return an adapter whose `max_retries` was set after it was made."""
    adapter = HTTPAdapter()
    adapter.max_retries = value
    return adapter


class Wrapped(BaseAdapter):
    """An adapter that is not one of `requests`, and sends through one."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        self.__dict__ |= attributes
        self._inner = HTTPAdapter()

    def send(self, *args: Any, **kwargs: Any) -> requests.Response:
        return self._inner.send(*args, **kwargs)

    def close(self) -> None:
        self._inner.close()


REPEATING = {
    "a number": lambda: HTTPAdapter(max_retries=3),
    "a total": lambda: HTTPAdapter(max_retries=Retry(1)),
    "no total": lambda: HTTPAdapter(max_retries=Retry(None, status_forcelist=[502], status=2)),
    "connects": lambda: HTTPAdapter(max_retries=Retry(None, connect=2, read=0)),
    "redirects": lambda: HTTPAdapter(max_retries=Retry(None, redirect=5)),
    "a number set later": lambda: with_attribute(2),
    "True set later": lambda: with_attribute(True),
    "None set later, which urllib3 reads as 3": lambda: with_attribute(None),
    "a text": lambda: with_attribute("3"),
    "an object of its own": lambda: with_attribute(object()),
    "a wrapper": lambda: Wrapped(max_retries=5),
}
QUIET = {
    "0": lambda: HTTPAdapter(max_retries=0),
    "False": lambda: HTTPAdapter(max_retries=Retry(False)),
    "0 of everything": lambda: HTTPAdapter(max_retries=Retry(0, connect=5, status=5)),
    "0 set later": lambda: with_attribute(0),
    "False set later": lambda: with_attribute(False),
    "a wrapper without a word": Wrapped,
}


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


@pytest.fixture
def tool(sandbox: Sandbox, session: requests.Session) -> Iterator[CustomerIoTool]:
    backends = Backends(limiter=AnyPace())
    with CustomerIoTool(
        sandbox.connection(), policy="open", session=session, backends=backends
    ) as made:
        yield made


@pytest.mark.parametrize("adapter", REPEATING.values(), ids=REPEATING.keys())
def test_a_tool_is_not_made_with_it(
    sandbox: Sandbox, session: requests.Session, adapter: Any
) -> None:
    session.mount("http://", adapter())
    with pytest.raises(ValueError, match="max_retries=0"):
        CustomerIoTool(sandbox.connection(), session=session)


@pytest.mark.parametrize("adapter", REPEATING.values(), ids=REPEATING.keys())
def test_a_send_through_one_that_was_mounted_later_is_refused_and_leaves_no_doubt(
    sandbox: Sandbox, session: requests.Session, tool: CustomerIoTool, adapter: Any
) -> None:
    session.mount("http://", adapter())
    refused = tool.call(MAIL, EMAIL)
    assert (code_of(refused), refused["error"]["took_effect"]) == ("connection_invalid", "no")
    assert refused["error"]["next_step"] == "ask_user"
    assert "max_retries=0" in refused["summary"]
    assert sandbox.requests() == []

    session.mount("http://", HTTPAdapter())
    assert tool.call(MAIL, EMAIL)["outcome"] == "accepted"


@pytest.mark.parametrize("name", subtools())
def test_every_call_through_it_is_refused(
    sandbox: Sandbox, session: requests.Session, tool: CustomerIoTool, name: str
) -> None:
    session.mount(sandbox.app_url, HTTPAdapter(max_retries=1))
    session.mount(sandbox.track_url, HTTPAdapter(max_retries=1))
    assert code_of(tool.call(name, example_of(name))) == "connection_invalid"
    assert sandbox.requests() == []


@pytest.mark.parametrize("adapter", QUIET.values(), ids=QUIET.keys())
def test_one_that_sends_once_is_accepted(
    session: requests.Session, tool: CustomerIoTool, adapter: Any
) -> None:
    session.mount("http://", adapter())
    assert tool.call("list_segments", {})["ok"]


def test_a_session_whose_own_send_repeats_is_not_asked_to_send(
    sandbox: Sandbox, session: requests.Session, tool: CustomerIoTool
) -> None:
    def twice(*_args: Any, **_kwargs: Any) -> requests.Response:
        raise AssertionError("the session's own send was used")

    session.send = session.request = twice  # type: ignore[method-assign]
    assert tool.call(MAIL, EMAIL)["outcome"] == "accepted"
    assert len(sandbox.requests()) == 1


def test_one_that_is_mounted_between_two_attempts_leaves_the_first_in_doubt(
    sandbox: Sandbox, session: requests.Session, tool: CustomerIoTool
) -> None:
    def mount(_sentence: str) -> None:
        session.mount("http://", HTTPAdapter(max_retries=1))

    sandbox.fault(operation="identify", action="reset_after_applying")
    person = {"customer_id": "u1", "attributes": {"plan": "pro"}}
    result = tool.call("identify_customer", person, context=CallContext(on_progress=mount))
    assert (code_of(result), result["error"]["took_effect"]) == ("connection_invalid", "unknown")
    assert len(sandbox.requests()) == 1
