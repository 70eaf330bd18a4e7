from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api


def test_identify_creates_a_person_who_can_be_read_back_as_text(api: Api) -> None:
    """App shows every attribute as a string."""
    api.identify("new", email="new@example.com", seats=5, vip=True, score=19.5)
    customer = api.get("/v1/customers/new/attributes")["customer"]
    assert customer["identifiers"]["email"] == "new@example.com"
    assert customer["attributes"]["seats"] == "5"
    assert customer["attributes"]["vip"] == "true"
    assert customer["attributes"]["score"] == "19.5"
    assert customer["unsubscribed"] is False
    assert customer["timestamps"]["seats"] == NOW


def test_identify_merges_per_attribute_and_empty_or_null_removes(api: Api) -> None:
    """Null is UNVERIFIED and leans to what the product promises."""
    api.identify("p", a="1", b="2", c="3")
    api.identify("p", b="", c=None, d="4")
    values = api.attributes("p")
    assert {name: values.get(name) for name in "abcd"} == {"a": "1", "b": None, "c": None, "d": "4"}


@pytest.mark.parametrize("api_with", [{"null_attribute": "ignore"}], indirect=True)
def test_a_null_attribute_can_be_switched_to_be_ignored(api_with: Api) -> None:
    """UNVERIFIED, so a switch."""
    api_with.identify("p", a="1")
    api_with.identify("p", a=None)
    assert api_with.attributes("p")["a"] == "1"
    assert "null ignored" in api_with.quiet()


def test_the_path_shape_names_the_identifier_on_track(api: Api) -> None:
    """T: cio_ prefix, else an e-mail's look, else an id; a phone number is an id."""
    api.identify("who@example.com", plan="x")
    person = api.known("who@example.com")
    assert person["id"] is None
    api.identify(f"cio_{person['cio_id']}", id="given")
    assert api.known("given")["email"] == "who@example.com"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("a@b.c", "email"),
        ("a+b@sub.example.com", "email"),
        ("a@b..c", "email"),
        ("a@b.c.", "id"),
        ("a@b", "id"),
        ("@b.c", "id"),
        ("a@b@c.d", "id"),
        ("a b@c.d", "id"),
    ],
)
def test_an_address_has_one_at_and_a_dot_inside_its_domain(api: Api, text: str, kind: str) -> None:
    """T says only that it looks like an e-mail address: which do is UNVERIFIED."""
    api.identify(text, seen="yes")
    assert api.known(text)[kind] == text
    assert api.attributes(text, kind)["seen"] == "yes"
    api.identify("+14155552671", plan="y")
    assert api.known("+14155552671")["email"] is None


def test_app_infers_nothing_from_the_shape(api: Api) -> None:
    """An e-mail path without id_type looks up an id."""
    response = api.app("GET", "/v1/customers/ada%2Btest%40example.com/attributes")
    assert response.status_code == 404
    assert response.json()["errors"][0]["status"] == "404"
    assert api.attributes("ADA+TEST@example.com", "email")["first_name"] == "Ada"


@pytest.mark.parametrize("form", ["{}", "cio_{}"])
def test_app_takes_a_cio_id_bare_or_prefixed(api: Api, form: str) -> None:
    """Which of the two is UNVERIFIED, both are taken."""
    cio_id = api.known("u1")["cio_id"]
    assert api.attributes(form.format(cio_id), "cio_id")["id"] == "u1"


def test_phone_is_not_an_identifier_of_this_workspace(api: Api) -> None:
    """An identifier that is not enabled answers 400."""
    response = api.app("GET", "/v1/customers/%2B1415/attributes?id_type=phone")
    assert response.status_code == 400


def test_a_fresh_id_with_a_known_email_edits_the_owner(api: Api) -> None:
    """T: the person gets the path's identifier."""
    before = api.known("u1")["cio_id"]
    api.identify("fresh", email="ADA+test@example.com", plan="gold")
    assert api.known("fresh")["cio_id"] == before
    assert api.person("u1") is None


def test_an_identifier_of_somebody_else_fails_quietly_and_the_rest_applies(api: Api) -> None:
    """200, but the identifier change fails."""
    api.identify("u3", email="ada+test@example.com", plan="gold")
    assert api.known("u3")["email"] == "zoë@example.com"
    assert api.attributes("u3")["plan"] == "gold"
    assert api.quiet() == ["identifier conflict"]
    logged = api.sandbox.requests()[0]
    assert (logged["status"], logged["applied"]) == (200, False)
    assert logged["reason"] == "identifier conflict"


