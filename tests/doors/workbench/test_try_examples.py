"""Every subtool can be tried: its examples fill the form, and the sandbox shows what they do."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from tests.support.page_forms import PageForm
from tests.support.workbench import Bench, workbench

EXAMPLES = [
    (name, number)
    for name, subtool in subtools().items()
    for number in range(1, len(subtool.examples) + 1)
]


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Sandbox() as local, workbench(local) as running:
        yield running


def filled(bench: Bench, name: str, number: int) -> dict[str, str]:
    page = bench.get(f"/try/{name}?example={number}")
    assert page.status == 200
    return PageForm(page, f"/try/{name}").fields


@pytest.mark.parametrize(("name", "number"), EXAMPLES)
def test_an_example_fills_the_form_and_a_dry_run_shows_its_request(
    bench: Bench, name: str, number: int
) -> None:
    page = bench.post(f"/try/{name}", {**filled(bench, name, number), "action": "dry_run"})
    sends = subtools()[name].examples[number - 1].sends
    assert "this is a dry run" in page.words
    request = bench.workspace.trials.newest[0].envelope["request"]  # type: ignore[index]
    assert (request["method"], request["url"]) == (sends.method, bench.local.track_url + sends.path)
    assert sends.path in page.words
    assert bench.local.requests() == []


def test_the_examples_are_called_and_their_effects_are_told() -> None:
    with Sandbox() as local, workbench(local) as bench:
        for name, number in EXAMPLES:
            local.restore("start") if "start" in local.application.snapshots.names() else (
                local.snapshot("start")
            )
            before = len(local.requests())
            page = bench.post(f"/try/{name}", {**filled(bench, name, number), "action": "call"})
            trial = bench.workspace.trials.newest[0]
            assert trial.subtool == name
            assert trial.envelope is not None
            assert list(trial.requests) == [each["n"] for each in local.requests()[before:]]
            is_read = subtools()[name].effect.read_only
            told = [("A read changes nothing" in page.words), ("Changed: " in page.words)]
            told += ["Nothing changed." in page.words]
            assert sum(told) == 1, (name, number)
            if is_read:
                assert told[0]
            print(name, number, trial.envelope["ok"], told, json.dumps(trial.envelope)[:150])
