"""The sandbox's clock is frozen, moved and resumed, and everything works wherever it stands."""

from __future__ import annotations

from typing import Any

import pytest

from customerio_tool.sandbox import Clock
from tests.sandbox.control import change, control, refusal
from tests.support.sandbox_api import NOW, Api


def test_the_clock_is_frozen_advanced_set_and_resumed(api: Api) -> None:
    assert control(api, "GET", "clock").json() == {"time": NOW, "frozen": True}
    assert change(api, "POST", "clock", {"advance": 60}) == {"time": NOW + 60, "frozen": True}
    assert change(api, "POST", "clock", {"set": 5}) == {"time": 5, "frozen": True}
    assert change(api, "POST", "clock", {"freeze": 9.5}) == {"time": 9.5, "frozen": True}
    assert change(api, "POST", "clock", {"resume": True})["frozen"] is False
    assert change(api, "POST", "clock", {"freeze": True})["frozen"] is True
    assert control(api, "GET", "health").json()["time"] == api.sandbox.clock.now()


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"advance": -1}, {"advance": 1, "set": 1}, {"freeze": False}, {"set": "now"}),
        *({"x": 1}, {"set": -1}, {"freeze": -1}, {"set": NOW * 1000}, {"freeze": NOW * 1000}),
        {"advance": NOW * 1000},
    ],
)
def test_a_clock_that_is_told_nonsense_stays(api: Api, body: dict[str, Any]) -> None:
    assert refusal(api, "POST", "clock", body)
    assert api.sandbox.clock.now() == NOW


def test_a_time_in_milliseconds_is_told_from_one_in_seconds() -> None:
    with pytest.raises(ValueError, match="Unix seconds, not milliseconds"):
        Clock().set(NOW * 1000)


@pytest.mark.parametrize("moment", [0, 2**33])
def test_everything_works_at_the_ends_of_time(api: Api, moment: int) -> None:
    change(api, "POST", "clock", {"set": moment})
    campaign = api.get("/v1/campaigns")["campaigns"][0]["id"]
    for period in ("hours", "days", "weeks", "months"):
        assert api.get(f"/v1/campaigns/{campaign}/metrics", period=period)["metric"]
    api.identify("somebody", plan="x")
    api.event("somebody", "signed_up")
    assert api.get("/v1/messages")


def test_a_running_clock_keeps_running_when_it_is_moved() -> None:
    source = [100.0]
    clock = Clock(lambda: source[0])
    clock.set(500)
    source[0] += 7
    assert (clock.now(), clock.is_frozen) == (507, False)
    clock.restart()
    assert clock.now() == 107
