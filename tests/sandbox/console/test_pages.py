"""Every page of the console, of a filled, an empty and a hostile workspace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.console import queries
from tests.sandbox.console.browser import ATTACK, RTL, fill, get, paths, visit
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

KINDS = {
    "/console/people/": "person",
    "/console/segments/": "segment",
    "/console/campaigns/": "campaign",
    "/console/broadcasts/": "broadcast",
    "/console/deliveries/": "delivery",
    "/console/requests/": "request",
}
LONG = "W" * 1000
STRANGE = ("/eml", "/html")
"""The ends of paths that show a message as somebody wrote it."""


@pytest.fixture
def empty() -> Iterator[Api]:
    with Sandbox(seed=False) as sandbox:
        yield Api(sandbox)


@pytest.fixture(params=[ATTACK, RTL, LONG, "a\r\nb\x00c", "../../etc/passwd"], ids=list("amlcp"))
def hostile(api: Api, request: pytest.FixtureRequest) -> Api:
    fill(api, request.param)
    return api


def test_the_menu_leads_to_every_kind_of_page(api: Api) -> None:
    fill(api)
    found = paths(api)
    assert {kind for kind in KINDS if any(path.startswith(kind) for path in found)} == set(KINDS)


def check(api: Api, path: str) -> None:
    page = visit(api, path)
    policy = page.response.headers["Content-Security-Policy"]
    assert page.status == 200, path
    assert page.open == [], "every element is closed"
    assert page.script == "", "no script or style is in a page"
    assert "unsafe" not in policy
    assert all(part in policy for part in ("default-src 'none'", "frame-ancestors 'none'"))
    for tag, attributes in page.elements:
        names = set(attributes)
        assert "style" not in names, (path, tag)
        assert not any(name.startswith("on") for name in names), (path, tag)
        for name in names & {"href", "src", "action"}:
            assert re.match(r"/|\?|#|data:,$", attributes[name]), attributes[name]
    assert not page.all("img")
    assert [each["src"] for each in page.all("script")] == ["/console/console.js"]


def test_pages_hold_nothing_but_what_the_server_serves(api: Api) -> None:
    for path in paths(api):
        if not path.endswith(STRANGE):
            check(api, path)


def test_pages_of_an_empty_workspace_say_how_to_fill_it(empty: Api) -> None:
    for path in paths(empty):
        check(empty, path)


def test_pages_of_a_hostile_workspace_show_its_texts_as_texts(hostile: Api) -> None:
    found = [path for path in paths(hostile) if not path.endswith(STRANGE)]
    assert len(found) > 25
    for path in found:
        check(hostile, path)


def test_a_mark_that_turns_text_around_is_shown_by_its_number(api: Api) -> None:
    fill(api, RTL)
    page = visit(api, "/console/segments")
    assert "\u202e" not in page.words
    assert "U+202Eevil" in page.words


@pytest.mark.parametrize(
    "path",
    [
        *("/console/people/none", "/console/people/%2e%2e", "/console/segments/x"),
        *(
            "/console/segments/9999999999999999999",
            "/console/campaigns/30",
            "/console/broadcasts/12",
        ),
        *("/console/deliveries/none", "/console/deliveries/none/html", "/console/deliveries/x/eml"),
        *("/console/requests/0", "/console/requests/-1", "/console/none", "/console/"),
        *(
            "/console/static/../site.py",
            "/console/..%2f..%2fetc%2fpasswd",
            "/console/console.css/x",
        ),
        *("/console/%2e%2e/pyproject.toml", "/console/templates/base.html"),
        "/console/deliveries?person=none",
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(api: Api, path: str) -> None:
    status, body = api.raw("GET", path)
    assert status == 404
    assert b"There is no" in body


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=9" * 9, "after=0", "q=%00%ff"])
@pytest.mark.parametrize(
    "path", ["/console/people", "/console/requests", "/console/deliveries", "/console/segments"]
)
def test_a_made_up_cursor_breaks_no_page(api: Api, path: str, query: str) -> None:
    assert visit(api, f"{path}?{query}").status == 200


def test_a_page_that_fails_is_a_page_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "people", lambda *_, **__: 1 / 0)
    assert visit(api, "/console/people").status == 500
    assert visit(api, "/console/segments").status == 200


def test_the_console_is_in_no_log_and_uses_up_no_fault(api: Api) -> None:
    rule = api.sandbox.fault(status=503)
    assert visit(api, "/").status == 200
    assert get(api, "/favicon.ico").status_code == 204
    assert (api.sandbox.requests(), rule.matched) == ([], 0)


def test_a_client_with_a_wrong_base_url_is_in_the_log(api: Api) -> None:
    assert api.raw("POST", "/", b"{}", api.basic())[0] == 501
    assert [entry["operation"] for entry in api.sandbox.requests()] == ["unknown"]


def test_the_console_speaks_tls_where_the_sandbox_does() -> None:
    with Sandbox(tls=True) as sandbox:
        api = Api(sandbox)
        api.session.verify = str(sandbox.ca_file)
        api.identify("x")
        page = visit(api, "/console/requests/1")
        assert sandbox.console_url.startswith("https://")
        assert f"--cacert {sandbox.ca_file}" in page.words
        assert visit(api, sandbox.console_url.removeprefix(sandbox.track_url)).status == 200


def test_head_is_get_without_a_body(api: Api) -> None:
    answer = api.session.head(f"{api.sandbox.track_url}/console/people", timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 1000


def test_own_keys_are_told_on_no_page() -> None:
    own = {"track_api_key": "own-track-key", "app_api_key": "own-app-key"}
    with Sandbox(options=own) as sandbox:
        api = Api(sandbox)
        api.identify("x")
        for path in paths(api):
            text = get(api, path).text
            assert "own-track-key" not in text
            assert "own-app-key" not in text


def test_without_jinja_the_welcome_says_how_to_install_it(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [
        name for name in sys.modules if name.startswith("customerio_tool.sandbox.console")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jinja2", None)
    answer = get(api, "/")
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        200,
        "text/plain; charset=utf-8",
    )
    assert "pip install 'customerio-tool[sandbox]'" in answer.text
    assert f"export CUSTOMERIO_TRACK_URL={api.sandbox.track_url}" in answer.text
    assert get(api, "/console/people").status_code == 501


@pytest.mark.parametrize("kind", ["people", "segments", "campaigns", "broadcasts", "transactional"])
def test_the_line_for_an_empty_page_fills_it(empty: Api, kind: str) -> None:
    page = visit(empty, f"/console/{kind}")
    line = page.words[page.words.index("sandbox.seed(") :].split("})")[0] + "})"
    names: dict[str, Any] = {"sandbox": empty.sandbox}
    exec(line, names)  # noqa: S102 - this line is what is tested
    assert "sandbox.seed(" not in visit(empty, f"/console/{kind}").words


def test_jinja_is_loaded_by_the_first_page_and_not_before() -> None:
    script = (
        "import sys, requests\n"
        "from customerio_tool import Sandbox\n"
        "with Sandbox() as sandbox:\n"
        "    requests.get(sandbox.track_url + '/_sandbox/health', timeout=60)\n"
        "    assert not [name for name in sys.modules if 'jinja2' in name or '.console' in name]\n"
        "    requests.get(sandbox.console_url, timeout=60)\n"
        "    assert 'jinja2' in sys.modules\n"
    )
    command = [sys.executable, "-c", script]
    subprocess.run(
        command, check=True, timeout=PATIENCE, env={**os.environ, "NO_PROXY": "127.0.0.1"}
    )


@pytest.mark.parametrize("path", ["/", "/console/requests"])
@pytest.mark.parametrize("options", [{}, {"track_api_key": "own-key"}])
def test_the_first_request_on_an_empty_page_works(path: str, options: dict[str, Any]) -> None:
    with Sandbox(seed=False, options=options) as sandbox:
        api = Api(sandbox)
        words = visit(api, path).words
        line = words[words.index("curl -X") : words.index("com\"}'")] + "com\"}' --fail"
        keys = {
            "CUSTOMERIO_SITE_ID": sandbox.site_id,
            "CUSTOMERIO_TRACK_API_KEY": sandbox.track_api_key,
        }
        env = {**keys, "NO_PROXY": "127.0.0.1", "PATH": os.environ["PATH"]}
        subprocess.run(["bash", "-c", line], check=True, env=env, capture_output=True)
        assert api.known("ada@example.com")["id"] == "ada"


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/", '@example.com")'),
        ("/console/deliveries", '@example.com")'),
        ("/console/campaigns/12", '"signed_up")'),
        ("/console/broadcasts/30", '"default")'),
        ("/console/segments/1", '["ada"])'),
        ("/console/people/d9c106000001", '"signed_up")'),
    ],
)
def test_the_call_on_an_empty_page_works(empty: Api, path: str, end: str) -> None:
    mail = {"subject": "s", "body": "b"}
    everyone = {"attribute": {"field": "id", "operator": "exists"}}
    empty.sandbox.seed(
        {
            "segments": [{"id": 1, "name": "Beta"}],
            "people": [{"id": "ada", "email": "ada@example.com"}],
            "campaigns": [
                {"id": 12, "name": "W", "event_name": "signed_up", "actions": [{"id": 1, **mail}]}
            ],
            "broadcasts": [
                {
                    "id": 30,
                    "name": "N",
                    "default_recipients": everyone,
                    "actions": [{"id": 2, **mail}],
                }
            ],
        }
    )
    words = visit(empty, path).words
    line = words[words.index("tool.") :].split(end)[0] + end
    with CustomerIoTool(empty.sandbox.connection()) as tool:
        assert eval(line, {"tool": tool})["ok"]  # noqa: S307 - this line is what is tested
    assert "tool." not in visit(empty, path).words
