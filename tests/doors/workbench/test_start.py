"""The start: which workspaces there are, and what to do next."""

from __future__ import annotations

from tests.support.workbench import Bench


def test_a_browser_that_opened_the_link_sees_the_local_customer_io(bench: Bench) -> None:
    page = bench.get("/")
    assert page.status == 200
    assert "Local Customer.io" in page.words
