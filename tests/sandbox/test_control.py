from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customerio_tool.sandbox import Clock, Options, Sandbox
from tests.sandbox.api import NOW, Api
from tests.sandbox.conftest import serve

DAY = 86400


def control(api: Api, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
    url = f"{api.sandbox.app_url}/_sandbox/{path}"
    return api.session.request(method, url, json=json, timeout=10, **more)


def change(api: Api, method: str, path: str, body: Any) -> Any:
    """A control call that must work."""
    response = control(api, method, path, body)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(api: Api, method: str, path: str, body: Any) -> str:
    """The words in which a control call is refused."""
    response = control(api, method, path, body)
    assert response.status_code == 400, response.text
    words: str = response.json()["errors"][0]["detail"]
    return words


# --- who may call


CHANGES = [
    ("POST", "reset"),
    ("POST", "seed"),
    ("PUT", "snapshots/a"),
    ("POST", "snapshots/a/restore"),
    ("POST", "clock"),
    ("PATCH", "options"),
    ("PUT", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
]


def test_every_control_route_that_changes_something_is_among_those_tried(api: Api) -> None:
    routes = [r for r in api.sandbox.application.router.routes if r.api == "control"]
    found = {(r.method, "/".join(r.segments[1:])) for r in routes if r.method != "GET"}
    assert found == {(m, p.replace("snapshots/a", "snapshots/{name}")) for m, p in CHANGES}


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded"])
def test_a_change_without_a_json_type_is_refused(
    api: Api, method: str, path: str, kind: str | None
) -> None:
    """A form on any web page can post the other types to loopback."""
    before = api.sandbox.state()
    headers = {"Content-Type": kind} if kind else {}
    for body in (b"", b'{"to":"empty"}'):
        status, answer = api.raw(method, f"/_sandbox/{path}", body, headers)
        assert (status, b"application/json" in answer) == (400, True)
    assert api.sandbox.state() == before


@pytest.mark.parametrize("name", ["Host", "Origin"])
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil", ""])
def test_control_is_closed_to_other_hosts_and_sites(api: Api, name: str, host: str) -> None:
    value = f"http://{host}" if name == "Origin" else host
    status, answer = api.raw("GET", "/_sandbox/state", headers={name: value})
    assert (status, name.encode() in answer) == (403, True)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:1", "[::1]:1", "LOCALHOST"])
def test_control_is_open_to_loopback(api: Api, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert api.raw("GET", "/_sandbox/health", headers=headers)[0] == 200


def test_no_web_page_may_read_what_control_answers(api: Api) -> None:
    assert "Access-Control-Allow-Origin" not in control(api, "GET", "state").headers


# --- clock


def test_the_clock_is_frozen_advanced_set_and_resumed(api: Api) -> None:
    assert control(api, "GET", "clock").json() == {"time": NOW, "frozen": True}
    assert change(api, "POST", "clock", {"advance": 60}) == {"time": NOW + 60, "frozen": True}
    assert change(api, "POST", "clock", {"set": 5}) == {"time": 5, "frozen": True}
    assert change(api, "POST", "clock", {"freeze": 9.5}) == {"time": 9.5, "frozen": True}
    assert change(api, "POST", "clock", {"resume": True})["frozen"] is False
    assert change(api, "POST", "clock", {"freeze": True})["frozen"] is True
    assert control(api, "GET", "health").json()["time"] == api.sandbox.clock.now()


@pytest.mark.parametrize(
    "body",
    [
        *({}, {"advance": -1}, {"advance": 1, "set": 1}, {"freeze": False}, {"set": "now"}),
        *({"x": 1}, {"set": -1}, {"freeze": -1}, {"set": NOW * 1000}, {"freeze": NOW * 1000}),
        {"advance": NOW * 1000},
    ],
)
def test_a_clock_that_is_told_nonsense_stays(api: Api, body: dict[str, Any]) -> None:
    assert refusal(api, "POST", "clock", body)
    assert api.sandbox.clock.now() == NOW


def test_a_time_in_milliseconds_is_told_from_one_in_seconds() -> None:
    with pytest.raises(ValueError, match="Unix seconds, not milliseconds"):
        Clock().set(NOW * 1000)


@pytest.mark.parametrize("moment", [0, 2**33])
def test_everything_works_at_the_ends_of_time(api: Api, moment: int) -> None:
    change(api, "POST", "clock", {"set": moment})
    campaign = api.get("/v1/campaigns")["campaigns"][0]["id"]
    for period in ("hours", "days", "weeks", "months"):
        assert api.get(f"/v1/campaigns/{campaign}/metrics", period=period)["metric"]
    api.identify("somebody", plan="x")
    api.event("somebody", "signed_up")
    assert api.get("/v1/messages")


def test_a_running_clock_keeps_running_when_it_is_moved() -> None:
    source = [100.0]
    clock = Clock(lambda: source[0])
    clock.set(500)
    source[0] += 7
    assert (clock.now(), clock.is_frozen) == (507, False)
    clock.restart()
    assert clock.now() == 107


# --- seed


SEED: dict[str, Any] = {
    "segments": [
        {"name": "VIP", "id": 70, "description": "They pay"},
        {
            "name": "Gold",
            "conditions": {"attribute": {"field": "plan", "operator": "eq", "value": "gold"}},
        },
    ],
    "objects": [{"type": "1", "id": "acme", "attributes": {"name": "Acme"}}],
    "people": [
        {
            "id": "p/1",
            "email": "p1@example.com",
            "attributes": {"plan": "gold", "seats": 3},
            "created_at": NOW - DAY,
            "segments": ["VIP"],
            "devices": [{"token": "t1", "platform": "ios"}],
            "events": [{"name": "order_paid", "data": {"sum": 5}, "timestamp": NOW - 60}],
        },
        {"email": "p2@example.com", "unsubscribed": True, "segments": [70]},
        {"id": "gone", "suppressed": True},
    ],
    "templates": [{"name": "invoice", "id": 9, "content": {"subject": "Invoice", "body": "x"}}],
    "campaigns": [
        {
            "id": 101,
            "name": "Thanks",
            "event_name": "order_paid",
            "actions": [{"id": 1, "subject": "Thank you", "body": "<p>x</p>"}],
            "filter_segment_ids": [70],
        },
        {"id": 102, "name": "Hello VIP", "type": "segment", "trigger_segment_ids": [70]},
    ],
    "broadcasts": [
        {
            "id": 201,
            "name": "News",
            "actions": [{"id": 2, "subject": "News"}],
            "default_recipients": {"segment": {"id": 70}},
        }
    ],
}


@pytest.fixture
def empty(api: Api) -> Api:
    api.sandbox.reset("empty")
    return api


def test_a_seed_is_what_the_apis_then_serve(empty: Api) -> None:
    answer = change(empty, "POST", "seed", SEED)
    counts = {name: len(entries) for name, entries in SEED.items()}
    assert answer == {"seeded": counts}
    assert empty.attributes("p/1")["seats"] == "3"
    person = empty.known("p/1")
    assert (person["created"], person["devices"][0]["id"]) == (NOW - DAY, "t1")
    assert [event["name"] for event in person["events"]] == ["order_paid"]
    assert empty.known("p2@example.com")["unsubscribed"] is True
    assert [each["value"] for each in empty.sandbox.state()["suppressions"]] == ["gone"]
    sizes = [(each["id"], len(each["members"])) for each in empty.sandbox.state()["segments"]]
    assert sizes == [(70, 2), (71, 1)]
    assert [each["id"] for each in empty.get("/v1/campaigns")["campaigns"]] == [101, 102]
    assert [each["id"] for each in empty.get("/v1/broadcasts")["broadcasts"]] == [201]
    [template] = empty.get("/v1/transactional")["messages"]
    assert (template["id"], template["name"]) == (9, "invoice")


def test_a_seed_sends_nothing_and_what_comes_after_does(empty: Api) -> None:
    empty.sandbox.seed(SEED)
    assert empty.sandbox.state()["deliveries"] == []
    empty.event("p/1", "order_paid")
    answer = empty.app("POST", "/v1/campaigns/201/triggers", {})
    assert answer.status_code == 200
    subjects = [each["subject"] for each in empty.sandbox.state()["deliveries"]]
    assert subjects == ["Thank you", "News"]


@pytest.mark.parametrize(
    ("seed", "words"),
    [
        ([], "seed must be an object"),
        ({"peple": []}, "did you mean people?"),
        ({"people": {}}, "seed.people must be a list"),
        ({"people": [{"idd": "x"}]}, "seed.people[0] has no member 'idd': did you mean id?"),
        ({"people": [{}]}, "seed.people[0]: needs an id, or an email"),
        ({"people": [{"email": "no"}]}, "needs an id, or an email"),
        ({"people": [{"id": "x" * 151}]}, "150 bytes"),
        ({"people": [{"id": "x", "segments": ["no"]}]}, "no segment 'no'"),
        ({"people": [{"id": "x", "devices": [{"token": "t"}]}]}, "platform must be ios"),
        ({"people": [{"id": "x", "events": [{}]}]}, "name is required"),
        ({"people": [{"id": "x", "attributes": {"a": "b" * 1001}}]}, "1000 bytes"),
        (
            {"people": [{"id": "x", "email": "e@x.io"}, {"id": "y", "email": "e@x.io"}]},
            "seed.people[1]: its email belongs to somebody already",
        ),
        ({"people": [{"id": "x", "suppressed": True}, {"id": "x"}]}, "suppressed"),
        ({"segments": [{}]}, "seed.segments[0] needs name"),
        ({"segments": [{"name": "a", "id": 1}, {"name": "b", "id": 1}]}, "is taken"),
        ({"segments": [{"name": "a", "conditions": {"x": 1}}]}, "unknown filter x"),
        (
            {"segments": [{"name": "a", "id": 1, "conditions": {"segment": {"id": 1}}}]},
            "segment not found",
        ),
        ({"templates": [{"name": "a"}, {"name": "A"}]}, "is taken"),
        ({"templates": [{"name": "a", "channel": "fax"}]}, "channel must be one of email, push"),
        ({"campaigns": [{"name": "a"}]}, "seed.campaigns[0] needs id"),
        ({"campaigns": [{"id": 1, "name": "a", "actions": [{}]}]}, "actions[0] needs id"),
        ({"campaigns": [{"id": 1, "name": "a", "filter_segment_ids": [5]}]}, "segment not found"),
        ({"broadcasts": [{"id": 1, "name": "a"}]}, "needs default_recipients"),
    ],
)
def test_a_seed_that_makes_no_sense_adds_nothing_and_says_why(
    empty: Api, seed: Any, words: str
) -> None:
    before = empty.sandbox.state()
    assert words in refusal(empty, "POST", "seed", seed)
    assert empty.sandbox.state() == before


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
_OTHERS = ["email", "attributes", "devices", "events", "segments", "conditions", "content"]
_LISTS = ["actions", "created_at", "default_recipients", "filter_segment_ids"]
_ENTRIES = st.fixed_dictionaries(
    {"id": st.integers(1, 3) | st.text(max_size=3) | _JSON, "name": st.text(max_size=3) | _JSON},
    optional={
        name: _JSON | st.lists(st.fixed_dictionaries({"id": _JSON, "name": _JSON}), max_size=1)
        for name in [*_OTHERS, *_LISTS]
    },
)
_KINDS = ["segments", "objects", "people", "templates", "campaigns", "broadcasts"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(_KINDS), st.lists(_ENTRIES, max_size=2)))
def test_no_seed_is_worse_than_refused(empty: Api, seed: dict[str, Any]) -> None:
    empty.sandbox.reset("empty")
    try:
        empty.sandbox.seed(seed)
    except ValueError:
        assert empty.sandbox.state()["people"] == []
    empty.sandbox.state()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", {1, 2}])
def test_a_seed_from_python_must_be_what_json_can_hold(empty: Api, value: Any) -> None:
    with pytest.raises(ValueError, match="what JSON can hold"):
        empty.sandbox.seed({"people": [{"id": "x", "attributes": {"a": value}}]})


def test_a_sandbox_may_start_from_a_seed_and_go_back_to_it() -> None:
    with Sandbox(seed=SEED, clock=Clock(frozen_at=NOW)) as sandbox:
        first = sandbox.state()
        assert len(first["people"]) == 2
        Api(sandbox).identify("more")
        sandbox.reset()
        assert sandbox.state() == first
    with pytest.raises(ValueError, match="did you mean people"):
        Sandbox(seed={"peple": []}).start()


# --- reset, snapshots


def test_reset_puts_back_all_that_a_test_could_have_changed(api: Api) -> None:
    sandbox = api.sandbox
    first, options = sandbox.state(), sandbox.options
    sandbox.configure(delay_seconds=5, rate_limits="strict")
    sandbox.fault(status=503, times=1)
    sandbox.clock.advance(60)
    for _ in range(12):
        api.app("GET", "/v1/segments")
    api.identify("late")
    change(api, "POST", "reset", {})
    assert (sandbox.state(), sandbox.options, sandbox.faults.shown()) == (first, options, [])
    assert (sandbox.clock.now(), sandbox.requests()) == (NOW, [])
    sandbox.configure(rate_limits="strict")
    assert api.app("GET", "/v1/segments").status_code == 200
    assert refusal(api, "POST", "reset", {"too": "empty"}).endswith("did you mean to?")


def test_a_snapshot_brings_everything_back(api: Api) -> None:
    api.identify("before", plan="x")
    kept, log = api.sandbox.state(), api.sandbox.requests()
    assert change(api, "PUT", "snapshots/one", {}) == {"snapshots": ["one"]}
    api.identify("after")
    api.app("DELETE", "/v1/segments/1")
    change(api, "POST", "snapshots/one/restore", {})
    assert (api.sandbox.state(), api.sandbox.requests()) == (kept, log)
    api.identify("again")
    api.sandbox.restore("one")
    assert api.sandbox.state() == kept, "it can be restored twice"


def test_a_snapshot_of_the_same_name_replaces_the_first(api: Api) -> None:
    api.sandbox.snapshot("one")
    api.identify("x")
    api.sandbox.snapshot("one")
    api.sandbox.reset()
    api.sandbox.restore("one")
    assert api.person("x")


def test_an_unknown_snapshot_is_404_and_names_what_there_is(api: Api) -> None:
    api.sandbox.snapshot("one")
    answer = control(api, "POST", "snapshots/two/restore", {})
    assert (answer.status_code, "'two'; there are: one" in answer.text) == (404, True)
    with pytest.raises(KeyError, match="two"):
        api.sandbox.restore("two")


def test_what_was_restored_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    with Sandbox(db=path, seed=False) as sandbox:
        Api(sandbox).identify("kept")
        sandbox.snapshot("one")
        sandbox.reset()
        sandbox.restore("one")
    with Sandbox(db=path) as sandbox:
        assert [person["id"] for person in sandbox.state()["people"]] == ["kept"]


def test_snapshots_are_taken_and_restored_among_other_calls(api: Api) -> None:
    def play(number: int) -> None:
        own = Api(api.sandbox)
        for step in range(5):
            own.identify(f"{number}-{step}")
            own.sandbox.snapshot(str(number))
            own.sandbox.restore(str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(play, range(4)))
    assert api.app("GET", "/v1/segments").status_code == 200
    assert len(api.sandbox.application.snapshots.names()) == 4


# --- options


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


# --- eventual consistency


def test_a_track_write_takes_effect_when_its_time_has_come(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.identify("x", plan="gold")
    assert api.app("GET", "/v1/customers/x/attributes").status_code == 404
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (200, False, "not applied yet")
    api.sandbox.clock.advance(29)
    assert api.person("x") is None
    change(api, "POST", "clock", {"advance": 1})
    assert api.attributes("x")["plan"] == "gold"
    entry = api.sandbox.requests()[0]
    assert (entry["applied"], entry["reason"]) == (True, None)
    assert api.known("x")["created"] == NOW, "it counts as made when it was received"


def test_what_track_refuses_is_refused_at_once(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    assert api.track("PUT", "/api/v1/customers/x", {"a": "b" * 1001}).status_code == 400
    assert api.track("POST", "/api/v1/customers/x/events", {}).status_code == 400
    api.sandbox.clock.advance(30)
    assert api.person("x") is None


def test_late_writes_take_effect_in_order_and_tell_why_not(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.accept("POST", "/api/v1/customers/u3/suppress")
    api.identify("u3", plan="gold")
    api.identify("new", plan="a")
    api.identify("new", plan="b")
    api.sandbox.clock.advance(30)
    assert api.person("u3") is None
    assert api.known("new")["attributes"] == {"plan": "b"}
    log = [
        (entry["operation"], entry["applied"], entry["reason"])[1:]
        for entry in api.sandbox.requests()
    ]
    assert log == [(True, None), (False, "suppressed"), (True, None), (True, None)]
    assert api.quiet() == ["suppressed"]


def test_a_late_write_works_on_what_is_there_then(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30, segment_unusable="not_found")
    body = {"ids": ["u3"]}
    api.accept("POST", "/api/v1/segments/1/add_customers", body)
    assert api.app("DELETE", "/v1/segments/1").status_code == 204
    api.sandbox.clock.advance(30)
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (200, False, "segment not found")


def test_app_writes_and_reads_are_not_late(api: Api) -> None:
    api.sandbox.configure(delay_seconds=30)
    api.app("POST", "/v1/segments", {"segment": {"name": "now"}})
    assert [s["name"] for s in api.get("/v1/segments")["segments"]][-1] == "now"
    assert api.track("GET", "/api/v1/accounts/region").json()["region"] == "us"
    assert all(entry["applied"] for entry in api.sandbox.requests())


def test_a_late_write_that_was_acknowledged_survives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    with Sandbox(db=path, clock=Clock(frozen_at=NOW), options=Options(delay_seconds=30)) as sandbox:
        Api(sandbox).identify("x", plan="gold")
    with Sandbox(db=path, clock=Clock(frozen_at=NOW + 30)) as sandbox:
        assert Api(sandbox).known("x")["attributes"] == {"plan": "gold"}


# --- rate limits


@pytest.mark.parametrize(
    ("call", "limit"),
    [
        (lambda api: api.app("GET", "/v1/segments"), 10),
        (lambda api: api.app("POST", "/v1/send/email", {}), 100),
    ],
)
def test_strict_limits_answer_429_until_the_second_is_over(
    api: Api, call: Callable[[Api], requests.Response], limit: int
) -> None:
    """Facts 4: App 10 a second, send endpoints 100."""
    api.sandbox.configure(rate_limits="strict")
    statuses = [call(api).status_code for _ in range(limit + 2)]
    assert 429 not in statuses[:limit]
    assert statuses[limit:] == [429, 429]
    assert "Retry-After" not in call(api).headers
    api.sandbox.clock.advance(1)
    assert call(api).status_code == statuses[0]


def test_the_track_limit_is_a_thousand_and_counts_apart(api: Api) -> None:
    """Facts 4 (T): 1000 a second."""
    from customerio_tool.sandbox.http import Request

    api.sandbox.configure(rate_limits="strict")
    request = Request(
        "GET", "/api/v1/accounts/region", {"authorization": api.basic()["Authorization"]}
    )
    statuses = [api.sandbox.application.handle(request).status for _ in range(1001)]
    assert (set(statuses[:1000]), statuses[1000]) == ({200}, 429)
    assert api.app("GET", "/v1/segments").status_code == 200


def test_limits_are_relaxed_unless_asked_for(api: Api) -> None:
    assert {api.app("GET", "/v1/segments").status_code for _ in range(30)} == {200}


def test_a_refused_request_makes_no_difference_to_the_limit(api: Api) -> None:
    api.sandbox.configure(rate_limits="strict")
    for _ in range(12):
        api.raw("GET", "/v1/segments")  # 401
    assert api.app("GET", "/v1/segments").status_code == 200


# --- region


@pytest.mark.parametrize("status", [301, 307])
def test_the_wrong_region_redirects_track_and_tells_where_it_is(api: Api, status: int) -> None:
    """Facts 1: an EU account that calls the US host is redirected; the region call is answered."""
    api.sandbox.configure(
        region="eu", track_redirect_url="https://track-eu.example", track_redirect_status=status
    )
    answer = api.track("PUT", "/api/v1/customers/a%2Fb?x=1", {}, allow_redirects=False)
    assert answer.status_code == status
    assert answer.headers["Location"] == "https://track-eu.example/api/v1/customers/a%2Fb?x=1"
    assert api.track("GET", "/api/v1/accounts/region").json()["region"] == "eu"
    assert api.app("GET", "/v1/segments").status_code == 200
    entry = api.sandbox.requests()[0]
    assert (entry["status"], entry["applied"], entry["reason"]) == (status, False, "redirected")
    assert api.person("a/b") is None


def test_a_redirect_can_be_followed_to_another_sandbox(api: Api) -> None:
    for other in serve():
        api.sandbox.configure(track_redirect_url=other.sandbox.track_url, track_redirect_status=307)
        auth = other.basic()
        response = api.session.put(
            f"{api.sandbox.track_url}/api/v1/customers/x",
            json={"plan": "eu"},
            headers=auth,
            allow_redirects=False,
            timeout=10,
        )
        again = api.session.put(
            response.headers["Location"], json={"plan": "eu"}, headers=auth, timeout=10
        )
        assert again.status_code == 200
        assert other.known("x")["attributes"] == {"plan": "eu"}
        assert api.person("x") is None


# --- the request log


def test_wait_for_returns_as_soon_as_enough_came(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api.sandbox.wait_for, 2, "identify", timeout=60)
        api.get("/v1/segments")
        api.identify("a")
        api.identify("b")
        found = waiting.result(timeout=30)
    assert [entry["path"] for entry in found] == ["/api/v1/customers/a", "/api/v1/customers/b"]


def test_wait_for_says_how_many_came_when_it_is_late(api: Api) -> None:
    api.identify("a")
    with pytest.raises(TimeoutError, match=r"1 of 2 identify requests came within 0 s"):
        api.sandbox.wait_for(2, "identify", timeout=0)
    with pytest.raises(TimeoutError, match="0 of 1 any"):
        api.sandbox.wait_for(after=1, timeout=0)


def test_the_log_is_a_long_poll_over_http(api: Api) -> None:
    with ThreadPoolExecutor(1) as pool:
        url = f"{api.sandbox.app_url}/_sandbox/requests?wait_for=1&operation=delete&timeout=30"
        waiting = pool.submit(requests.get, url)
        api.identify("a")
        api.accept("DELETE", "/api/v1/customers/a")
        [entry] = waiting.result(timeout=20).json()["requests"]
    assert (entry["operation"], entry["n"]) == ("delete", 2)
    late = control(api, "GET", "requests", params={"wait_for": 5, "timeout": 0})
    assert len(late.json()["requests"]) == 2, "what there is, when it is late"


def test_a_stopping_sandbox_keeps_nobody_waiting() -> None:
    with ThreadPoolExecutor(1) as pool:
        sandbox = Sandbox(seed=False).start()
        waiting = pool.submit(sandbox.wait_for, 1, timeout=3600)
        sandbox.close()
        with pytest.raises((TimeoutError, RuntimeError)):
            waiting.result(timeout=30)


def test_what_control_answers_is_json_to_the_last_character(api: Api) -> None:
    assert json.loads(control(api, "GET", "state").content)["time"] == NOW
