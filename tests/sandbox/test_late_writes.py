"""Where writes are late, each takes effect when its time has come, on what is there then."""

from __future__ import annotations

from pathlib import Path

from customerio_tool.sandbox import Clock, Options, Sandbox
from tests.sandbox.control import change
from tests.support.sandbox_api import NOW, Api


def test_a_track_write_takes_effect_when_its_time_has_come(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.identify("x", plan="gold")
    assert api.app("GET", "/v1/customers/x/attributes").status_code == 404
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (200, False, "not applied yet")
    api.sandbox.clock.advance(29)
    assert api.person("x") is None
    change(api, "POST", "clock", {"advance": 1})
    assert api.attributes("x")["plan"] == "gold"
    entry = api.sandbox.requests()[0]
    assert (entry["applied"], entry["reason"]) == (True, None)
    assert api.known("x")["created"] == NOW, "it counts as made when it was received"


def test_what_track_refuses_is_refused_at_once(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    assert api.track("PUT", "/api/v1/customers/x", {"a": "b" * 1001}).status_code == 400
    assert api.track("POST", "/api/v1/customers/x/events", {}).status_code == 400
    api.sandbox.clock.advance(30)
    assert api.person("x") is None


def test_late_writes_take_effect_in_order_and_tell_why_not(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.accept("POST", "/api/v1/customers/u3/suppress")
    api.identify("u3", plan="gold")
    api.identify("new", plan="a")
    api.identify("new", plan="b")
    api.sandbox.clock.advance(30)
    assert api.person("u3") is None
    assert api.known("new")["attributes"] == {"plan": "b"}
    log = [
        (entry["operation"], entry["applied"], entry["reason"])[1:]
        for entry in api.sandbox.requests()
    ]
    assert log == [(True, None), (False, "suppressed"), (True, None), (True, None)]
    assert api.quiet() == ["suppressed"]


def test_a_late_write_works_on_what_is_there_then(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30, segment_unusable="not_found")
    body = {"ids": ["u3"]}
    api.accept("POST", "/api/v1/segments/1/add_customers", body)
    assert api.app("DELETE", "/v1/segments/1").status_code == 204
    api.sandbox.clock.advance(30)
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (200, False, "segment not found")


def test_app_writes_and_reads_are_not_late(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.app("POST", "/v1/segments", {"segment": {"name": "now"}})
    assert [s["name"] for s in api.get("/v1/segments")["segments"]][-1] == "now"
    assert api.track("GET", "/api/v1/accounts/region").json()["region"] == "us"
    assert all(entry["applied"] for entry in api.sandbox.requests())


def test_a_late_write_that_was_acknowledged_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    with Sandbox(db=path, clock=Clock(frozen_at=NOW), options=Options(delay_seconds=30)) as sandbox:
        Api(sandbox).identify("x", plan="gold")
    with Sandbox(db=path, clock=Clock(frozen_at=NOW + 30)) as sandbox:
        assert Api(sandbox).known("x")["attributes"] == {"plan": "gold"}