def test_a_set_identifier_changes_only_by_cio_id(api: Api) -> None:
    api.identify("u1", email="other@example.com")
    assert api.known("u1")["email"] == "ada+test@example.com"
    api.identify("cio_" + api.known("u1")["cio_id"], email="other@example.com")
    assert api.known("u1")["email"] == "other@example.com"


def test_an_unknown_cio_id_is_dropped_quietly(api: Api) -> None:
    """Still 200."""
    count = len(api.sandbox.state()["people"])
    api.identify("cio_d9c1ffffffff", plan="x")
    assert len(api.sandbox.state()["people"]) == count
    assert api.quiet() == ["unknown cio_id"]


def test_update_only_never_creates(api: Api) -> None:
    """T: ``_update`` on nobody is a quiet miss."""
    api.identify("nobody", _update=True, plan="x")
    assert api.person("nobody") is None
    assert api.quiet() == ["_update on nobody"]


def test_an_older_timestamp_keeps_the_stored_value(api: Api) -> None:
    """``_timestamp`` orders rapid updates."""
    api.identify("p", plan="new", _timestamp=NOW - 10)
    api.identify("p", plan="old", city="Köln", _timestamp=NOW - 20)
    values = api.attributes("p")
    assert (values["plan"], values["city"]) == ("new", "Köln")


def test_a_late_write_does_not_bring_a_removed_attribute_back(api: Api) -> None:
    """For a removal."""
    api.identify("p", plan="x", _timestamp=NOW - 30)
    api.identify("p", plan="", _timestamp=NOW - 10)
    api.identify("p", plan="late", _timestamp=NOW - 20)
    assert "plan" not in api.attributes("p")


def test_a_dotted_key_changes_one_topic_and_the_whole_key_all(api: Api) -> None:
    key = "cio_subscription_preferences"
    api.identify("p", **{key: {"topics": {"topic_1": True, "topic_2": True}}})
    api.identify("p", **{f"{key}.topics.topic_1": False})
    topics = api.known("p")["attributes"][key]["topics"]
    assert topics == {"topic_1": False, "topic_2": True}
    assert api.attributes("p")[key] == '{"topics":{"topic_1":false,"topic_2":true}}'
    api.identify("p", **{key: {"topics": {"topic_3": True}}})
    assert api.known("p")["attributes"][key] == {"topics": {"topic_3": True}}


@pytest.mark.parametrize(
    ("value", "expected"), [("TRUE", True), (1, True), ("1", True), ("yes", False), (False, False)]
)
def test_unsubscribed_reads_the_documented_spellings(api: Api, value: Any, expected: bool) -> None:
    api.identify("p", unsubscribed=value)
    assert api.known("p")["unsubscribed"] is expected


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"x": "é" * 501}, "value for attribute 'x' cannot be longer than 1000 bytes"),
        ({"n" * 151: "1"}, "attribute name cannot be longer than 150 bytes"),
        (
            {f"a{n}": 1 for n in range(301)},
            "cannot identify more than 300 attributes in one request",
        ),
        ({"id": "i" * 151}, "id cannot be longer than 150 bytes"),
    ],
)
def test_identify_limits_are_counted_in_bytes(api: Api, body: Any, words: str) -> None:
    """T: wording of the value limit: customerio-node issue 29."""
    response = api.track("PUT", "/api/v1/customers/p", body)
    assert (response.status_code, response.json()) == (400, {"meta": {"errors": [words]}})
    assert api.person("p") is None


def test_relationships_are_added_and_removed(api: Api) -> None:
    """cio_relationships is a control, not an attribute."""
    link = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
    named = {**link, "relationship_attributes": {"role": "admin", "gone": ""}}
    api.identify("p", cio_relationships={"action": "add_relationships", "relationships": [named]})
    [relation] = api.known("p")["relationships"]
    assert relation["attributes"] == {"role": "admin"}
    assert "cio_relationships" not in api.known("p")["attributes"]
    api.identify("p", cio_relationships={"action": "delete_relationships", "relationships": [link]})
    assert api.known("p")["relationships"] == []


def test_deleting_frees_the_identifier_and_a_repeat_is_no_error(api: Api) -> None:
    first = api.known("u1")["cio_id"]
    api.accept("DELETE", "/api/v1/customers/u1", {})
    api.accept("DELETE", "/api/v1/customers/u1")
    assert api.quiet() == ["unknown person"]
    api.identify("u1", plan="again")
    assert api.known("u1")["cio_id"] != first
    assert api.known("u1")["events"] == []


