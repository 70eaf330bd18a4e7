"""Reads a page as a browser does: as its elements and its words."""

from __future__ import annotations

from html.parser import HTMLParser

import requests

BLOCKS = frozenset({"dt", "dd", "td", "th", "p", "h1", "h2", "li", "option", "pre"})
NO_PHRASE = frozenset({"p", "div", "form", "table", "ul", "dl", "pre", "section", "h1", "h2"})
VOID = frozenset({"meta", "link", "input", "br", "wbr", "img", "hr"})


class Page(HTMLParser):
    """A page as its elements and its words."""

    def __init__(self, response: requests.Response) -> None:
        super().__init__()
        self.response = response
        self.status = response.status_code
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words = ""
        self.script = ""
        self.feed(response.content.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert "p" not in self.open or tag not in NO_PHRASE, "a browser would end the paragraph"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID and not (self.get_starttag_text() or "").endswith("/>"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag, "elements are nested"
        self.words += "\n" if tag in BLOCKS else ""

    def handle_data(self, data: str) -> None:
        if self.open[-1:] in (["script"], ["style"]):
            self.script += data.strip()
        self.words += data

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            attributes
            for name, attributes in self.elements
            if name == tag and wanted.items() <= attributes.items()
        ]

    @property
    def links(self) -> list[str]:
        return [each["href"] for each in self.all("a") if "href" in each]
