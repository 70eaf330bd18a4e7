"""Every page in a real browser: for any eye, hand and window, with and without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from customerio_tool.sandbox import Clock, Sandbox
from tests.sandbox.console.browser import fill, pages
from tests.support.chromium import PHONE, Window, window
from tests.support.requirements import requires
from tests.support.sandbox_api import NOW, Api

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [requires("browser"), requires("npm")]

MORE = ("/console/people?q=gr", "/console/people?q=nobody", "/console/requests?quiet=1")
"""Pages that show something else when they are asked so."""


@dataclass(frozen=True)
class Look:
    """What a browser finds on one page."""

    light: list[str]
    dark: list[str]
    lost: list[str]
    said: list[str]
    foreign: list[str]
    words: str
    bare_words: str
    bare_is_too_wide: bool


@pytest.fixture(scope="module")
def console() -> Iterator[Api]:
    """A workspace that has everything, and little of it."""
    with Sandbox(seed=False, clock=Clock(frozen_at=NOW)) as sandbox:
        api = Api(sandbox)
        fill(api, "Grüße, Zoë")
        yield api


@pytest.fixture(scope="module")
def looks(chromium: Browser, axe: str, console: Api) -> dict[str, Look]:
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


def look(desk: Window, phone: Window, axe: str, path: str) -> Look:
    """Look at a page that the phone shows already."""
    desk.said, desk.foreign = [], []
    desk.go(path)
    light = desk.serious(axe)
    desk.page.emulate_media(color_scheme="dark")
    dark = desk.serious(axe, "color-contrast")
    desk.page.emulate_media(color_scheme="light")
    return Look(
        light=light,
        dark=dark,
        lost=desk.lost_beyond_the_menu(),
        said=desk.said,
        foreign=desk.foreign,
        words=desk.page.text_content("body") or "",
        bare_words=phone.page.text_content("body") or "",
        bare_is_too_wide=phone.scrolls_sideways(),
    )


def flaws(looks: dict[str, Look], name: str) -> dict[str, object]:
    """What is wrong with pages, by their paths."""
    return {path: getattr(look, name) for path, look in looks.items() if getattr(look, name)}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_on_a_page_is_hard_to_use_for_some_people(
    looks: dict[str, Look], scheme: str
) -> None:
    assert flaws(looks, scheme) == {}


def test_no_page_scrolls_sideways_on_a_phone(looks: dict[str, Look]) -> None:
    assert flaws(looks, "bare_is_too_wide") == {}


def test_everything_on_a_page_is_reached_by_keyboard_and_the_focus_is_seen(
    looks: dict[str, Look],
) -> None:
    assert flaws(looks, "lost") == {}


def test_the_menu_is_reached_by_keyboard(chromium: Browser, console: Api) -> None:
    with window(chromium, console.sandbox.track_url) as here:
        here.go("/console/options")
        assert here.lost_to_the_keyboard() == []


def test_no_page_makes_the_browser_complain(looks: dict[str, Look]) -> None:
    assert flaws(looks, "said") == {}


def test_nothing_is_loaded_from_elsewhere(looks: dict[str, Look]) -> None:
    assert flaws(looks, "foreign") == {}


def test_without_scripts_a_page_says_the_same_but_for_what_is_live(looks: dict[str, Look]) -> None:
    for path, look in looks.items():
        is_live = path == "/console/requests"
        words = look.words.replace("Requests live", "Requests not live") if is_live else look.words
        assert look.bare_words == words, path
