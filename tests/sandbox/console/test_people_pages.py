"""People: lists page by page, a search by the start of any word, one person with their history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customerio_tool.sandbox import Sandbox
from customerio_tool.sandbox.store.terms import LONGEST, MOST, normal, search_terms
from tests.sandbox.console.browser import visit
from tests.support.pages import Page
from tests.support.sandbox_api import Api


def shown(page: Page) -> list[str]:
    return [link for link in page.links if link.startswith("/console/people/")]


def names(api: Api, query: str) -> set[str]:
    """The ids of the people whom a search finds, on all its pages."""
    found: list[str] = []
    path = f"/console/people?q={query}"
    while path:
        page = visit(api, path)
        found += shown(page)
        more = page.all("a", rel="next")
        path = f"/console/people{more[0]['href']}" if more else ""
    people = {
        person["cio_id"]: person["id"] or person["email"]
        for person in api.sandbox.state()["people"]
    }
    return {people[link.rpartition("/")[2]] for link in found}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("u1", {"u1"}),
        ("ADA", {"u1"}),
        ("ada%2Btest@ex", {"u1"}),
        ("test@example.com", {"u1"}),
        ("42", {"team/42"}),
        ("zo%C3%AB  m%C3%BCller", {"u3"}),
        ("%C5%82ukasz", {"u3"}),
        ("%E9%9B%A8", {"用户7"}),
        ("pro", {"u1", "u6"}),
        ("5", {"u1"}),
        ("da", set()),
        ("%25", set()),
        ("' OR 1=1 --", set()),
    ],
)
def test_a_search_finds_what_begins_a_word(api: Api, query: str, expected: set[str]) -> None:
    assert names(api, query) >= expected
    if not expected:
        assert names(api, query) == set()


def test_a_search_by_cio_id_finds_the_person(api: Api) -> None:
    cio_id = api.known("u3")["cio_id"]
    assert names(api, cio_id) == names(api, f"cio_{cio_id}") == {"u3"}


def test_a_search_knows_what_changed_and_what_is_gone(api: Api) -> None:
    api.identify("u1", plan="zebra", first_name=None)
    assert names(api, "zebra") == {"u1"}
    assert names(api, "ada lovelace") == set()
    api.accept(
        "POST", "/api/v1/merge_customers", {"primary": {"id": "u6"}, "secondary": {"id": "u1"}}
    )
    assert names(api, "zebra") == set(), "the primary keeps its plan"
    assert names(api, "ada%2Btest") == {"u6"}
    api.accept("DELETE", "/api/v1/customers/u6")
    assert names(api, "ada%2Btest") == set()


def test_reset_and_restore_bring_their_terms_along(api: Api) -> None:
    api.sandbox.snapshot("before")
    api.identify("new", plan="zebra")
    api.sandbox.restore("before")
    assert names(api, "zebra") == set()
    api.sandbox.reset("empty")
    assert names(api, "u1") == set()


def test_pages_of_people_and_of_a_search_hold_everybody_once() -> None:
    seed = {"people": [{"id": f"p{n}", "attributes": {"plan": "pro"}} for n in range(65)]}
    with Sandbox(seed=seed) as sandbox:
        api = Api(sandbox)
        assert len(names(api, "pro")) == 65
        seen: list[str] = []
        path = "/console/people"
        while path:
            page = visit(api, path)
            seen += shown(page)
            more = page.all("a", rel="next")
            path = f"/console/people{more[0]['href']}" if more else ""
        assert len(seen) == len(set(seen)) == 65


def test_the_pages_of_a_timeline_hold_every_event_once(api: Api) -> None:
    for number in range(45):
        api.event("u6", f"event-{number}")
    path = f"/console/people/{api.known('u6')['cio_id']}"
    words, query = "", ""
    for _ in range(3):
        page = visit(api, path + query)
        words += page.words
        query = more[0]["href"] if (more := page.all("a", rel="next")) else ""
    assert query == ""
    assert all(words.count(f"event-{number}\n") <= 1 for number in range(45))
    assert all(f"event-{number}" in words for number in range(45))


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=300))
def test_each_value_is_among_the_terms_of_a_person(one: str, two: str, three: str) -> None:
    import json

    attributes = json.dumps({"a": three, "n": 5, "yes": True, "list": ["x"]})
    terms = json.loads(search_terms(one, two, attributes))
    assert {normal(each) for each in (one, two, three, "5")} - {""} <= set(terms)
    assert "true" not in terms or "true" in (one + two + three).casefold()
    assert all(0 < len(term) <= 3 * LONGEST for term in terms)


def test_a_person_with_very_much_text_has_so_many_terms_and_no_more() -> None:
    import json

    attributes = json.dumps({f"a{n}": f"v{n} " * 200 for n in range(300)})
    terms = json.loads(search_terms("id", None, attributes))
    assert len(terms) == MOST
    assert "id" in terms
