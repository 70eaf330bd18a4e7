"""Every page in a real browser: for any eye, hand and window, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.sandbox.console.browser import fill, pages
from tests.support.chromium import PHONE, Window, window
from tests.support.looks import EveryPage, Look, sight_of
from tests.support.requirements import requires
from tests.support.sandbox_api import NOW, Api

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [requires("browser"), requires("npm")]

MORE = ("/console/people?q=gr", "/console/people?q=nobody", "/console/requests?quiet=1")
"""Pages that show something else when they are asked so."""


@dataclass(frozen=True, kw_only=True)
class WordedLook(Look):
    """With the words of the page, and those without scripts."""

    words: str
    bare_words: str


@pytest.fixture(scope="module")
def console() -> Iterator[Api]:
    """A workspace that has everything, and little of it."""
    with Sandbox(seed=False, clock=Clock(frozen_at=NOW)) as sandbox:
        api = Api(sandbox)
        fill(api, "Grüße, Zoë")
        yield api


@pytest.fixture(scope="module")
def looks(chromium: Browser, axe: str, console: Api) -> dict[str, WordedLook]:
    """Every page at a desk, and once more on a phone without scripts."""
    origin = console.sandbox.track_url
    found = {}
    with (
        window(chromium, origin) as desk,
        window(chromium, origin, width=PHONE, scripts=False) as phone,
    ):
        for path in (*pages(console).values(), *MORE):
            phone.go(path)
            found[path] = look(desk, phone, axe, path)
    return found


def look(desk: Window, phone: Window, axe: str, path: str) -> WordedLook:
    """Look at a page that the phone shows already."""
    return WordedLook(
        sight=sight_of(desk, axe, path),
        words=desk.page.text_content("body") or "",
        bare_words=phone.page.text_content("body") or "",
        is_too_wide=phone.scrolls_sideways(),
    )


class TestEveryPage(EveryPage):
    """Of the console."""


def test_the_menu_is_reached_by_keyboard(chromium: Browser, console: Api) -> None:
    with window(chromium, console.sandbox.track_url) as here:
        here.go("/console/options")
        assert here.lost_to_the_keyboard() == []


def test_without_scripts_a_page_says_the_same_but_for_what_is_live(
    looks: dict[str, WordedLook],
) -> None:
    for path, look in looks.items():
        is_live = path == "/console/requests"
        words = look.words.replace("Requests live", "Requests not live") if is_live else look.words
        assert look.bare_words == words, path
