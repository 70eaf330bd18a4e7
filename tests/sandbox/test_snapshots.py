"""Reset and snapshots bring back all that a test could have changed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from customerio_tool.sandbox import Sandbox
from tests.sandbox.control import change, control, refusal
from tests.support.sandbox_api import NOW, Api


def test_reset_puts_back_all_that_a_test_could_have_changed(api: Api) -> None:
    sandbox = api.sandbox
    first, options = sandbox.state(), sandbox.options
    sandbox.configure(delay_seconds=5, rate_limits="strict")
    sandbox.fault(status=503, times=1)
    sandbox.clock.advance(60)
    for _ in range(12):
        api.app("GET", "/v1/segments")
    api.identify("late")
    change(api, "POST", "reset", {})
    assert (sandbox.state(), sandbox.options, sandbox.faults.shown()) == (first, options, [])
    assert (sandbox.clock.now(), sandbox.requests()) == (NOW, [])
    sandbox.configure(rate_limits="strict")
    assert api.app("GET", "/v1/segments").status_code == 200
    assert refusal(api, "POST", "reset", {"too": "empty"}).endswith("did you mean to?")


def test_a_snapshot_brings_everything_back(api: Api) -> None:
    api.identify("before", plan="x")
    kept, log = api.sandbox.state(), api.sandbox.requests()
    assert change(api, "PUT", "snapshots/one", {}) == {"snapshots": ["one"]}
    api.identify("after")
    api.app("DELETE", "/v1/segments/1")
    change(api, "POST", "snapshots/one/restore", {})
    assert (api.sandbox.state(), api.sandbox.requests()) == (kept, log)
    api.identify("again")
    api.sandbox.restore("one")
    assert api.sandbox.state() == kept, "it can be restored twice"


def test_a_snapshot_of_the_same_name_replaces_the_first(api: Api) -> None:
    api.sandbox.snapshot("one")
    api.identify("x")
    api.sandbox.snapshot("one")
    api.sandbox.reset()
    api.sandbox.restore("one")
    assert api.person("x")


def test_an_unknown_snapshot_is_404_and_names_what_there_is(api: Api) -> None:
    api.sandbox.snapshot("one")
    answer = control(api, "POST", "snapshots/two/restore", {})
    assert (answer.status_code, "'two'; there are: one" in answer.text) == (404, True)
    with pytest.raises(KeyError, match="two"):
        api.sandbox.restore("two")


def test_a_snapshot_is_dropped_by_its_name_or_all_with_a_reset(api: Api) -> None:
    for name in ("one", "two", "three"):
        api.sandbox.snapshot(name)
    assert control(api, "DELETE", "snapshots/one").status_code == 400, "as a form could send it"
    assert change(api, "DELETE", "snapshots/one", {}) == {"snapshots": ["two", "three"]}
    assert control(api, "DELETE", "snapshots/one", {}).status_code == 404
    api.sandbox.drop("two")
    with pytest.raises(KeyError, match="no snapshot 'two'; there are: three"):
        api.sandbox.drop("two")
    change(api, "POST", "reset", {})
    assert control(api, "GET", "snapshots").json() == {"snapshots": ["three"]}
    change(api, "POST", "reset", {"snapshots": True})
    assert control(api, "GET", "snapshots").json() == {"snapshots": []}
    api.sandbox.snapshot("four")
    api.sandbox.reset(snapshots=True)
    assert control(api, "GET", "snapshots").json() == {"snapshots": []}


def test_what_was_restored_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    with Sandbox(db=path, seed=False) as sandbox:
        Api(sandbox).identify("kept")
        sandbox.snapshot("one")
        sandbox.reset()
        sandbox.restore("one")
    with Sandbox(db=path) as sandbox:
        assert [person["id"] for person in sandbox.state()["people"]] == ["kept"]


def test_snapshots_are_taken_and_restored_among_other_calls(api: Api) -> None:
    def play(number: int) -> None:
        own = Api(api.sandbox)
        for step in range(5):
            own.identify(f"{number}-{step}")
            own.sandbox.snapshot(str(number))
            own.sandbox.restore(str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(play, range(4)))
    assert api.app("GET", "/v1/segments").status_code == 200
    assert len(api.sandbox.application.snapshots.names()) == 4
