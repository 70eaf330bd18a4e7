"""Reads a form of a page as a browser would send it."""

from __future__ import annotations

from html.parser import HTMLParser

from tests.support.pages import Page


class PageForm(HTMLParser):
    """The fields of the form that posts to an address, with what they hold.

    Args:
        page: The page.
        action: Where the form goes.
    """

    def __init__(self, page: Page, action: str) -> None:
        super().__init__()
        self._action = action
        self._is_inside = False
        self._area = self._select = ""
        self.fields: dict[str, str] = {}
        self.feed(page.response.content.decode())
        assert self.fields, f"no form goes to {action}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            is_posted = given.get("method", "get") == "post"
            self._is_inside = is_posted and given.get("action") == self._action
        if not self._is_inside:
            return
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        elif tag == "textarea":
            self._area = given["name"]
            self.fields[self._area] = ""
        elif tag == "select":
            self._select = given["name"]
            self.fields.setdefault(self._select, "")
        elif tag == "option" and "selected" in given:
            self.fields[self._select] = given.get("value", "\0")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            text = self.fields[self._area].removeprefix("\n")  # as a browser does
            self.fields[self._area] = text.replace("\n", "\r\n")
            self._area = ""
        elif tag == "form":
            self._is_inside = False

    def handle_data(self, data: str) -> None:
        if self._is_inside and self._area:
            self.fields[self._area] += data
        elif self._is_inside and self._select and self.fields[self._select] == "\0":
            self.fields[self._select] = data  # an option without a value is its words
