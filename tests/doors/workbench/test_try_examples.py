"""Every subtool can be tried: its examples fill the form, and the sandbox shows what they do."""

from __future__ import annotations

import pytest

from customerio_tool.subtools import PAGE, find
from tests.support.page_forms import PageForm
from tests.support.pages import Page
from tests.support.workbench import Bench


@pytest.mark.parametrize("name", PAGE)
def test_each_example_fills_the_form_shows_its_request_and_then_its_effect(
    begun_anew: Bench, name: str
) -> None:
    bench, subtool = begun_anew, find(name)
    for number, example in enumerate(subtool.examples, 1):
        bench.local.restore("the start")
        logged = len(bench.local.requests())
        page = bench.get(f"/try/{name}?example={number}")

        page = sent(bench, page, name, "dry_run")
        assert example.sends.method in page.words
        assert bench.local.track_url + example.sends.path in page.words
        assert len(bench.local.requests()) == logged

        page = sent(bench, page, name, "call")
        made = bench.local.requests()[logged:]
        assert example.sends.path in [each["path"] for each in made]
        assert example.sends.path in page.words
        assert ("A read changes nothing." in page.words) == subtool.effect.read_only
        # Nobody is suppressed at the start, and the sandbox says that quietly.
        told = "Quietly: not suppressed" if name == "unsuppress_customer" else "Changed: "
        assert (told in page.words) != subtool.effect.read_only


def sent(bench: Bench, page: Page, name: str, action: str) -> Page:
    fields = PageForm(page, f"/try/{name}").fields
    answer = bench.post(f"/try/{name}", {**fields, "action": action})
    assert answer.status == 200
    return answer
