"""A workspace that begins anew has a new site id, and each that was ever given out stays good."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Options, Sandbox
from tests.sandbox.control import change
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

MAIL = {"to": "ada@example.com", "customer_id": "u1", "transactional_message_id": 1}
BEGIN_ANEW: dict[str, Callable[[Api], object]] = {
    "reset": lambda api: api.sandbox.reset(),
    "empty": lambda api: api.sandbox.reset("empty"),
    "over HTTP": lambda api: change(api, "POST", "reset", {}),
    "restore": lambda api: api.sandbox.restore("before"),
}


def status_of(sandbox: Sandbox, site_id: str, key: str = "sandbox-track-key") -> int:
    api = Api(sandbox)
    with api.session as session:
        url = f"{sandbox.track_url}/api/v1/accounts/region"
        return session.get(url, auth=(site_id, key), timeout=PATIENCE).status_code


@pytest.mark.parametrize("begin_anew", BEGIN_ANEW.values(), ids=BEGIN_ANEW)
def test_a_workspace_that_begins_anew_has_a_new_site_id_and_takes_the_old_ones(
    api: Api, begin_anew: Callable[[Api], object]
) -> None:
    api.sandbox.snapshot("before")
    old = api.sandbox.site_id
    begin_anew(api)
    new = api.sandbox.site_id
    assert old != new
    assert [status_of(api.sandbox, each) for each in (old, new, "sandbox-site")] == [200] * 3


def test_all_that_is_handed_out_has_the_same_site_id(api: Api) -> None:
    sandbox = api.sandbox
    name = sandbox.site_id
    assert name.startswith("sandbox-site-")
    assert (sandbox.connection()["site_id"], sandbox.ready()["site_id"]) == (name, name)
    assert sum(name in line for line in sandbox.lines()) >= 4
    sandbox.seed({"people": [{"id": "more"}]})
    sandbox.configure(delay_seconds=1)
    sandbox.snapshot("before")
    assert sandbox.site_id == name


@pytest.mark.parametrize(
    "site_id",
    [
        "",
        "sandbox-sit",
        "sandbox-site-",
        "sandbox-site-wrong",
        "sandbox-site-1234567",
        "sandbox-site-123456789",
        "sandbox-site-0123ABCD",
        "sandbox-site-01234567-01234567",
        "x-sandbox-site",
    ],
)
def test_another_site_id_is_refused(api: Api, site_id: str) -> None:
    assert status_of(api.sandbox, site_id) == 401
    assert status_of(api.sandbox, f"{api.sandbox.site_id}-wrong") == 401
    assert status_of(api.sandbox, api.sandbox.site_id, "sandbox-track-key-wrong") == 401


def test_a_site_id_of_ones_own_is_always_the_same_and_the_only_one() -> None:
    with Sandbox(options=Options(site_id="a.b (c)")) as sandbox:
        sandbox.reset()
        assert sandbox.connection()["site_id"] == "a.b (c)"
        given = ("a.b (c)", "aXb (c)", "a.b (c)-01234567", "sandbox-site")
        assert [status_of(sandbox, each) for each in given] == [200, 401, 401, 401]


def test_a_file_keeps_its_site_id_and_each_sandbox_without_one_has_its_own(tmp_path: Path) -> None:
    names = []
    for _ in range(2):
        with Sandbox(db=tmp_path / "kept.db") as sandbox, Sandbox() as other:
            names.append((sandbox.site_id, other.site_id))
            assert sandbox.options.site_id == "sandbox-site"
    (first, one), (second, two) = names
    assert first == second
    assert len({first, one, two}) == 3


def test_a_reset_in_one_sandbox_is_a_new_site_id_in_each_on_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with Sandbox(db=file) as one, Sandbox(db=file) as other:
        before = other.site_id
        one.reset()
        assert one.site_id == other.site_id != before


def test_before_it_starts_and_after_it_stopped_the_site_id_is_that_of_the_options() -> None:
    sandbox = Sandbox()
    assert sandbox.site_id == "sandbox-site"
    with sandbox:
        pass
    assert sandbox.site_id == "sandbox-site"


def send(tool: CustomerIoTool) -> Any:
    return tool.call("send_transactional_email", MAIL)["outcome"]


def test_a_tool_made_after_a_reset_remembers_nothing_of_before_and_an_older_one_does() -> None:
    with Sandbox() as sandbox, CustomerIoTool(sandbox.connection(), policy="open") as older:
        assert (send(older), send(older)) == ("accepted", "already_sent")
        with CustomerIoTool(sandbox.connection(), policy="open") as same:
            assert send(same) == "already_sent", "one workspace, one memory"
        before = len(sandbox.state()["deliveries"])
        sandbox.reset()
        assert send(older) == "already_sent"
        with CustomerIoTool(sandbox.connection(), policy="open") as newer:
            assert send(newer) == "accepted"
        assert len(sandbox.state()["deliveries"]) == before
