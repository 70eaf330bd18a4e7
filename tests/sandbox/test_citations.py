"""What the sandbox's code names as the source of a rule can be looked up."""

from __future__ import annotations

import re
from pathlib import Path

from customerio_tool import sandbox
from tests.support.facts import load


def texts_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.py")}


CODE = texts_in(Path(sandbox.__path__[0]))
FACT = re.compile(r"\bfact\s+([a-z]+[-_][a-z_-]+)")
TAGS = re.compile(r" \(((?:[A-Z]{1,3}\d*\+?(?:, )?)+)\)")


def test_each_fact_that_is_cited_is_recorded() -> None:
    facts = load()
    known = {*facts.operations, *facts.endpoints, *(fact.id for fact in facts.facts)}
    cited = {name for text in CODE.values() for name in FACT.findall(text)}
    assert len(cited) > 10
    assert cited <= known


def test_each_source_that_is_cited_is_in_the_legend() -> None:
    legend = (sandbox.__doc__ or "").partition("Docstrings name")[2]
    lists = [tags for text in CODE.values() for tags in TAGS.findall(text)]
    cited = {tag for tags in lists for tag in tags.split(", ")}
    assert len(cited) > 5
    assert cited - {"UNVERIFIED"} <= set(re.findall(r"\b[A-Z]+\d*\+?", legend))


def test_nothing_is_cited_by_a_number_that_no_document_here_explains() -> None:
    tests = texts_in(Path(__file__).parent)
    numbered = re.compile(r"\bfacts?(?: section)?\s+\d", re.IGNORECASE)
    texts = [*CODE.items(), *tests.items()]
    assert [name for name, text in texts if numbered.search(text)] == []
