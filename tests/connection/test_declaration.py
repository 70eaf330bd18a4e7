"""The fields of a connection are declared once: the form and the schema say the same."""

from __future__ import annotations

import subprocess
import sys

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_fields, connection_schema
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from tests.connection.refusals import GOOD


def test_the_form_has_the_fields_of_the_product_page_and_the_workspace() -> None:
    form = [f.as_form(key) for key, f in connection_fields().items() if not f.operator]

    assert [(f["key"], f["label"], f["required"], f["secret"], f["type"]) for f in form] == [
        ("site_id", "Track API Site ID", True, False, "string"),
        ("track_api_key", "Track API Key", True, True, "string"),
        ("app_api_key", "App API Key", True, True, "string"),
        ("region", "Region", False, False, "enum"),
        ("workspace_id", "Workspace ID", False, False, "string"),
    ]
    assert form[3]["options"] == [{"value": "us", "label": "US"}, {"value": "eu", "label": "EU"}]
    assert all(f["help"] and f["help_url"] and f["placeholder"] for f in form)
    assert all("API Credentials" in f["help"] for f in form[:3])


def test_the_schema_is_valid_and_requires_what_each_api_needs() -> None:
    for apis in (ALL_APIS, {Api.TRACK}, {Api.APP}):
        jsonschema.Draft202012Validator.check_schema(connection_schema(apis))

    assert connection_schema()["required"] == ["site_id", "track_api_key", "app_api_key"]
    assert connection_schema({Api.TRACK})["required"] == ["site_id", "track_api_key"]
    assert connection_schema({Api.APP})["required"] == ["app_api_key"]
    assert connection_schema()["additionalProperties"] is False


@given(st.text(alphabet=st.sampled_from(" \t\n\x1f\x85\u00a0\u2003uUsSeE\ufb00\u0131"), max_size=6))
def test_the_schema_and_load_agree_on_every_region(region: str) -> None:
    saved = {**GOOD, "region": region}
    valid = jsonschema.Draft202012Validator(connection_schema()).is_valid(saved)
    try:
        loaded = Connection.load(saved).region in ("us", "eu", None)
    except ConnectionInvalid:
        loaded = False

    assert valid == loaded


def test_importing_the_module_does_not_load_jsonschema() -> None:
    code = "import sys, customerio_tool.connection; sys.exit('jsonschema' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
