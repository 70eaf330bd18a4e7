"""A service account's token calls the App API for one workspace, which its connection names."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_schema
from customerio_tool.connection.masking import KeyMask
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools.declare import Api
from tests.connection.refusals import assert_nothing_shows
from tests.support.clients import APP_US, EMAIL, SAVED_US, SEGMENTS, US, sent

TOKEN = "sa_live_5b1e9f0c7d"
SAVED = {**SAVED_US, "app_api_key": TOKEN, "workspace_id": "100"}


@responses.activate
@pytest.mark.parametrize("number", ["100", " 100\n", 100])
def test_the_app_api_is_told_the_workspace(number: Any) -> None:
    responses.get(f"{APP_US}/v1/segments", json={"segments": []})
    with CustomerIoTool({**SAVED, "workspace_id": number}) as tool:
        assert tool.call("list_segments", {})["ok"]
    headers = responses.calls[0].request.headers
    assert (headers["Authorization"], headers["X-Workspace-Id"]) == (f"Bearer {TOKEN}", "100")


@responses.activate
def test_the_track_api_is_not_told_the_workspace() -> None:
    responses.put(f"{US}/api/v1/customers/u1", json={})
    with CustomerIoTool(SAVED) as tool:
        assert tool.call("identify_customer", {"customer_id": "u1"})["ok"]
    assert "X-Workspace-Id" not in responses.calls[0].request.headers


@responses.activate
def test_an_app_key_names_no_workspace() -> None:
    responses.get(f"{APP_US}/v1/segments", json={"segments": []})
    sent(SEGMENTS, region="us")
    assert "X-Workspace-Id" not in responses.calls[0].request.headers


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"workspace_id": None}, "workspace_id", "is missing"),
        ({"workspace_id": " "}, "workspace_id", "is missing"),
        ({"app_api_key": "app-77d3e8f6"}, "workspace_id", "goes only with"),
        ({"workspace_id": "acme"}, "workspace_id", "is not a workspace's number"),
        ({"workspace_id": "0"}, "workspace_id", "is not a workspace's number"),
        ({"workspace_id": -1}, "workspace_id", "is not a workspace's number"),
        ({"workspace_id": "1" * 16}, "workspace_id", "is not a workspace's number"),
        ({"workspace_id": "\u0661\u0660"}, "workspace_id", "is not a workspace's number"),
        ({"workspace_id": True}, "workspace_id", "is not text"),
        ({"workspace_id": [100]}, "workspace_id", "is not text"),
        ({"app_api_key": "sa_live_"}, "app_api_key", "is only the beginning"),
        ({"track_api_key": "sa_live_77"}, "track_api_key", "only the App API takes"),
    ],
)
def test_a_half_and_a_wrong_number_are_refused(
    changes: dict[str, Any], field: str, problem: str
) -> None:
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.load({**SAVED, **changes})
    (found,) = caught.value.fields
    assert found.path == field
    assert problem in found.problem
    assert found.fix
    assert_nothing_shows(caught.value, TOKEN)


def test_a_half_is_named_by_its_variable() -> None:
    environ = {"CUSTOMERIO_APP_API_KEY": TOKEN}
    with pytest.raises(ConnectionInvalid) as caught:
        Connection.from_env(environ, apis=[Api.APP])
    (found,) = caught.value.fields
    assert found.path == "CUSTOMERIO_WORKSPACE_ID"
    assert "CUSTOMERIO_APP_API_KEY" in found.problem
    whole = Connection.from_env({**environ, "CUSTOMERIO_WORKSPACE_ID": "100"}, apis=[Api.APP])
    assert whole.workspace_id == "100"


def test_the_schema_takes_the_number_as_text_and_as_number() -> None:
    validator = jsonschema.Draft202012Validator(connection_schema())
    assert all(validator.is_valid({**SAVED, "workspace_id": one}) for one in ("100", 100, None))
    assert not validator.is_valid({**SAVED, "workspace_id": [100]})


def test_a_connection_for_the_track_api_needs_no_workspace() -> None:
    loaded = Connection.load({**SAVED_US, "app_api_key": TOKEN}, apis=[Api.TRACK])
    assert loaded.workspace_id is None


def test_the_token_is_never_shown() -> None:
    connection = Connection.load(SAVED)
    assert TOKEN not in f"{connection!r} {connection} {connection.model_dump()}"
    assert KeyMask(connection)(f'{{"key": "{TOKEN}"}}') == '{"key": "***"}'


def test_without_a_site_id_the_workspace_is_the_same_for_every_token() -> None:
    keys = {
        Connection.load(
            {"app_api_key": token, "workspace_id": number}, apis=[Api.APP]
        ).workspace_key
        for token, number in ((TOKEN, "100"), ("sa_live_new", "100"), (TOKEN, "101"))
    }
    assert len(keys) == 2


def test_the_local_customer_io_takes_a_service_account_for_its_own_workspace() -> None:
    with Sandbox() as sandbox:
        token = sandbox.options.service_account_token
        own = str(sandbox.options.environment_id)
        saved = {**sandbox.connection(), "app_api_key": token, "workspace_id": own}
        with CustomerIoTool(saved) as tool:
            assert tool.call("send_transactional_email", EMAIL)["ok"]
            assert tool.test_connection()["ok"]
        with CustomerIoTool({**saved, "workspace_id": "7"}) as tool:
            assert tool.call("list_segments", {})["error"]["code"] == "permission_denied"


@responses.activate
def test_a_check_tells_that_the_two_keys_are_of_two_workspaces() -> None:
    account = {"region": "us", "environment_id": 7}
    responses.get(f"{US}/api/v1/accounts/region", json=account)
    responses.get(f"{APP_US}/v1/segments", json={"segments": []})
    with CustomerIoTool(SAVED) as tool:
        found = tool.test_connection()
    assert not found["ok"]
    assert "another workspace" in found["summary"]
    with CustomerIoTool({**SAVED, "workspace_id": 7}) as tool:
        assert tool.test_connection()["ok"]
