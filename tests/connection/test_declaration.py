"""The fields of a connection are declared once: the form and the schema say the same."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.connection import Connection
from customerio_tool.connection.fields import connection_fields, connection_schema, fits_schema
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


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
    st.sampled_from(["", " ", "us", " EU ", "site", "100", 100, 100.0, 1e308, ["us"], {}, b"us"]),
)
SAVED = st.dictionaries(
    st.sampled_from([*connection_fields(), *connection_fields(), "regoin", 7, None]), VALUES
)
EACH_API = st.sampled_from([ALL_APIS, frozenset({Api.TRACK}), frozenset({Api.APP})])


@given(changes=SAVED, left_out=st.sets(st.sampled_from(sorted(GOOD))), apis=EACH_API)
def test_a_look_at_a_connection_and_the_validator_of_its_schema_agree(
    changes: dict[Any, Any], left_out: set[str], apis: frozenset[Api]
) -> None:
    saved = {k: v for k, v in GOOD.items() if k not in left_out} | changes
    valid = jsonschema.Draft202012Validator(connection_schema(apis)).is_valid(saved)
    assert fits_schema(saved, apis) is valid


def test_a_sound_connection_loads_no_validator_of_schemas() -> None:
    code = (
        "import sys; from customerio_tool.connection import Connection\n"
        f"Connection.load({GOOD}); sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
