from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.sandbox_api import NOW, Api

DAY = 86400


def test_campaigns_of_every_trigger_type_are_listed(api: Api) -> None:
    """No paging, broadcasts are not among them."""
    campaigns = api.get("/v1/campaigns")["campaigns"]
    types = {campaign["type"] for campaign in campaigns}
    assert types == {"event", "segment", "date", "form", "relationship", "webhook"}
    welcome = api.get("/v1/campaigns/12")["campaign"]
    assert welcome == campaigns[0]
    assert welcome["actions"] == [{"type": "email", "id": 51}]
    assert (welcome["state"], welcome["active"]) == ("running", True)
    assert api.app("GET", "/v1/campaigns/30").status_code == 404


@pytest.mark.parametrize(("path", "status"), [("abc", 400), ("999", 404)])
def test_a_bad_campaign_id_is_400_and_an_unknown_one_404(api: Api, path: str, status: int) -> None:
    for tail in ("", "/metrics"):
        response = api.app("GET", f"/v1/campaigns/{path}{tail}")
        assert response.status_code == status
        assert response.json()["errors"][0]["status"] == str(status)


def test_metrics_count_what_the_message_list_shows(api: Api) -> None:
    """The same deliveries seen from two sides."""
    series = api.get("/v1/campaigns/12/metrics")["metric"]["series"]
    sent = api.get("/v1/messages", campaign_id=12, metric="sent", limit=1000)["messages"]
    opened = api.get("/v1/messages", campaign_id=12, metric="opened", limit=1000)["messages"]
    assert sum(series["sent"]) == len(sent) > 0
    assert sum(series["opened"]) == len(opened) > 0
    assert {len(counts) for counts in series.values()} == {45}


@pytest.mark.parametrize(
    ("query", "length"),
    [
        ({}, 45),
        ({"period": "hours"}, 24),
        ({"period": "weeks", "steps": 0}, 12),
        ({"period": "months"}, 12),
        ({"period": "months", "steps": 0}, 120),
        ({"steps": 1}, 2),
        ({"steps": 7, "version": "one"}, 7),
    ],
)
def test_version_1_has_the_documented_number_of_steps(api: Api, query: Any, length: int) -> None:
    """Defaults, maxima, 1 raised to 2; any version but 2 is 1."""
    series = api.get("/v1/campaigns/12/metrics", **query)["metric"]["series"]
    assert len(series["sent"]) == length
    assert "human_opened" not in series


def test_version_2_takes_a_span_and_a_zone(api: Api) -> None:
    zone = ZoneInfo("Europe/Berlin")
    start = int(datetime(2027, 1, 1, tzinfo=zone).timestamp())
    end = int(datetime(2027, 1, 10, 12, tzinfo=zone).timestamp())
    query = {"version": 2, "res": "daily", "start": start, "end": end, "tz": "Europe/Berlin"}
    series = api.get("/v1/campaigns/12/metrics", **query)["metric"]["series"]
    assert len(series["sent"]) == 10
    assert "human_opened" in series


def test_todays_event_lands_in_the_last_bucket(api: Api) -> None:
    """Oldest first, buckets start at Eastern midnight."""
    api.event("u3", "signed_up")
    series = api.get("/v1/campaigns/12/metrics", type="email", steps=2)["metric"]["series"]
    assert series["created"][-1] == 1
    other = api.get("/v1/campaigns/12/metrics", type="push", steps=2)["metric"]["series"]
    assert other["created"] == [0, 0]


@pytest.mark.parametrize(
    "query",
    [
        {"version": 2},
        {"version": 2, "res": "years"},
        {"version": 2, "res": "days", "tz": "Mars/Olympus"},
        {"version": 2, "res": "days", "start": NOW, "end": NOW - 1},
        {"version": 2, "res": "days", "start": 0, "end": 11 * 366 * DAY},
        {"period": "years"},
        {"steps": 46},
        {"steps": "many"},
        {"type": "pigeon"},
    ],
)
def test_bad_metric_parameters_are_refused(api: Api, query: Any) -> None:
    """400; steps above the maximum is UNVERIFIED, a switch."""
    assert api.app("GET", "/v1/campaigns/12/metrics", params=query).status_code == 400


