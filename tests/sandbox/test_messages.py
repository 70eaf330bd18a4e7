from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api

DAY = 86400
MAIL = {"to": "ada@x.com", "identifiers": {"id": "u1"}, "transactional_message_id": 1}
PUSH = {"identifiers": {"id": "u1"}, "transactional_message_id": "ORDER_shipped"}


def send(api: Api, channel: str = "email", **fields: Any) -> Any:
    base = MAIL if channel == "email" else PUSH
    return api.app("POST", f"/v1/send/{channel}", {**base, **fields})


@pytest.mark.parametrize(
    "headers",
    [{"X-Order": "a b"}, '{"X-Order": "1"}', '[{"name": "X-Order", "value": "1"}]', "", None],
)
def test_headers_come_as_an_object_or_as_json_text(api: Api, headers: Any) -> None:
    """The schema has text of names and values, its example and the clients an object."""
    assert send(api, headers=headers).status_code == 200


@pytest.mark.parametrize("api_with", [{"push_enabled": False}], indirect=True)
def test_a_push_where_there_is_none_is_403(api_with: Api) -> None:
    response = send(api_with, "push")
    assert response.status_code == 403
    words = "Push messaging is not enabled for your workspace."
    assert response.json() == {"meta": {"error": words}}


@pytest.mark.parametrize("api_with", [{"listed_after": 5}], indirect=True)
def test_a_delivery_can_be_listed_with_a_delay(api_with: Api) -> None:
    """How long is UNVERIFIED; by its id it can be read at once."""
    delivery = send(api_with).json()["delivery_id"]
    assert delivery not in [each["id"] for each in api_with.get("/v1/messages")["messages"]]
    assert api_with.get(f"/v1/messages/{delivery}")["message"]["id"] == delivery
    api_with.sandbox.clock.advance(5)
    assert api_with.get("/v1/messages")["messages"][0]["id"] == delivery


def test_a_sent_mail_is_queued_and_readable(api: Api) -> None:
    """200 means queued."""
    response = send(api, headers={}, attachments={}, message_data={"n": 1}, tracked=True)
    assert response.status_code == 200
    answer = response.json()
    assert answer == {"delivery_id": answer["delivery_id"], "queued_at": NOW}
    assert answer["delivery_id"].endswith("=")
    message = api.get(f"/v1/messages/{answer['delivery_id'].replace('=', '%3D')}")["message"]
    assert (message["type"], message["recipient"]) == ("email", "ada@x.com")
    assert message["subject"] == "Your receipt"
    assert message["metrics"] == {"created": NOW, "attempted": NOW, "sent": NOW}
    assert api.get("/v1/messages")["messages"][0] == message
    api.sandbox.clock.advance(2)
    assert api.get("/v1/messages", limit=1)["messages"][0]["metrics"]["delivered"] == NOW + 2


@pytest.mark.parametrize(
    ("to", "entries"),
    [
        ("ada@x.com, bob@x.com,", ["ada@x.com", "bob@x.com"]),
        ('"Byron, Ada" <ada@x.com>, bob@x.com', ['"Byron, Ada" <ada@x.com>', "bob@x.com"]),
        (r'"Byron \", Ada" <ada@x.com>', [r'"Byron \", Ada" <ada@x.com>']),
        ('12" Vinyl <shop@x.com>, bob@x.com', ['12" Vinyl <shop@x.com>', "bob@x.com"]),
        (
            '"A, B" <a@x.com>, 12" <b@x.com>,c@x.com',
            ['"A, B" <a@x.com>', '12" <b@x.com>', "c@x.com"],
        ),
    ],
)
def test_a_comma_in_a_quoted_name_ends_no_address(api: Api, to: str, entries: list[str]) -> None:
    assert send(api, to=to).status_code == 200
    assert api.sandbox.state()["deliveries"][-1]["content"]["to"] == entries


