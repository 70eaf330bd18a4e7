"""Knows how to visit pages in a real browser, and notes what goes wrong there.

A pytest plugin. Its fixture `chromium` is one headless Chromium for the tests of a module, and
`axe` is the text of axe-core, which finds what people with disabilities cannot use. Tests that ask
for them are marked `requires("browser")`, those with `axe` also `requires("npm")`. The driver keeps
an event loop in the test's thread, so a module with `chromium` has no asyncio of its own. Where a
page forbids scripts by `sandbox`, only `evaluate` answers: whatever waits there waits without end.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.support import npm
from tests.support.requirements import located
from tests.support.timeouts import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

AXE = "axe-core@4.14.1"
DESK, PHONE = 1280, 390
"""Widths of windows, in pixels."""

HEIGHT = 800

_FOCUSABLE = """a[href], button:not([aria-hidden=true]), select, textarea, summary, [tabindex='0'],
input:not([type=radio]), input[type=radio]:checked"""
_STOPS_OF_A_DATE = 8
_STOPS_OF_A_FRAME = 4  # none of them is noted: the keys go to the frame's own page
_NOTE_FOCUS = """selector => {
  const all = [...document.querySelectorAll(selector)];
  window.stops = [];
  document.addEventListener("keydown", () => {
    const at = document.activeElement;
    if (at === null || at === document.body) return window.stops.push(null);
    // What is transparent is seen by its label.
    const seen = getComputedStyle(at).opacity === "0" && at.labels?.[0] || at;
    const [box] = seen.getClientRects(), style = getComputedStyle(seen);
    if (box === undefined) return window.stops.push(null);
    const above = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    // The parts of a date's field have outlines of their own.
    const outlined = !at.matches(":focus")
      || style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
    const what = at.outerHTML.slice(0, 120);
    window.stops.push([all.indexOf(at), what, outlined && seen.contains(above)]);
  });
}"""
_AHEAD = """selector => {
  const at = document.querySelector(":target") ?? document.body;
  const follows = each => document.body === at
    || at.compareDocumentPosition(each) & Node.DOCUMENT_POSITION_FOLLOWING;
  return [...document.querySelectorAll(selector)]
    .map((each, number) => [number, each.outerHTML.slice(0, 120), each])
    .filter(([, , each]) => each.checkVisibility() && follows(each))
    .map(([number, what]) => [number, what]);
}"""
_AXE_RUN = """async rules => {
  const only = rules.length ? {runOnly: rules} : {};
  const found = await axe.run(document, {...only, iframes: false, preload: false});
  return found.violations.filter(each => ["serious", "critical"].includes(each.impact)).flatMap(
    each => each.nodes.map(node => `${each.id}: ${node.html}`));
}"""


class Window:
    """One window of a person who was never here before.

    Attributes:
        page: the page that it shows, to click and type in.
        said: what the browser complained of: errors of scripts, and what a page's policy forbids.
        dialogs: the words of each alert and question, which are all dismissed.
        foreign: the addresses that were loaded from elsewhere.
    """

    def __init__(self, page: Page, origin: str) -> None:
        self.page = page
        self.said: list[str] = []
        self.dialogs: list[str] = []
        self.foreign: list[str] = []
        self._origin = origin
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(error.message))
        page.on("request", lambda request: self._note(request.url))
        page.on("dialog", self._dismiss)

    def _note(self, url: str) -> None:
        if not url.startswith(f"{self._origin}/") and urlsplit(url).scheme != "data":
            self.foreign.append(url)

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def go(self, path: str) -> None:
        """Show the page at a path of the origin."""
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.status < 500, path

    def serious(self, axe: str, *rules: str) -> list[str]:
        """Return what axe-core finds serious or critical; of some rules only, if they are named."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(axe)
        found: list[str] = self.page.evaluate(_AXE_RUN, list(rules))
        return found

    def skip_the_menu(self) -> None:
        """Go on by keyboard where the page's content begins: the first stop leads there."""
        self.page.keyboard.press("Tab")
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**#*")

    def lost_beyond_the_menu(self) -> list[str]:
        """Return what `lost_to_the_keyboard` finds of the page's content, each time anew.

        A busy machine may lose a key. What is wrong with a page is wrong on a second walk too.
        """
        self.skip_the_menu()
        lost = self.lost_to_the_keyboard()
        if not lost:
            return []
        self.page.goto(self.page.url.partition("#")[0])
        self.skip_the_menu()
        again = self.lost_to_the_keyboard()
        return [each for each in lost if each in again]

    def scrolls_sideways(self) -> bool:
        """Tell whether the page is wider than the window."""
        root = "document.documentElement"
        return bool(self.page.evaluate(f"{root}.scrollWidth > {root}.clientWidth"))

    def lost_to_the_keyboard(self) -> list[str]:
        """Walk on by the Tab key; return what it does not reach, and where the focus is not seen.

        What lies before the focus is not looked for: where a person has skipped it, say.
        """
        ahead: list[Any] = self.page.evaluate(_AHEAD, _FOCUSABLE)
        dates = self.page.locator("input[type=datetime-local]").count()
        frames = self.page.locator("iframe").count()
        further = _STOPS_OF_A_DATE * dates + _STOPS_OF_A_FRAME * frames + 2
        self.page.evaluate(_NOTE_FOCUS, _FOCUSABLE)
        for _ in range(len(ahead) + further):
            self.page.keyboard.press("Tab")  # notes where the focus is, and moves it
        missed, unclear = dict(ahead), []
        for stop in self.page.evaluate("window.stops")[1:]:
            if stop is None:  # the end of the page
                break
            number, what, is_clear = stop
            missed.pop(number, None)
            if not is_clear:
                unclear.append(f"unclear: {what}")
        return [*unclear, *(f"not reached: {what}" for what in missed.values())]


@contextmanager
def window(
    chromium: Browser, origin: str, *, width: int = DESK, scripts: bool = True, dark: bool = False
) -> Iterator[Window]:
    """Open a window for the pages of an origin, with no cookie; paths lead from there."""
    context = chromium.new_context(
        base_url=origin,
        viewport={"width": width, "height": HEIGHT},
        java_script_enabled=scripts,
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE * 1000)
    try:
        yield Window(context.new_page(), origin)
    finally:
        context.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One headless Chromium; each `window` of it knows nothing of the others."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE * 1000)
    program = located("browser")
    assert program, 'mark the test with requires("browser")'
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The text of axe-core."""
    folder = npm.installed(pytestconfig, tmp_path_factory, AXE)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