def trigger(api: Api, body: Any, broadcast: Any = 30) -> Any:
    return api.app("POST", f"/v1/campaigns/{broadcast}/triggers", body)


def sent_to(api: Api, number: int) -> list[str | None]:
    deliveries = api.sandbox.state()["deliveries"]
    return [each["customer_id"] for each in deliveries if each["trigger_id"] == number]


def test_broadcasts_are_listed_and_read(api: Api) -> None:
    """Read at /v1/broadcasts."""
    broadcasts = api.get("/v1/broadcasts")["broadcasts"]
    assert [each["state"] for each in broadcasts] == ["running", "draft"]
    assert "default_recipients" not in broadcasts[0]
    assert api.get("/v1/broadcasts/30")["broadcast"] == broadcasts[0]
    assert sum(api.get("/v1/broadcasts/30/metrics")["metric"]["series"]["sent"]) > 0
    assert api.get("/v1/broadcasts/30/messages")["messages"][0]["broadcast_id"] == 30


@pytest.mark.parametrize(
    ("body", "people"),
    [
        ({}, ["u1", "team/42", "用户7", "u6", None]),
        ({"ids": ["u1", "u3"]}, ["u1", "u3"]),
        ({"ids": ["u1", "nobody"], "id_ignore_missing": True}, ["u1"]),
        ({"emails": ["ADA+test@example.com"]}, ["u1"]),
        ({"emails": ["no@example.com", "yu@example.com"], "email_ignore_missing": True}, ["用户7"]),
        (
            {"per_user_data": [{"id": "u3", "data": {"n": 1}}, {"email": "yu@example.com"}]},
            ["u3", "用户7"],
        ),
        ({"recipients": {"segment": {"id": 2}}}, ["u1", "u6"]),
        (
            {"recipients": {"and": [{"segment": {"id": 3}}, {"not": {"segment": {"id": 2}}}]}},
            ["team/42", "用户7", None],
        ),
        (
            {"recipients": {"attribute": {"field": "city", "operator": "eq", "value": "Köln"}}},
            ["u3"],
        ),
        ({"recipients": {"attribute": {"field": "seats", "operator": "exists"}}}, ["u1"]),
    ],
)
def test_each_kind_of_audience_reaches_its_people(api: Api, body: Any, people: Any) -> None:
    response = trigger(api, {**body, "data": {"month": "May"}})
    assert (response.status_code, response.json()) == (200, {"id": 2}), response.text
    assert sent_to(api, 2) == people
    newest = api.get("/v1/broadcasts/30/triggers")["triggers"][0]
    assert newest == {"id": 2, "broadcast_id": 30, "created_at": NOW, "processed_at": NOW}
    assert api.get("/v1/campaigns/30/triggers/2") == newest


def test_per_user_data_joins_the_trigger_data(api: Api) -> None:
    """Templates read trigger.<key>."""
    body = {"per_user_data": [{"id": "u3", "data": {"n": 1}}], "data": {"n": 0, "m": 2}}
    trigger(api, body)
    assert api.sandbox.state()["deliveries"][-1]["content"]["trigger"] == {"n": 1, "m": 2}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ids": ["u1", "nobody"]}, "/data/attributes/ids"),
        ({"emails": ["no@example.com"]}, "/data/attributes/emails"),
        ({"per_user_data": [{"name": "x"}]}, "/data/attributes/per_user_data/0"),
        ({"recipients": {}}, "/data/attributes/recipients"),
        ({"recipients": {"xor": []}}, "/data/attributes/recipients/xor"),
        ({"recipients": {"and": [{"or": []}]}}, "/data/attributes/recipients/and/0/or"),
        ({"ids": ["u1"], "email_ignore_missing": True}, "/data/attributes/email_ignore_missing"),
        ({"ids": ["u1"], "data": "text"}, "/data/attributes/data"),
        ({"ids": ["u1"] * 10_001}, "/data/attributes/ids"),
        ({"ids": ["u1"], "data": {"k": "v" * 50_000}}, "/data/attributes/data"),
    ],
)
def test_a_bad_audience_is_422_and_still_a_trigger(api: Api, body: Any, pointer: str) -> None:
    """source.pointer, the trigger's number in detail, nobody gets anything."""
    response = trigger(api, body)
    [error] = response.json()["errors"]
    assert (response.status_code, error["status"]) == (422, "422")
    assert error["source"] == {"pointer": pointer}
    assert "trigger 2" in error["detail"]
    assert sent_to(api, 2) == []
    errors = api.get("/v1/campaigns/30/triggers/2/errors")
    assert len(errors["errors"]) == 1
    assert isinstance(errors["next"], int)


