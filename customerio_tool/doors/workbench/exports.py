"""A text that a person takes along from the workbench: shown to be copied, and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from starlette.responses import Response

from customerio_tool.doors.workbench.visit import Refused
from customerio_tool.sandbox.console.visit import POLICY, PRIVATE


@dataclass(frozen=True)
class Export:
    """One form of what is taken along.

    Args:
        word: Its name in addresses.
        title: Its name for a person.
        how: What a person does with it, in sentences.
        text: The text itself; it holds no key.
        file: The name of the file.
        group: The heading under which it is shown with others.
    """

    word: str
    title: str
    how: str
    text: str
    file: str
    group: str = ""

    def download(self) -> Response:
        """Return the text as a file that a browser saves."""
        headers = {
            **dict(PRIVATE),
            "Content-Security-Policy": POLICY,
            "Content-Disposition": f'attachment; filename="{self.file}"',
        }
        return Response(self.text, media_type="text/plain", headers=headers)


def chosen(exports: Sequence[Export], word: str) -> Export:
    """Return the export of a word, or the first where no word is given.

    Raises:
        Refused: There is none of that word.
    """
    for each in exports:
        if word in ("", each.word):
            return each
    raise Refused("There is no such form to take along.", HTTPStatus.NOT_FOUND)
