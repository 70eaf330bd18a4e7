from __future__ import annotations

from typing import Any

import pytest

from tests.support.sandbox_api import NOW, Api


def members(api: Api, segment_id: int) -> list[str]:
    ids: list[str] = api.get(f"/v1/segments/{segment_id}/membership")["ids"]
    return ids


def change(api: Api, verb: str, ids: Any, segment: Any = 1, **query: str) -> Any:
    path = f"/api/v1/segments/{segment}/{verb}_customers"
    return api.track("POST", path, {"ids": ids}, params=query)


def test_a_created_segment_is_manual_empty_and_finished(api: Api) -> None:
    """200, wrapped body; the state is UNVERIFIED."""
    body = {"segment": {"name": "VIP", "description": "very"}}
    response = api.app("POST", "/v1/segments", body)
    assert response.status_code == 200
    segment = response.json()["segment"]
    assert segment["deduplicate_id"] == f"{segment['id']}:{NOW}"
    assert (segment["type"], segment["state"]) == ("manual", "finished")
    assert (segment["tags"], segment["progress"]) == (None, None)
    assert api.get(f"/v1/segments/{segment['id']}") == {"segment": segment}
    assert segment in api.get("/v1/segments")["segments"]
    count = api.get(f"/v1/segments/{segment['id']}/customer_count")
    assert count == {"segment_id": segment["id"], "count": 0}


@pytest.mark.parametrize(
    "body", [{}, {"name": "flat"}, {"segment": {}}, {"segment": {"name": " "}}]
)
def test_a_segment_needs_a_wrapped_name(api: Api, body: Any) -> None:
    """400."""
    response = api.app("POST", "/v1/segments", body)
    assert response.status_code == 400
    assert response.json()["errors"][0]["detail"]


def test_deleting_a_segment_answers_204_then_404(api: Api) -> None:
    response = api.app("DELETE", "/v1/segments/1")
    assert (response.status_code, response.content) == (204, b"")
    assert api.app("DELETE", "/v1/segments/1").status_code == 404
    assert api.app("GET", "/v1/segments/1").status_code == 404


def test_a_dynamic_segment_is_not_deleted(api: Api) -> None:
    """Only manual segments can be; the status is UNVERIFIED."""
    assert api.app("DELETE", "/v1/segments/2").status_code == 400
    assert api.app("GET", "/v1/segments/2").status_code == 200


def test_used_by_names_the_campaigns(api: Api) -> None:
    used = api.get("/v1/segments/2/used_by")["used_by"]
    assert used["campaigns"] == [13]


def test_membership_changes_are_set_operations(api: Api) -> None:
    assert members(api, 1) == ["u1", "team/42"]
    assert change(api, "add", ["u3", "u3", "u1"]).content == b"{}\n"
    assert members(api, 1) == ["u1", "team/42", "u3"]
    change(api, "remove", ["team/42"])
    change(api, "remove", ["team/42"])
    assert members(api, 1) == ["u1", "u3"]


def test_the_id_type_of_the_query_names_the_identifier(api: Api) -> None:
    """Entries of another type are ignored, and that is recorded."""
    change(api, "add", ["ivy@example.com", "u3"], id_type="email")
    assert members(api, 1) == ["u1", "team/42", ""]
    assert api.quiet() == ["wrong id type in the list"]
    change(api, "add", [api.known("u3")["cio_id"]], id_type="cio_id")
    assert "u3" in members(api, 1)


def test_adding_unknown_people_is_silent(api: Api) -> None:
    """The current documentation is silent, so the switch is off."""
    change(api, "add", ["nobody"])
    assert api.person("nobody") is None
    assert api.quiet() == ["unknown person"]


@pytest.mark.parametrize("api_with", [{"segment_add_creates_people": True}], indirect=True)
def test_adding_unknown_people_can_create_them(api_with: Api) -> None:
    """An older vendor text says so."""
    change(api_with, "add", ["nobody"])
    assert api_with.known("nobody")["manual_segments"] == [1]


@pytest.mark.parametrize("ids", [[], None, ["x"] * 1001, [1.5], [None], "u1"])
def test_a_bad_list_of_ids_is_refused(api: Api, ids: Any) -> None:
    """1 to 1000 strings, else 400 with meta.errors."""
    response = change(api, "add", ids)
    assert response.status_code == 400
    assert "ids" in response.json()["meta"]["errors"][0]


@pytest.mark.parametrize("segment", [2, 999, "beta"])
def test_only_existing_manual_segments_take_members(api: Api, segment: Any) -> None:
    """400 or 404 is UNVERIFIED, leaning to the documented 400."""
    assert change(api, "add", ["u1"], segment).status_code == 400


def test_a_dynamic_segment_follows_attributes(api: Api) -> None:
    """Computed."""
    assert members(api, 2) == ["u1", "u6"]
    api.identify("u6", plan="free")
    api.identify("u3", plan="pro")
    assert members(api, 2) == ["u1", "u3"]


def test_entering_a_segment_starts_its_campaign_once(api: Api) -> None:
    """A segment campaign."""
    before = len(api.get("/v1/messages", campaign_id=13)["messages"])
    api.identify("u3", plan="pro")
    api.identify("u3", plan="pro")
    started = api.get("/v1/messages", campaign_id=13)["messages"]
    assert [message["type"] for message in started[before:]] == ["push", "email"]


def test_membership_comes_in_pages(api: Api) -> None:
    """Start, limit, next."""
    first = api.get("/v1/segments/1/membership", limit=1)
    assert first["ids"] == ["u1"]
    second = api.get("/v1/segments/1/membership", limit=1, start=first["next"])
    assert (second["ids"], second["next"]) == (["team/42"], "")
    assert second["identifiers"][0]["email"] == "team42@example.com"
