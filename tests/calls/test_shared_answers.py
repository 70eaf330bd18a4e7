"""An answer serves the calls that ask for the very same, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.shared_reads import SharedReads
from tests.support.clients import SAVED_US, AnyPace
from tests.support.retries import SkippingClock

READS: list[tuple[str, dict[str, Any]]] = [
    ("list_segments", {}),
    ("list_segments", {"type": "manual"}),
    ("list_campaigns", {}),
    ("get_segment", {"segment_id": 7}),
    ("get_segment", {"segment_id": 7, "include_count": True}),
    ("get_campaign_metrics", {"campaign_id": 7}),
]
ANSWER = {
    "segments": [{"id": 7, "name": "Beta", "type": "manual"}],
    "campaigns": [],
    "segment": {"id": 7, "name": "Beta"},
    "count": 3,
    "metric": {"series": {"sent": [1, 2]}},
    "customer": {"id": "u1"},
}


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    """A Customer.io that answers everything alike."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as net:
        for method in ("GET", "POST", "PUT", "DELETE"):
            net.add(method, re.compile("https://"), json=ANSWER)
        yield net


def tool_on(clock: SkippingClock, reads: SharedReads, **more: Any) -> CustomerIoTool:
    policy = more.pop("policy", "open")
    return CustomerIoTool(
        {**SAVED_US, **more},
        policy=policy,
        backends=Backends(limiter=AnyPace(), reads=reads),
        clock=clock.whole(),
    )


def test_an_answer_that_is_kept_is_told_as_if_it_was_read_anew(
    vendor: responses.RequestsMock, clock: SkippingClock
) -> None:
    kept, later = SharedReads(60), SharedReads()
    with tool_on(clock, kept) as tool, tool_on(clock, later) as anew:
        first = [tool.call(*each) for each in READS]
        asked = len(vendor.calls)
        assert asked == len(READS) + 1, "no read serves another, and one has a count"
        clock.skip(30)
        again = [tool.call(*each) for each in READS]
        assert len(vendor.calls) == asked
        assert again == [anew.call(*each) for each in READS]
        assert [each["ok"] for each in first + again] == [True] * 2 * len(READS)
        clock.skip(31)
        asked = len(vendor.calls)
        tool.call(*READS[0])
        assert len(vendor.calls) == asked + 1


@pytest.mark.parametrize(
    "other",
    [
        {"app_api_key": "another-app-key-0123456789"},
        {"site_id": "another-site"},
        {"region": "eu"},
        {"policy": {"hidden_attributes": ["email"]}},
    ],
    ids=str,
)
def test_another_workspace_key_or_policy_reads_for_itself(
    vendor: responses.RequestsMock, clock: SkippingClock, other: dict[str, Any]
) -> None:
    reads = SharedReads(60)
    with tool_on(clock, reads) as tool, tool_on(clock, reads, **other) as stranger:
        for each in (tool, stranger, tool, stranger):
            assert each.call("list_segments")["ok"]
    assert len(vendor.calls) == 2


def test_a_write_of_the_workspace_ends_what_was_kept_of_it_alone(
    vendor: responses.RequestsMock, clock: SkippingClock
) -> None:
    reads = SharedReads(60)
    with tool_on(clock, reads) as tool, tool_on(clock, reads, site_id="another-site") as stranger:
        tool.call("list_segments")
        stranger.call("list_segments")
        assert tool.call("track_event", {"customer_id": "u1", "name": "paid"})["ok"]
        assert len(vendor.calls) == 3
        stranger.call("list_segments")
        assert len(vendor.calls) == 3
        tool.call("list_segments")
        assert len(vendor.calls) == 4


def test_a_read_of_a_person_is_made_each_time(
    vendor: responses.RequestsMock, clock: SkippingClock
) -> None:
    with tool_on(clock, SharedReads(60)) as tool:
        for _ in range(2):
            assert tool.call("get_customer_attributes", {"customer_id": "u1"})["ok"]
    assert len(vendor.calls) == 2
