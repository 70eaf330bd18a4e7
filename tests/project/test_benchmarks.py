"""The benchmarks: what is told is what was measured, and the gate fails where it says it does."""

from __future__ import annotations

from importlib import import_module

import pytest

from benchmarks import chart, reports
from benchmarks.__main__ import CHART, JSON, PAGE, PAGES, gated, too_bad
from benchmarks.loopback import serving
from benchmarks.measuring import Figure, Spread, Times, counted
from benchmarks.reports import Report
from benchmarks.rows import ROWS, Row
from benchmarks.running import VARIABLES, Run

PROMISED = [(name, row) for name, rows in ROWS.items() for row in rows if row.must is not None]
GATED = [(name, row) for name, row in PROMISED if row.is_gated]


def times_worse(row: Row, times: float) -> float:
    assert row.must is not None
    return row.must / times if row.more else row.must * times


def test_every_file_tells_what_was_measured() -> None:
    report = Report.from_json(JSON.read_text("utf-8"))
    assert PAGE.read_text("utf-8") == reports.markdown(report, VARIABLES)
    assert CHART.read_text("utf-8") == chart.svg(report)
    for page, drawn in PAGES.items():
        text = page.read_text("utf-8")
        assert text == reports.with_table(text, report, drawn=drawn)
    assert {row.key for _, row in PROMISED} <= set(report.figures)


@pytest.mark.parametrize(("scenario", "row"), GATED, ids=[row.key for _, row in GATED])
def test_the_gate_fails_beyond_a_quarter_worse(scenario: str, row: Row) -> None:
    assert too_bad({row.key: counted(row.key, times_worse(row, 1.24))}) == {}
    worse = times_worse(row, 1.26) or 1
    assert too_bad({row.key: counted(row.key, worse)}) == {scenario: [row]}


def test_what_is_only_shown_says_why_and_fails_nothing() -> None:
    shown = [row for _, row in PROMISED if not row.is_gated]
    assert all(row.shown for row in shown)
    assert too_bad({row.key: counted(row.key, times_worse(row, 9)) for row in shown}) == {}


def test_what_is_too_bad_is_measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = import_module("benchmarks.scenarios.connections")
    calm = [counted("tls/new", 0.2), counted("tls/KiB", 900)]
    monkeypatch.setattr(scenario, "measure", lambda _: calm)
    figures = {"tls/new": counted("tls/new", 9), "tls/KiB": counted("tls/KiB", 800)}
    bad = gated(Run(server=None, is_short=True), figures)  # type: ignore[arg-type]  # not asked
    assert [row.key for row in bad["connections"]] == ["tls/KiB"]
    assert {key: figure.value.median for key, figure in figures.items()} == {
        "tls/new": 0.2,
        "tls/KiB": 800,
    }


def test_a_report_survives_its_json() -> None:
    both = Figure("tls/new", Spread(0.2, 0.1, 0.3), Spread.exactly(0.4))
    figures = {"tls/new": both, "idle/new": counted("idle/new", 0)}
    report = Report(figures, reports.machine(), small=("connections",))
    assert Report.from_json(report.as_json()) == report


def test_a_figure_is_the_median_of_the_ratios_within_rounds() -> None:
    seconds = {"ours": [1.0, 9.0, 2.0], "peer": [2.0, 3.0, 2.0]}
    times = Times(cpu=seconds, wall=seconds)
    assert times.ratio("", "ours", "peer").value == Spread(1.0, 0.75, 2.0)
    assert times.throughput("", "ours", "peer").value.median == 1.0


def test_a_repeatable_post_rides_an_idle_connection_and_a_send_does_not() -> None:
    connections = import_module("benchmarks.scenarios.connections")
    with serving() as server:
        run = Run(server, is_short=True)
        event = ("track_event", {"customer_id": "u1", "name": "order_paid"})
        email = {"to": "a@b.co", "customer_id": "u1", "transactional_message_id": "1"}
        assert connections.opened_after_idling(run, *event) == 0
        assert connections.opened_after_idling(run, "send_transactional_email", email) == 1