def test_suppressing_erases_and_blocks_both_identifiers_until_unsuppressed(api: Api) -> None:
    api.accept("POST", "/api/v1/customers/u1/suppress")
    assert api.person("u1") is None
    api.identify("Ada+test@example.com", plan="x")
    api.event("u1", "order_paid")
    assert api.quiet() == ["suppressed", "suppressed"]
    assert {each["kind"] for each in api.sandbox.state()["suppressions"]} == {"id", "email"}
    api.accept("POST", "/api/v1/customers/ada%2Btest%40example.com/unsuppress")
    assert api.sandbox.state()["suppressions"] == []
    assert api.person("u1") is None
    api.identify("u1", plan="fresh")
    assert api.known("u1")["attributes"] == {"plan": "fresh"}


def test_suppressing_somebody_unknown_blocks_the_identifier(api: Api) -> None:
    """Explicit statement UNVERIFIED, the clients' text says so."""
    api.accept("POST", "/api/v1/customers/ghost/suppress")
    api.identify("ghost", plan="x")
    assert api.person("ghost") is None


def test_an_address_in_another_case_changes_nobodys_address(api: Api) -> None:
    """Not where it names one person, nor where it makes one of two."""
    api.event("X@example.com", "visited")
    api.identify("x@EXAMPLE.com", plan="free")
    assert api.known("X@example.com")["attributes"] == {"plan": "free"}
    api.identify("one", plan="mine")
    api.identify("one", email="x@example.com")
    assert api.known("one")["email"] == "X@example.com"


def test_a_merge_fills_what_the_primary_lacks_and_erases_the_secondary(api: Api) -> None:
    api.identify("one", plan="mine")
    api.identify("two", plan="theirs", city="Köln", email="two@example.com")
    api.event("two", "visited", timestamp=NOW - 86400)
    api.event("two", "long_ago", timestamp=NOW - 31 * 86400)
    api.accept("POST", "/api/v1/segments/1/add_customers", {"ids": ["two"]})
    body = {"primary": {"id": "one"}, "secondary": {"email": "TWO@example.com"}}
    api.accept("POST", "/api/v1/merge_customers", body)
    one = api.known("one")
    assert one["attributes"] == {"plan": "mine", "city": "Köln"}
    assert [event["name"] for event in one["events"]] == ["visited"]
    assert one["manual_segments"] == [1]
    assert api.person("two") is None


@pytest.mark.parametrize(
    ("primary", "secondary", "reason"),
    [
        ("nobody", "u1", "merge primary missing"),
        ("u1", "nobody", "merge secondary missing"),
        ("u1", "u1", "merge of a person with themselves"),
    ],
)
def test_a_merge_that_cannot_happen_answers_200(
    api: Api, primary: str, secondary: str, reason: str
) -> None:
    """Nothing happens, and it is recorded."""
    body = {"primary": {"id": primary}, "secondary": {"id": secondary}}
    api.accept("POST", "/api/v1/merge_customers", body)
    assert api.known("u1")
    assert api.quiet() == [reason]


@pytest.mark.parametrize(
    "primary", [{"id": "a", "email": "a@x.com"}, {}, {"phone": "1"}, "a", None]
)
def test_a_merge_needs_exactly_one_identifier_each(api: Api, primary: Any) -> None:
    """400 with meta.error."""
    body = {"primary": primary, "secondary": {"id": "u1"}}
    response = api.track("POST", "/api/v1/merge_customers", body)
    assert response.status_code == 400
    assert "exactly one" in response.json()["meta"]["error"]


def test_people_are_found_by_email(api: Api) -> None:
    """REC: an empty result is an empty list."""
    assert api.get("/v1/customers", email="TEAM42@example.com")["results"][0]["id"] == "team/42"
    assert api.get("/v1/customers", email="none@example.com") == {"results": []}


def test_an_id_is_compared_with_its_case_and_an_email_without(api: Api) -> None:
    api.identify("CaseD", email="Mixed@Example.com")
    api.identify("cased", plan="x")
    assert api.known("CaseD")["cio_id"] != api.known("cased")["cio_id"]
    api.identify("mIXED@eXAMPLE.COM", plan="y")
    assert api.known("CaseD")["attributes"] == {"plan": "y"}
    assert api.known("CaseD")["email"] == "Mixed@Example.com"
    assert api.app("GET", "/v1/customers/CASED/attributes").status_code == 404


def test_controls_and_identifiers_are_no_attributes(api: Api) -> None:
    controls = {"_timestamp": NOW, "_update": False, "cio_relationships": None}
    api.identify("p", email="p@example.com", id="p", anonymous_id="a", plan="x", **controls)
    assert api.known("p")["attributes"] == {"plan": "x"}