def test_a_quote_left_open_in_a_long_list_holds_nothing_up(api: Api) -> None:
    """Read again from each quote, a list of this length would take ten minutes."""
    to = '"' + '\\"' * 200_000 + " <a@x.com>, b@x.com"
    assert send(api, to=to).status_code == 200
    content = api.sandbox.state()["deliveries"][-1]["content"]
    assert [len(each) for each in content["to"]] == [400_011, 7]


@pytest.mark.parametrize("reference", [2, "2", "password_reset", "Password_RESET"])
def test_a_record_is_named_by_number_or_trigger_name(api: Api, reference: Any) -> None:
    """The name is case-insensitive."""
    assert send(api, transactional_message_id=reference).status_code == 200
    delivery = api.sandbox.state()["deliveries"][-1]
    assert delivery["subject"] == "Reset your password"
    assert delivery["transactional_message_id"] == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"to": None}, 'Missing required field: "to"'),
        ({"to": "nowhere"}, "e-mail addresses"),
        ({"to": ","}, "to is an address list that names nobody"),
        ({"cc": " , ,"}, "cc is an address list that names nobody"),
        ({"to": ",".join(["a@x.com"] * 14), "bcc": "b@x.com, c@x.com"}, "15 recipients"),
        ({"identifiers": {}}, "exactly one"),
        ({"identifiers": {"id": "a", "email": "b@x.com"}}, "exactly one"),
        ({"transactional_message_id": 99}, "not found"),
        ({"transactional_message_id": "nothing"}, "not found"),
        ({"transactional_message_id": 3}, "not of type email"),
        ({"transactional_message_id": None}, 'Missing required field: "subject"'),
        ({"message_data": []}, "message_data"),
        ({"send_at": NOW + 90 * DAY + 1}, "90 days"),
        ({"attachments": {"a.pdf": "not base64!"}}, "not base64"),
        ({"headers": "{"}, "headers"),
        ({"headers": ["X-Order"]}, "headers must be an object"),
        ({"headers": {"X-Straße": "1"}}, "ASCII"),
        ({"headers": {"X-Order": "größer"}}, "ASCII"),
        ({"headers": {"X Order": "1"}}, "spaces"),
        ({"headers": '[{"name": "X Order", "value": "1"}]'}, "spaces"),
        ({"headers": {"": "1"}}, "a header has no name"),
        ({"headers": '[{"name": "", "value": "1"}]'}, "a header has no name"),
        ({"headers": '[{"name": null, "value": "1"}]'}, "headers must be an object"),
        ({"headers": '[{"name": 5, "value": "1"}]'}, "headers must be an object"),
    ],
)
def test_a_bad_mail_is_400_with_meta_error(api: Api, fields: Any, words: str) -> None:
    """The wording of the missing field: CLI."""
    before = len(api.sandbox.state()["deliveries"])
    response = send(api, **fields)
    assert response.status_code == 400
    assert words in response.json()["meta"]["error"]
    assert len(api.sandbox.state()["deliveries"]) == before


def test_attachments_are_refused_by_type_and_by_size(api: Api) -> None:
    """403 for a type, 413 from 2 MB on in total."""
    forbidden = send(api, attachments={"run.EXE": "aGk="})
    assert forbidden.status_code == 403
    assert forbidden.json()["meta"]["error"].startswith("Forbidden file type")
    million = base64.b64encode(b"x" * 1024**2).decode()
    too_large = send(api, attachments={"a.pdf": million, "b.pdf": million})
    assert too_large.status_code == 413
    assert too_large.json() == {"meta": {"error": "Total attachment size exceeds the limit"}}
    assert send(api, attachments={"a.pdf": million}).status_code == 200


def test_without_a_record_subject_and_body_are_needed(api: Api) -> None:
    """Metrics then fall under id 1."""
    own = {"subject": "Hi", "body": "<p>Hi</p>"}
    assert send(api, transactional_message_id=None, **own).status_code == 200
    assert api.sandbox.state()["deliveries"][-1]["transactional_message_id"] == 1