def test_two_audiences_are_refused(api: Api) -> None:
    """The schema is oneOf; the status is UNVERIFIED."""
    assert trigger(api, {"ids": ["u1"], "emails": ["yu@example.com"]}).status_code == 422


def test_one_trigger_per_ten_seconds(api: Api) -> None:
    """429 beyond it; a failed trigger counts."""
    assert trigger(api, {"ids": ["nobody"]}).status_code == 422
    assert trigger(api, {"ids": ["u1"]}).status_code == 429
    api.sandbox.clock.advance(10)
    assert trigger(api, {"ids": ["u1"]}).json() == {"id": 3}
    assert len(api.get("/v1/broadcasts/30/triggers")["triggers"]) == 3


@pytest.mark.parametrize("api_with", [{"trigger_duration": 3600}], indirect=True)
def test_five_triggers_may_wait(api_with: Api) -> None:
    """At most 5 in the queue; the answer to the sixth is UNVERIFIED."""
    for _ in range(5):
        api_with.sandbox.clock.advance(10)
        assert trigger(api_with, {"ids": ["u1"]}).status_code == 200
    api_with.sandbox.clock.advance(10)
    assert trigger(api_with, {"ids": ["u1"]}).status_code == 429
    assert api_with.get("/v1/broadcasts/30/triggers")["triggers"][0]["processed_at"] is None


@pytest.mark.parametrize(("broadcast", "status"), [(999, 404), (12, 404), (31, 422), ("x", 400)])
def test_what_cannot_be_triggered(api: Api, broadcast: Any, status: int) -> None:
    """Unknown is 404; a draft is UNVERIFIED."""
    assert trigger(api, {"ids": ["u1"]}, broadcast).status_code == status


def test_malformed_json_is_400(api: Api) -> None:
    """BE: https://docs.customer.io/journeys/api-triggered-errors."""
    response = api.app("POST", "/v1/campaigns/30/triggers", data=b'{"ids":[')
    assert response.status_code == 400
    assert response.json()["errors"][0]["status"] == "400"


def test_unsubscribed_people_get_no_broadcast(api: Api) -> None:
    """Unsubscribed is global."""
    assert trigger(api, {"ids": ["u5"]}).status_code == 200
    assert sent_to(api, 2) == []
    assert api.quiet() == ["unsubscribed: broadcast sends nothing"]


class Files(BaseHTTPRequestHandler):
    """Serves one JSON Lines file, and nothing else."""

    content = b'{"id":"u3","data":{"n":1}}\n{"email":"yu@example.com"}\n'

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/people.jsonl" else 404)
        self.end_headers()
        self.wfile.write(self.content)

    def log_message(self, format: str, *args: Any) -> None: ...  # noqa: A002 - the stdlib's name


@pytest.fixture
def files() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Files) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_file_of_json_lines_is_an_audience(api: Api, files: str) -> None:
    """data_file_url, one id or email with its data per line."""
    assert trigger(api, {"data_file_url": f"{files}/people.jsonl"}).json() == {"id": 2}
    assert sent_to(api, 2) == ["u3", "用户7"]


@pytest.mark.parametrize("url", ["{}/missing", "file:///etc/hosts", "https://example.com/x", 5])
def test_a_file_that_cannot_be_read_is_422(api: Api, files: str, url: Any) -> None:
    """The local Customer.io connects to nothing but loopback."""
    where = url.format(files) if isinstance(url, str) else url
    response = trigger(api, {"data_file_url": where})
    assert response.status_code == 422
    pointer = response.json()["errors"][0]["source"]["pointer"]
    assert pointer == "/data/attributes/data_file_url"
