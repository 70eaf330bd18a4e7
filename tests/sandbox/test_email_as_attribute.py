"""A workspace in which e-mail is no identifier.

The documents say that such workspaces exist, that lookups by e-mail answer 400 there and that a
broadcast may find several people with one address. What its calls on Track answer is UNVERIFIED.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.test_messages import send
from tests.support.sandbox_api import NOW, Api

EMAIL = "shared@example.com"
TRIGGERS = "/v1/campaigns/30/triggers"


@pytest.fixture
def plain(api: Api) -> Api:
    """Without any people of the demo's, so that addresses are the test's own."""
    api.sandbox.reset("empty")
    api.sandbox.seed(
        {
            "segments": [{"id": 1, "name": "all"}],
            "broadcasts": [
                {
                    "id": 30,
                    "name": "news",
                    "default_recipients": {"segment": {"id": 1}},
                    "actions": [{"id": 1, "type": "email", "subject": "News"}],
                }
            ],
        }
    )
    api.sandbox.configure(email_is_identifier=False, trigger_interval=0)
    return api


def test_a_path_that_looks_like_an_email_is_an_id(plain: Api) -> None:
    plain.identify(EMAIL, plan="x")
    [person] = plain.sandbox.state()["people"]
    assert (person["id"], person["email"]) == (EMAIL, None)
    assert plain.attributes(EMAIL)["plan"] == "x"


def test_an_email_is_an_attribute_that_changes_and_that_people_share(plain: Api) -> None:
    plain.identify("a", email=EMAIL)
    plain.identify("b", email=EMAIL.upper())
    assert plain.quiet() == []
    assert plain.attributes("b")["email"] == EMAIL.upper()
    found = plain.get("/v1/customers", email=EMAIL)["results"]
    assert [each["id"] for each in found] == ["a", "b"]
    plain.identify("a", email="new@example.com", _timestamp=NOW + 2)
    plain.identify("a", email="late@example.com", _timestamp=NOW + 1)
    assert plain.quiet() == ["older than the stored value"]
    assert plain.attributes("a")["email"] == "new@example.com"
    plain.identify("a", email="", _timestamp=NOW + 3)
    assert "email" not in plain.attributes("a")


def test_a_fresh_id_with_a_known_email_is_a_new_person(plain: Api) -> None:
    """The rule of adoption is about identifiers."""
    plain.identify("a", email=EMAIL)
    plain.identify("fresh", email=EMAIL)
    assert [each["id"] for each in plain.sandbox.state()["people"]] == ["a", "fresh"]


def test_suppressing_blocks_the_id_only(plain: Api) -> None:
    """Both are blocked in workspaces that have both."""
    plain.identify("a", email=EMAIL)
    plain.accept("POST", "/api/v1/customers/a/suppress")
    plain.identify("b", email=EMAIL)
    plain.identify("a", email=EMAIL)
    assert [each["id"] for each in plain.sandbox.state()["people"]] == ["b"]
    assert [each["kind"] for each in plain.sandbox.state()["suppressions"]] == ["id"]


def test_calls_that_name_somebody_by_email_are_400(plain: Api) -> None:
    plain.identify("a", email=EMAIL)
    by_email: dict[str, Any] = {"email": EMAIL}
    written = {"from": "x@example.com", "subject": "s", "body": "b"}
    merged = {"primary": {"id": "a"}, "secondary": by_email}
    v2 = {"type": "person", "action": "identify", "identifiers": by_email}
    answers = [
        plain.track("POST", "/api/v1/merge_customers", merged),
        plain.track("POST", "/api/v1/segments/1/add_customers?id_type=email", {"ids": [EMAIL]}),
        plain.track("POST", "/api/v2/entity", v2),
        send(plain, identifiers=by_email, transactional_message_id=None, **written),
        plain.app("GET", f"/v1/customers/{EMAIL}/attributes?id_type=email"),
    ]
    assert [each.status_code for each in answers] == [400] * 5
    assert all("email is not enabled" in each.text for each in answers)


def test_a_list_of_ids_may_hold_what_looks_like_an_email(plain: Api) -> None:
    plain.identify(EMAIL)
    ids = {"ids": [EMAIL, "nobody@example.com"]}
    plain.accept("POST", "/api/v1/segments/1/add_customers", ids)
    assert plain.known(EMAIL)["manual_segments"] == [1]
    assert plain.quiet() == ["unknown person"]


def test_an_address_of_several_people_fails_a_broadcast_unless_duplicates_are_wanted(
    plain: Api,
) -> None:
    """An e-mail held by several people is an error; true includes them."""
    plain.identify("a", email=EMAIL)
    plain.identify("b", email=EMAIL.title())
    refused = plain.app("POST", TRIGGERS, {"emails": [EMAIL]})
    assert refused.status_code == 422
    [error] = plain.get(f"{TRIGGERS}/1/errors")["errors"]
    assert error == f"line 1: several people have the email {EMAIL}"
    body = {"emails": [EMAIL], "email_add_duplicates": True}
    assert plain.app("POST", TRIGGERS, body).status_code == 200
    sent = plain.get("/v1/broadcasts/30/messages")["messages"]
    assert sorted(each["customer_id"] for each in sent) == ["a", "b"]


def test_a_merge_takes_an_email_as_it_takes_any_attribute(plain: Api) -> None:
    plain.sandbox.configure(merge_moves_identifiers=False)
    plain.identify("a")
    plain.identify("b", email=EMAIL)
    body = {"primary": {"id": "a"}, "secondary": {"id": "b"}}
    plain.accept("POST", "/api/v1/merge_customers", body)
    assert plain.attributes("a")["email"] == EMAIL


def test_a_seed_needs_ids(plain: Api) -> None:
    with pytest.raises(ValueError, match="needs an id: email is no identifier"):
        plain.sandbox.seed({"people": [{"email": EMAIL}]})
    plain.sandbox.seed({"people": [{"id": "a", "email": EMAIL}, {"id": "b", "email": EMAIL}]})
    assert len(plain.sandbox.state()["people"]) == 2


def test_a_seeded_suppression_blocks_both_identifiers_where_both_are(api: Api) -> None:
    api.sandbox.seed({"people": [{"id": "gone", "email": EMAIL, "suppressed": True}]})
    api.identify("other", email=EMAIL)
    api.identify("gone")
    assert api.quiet() == ["suppressed", "suppressed"]
    assert api.person("gone") is api.person("other") is None
