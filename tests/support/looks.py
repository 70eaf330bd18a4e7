"""What a browser finds on the pages of either face, and what must be so of every page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import pytest

from tests.support.chromium import Window


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What a browser at a desk finds on one page."""

    light: list[str]
    dark: list[str]
    lost: list[str]
    said: list[str]
    foreign: list[str]


def sight_of(desk: Window, axe: str, path: str) -> Sight:
    """Look at a page, in both schemes and by keyboard."""
    desk.said, desk.foreign = [], []
    desk.go(path)
    light = desk.serious(axe)
    desk.page.emulate_media(color_scheme="dark")
    dark = desk.serious(axe, "color-contrast")
    desk.page.emulate_media(color_scheme="light")
    lost = desk.lost_beyond_the_menu()
    return Sight(light=light, dark=dark, lost=lost, said=desk.said, foreign=desk.foreign)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is found on one page, at a desk and on a phone."""

    sight: Sight
    is_too_wide: bool


L = TypeVar("L", bound=Look)


class EveryPage:
    """The tests of all pages of a face; its module has the fixture `looks`, by their paths."""

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_nothing_is_hard_to_use_for_some_people(self, looks: dict[str, L], scheme: str) -> None:
        assert flaws(looks, scheme) == {}

    def test_none_scrolls_sideways_on_a_phone(self, looks: dict[str, L]) -> None:
        assert [path for path, look in looks.items() if look.is_too_wide] == []

    def test_everything_is_reached_by_keyboard_and_the_focus_is_seen(
        self, looks: dict[str, L]
    ) -> None:
        assert flaws(looks, "lost") == {}

    def test_none_makes_the_browser_complain(self, looks: dict[str, L]) -> None:
        assert flaws(looks, "said") == {}

    def test_nothing_is_loaded_from_elsewhere(self, looks: dict[str, L]) -> None:
        assert flaws(looks, "foreign") == {}


def flaws(looks: dict[str, L], name: str) -> dict[str, object]:
    """What is wrong with pages, by their paths."""
    found = {path: getattr(look.sight, name) for path, look in looks.items()}
    return {path: flaw for path, flaw in found.items() if flaw}