def test_auto_create_makes_a_record_of_a_name(api: Api) -> None:
    """A string id only."""
    own: dict[str, Any] = {"subject": "Hi", "body": "b", "from": "me@example.com"}
    own["auto_create"] = True
    assert send(api, transactional_message_id="fresh", **own).status_code == 200
    assert "fresh" in [each["name"] for each in api.get("/v1/transactional")["messages"]]
    assert send(api, transactional_message_id=77, **own).status_code == 400


def test_a_later_send_at_is_echoed_and_a_past_one_is_now(api: Api) -> None:
    later = send(api, send_at=NOW + 60).json()
    assert later["send_at"] == NOW + 60
    path = f"/v1/messages/{later['delivery_id']}"
    assert "sent" not in api.get(path)["message"]["metrics"]
    api.sandbox.clock.advance(60)
    assert api.get(path)["message"]["metrics"]["sent"] == NOW + 60
    assert "send_at" not in send(api, send_at=NOW - 60).json()


def test_a_draft_is_seen_only_among_drafts(api: Api) -> None:
    delivery_id = send(api, queue_draft=True).json()["delivery_id"]
    drafts = api.get("/v1/messages", drafts="true")["messages"]
    assert [each["id"] for each in drafts] == [delivery_id]
    assert delivery_id not in [each["id"] for each in api.get("/v1/messages")["messages"]]


def test_a_send_to_somebody_unknown_creates_them(api: Api) -> None:
    """The official Python README."""
    send(api, identifiers={"email": "newcomer@x.com"})
    assert api.known("newcomer@x.com")


def test_a_message_to_somebody_suppressed_is_dropped(api: Api) -> None:
    """WH: email_dropped."""
    api.accept("POST", "/api/v1/customers/u1/suppress")
    delivery_id = send(api).json()["delivery_id"]
    message = api.get(f"/v1/messages/{delivery_id}")["message"]
    assert message["failure_message"] == "suppressed"
    assert sorted(message["metrics"]) == ["created", "dropped"]
    dropped = api.get("/v1/messages", metric="dropped")["messages"]
    assert [each["id"] for each in dropped] == [delivery_id]


def test_unsubscribed_people_get_transactional_mail_by_default(api: Api) -> None:
    """send_to_unsubscribed defaults to true."""
    who = {"id": "u5"}
    send(api, identifiers=who)
    send(api, identifiers=who, send_to_unsubscribed=False)
    kept, dropped = api.sandbox.state()["deliveries"][-2:]
    assert kept["failure_message"] is None
    assert dropped["failure_message"] == "unsubscribed"


def test_a_push_goes_to_the_persons_device(api: Api) -> None:
    assert send(api, "push", to="last_used").status_code == 200
    delivery = api.sandbox.state()["deliveries"][-1]
    assert (delivery["type"], delivery["recipient"]) == ("push", "apns:ada-phone")
    assert delivery["failure_message"] is None


def test_a_custom_device_is_upserted_by_the_push(api: Api) -> None:
    """Its key is token."""
    device = {"token": "fresh", "platform": "android"}
    assert send(api, "push", identifiers={"id": "u3"}, custom_device=device).status_code == 200
    assert api.known("u3")["devices"][0]["id"] == "fresh"
    assert send(api, "push", custom_device={"id": "fresh"}).status_code == 400


@pytest.mark.parametrize("reference", [None, 1, "nothing"])
def test_a_push_needs_a_push_record(api: Api, reference: Any) -> None:
    """There is no push without one."""
    assert send(api, "push", transactional_message_id=reference).status_code == 400


def test_messages_come_in_pages_newest_first(api: Api) -> None:
    seen: list[str] = []
    created: list[int] = []
    start = ""
    while True:
        page = api.get("/v1/messages", limit=7, start=start)
        seen += [message["id"] for message in page["messages"]]
        created += [message["created"] for message in page["messages"]]
        start = page["next"]
        if not start:
            break
    assert len(seen) == len(set(seen)) == len(api.sandbox.state()["deliveries"])
    assert created == sorted(created, reverse=True)


