"""Shell, worker and server on the same environment are one workspace with one ledger."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool import CustomerIoTool
from customerio_tool.connection import Connection
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from tests.support.clients import APP, APP_US, EMAIL, SAVED, SAVED_US, SITE, TRACK
from tests.support.shell import environment, invoke

APIS = [{Api.TRACK}, {Api.APP}, ALL_APIS]
SPELT = [
    "https://{}",
    "https://{}/",
    "HTTPS://{}",
    "https://{}:443",
    " https://{}:443/ ",
]
LOCAL = {"track_url": "http://127.0.0.1:1", "app_url": "http://127.0.0.1:2"}


@pytest.mark.parametrize("apis", APIS, ids=["track", "app", "both"])
@pytest.mark.parametrize(
    "more",
    [{}, {"region": "eu"}, LOCAL, {"site_id": f" {SITE} "}, {"app_api_key": "app-anew-5c1a90"}],
    ids=str,
)
def test_an_environment_is_one_workspace_whatever_apis_are_loaded(
    apis: Collection[Api], more: dict[str, str]
) -> None:
    expected = Connection.load(SAVED).workspace_key
    assert Connection.load({**SAVED, **more}, apis=apis).workspace_key == expected
    environ = environment({**SAVED, **more})
    assert Connection.from_env(environ, apis=apis).workspace_key == expected


def test_without_a_site_id_the_app_key_says_which_workspace_it_is() -> None:
    one, same, other = (
        Connection.load({"app_api_key": key}, apis={Api.APP}).workspace_key
        for key in (APP, APP, "another-5c1a90")
    )
    assert one == same != other


@given(
    st.dictionaries(
        st.sampled_from(["site_id", "track_api_key", "app_api_key", "track_url", "app_url"]),
        st.sampled_from([SITE, TRACK, APP, "", " ", "a:b", "\ud800", "null", "http://127.0.0.1:9"])
        | st.text(max_size=5),
    )
)
def test_every_api_that_loads_from_an_environment_is_of_the_same_workspace(
    saved: dict[str, str],
) -> None:
    seen = set()
    for apis in APIS:
        try:
            connection = Connection.load(saved, apis=apis)
        except ConnectionInvalid:
            continue
        seen.add((connection.workspace_key, connection.own_hosts))
    assert len(seen) <= 1


def test_what_belongs_to_the_other_api_is_not_kept_where_it_shows() -> None:
    connection = Connection.load({**SAVED, **LOCAL}, apis={Api.APP})
    assert (connection.site_id, connection.track_api_key, connection.track_url) == (None,) * 3
    assert SITE not in repr(connection)
    assert SITE not in str(connection.model_dump())


# The ledger of a process


@pytest.mark.parametrize("spelt", SPELT)
@pytest.mark.parametrize("region", ["us", "eu"])
def test_a_vendor_host_spelt_out_is_no_other_place(spelt: str, region: str) -> None:
    end = "" if region == "us" else "-eu"
    hosts = {"track_url": f"track{end}.customer.io", "app_url": f"api{end}.customer.io"}
    for fields in (["track_url"], ["app_url"], ["track_url", "app_url"]):
        saved = {**SAVED, **{name: spelt.format(hosts[name]) for name in fields}}
        connection = Connection.load(saved)
        assert connection.own_hosts == ()
        assert connection.region == region
        for api in ALL_APIS:
            expected = Connection.load(SAVED).base_url(api, "eu" if end else "us")
            assert connection.base_url(api, "eu" if end else "us") == expected


@pytest.mark.parametrize("spelt", SPELT)
@pytest.mark.parametrize("apis", [{Api.APP}, ALL_APIS], ids=["app", "both"])
def test_tools_of_a_process_send_a_message_once_however_they_are_made(
    net: responses.RequestsMock, spelt: str, apis: set[Api]
) -> None:
    net.post(f"{APP_US}/v1/send/email", json={"delivery_id": "d1"})
    site = {**SAVED_US, "site_id": f"of-{SPELT.index(spelt)}-{len(apis)}"}
    hosts = {
        "track_url": spelt.format("track.customer.io"),
        "app_url": spelt.format("api.customer.io"),
    }
    connections = [Connection.load(site), Connection.load({**site, **hosts}, apis=apis)]
    outcomes = []
    for connection in connections:
        with CustomerIoTool(connection) as tool:
            outcomes.append(tool.call("send_transactional_email", EMAIL)["outcome"])
    assert outcomes == ["accepted", "already_sent"]


@pytest.mark.parametrize("first", APIS[1:], ids=["app", "both"])
def test_tools_on_one_sandbox_share_the_memory_whatever_apis_they_load(
    sandbox: Sandbox, first: Collection[Api]
) -> None:
    outcomes = []
    for apis in (first, ALL_APIS, {Api.APP}):
        connection = Connection.load(sandbox.connection(), apis=apis)
        with CustomerIoTool(connection) as tool:
            outcomes.append(tool.call("send_transactional_email", EMAIL)["outcome"])
    assert outcomes == ["accepted", "already_sent", "already_sent"]


# The shell


def test_the_shell_shares_the_ledger_of_a_worker(sandbox: Sandbox, tmp_path: Path) -> None:
    environ = environment(sandbox.connection())
    environ["CUSTOMERIO_LEDGER_FILE"] = str(tmp_path / "sends.db")
    told = invoke("call", "send_transactional_email", json.dumps(EMAIL), env=environ)
    assert json.loads(told.stdout)["outcome"] == "accepted"
    with CustomerIoTool.from_env(environ) as worker:
        assert worker.call("send_transactional_email", EMAIL)["outcome"] == "already_sent"
    sandbox.fault(action="reset_after_applying", method="POST", times=3)
    event = {"customer_id": "u1", "name": "paid"}
    lost = json.loads(invoke("call", "track_event", json.dumps(event), env=environ).stdout)
    with CustomerIoTool.from_env(environ) as worker:
        assert worker.call("track_event", event)["event_id"] == lost["event_id"]
