"""Says how to repeat the order in which the tests of a run that failed ran.

A pytest plugin beside pytest-randomly, which shuffles the files, and the tests of each file. It
tells its seed at the head of a run, where `-q` shows nothing.
"""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the seed, where a test failed."""
    seed = terminalreporter.config.getoption("randomly_seed", None)
    if seed is not None and {"failed", "error"} & terminalreporter.stats.keys():
        terminalreporter.write_line(f"The same order again: --randomly-seed={seed}")
