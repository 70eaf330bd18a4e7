"""The comparison of e-mails delivered when the answer is lost: measured, and told as measured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks.lost_answer import CA_VARIABLES, FAULTS, OURS, PYTHON_CLIENTS, REPORT, lost
from customerio_tool.sandbox import Sandbox
from tests.support.project import ROOT

INSTANT = "Connection reset"  # the other losses take a client's whole patience


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as running:
        yield running


def table_rows(text: str) -> list[str]:
    """The rows of the comparison in a page."""
    lines = text.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("| Client |"))
    return [line for line in lines[start : start + 6] if line.startswith("|")]


def test_the_readme_tells_what_was_measured() -> None:
    measured = table_rows(REPORT.read_text(encoding="utf-8"))
    assert table_rows((ROOT / "README.md").read_text(encoding="utf-8")) == measured


@pytest.mark.parametrize("client", PYTHON_CLIENTS)
def test_a_reset_delivers_as_many_e_mails_as_is_told(
    sandbox: Sandbox, client: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in CA_VARIABLES:
        monkeypatch.setenv(name, str(sandbox.ca_file))
    found = lost(PYTHON_CLIENTS[client], sandbox, FAULTS[INSTANT])
    [row] = [r for r in table_rows(REPORT.read_text("utf-8")) if r.startswith(f"| {client} ")]
    assert row.split(" | ")[1 + list(FAULTS).index(INSTANT)] == str(found.delivered)
    assert found.delivered == 1 or client != OURS
