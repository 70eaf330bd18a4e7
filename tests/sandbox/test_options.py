"""Options are shown without credentials and changed while the sandbox runs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.control import change, control, refusal
from tests.support.sandbox_api import Api


def test_options_are_shown_without_credentials_and_changed_while_it_runs(api: Api) -> None:
    shown = control(api, "GET", "options").json()["options"]
    assert shown["merge_anonymous_events"] is True
    assert not {"site_id", "track_api_key", "app_api_key", "restricted_app_key"} & set(shown)
    changed = change(api, "PATCH", "options", {"null_attribute": "ignore", "environment_id": 7})
    assert changed["options"] == {**shown, "null_attribute": "ignore", "environment_id": 7}
    api.identify("x", plan="gold")
    api.identify("x", plan=None)
    assert api.known("x")["attributes"] == {"plan": "gold"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"delay": 1}, "options has no member 'delay'"),
        ({"delay_seconds": "1"}, "options.delay_seconds must be a number"),
        ({"delay_seconds": -1}, "options.delay_seconds must be 0 or more"),
        ({"max_body": 0}, "options.max_body must be 1 or more"),
        ({"merge_anonymous_events": 1}, "must be true or false"),
        ({"rate_limits": "loose"}, "must be one of relaxed, strict"),
        ({"track_redirect_status": 200}, "must be one of 301, 302, 307, 308"),
        ({"track_redirect_url": "https://x/path"}, "must be an origin"),
        ({"track_redirect_url": "ftp://x"}, "must be an origin"),
        ({"track_redirect_url": "https://x\r\nA: b"}, "must be an origin"),
        ({"app_api_key": "mine"}, "options.app_api_key is settled when the sandbox starts"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(
    api: Api, changes: dict[str, Any], words: str
) -> None:
    before = api.sandbox.options
    assert words in refusal(api, "PATCH", "options", changes)
    assert api.sandbox.options == before
    with pytest.raises(ValueError, match="options"):
        api.sandbox.configure(**changes)