def test_deleting_takes_everything_but_the_deliveries_which_are_forgotten(api: Api) -> None:
    """Events, devices, manual memberships and relationships go."""
    link = {"identifiers": {"object_type_id": "1", "object_id": "acme"}}
    change = {"action": "add_relationships", "relationships": [link]}
    api.identify("u1", cio_relationships=change)
    sent = [each["id"] for each in api.sandbox.state()["deliveries"] if each["customer_id"] == "u1"]
    api.accept("DELETE", "/api/v1/customers/u1")
    api.identify("u1")
    fresh = api.known("u1")
    assert [fresh[each] for each in ("events", "devices", "manual_segments", "relationships")] == [
        [],
        [],
        [],
        [],
    ]
    assert sent
    for delivery_id in sent:
        assert api.get(f"/v1/messages/{delivery_id}")["message"]["forgotten"] is True


def test_a_merge_hands_over_the_deliveries(api: Api) -> None:
    """Delivery history, which the message list then shows as the primary's."""
    api.event("u3", "signed_up")
    sent = {each["id"] for each in of(api, "u3")}
    api.identify("keeper")
    body = {"primary": {"id": "keeper"}, "secondary": {"id": "u3"}}
    api.accept("POST", "/api/v1/merge_customers", body)
    assert sent
    assert {each["id"] for each in of(api, "keeper")} == sent
    assert of(api, "u3") == []
    [keeper] = {each["customer_identifiers"]["cio_id"] for each in of(api, "keeper")}
    assert keeper == api.known("keeper")["cio_id"]
    assert not any(each["forgotten"] for each in of(api, "keeper"))


def of(api: Api, customer: str) -> list[dict[str, Any]]:
    """The messages to somebody, as the App API lists them."""
    listed = api.get("/v1/messages", limit=1000)["messages"]
    return [each for each in listed if each["customer_id"] == customer]


def test_a_merge_starts_no_campaign_of_a_segment_that_the_primary_comes_to_be_in(api: Api) -> None:
    """Journeys come along, so neither the merge nor a later write starts them again."""
    api.identify("keeper", email="keeper@example.com")
    body = {"primary": {"id": "keeper"}, "secondary": {"id": "u1"}}
    before = api.get("/v1/messages", limit=1000, campaign_id=13)["messages"]
    api.accept("POST", "/api/v1/merge_customers", body)
    assert "keeper" in api.get("/v1/segments/2/membership")["ids"]
    api.identify("keeper", plan="pro")
    after = api.get("/v1/messages", limit=1000, campaign_id=13)["messages"]
    assert {each["id"] for each in after} == {each["id"] for each in before}


def test_a_merge_triggers_nothing(api: Api) -> None:
    """The events it brings never trigger, and 30 days of them come."""
    api.event("b", "signed_up", timestamp=NOW - 100 * 3600)
    api.identify("a", email="a@example.com")
    before = len(api.sandbox.state()["deliveries"])
    body = {"primary": {"id": "a"}, "secondary": {"id": "b"}}
    api.accept("POST", "/api/v1/merge_customers", body)
    assert [event["name"] for event in api.known("a")["events"]] == ["signed_up"]
    assert len(api.sandbox.state()["deliveries"]) == before


def test_a_merge_keeps_what_the_primary_has_and_fills_what_is_empty(api: Api) -> None:
    """Its id and e-mail stay as well; a choice to unsubscribe fills a gap too."""
    api.identify("a", email="a@example.com", plan="mine")
    api.identify("b", email="b@example.com", plan="theirs", city="Köln", unsubscribed=True)
    body = {"primary": {"id": "a"}, "secondary": {"email": "B@EXAMPLE.com"}}
    api.accept("POST", "/api/v1/merge_customers", body)
    merged = api.known("a")
    assert (merged["email"], merged["unsubscribed"]) == ("a@example.com", True)
    assert merged["attributes"] == {"plan": "mine", "city": "Köln"}
    api.identify("b", email="b@example.com")  # its identifiers are free again
    assert api.known("b")["cio_id"] != merged["cio_id"]


def test_a_merge_leaves_a_choice_of_the_primary_alone(api: Api) -> None:
    """The primary keeps its values, also the one to be written to."""
    api.identify("a", unsubscribed=False)
    api.identify("b", unsubscribed=True)
    body = {"primary": {"id": "a"}, "secondary": {"id": "b"}}
    api.accept("POST", "/api/v1/merge_customers", body)
    assert api.known("a")["unsubscribed"] is False


def test_a_merge_names_a_cio_id_without_prefix(api: Api) -> None:
    """The key names the type; a prefixed one is taken too."""
    api.identify("a")
    for form in ("{}", "cio_{}"):
        api.identify("b", plan=form)
        secondary = {"cio_id": form.format(api.known("b")["cio_id"])}
        api.accept(
            "POST", "/api/v1/merge_customers", {"primary": {"id": "a"}, "secondary": secondary}
        )
        assert api.person("b") is None
