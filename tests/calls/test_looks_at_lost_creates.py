"""After a create whose answer was lost, only a whole list decides whether it is sent once more."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import responses

from customerio_tool import CustomerIoTool
from customerio_tool.backends import Backends
from tests.support.clients import APP_US, SAVED_US, AnyPace, code_of
from tests.support.telemetry import NOW
from tests.support.whole import still

SEGMENTS = f"{APP_US}/v1/segments"
OTHER = {"id": 4, "name": "Other", "type": "manual", "created_at": int(NOW)}
SAME = {**OTHER, "id": 5, "name": "Launch"}


@pytest.mark.parametrize(
    ("status", "listed", "sent", "is_possible"),
    [
        (200, {"segments": [OTHER]}, 2, False),
        (299, {"segments": []}, 2, False),
        (200, {"segments": [OTHER, SAME]}, 1, True),
        (300, {"segments": []}, 1, False),
        (200, {"segments": {}}, 1, False),
        (200, {"others": []}, 1, False),
    ],
)
def test_a_create_is_repeated_where_the_list_shows_that_it_had_no_effect(
    status: int, listed: Any, sent: int, is_possible: bool
) -> None:
    with (
        responses.RequestsMock() as net,
        CustomerIoTool(
            SAVED_US, policy="open", backends=Backends(limiter=AnyPace()), clock=still()
        ) as tool,
    ):
        net.post(SEGMENTS, body=requests.ConnectionError("reset by peer"))
        net.get(SEGMENTS, status=status, json=listed)
        result = tool.call("create_manual_segment", {"name": "Launch"})
        made = [each.request.method for each in net.calls]
    assert code_of(result) == "outcome_unknown"
    assert result["error"]["next_step"] == "look_first"
    assert (made.count("POST"), "possibly" in result) == (sent, is_possible)
    assert made[:2] == ["POST", "GET"]
