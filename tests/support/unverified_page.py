"""Writes `docs/explanation/unverified.md`: what no source settles, from the recorded facts.

Run `python -m tests.support.unverified_page` after a change of `tests/contract/facts.yaml`.
"""

from __future__ import annotations

from customerio_tool.doors.cli.publish.tables import table
from tests.support.facts import load
from tests.support.project import ROOT

PAGE = ROOT / "docs" / "explanation" / "unverified.md"

_HEAD = """\
# What is unverified

Customer.io has no sandbox, and its documentation leaves questions open. Each stands here, with
the way this project leans, and why. Nothing of it is told to a model as a fact. Where a call can
show it, the local Customer.io has an option that chooses the other answer
(`customerio_tool/sandbox/options.py`). `python -m tests.support.unverified_page` writes this page
from `tests/contract/facts.yaml`.

"""

_HOLDS = {True: "does so", False: "does not", None: ""}


def page() -> str:
    """Return the text of the page."""
    doubts = (fact for fact in load().facts if not fact.verified)
    rows = [(each.sentence, _HOLDS[each.holds], each.leaning or "") for each in doubts]
    return f"{_HEAD}{table(('In doubt', 'The local Customer.io', 'Why we lean so'), rows)}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
