"""A workspace full of attacks, in a real browser: no text of a caller becomes part of a page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.sandbox.console.browser import RTL, fill, pages
from tests.support.chromium import PHONE, Window, window
from tests.support.requirements import requires
from tests.support.sandbox_api import NOW, Api

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = requires("browser")

ATTACKS = {
    "a script": "<script>pwned=1;alert(1)</script>\"'><img src=x onerror=pwned=1;alert(2)>",
    "an end": "</textarea></title></pre></bdi><iframe srcdoc='<script>top.pwned=1</script>'>",
    "an address": "javascript:pwned=1//http://elsewhere.example/{{7*7}}${7*7}{% raw %}" + RTL,
    "a long name": "W" * 1000,
}
OWN = {"script": 1, "img": 0, "iframe": 0, "svg": 0, "object": 0, "embed": 0, "base": 0, "style": 0}
"""How many of each element that can do something a page has; a chart and a message are more."""

FORBIDDEN = ("frame is sandboxed", 'directive: "img-src data:"')
"""What the frame of a message forbids, which the browser tells."""

_COUNT = """names => Object.fromEntries(names.map(
  name => [name, document.querySelectorAll(name).length]))"""
_LINKS = """() => ["href", "src", "action", "formaction"].flatMap(
  name => [...document.querySelectorAll(`[${name}]`)].map(
    each => new URL(each.getAttribute(name), document.baseURI).href))"""


@pytest.fixture(scope="module", params=ATTACKS)
def attacked(request: pytest.FixtureRequest) -> Iterator[tuple[Api, str]]:
    """A workspace with an attack in every field, and the attack."""
    with Sandbox(seed=False, clock=Clock(frozen_at=NOW)) as sandbox:
        api = Api(sandbox)
        fill(api, ATTACKS[request.param])
        yield api, ATTACKS[request.param]


def check(here: Window, path: str) -> None:
    """Check that a page holds only what the console itself puts there."""
    count = here.page.evaluate(_COUNT, list(OWN))
    charts = here.page.locator("svg.days, .bars svg").count()
    mails = here.page.locator("iframe.mail").count()
    assert count == {**OWN, "svg": charts, "iframe": mails}, path
    assert here.page.evaluate("typeof pwned") == "undefined", path
    links = here.page.evaluate(_LINKS)
    assert links
    assert all(link.startswith(("http://127.0.0.1:", "data:,")) for link in links), path
    assert not here.scrolls_sideways(), path


def test_no_page_does_what_a_text_says(chromium: Browser, attacked: tuple[Api, str]) -> None:
    api, attack = attacked
    with window(chromium, api.sandbox.track_url, width=PHONE) as here:
        for path in pages(api).values():
            here.go(path)
            check(here, path)
        here.go("/console/segments")
        assert attack.removesuffix(RTL)[:160] in here.page.inner_text("main"), (
            "it is shown as it is"
        )
        assert (here.dialogs, here.foreign) == ([], [])
        assert all(any(end in line for end in FORBIDDEN) for line in here.said), here.said


def test_a_row_that_arrives_while_one_looks_does_nothing_either(
    chromium: Browser, attacked: tuple[Api, str]
) -> None:
    from playwright.sync_api import expect

    api, attack = attacked
    with window(chromium, api.sandbox.track_url, width=PHONE) as here:
        here.go("/console/requests")
        expect(here.page.locator("#live")).to_have_text("live")
        rows = here.page.locator("#log tr")
        before = rows.count()
        api.track("PUT", "/api/v1/customers/nobody", {"_update": True, attack: attack})
        api.raw("GET", "/v1/" + attack.replace(" ", "%20").encode("ascii", "ignore").decode())
        expect(rows).to_have_count(before + 2)
        check(here, "/console/requests")
        assert (here.dialogs, here.foreign, here.said) == ([], [], [])