def test_messages_reach_back_six_months_at_most(api: Api) -> None:
    """The window ends at end_ts, or now."""
    delivery_id = send(api).json()["delivery_id"]
    api.sandbox.clock.advance(200 * DAY)
    assert api.get("/v1/messages")["messages"] == []
    assert api.get("/v1/messages", start_ts=NOW - DAY)["messages"] == []
    found = api.get("/v1/messages", end_ts=NOW + DAY, start_ts=NOW)["messages"]
    assert [each["id"] for each in found] == [delivery_id]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"type": "fax"},
        {"metric": "seen"},
        {"start": "x"},
        {"limit": "a"},
    ],
)
def test_bad_list_parameters_are_refused(api: Api, query: Any) -> None:
    """400."""
    assert api.app("GET", "/v1/messages", params=query).status_code == 400


def test_filters_narrow_the_list(api: Api) -> None:
    mails = api.get("/v1/messages", type="email", action_id=51)["messages"]
    assert mails
    assert {(each["type"], each["action_id"]) for each in mails} == {("email", 51)}
    assert api.get("/v1/messages", newsletter_id=3)["messages"] == []
    tracked = api.get("/v1/messages", limit=1, get_tracked_responses="true")["messages"][0]
    assert "tracked_responses" in tracked


def test_a_persons_messages_have_a_path_of_their_own(api: Api) -> None:
    send(api)
    send(api, "push", identifiers={"id": "u3"})
    path = "/v1/customers/{}/messages"
    everything = api.get("/v1/messages", limit=1000)["messages"]
    of_ada = [each["id"] for each in everything if each["customer_id"] == "u1"]
    found = api.get(path.format("u1"), id_type="id", limit=1000)["messages"]
    assert [each["id"] for each in found] == of_ada
    assert api.get(path.format("u1"), start_ts=NOW)["messages"] == [everything[1]]
    assert api.app("GET", path.format("nobody")).status_code == 404
    assert api.app("GET", path.format("u1"), params={"limit": 0}).status_code == 400


def test_a_broadcasts_messages_are_listed_by_its_id_and_trigger(api: Api) -> None:
    path = "/v1/campaigns/30/triggers"
    triggers = []
    for ids in (["u1"], ["u1", "u3"]):
        api.sandbox.clock.advance(11)
        triggers.append(api.app("POST", path, {"ids": ids}).json()["id"])
    one, two = (
        api.get("/v1/messages", campaign_id=30, trigger_id=number)["messages"]
        for number in triggers
    )
    assert [{each["customer_id"] for each in found} for found in (one, two)] == [
        {"u1"},
        {"u1", "u3"},
    ]
    template = two[0]["message_template_id"]
    of_template = api.get("/v1/messages", template_id=template)["messages"]
    assert {each["message_template_id"] for each in of_template} == {template}
    assert two[0] in of_template


def test_an_unknown_message_is_404(api: Api) -> None:
    assert api.app("GET", "/v1/messages/nothing").status_code == 404


def test_a_page_is_not_shifted_by_what_is_sent_meanwhile(api: Api) -> None:
    """The cursor names a place, not a count."""
    first = api.get("/v1/messages", limit=5)
    send(api)
    rest = api.get("/v1/messages", limit=1000, start=first["next"])
    seen = [each["id"] for each in first["messages"] + rest["messages"]]
    assert len(seen) == len(set(seen)) == len(api.sandbox.state()["deliveries"]) - 1


def test_a_longer_span_is_the_six_months_before_its_end(api: Api) -> None:
    """By calendar months, and the times are those of creation."""
    sent = []
    for days in (0, 100, 100):
        api.sandbox.clock.advance(days * DAY)
        sent.append(send(api).json()["delivery_id"])
    end = NOW + 200 * DAY
    found = api.get("/v1/messages", start_ts=0, end_ts=end, limit=1000)["messages"]
    assert [each["id"] for each in found] == [sent[2], sent[1]]
    assert api.get("/v1/messages", end_ts=end, limit=1000)["messages"] == found
    early = api.get("/v1/messages", end_ts=NOW, start_ts=NOW)["messages"]
    assert [each["id"] for each in early] == [sent[0]]
