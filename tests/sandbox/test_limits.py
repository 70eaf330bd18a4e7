"""The documented limits: each is met exactly and refused one beyond."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api

EURO = "€"  # 3 bytes of UTF-8
FROM = {"subject": "Hi", "body": "b", "from": "me@example.com"}
MAIL = {"to": "a@example.com", "identifiers": {"id": "u1"}, **FROM}


def text(size: int) -> str:
    """So many bytes of UTF-8 in a third as many characters."""
    return EURO * (size // 3) + "x" * (size % 3)


def data(size: int) -> dict[str, str]:
    """An object whose JSON is so many bytes."""
    return {"k": "v" * (size - len('{"k":""}'))}


@pytest.mark.parametrize(
    ("path", "method", "body"),
    [
        ("/api/v1/customers/p", "PUT", lambda over: {"id": text(150 + over)}),
        ("/api/v1/customers/p", "PUT", lambda over: {text(150 + over): 1}),
        ("/api/v1/customers/p", "PUT", lambda over: {"x": text(1000 + over)}),
        ("/api/v1/customers/p", "PUT", lambda over: {f"a{n}": 1 for n in range(300 + over)}),
        ("/api/v1/customers/p/events", "POST", lambda over: {"name": text(100 + over)}),
        ("/api/v1/events", "POST", lambda over: {"name": text(100 + over)}),
        (
            "/api/v1/customers/p/events",
            "POST",
            lambda over: {"name": "n", "data": data(100_000 + over)},
        ),
        (
            "/api/v1/segments/1/add_customers",
            "POST",
            lambda over: {"ids": [str(n) for n in range(1000 + over)]},
        ),
    ],
    ids=["id", "name", "value", "attributes", "event", "anonymous event", "data", "ids"],
)
def test_a_track_limit_counts_bytes_and_is_400_one_beyond(
    api: Api, path: str, method: str, body: Any
) -> None:
    """T: the limit itself is taken, meta.errors beyond it, and nothing is applied."""
    assert api.track(method, path, body(0)).status_code == 200
    before = api.sandbox.state()["people"]
    response = api.track(method, path, body(1))
    assert response.status_code == 400
    assert response.json()["meta"]["errors"]
    assert api.sandbox.state()["people"] == before


@pytest.mark.parametrize("verb", ["PUT /", "POST /events", "PUT /devices", "POST /suppress"])
def test_a_person_id_in_the_path_has_150_bytes_at_most(api: Api, verb: str) -> None:
    method, tail = verb.split(" ")
    body = {"name": "n", "device": {"id": "t", "platform": "ios"}}
    for size, status in ((150, 200), (151, 400)):
        path = f"/api/v1/customers/{'%E2%82%AC' * (size // 3)}{'x' * (size % 3)}{tail}"
        assert api.track(method, path.rstrip("/"), body).status_code == status


def test_a_person_keeps_300_attributes_at_most(api: Api) -> None:
    """T: per person or per call; beyond it by several calls: recorded, not applied."""
    api.identify("p", **{f"a{n}": 1 for n in range(300)})
    api.identify("p", one_more=1)
    assert "one_more" not in api.known("p")["attributes"]
    assert api.quiet() == ["more than 300 attributes"]
    api.identify("p", a0="")
    api.identify("p", one_more=1)
    assert len(api.known("p")["attributes"]) == 300


def test_subscription_preferences_may_be_longer_than_a_value(api: Api) -> None:
    """An object of topics, not a value of 1000 bytes."""
    topics = {f"topic_{n}": True for n in range(200)}
    api.identify("p", cio_subscription_preferences={"topics": topics})
    stored = api.known("p")["attributes"]["cio_subscription_preferences"]
    assert stored == {"topics": topics}


@pytest.mark.parametrize(
    ("limit", "over"),
    [
        ({"to": ",".join(["a@x.com"] * 5), "cc": ",".join(["b@x.com"] * 10)}, {"bcc": "c@x.com"}),
        ({"send_at": NOW + 90 * 86400}, {"send_at": NOW + 90 * 86400 + 1}),
    ],
    ids=["recipients", "send_at"],
)
def test_a_send_limit_is_400_one_beyond(api: Api, limit: Any, over: Any) -> None:
    """A: 15 recipients of to, cc and bcc together; 90 days ahead."""
    assert api.app("POST", "/v1/send/email", {**MAIL, **limit}).status_code == 200
    response = api.app("POST", "/v1/send/email", {**MAIL, **limit, **over})
    assert response.status_code == 400
    assert response.json()["meta"]["error"]


def test_a_payload_without_attachments_has_1_mb_at_most(api: Api) -> None:
    """A: 1 MB without its attachments."""
    empty = {**MAIL, "message_data": {"k": ""}}
    room = 1024**2 - len(json.dumps(empty, separators=(",", ":")))
    fitting = {**MAIL, "message_data": {"k": "v" * room}}
    large = base64.b64encode(b"x" * 700_000).decode()
    with_file = {**fitting, "attachments": {"a.pdf": large}}
    assert api.app("POST", "/v1/send/email", with_file).status_code == 200
    beyond = {**MAIL, "message_data": {"k": "v" * (room + 1)}}
    assert api.app("POST", "/v1/send/email", beyond).status_code == 413


@pytest.mark.parametrize(
    ("size", "status"), [(1_500_000, 200), (2 * 1024**2 - 1, 400), (2 * 1024**2, 413)]
)
def test_attachments_stay_under_2_mb_together(api: Api, size: int, status: int) -> None:
    """A: under 2 MB in total, decoded. Just below, the body is over 2048 KB (TE)."""
    half = size // 2
    files = {"a.pdf": half, "b.pdf": size - half}
    encoded = {name: base64.b64encode(b"x" * n).decode() for name, n in files.items()}
    response = api.app("POST", "/v1/send/email", {**MAIL, "attachments": encoded})
    assert response.status_code == status


@pytest.mark.parametrize(("over", "status"), [(0, 200), (1, 400)])
def test_a_send_is_2048_kb_at_most_as_a_whole(api: Api, over: int, status: int) -> None:
    """TE."""
    file = base64.b64encode(b"x" * 1_000_002).decode()
    empty = json.dumps({**MAIL, "attachments": {"a.pdf": file}, "message_data": {"k": ""}})
    body = {**MAIL, "attachments": {"a.pdf": file}, "message_data": {"k": "v" * 700_000}}
    room = 2048 * 1024 - len(empty) - 700_000 + over
    sent = json.dumps(body).encode() + b" " * room
    bearer = {"Authorization": f"Bearer {api.sandbox.app_api_key}"}
    assert api.raw("POST", "/v1/send/email", sent, bearer)[0] == status


@pytest.mark.parametrize(
    "body",
    [
        lambda over: {"ids": ["u1"], "data": data(50_000 + over)},
        lambda over: {"ids": ["u1"] * (10_000 + over)},
        lambda over: {"emails": ["yu@example.com"] * (10_000 + over)},
        lambda over: {"per_user_data": [{"id": "u1"}] * (10_000 + over)},
    ],
    ids=["data", "ids", "emails", "per_user_data"],
)
def test_a_broadcast_limit_is_422_one_beyond(api: Api, body: Any) -> None:
    path = "/v1/campaigns/30/triggers"
    assert api.app("POST", path, body(0)).status_code == 200
    api.sandbox.clock.advance(10)
    response = api.app("POST", path, body(1))
    assert response.status_code == 422
    assert response.json()["errors"][0]["source"]["pointer"]


def test_a_message_page_has_1000_at_most_and_a_member_page_30000(api: Api) -> None:
    for path, most in (("/v1/messages", 1000), ("/v1/segments/1/membership", 30_000)):
        assert api.app("GET", path, params={"limit": most}).status_code == 200
        assert api.app("GET", path, params={"limit": most + 1}).status_code == 400


@pytest.mark.parametrize(
    ("period", "most"), [("hours", 24), ("days", 45), ("weeks", 12), ("months", 120)]
)
def test_metric_steps_have_a_maximum(api: Api, period: str, most: int) -> None:
    """A: above it 400 is UNVERIFIED, a switch."""
    for steps, status in ((most, 200), (most + 1, 400)):
        query = {"period": period, "steps": steps}
        assert api.app("GET", "/v1/campaigns/12/metrics", params=query).status_code == status


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def operation(size: int) -> dict[str, Any]:
    """An operation of Track v2 whose JSON is so many bytes."""
    event = {"type": "person", "action": "event", "identifiers": {"id": "p"}, "name": "n"}
    room = size - len(compact({**event, "attributes": {"k": ""}}))
    return {**event, "attributes": {"k": "v" * room}}


@pytest.mark.parametrize("over", [0, 1])
def test_an_operation_of_version_2_has_32_kb_at_most(api: Api, over: int) -> None:
    """T: alone and in a batch, where only it is refused."""
    item = operation(32 * 1024 + over)
    assert api.track("POST", "/api/v2/entity", item).status_code == (400 if over else 200)
    response = api.track("POST", "/api/v2/batch", {"batch": [operation(1000), item]})
    assert response.status_code == (207 if over else 200)
    assert len(api.known("p")["events"]) == (1 if over else 3)


@pytest.mark.parametrize("over", [0, 1])
def test_a_batch_has_500_kb_at_most(api: Api, over: int) -> None:
    """T: the whole request."""
    items = [operation(30_000) for _ in range(17)]
    room = 500 * 1024 + over - len(compact({"batch": items})) - 1
    body = compact({"batch": [*items, operation(room)]})
    assert len(body) == 500 * 1024 + over
    response = api.track("POST", "/api/v2/batch", data=body)
    assert response.status_code == (400 if over else 200)
    assert (api.person("p") is None) == bool(over)


def test_a_broadcast_payload_has_25_mb_at_most(api: Api) -> None:
    """A: the status beyond it is UNVERIFIED; nothing is triggered."""
    people = [{"id": "u1", "data": {"k": "v" * 2700}} for _ in range(10_000)]
    body = compact({"per_user_data": people})
    assert len(body) > 25 * 1024**2
    response = api.app("POST", "/v1/campaigns/30/triggers", data=body)
    assert response.status_code == 413
    assert len(api.get("/v1/broadcasts/30/triggers")["triggers"]) == 1
