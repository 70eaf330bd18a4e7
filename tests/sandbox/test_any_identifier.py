"""Whatever text a person is known by, what Track wrote is what App reads, over real HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.rules.people import looks_like_email
from customerio_tool.subtools.declare.identifiers import shape_of
from tests.support.sandbox_api import Api

TRICKY = [
    "team/42",
    "a+b",
    "100%",
    "%2F",
    "%252F",
    ".",
    "..",
    "a.b",
    " a ",
    "a?b#c;d",
    "\\",
    "🙂",
    "''",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=37)
IDS = st.one_of(TEXT, st.lists(st.sampled_from(TRICKY), min_size=1, max_size=4).map("".join))


@pytest.fixture(scope="module")
def running() -> Iterator[Api]:
    with Sandbox(seed=False) as sandbox:
        api = Api(sandbox)
        with api.session:
            yield api


def call(api: Api, method: str, path: str, body: bytes = b"") -> bytes:
    """A call whose path nobody normalises: ``..`` must arrive as it is."""
    key = api.basic() if path.startswith("/api/") else _bearer(api)
    status, answer = api.raw(method, path, body, key)
    assert status == 200, (path, answer)
    return answer


def _bearer(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.sandbox.app_api_key}"}


@settings(max_examples=150, deadline=None)
@example("team/42")
@example("a+b")
@example("..")
@example("%2e%2E")
@example("\0")
@given(IDS.filter(lambda text: not text.startswith("cio_") and "@" not in text))
def test_an_id_written_by_track_is_read_back_by_app(running: Api, identifier: str) -> None:
    """Split the raw path, then decode each segment; + is no space."""
    encoded = quote(identifier, safe="")
    marked = json.dumps({"marker": identifier[:20]}).encode()
    call(running, "PUT", f"/api/v1/customers/{encoded}", marked)
    path = f"/v1/customers/{encoded}/attributes"
    customer = json.loads(call(running, "GET", path))["customer"]
    assert customer["identifiers"]["id"] == identifier
    assert customer["attributes"]["marker"] == identifier[:20]
    call(running, "DELETE", f"/api/v1/customers/{encoded}")
    assert running.raw("GET", path, b"", _bearer(running))[0] == 404


LOCAL = st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~éß-]{1,20}", fullmatch=True)
EMAILS = st.builds(
    "{}@{}.example".format, LOCAL, st.from_regex(r"[A-Za-z0-9-]{1,9}", fullmatch=True)
)


@settings(max_examples=100, deadline=None)
@given(EMAILS.filter(lambda text: not text.startswith("cio_")), st.booleans())
def test_an_email_written_by_track_is_read_back_in_any_case(
    running: Api, email: str, upper: bool
) -> None:
    """E-mail is compared without case; App is told that it is one."""
    call(running, "PUT", f"/api/v1/customers/{quote(email, safe='')}", b'{"plan":"pro"}')
    asked = "".join(each.swapcase() if upper and each.isascii() else each for each in email)
    path = f"/v1/customers/{quote(asked, safe='')}/attributes?id_type=email"
    customer = json.loads(call(running, "GET", path))["customer"]
    assert customer["identifiers"]["email"] == email
    call(running, "DELETE", f"/api/v1/customers/{quote(asked, safe='')}")


@example("a@b.c.")
@example("a@b..c")
@example("mailto:a@b.c")
@given(st.from_regex(r"[aé0-9:]{0,2}[@. \n]?[a.@-]{0,3}[@.][a.@-]{0,3}", fullmatch=True))
def test_the_tool_and_track_take_the_same_texts_for_addresses(text: str) -> None:
    """Each has its own rule, for each is tested by the other."""
    assert looks_like_email(text) == (shape_of(text) == "email")


@settings(max_examples=60, deadline=None)
@given(IDS)
def test_a_device_token_of_any_text_is_deleted_by_its_path(running: Api, token: str) -> None:
    """Tokens hold colons and more; the path names exactly one."""
    put = json.dumps({"device": {"id": token, "platform": "ios"}}).encode()
    call(running, "PUT", "/api/v1/customers/holder/devices", put)
    assert token in [each["id"] for each in running.known("holder")["devices"]]
    call(running, "DELETE", f"/api/v1/customers/holder/devices/{quote(token, safe='')}")
    assert running.known("holder")["devices"] == []
