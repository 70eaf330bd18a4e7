"""Writes what becomes of a call under each fault: `python -m tests.support.fault_matrix_page`."""

from __future__ import annotations

from tests.support.fault_matrix import FAULTS, LOOKUPS, SAMPLES, Fault, Kind
from tests.support.project import ROOT

PAGE = ROOT / "docs" / "reference" / "fault-matrix.md"

_INTRODUCTION = f"""\
# What becomes of a call when something goes wrong

Made by `python -m tests.support.fault_matrix_page` from the table that
`tests/calls/test_fault_matrix.py` holds every one of the {len(SAMPLES)} subtools to, and the
look-up that reads by POST, on a local Customer.io that breaks on demand.

**Tries** is how often the request was sent, **effects** how often it was applied, as counted on
the server. `success` is the result of a call that nothing befell; `accepted` is a success whose id
could not be read; the rest are the codes of errors. The last two columns tell what a model does
that follows the advice of the result word for word, once the fault is over, through another tool of
the same run. One that repeats a send instead of looking sends nothing. No call is applied twice.
"""

_HEAD = (
    *("Fault", "Subtools", "Result", "Tries", "Effects"),
    *("What the advice leads to", "Effects after following it"),
)


def page() -> str:
    """Return the page of the documentation."""
    rows = [_row(fault, kind) for fault in FAULTS for kind in Kind]
    table = [f"| {' | '.join(row)} |" for row in (_HEAD, ["---"] * len(_HEAD), *rows)]
    return "\n".join([_INTRODUCTION, *table, "", *_kinds(), ""])


def _row(fault: Fault, kind: Kind) -> list[str]:
    end = fault.ends[kind]
    after = end.after(kind)
    counts = [str(end.attempts), str(end.effects)]
    return [fault.name, kind.value, end.result, *counts, after.leads_to, str(after.effects)]


def _kinds() -> list[str]:
    samples = {**SAMPLES, **LOOKUPS}
    names = {kind: [n for n, sample in samples.items() if sample.kind is kind] for kind in Kind}
    return [f"- {kind.value}: {', '.join(f'`{n}`' for n in names[kind])}" for kind in Kind]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
