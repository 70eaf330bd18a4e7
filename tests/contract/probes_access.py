"""Probes of the facts on credentials, addresses, identifiers and replies."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import requests

from tests.contract.probes import merge, person_path, shows, status
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE


def get(url: str, **more: Any) -> requests.Response:
    """A read with a credential of its own."""
    return requests.get(url, timeout=PATIENCE, **more)


@shows("credentials-differ")
def _(api: Api) -> bool:
    box = api.sandbox
    pair = get(f"{box.app_url}/v1/segments", auth=(box.site_id, box.track_api_key))
    bearer = {"Authorization": f"Bearer {box.app_api_key}"}
    key = get(f"{box.track_url}/api/v1/accounts/region", headers=bearer)
    return (pair.status_code, key.status_code) == (401, 401)


@shows("app-scope-403")
def _(api: Api) -> bool:
    bearer = {"Authorization": f"Bearer {api.sandbox.options.restricted_app_key}"}
    return get(f"{api.sandbox.app_url}/v1/segments", headers=bearer).status_code == 403


@shows("app-key-probe")
def _(api: Api) -> bool:
    wrong = {"Authorization": "Bearer wrong"}
    refused = get(f"{api.sandbox.app_url}/v1/segments", headers=wrong)
    return (api.app("GET", "/v1/segments").status_code, refused.status_code) == (200, 401)


@shows("key-is-one-workspace")
def _(api: Api) -> bool:
    found = api.track("GET", "/api/v1/accounts/region").json()
    return bool(found["environment_id"] == api.sandbox.options.environment_id)


@shows("region-redirect")
def _(api: Api) -> bool:
    api.sandbox.configure(track_redirect_url="https://track-eu.customer.io")
    moved = api.track("PUT", person_path("u9"), {}, allow_redirects=False)
    return moved.is_redirect and moved.headers["Location"].startswith("https://track-eu.")


@shows("membership-is-track")
def _(api: Api) -> bool:
    api.accept("POST", "/api/v1/segments/1/add_customers", {"ids": ["u6"]})
    made = api.app("POST", "/v1/segments", {"segment": {"name": "New"}})
    return made.status_code == 200 and 1 in api.known("u6")["manual_segments"]


@shows("path-encoding")
def _(api: Api) -> bool:
    bare, _ = api.raw("PUT", "/api/v1/customers/team/42", b'{"a":1}', api.basic())
    return bare != 200 and "a" not in api.known("team/42")["attributes"]


@shows("path-split-first")
def _(api: Api) -> bool:
    api.identify("team/42", tried="yes")
    sent, _ = api.raw("PUT", "/api/v1/customers/a+b", b"{}", api.basic())
    return sent == 200 and api.person("a+b") is not None and api.person("a b") is None


@shows("track-shape")
def _(api: Api) -> bool:
    cio_id = api.known("u6")["cio_id"]
    for identifier in (f"cio_{cio_id}", "new@example.com", "plain"):
        api.identify(identifier, seen="yes")
    found = [api.known("u6")["id"], api.known("new@example.com")["id"], api.known("plain")["email"]]
    return found == ["u6", None, None] and api.known("u6")["attributes"]["seen"] == "yes"


@shows("track-email-shape")
def _(api: Api) -> bool:
    addresses, others = ("a@b.c", "a+b@c.d.e"), ("a@b", "a@b.c.", "a@b@c.d", "@b.c")
    for text in (*addresses, *others):
        api.identify(text)
    found = [api.known(text)["email"] for text in (*addresses, *others)]
    return found == [*addresses, *(None for _ in others)]


@shows("track-phone")
def _(api: Api) -> bool:
    api.identify("+4915112345678", a=1)
    return bool(api.known("+4915112345678")["id"] == "+4915112345678")


@shows("app-id-type")
def _(api: Api) -> bool:
    path = f"/v1/customers/{quote('zoë@example.com', safe='')}/attributes"
    named = api.app("GET", path, params={"id_type": "email"})
    return (api.app("GET", path).status_code, named.status_code) == (404, 200)


@shows("cio-prefix-in-bodies")
def _(api: Api) -> bool:
    cio_id = api.known("u6")["cio_id"]
    return merge(api, {"id": "u1"}, {"cio_id": cio_id}) == 200 and api.person("u6") is None


@shows("cio-prefix-with-id-type")
def _(api: Api) -> bool:
    cio_id = api.known("u6")["cio_id"]
    return bool(api.attributes(cio_id, "cio_id"))


@shows("cio-prefix-too-with-id-type")
def _(api: Api) -> bool:
    cio_id = api.known("u6")["cio_id"]
    return bool(api.attributes(f"cio_{cio_id}", "cio_id"))


@shows("foreign-cio-id")
def _(api: Api) -> bool:
    return status(api, "PUT", person_path("cio_000000000001"), {}) == 400


@shows("cio-id-immutable")
def _(api: Api) -> bool:
    before = api.known("u6")["cio_id"]
    api.identify("u6", cio_id="d9c1ffffffff")
    return bool(api.known("u6")["cio_id"] == before)


@shows("reserved-attributes")
def _(api: Api) -> bool:
    api.identify("u6", anonymous_id="v1", email="peggy@example.com")
    held = api.known("u6")
    return bool(held["email"] == "peggy@example.com" and held["anonymous_ids"] == ["v1"])


@shows("email-case")
def _(api: Api) -> bool:
    api.identify("YU@example.com", a="1")
    api.identify("U6", a="1")
    return "a" in api.known("用户7")["attributes"] and "a" not in api.known("u6")["attributes"]


@shows("ids-integers")
def _(api: Api) -> bool:
    segment = api.get("/v1/segments")["segments"][0]["id"]
    campaign = api.get("/v1/campaigns")["campaigns"][0]["id"]
    broadcast = api.get("/v1/broadcasts")["broadcasts"][0]["id"]
    return all(type(number) is int for number in (segment, campaign, broadcast))


@shows("track-success")
def _(api: Api) -> bool:
    reply = api.track("PUT", person_path("u9"), {})
    kind = reply.headers["Content-Type"]
    return (reply.status_code, reply.content) == (200, b"{}\n") and kind == (
        "application/json; charset=utf-8"
    )


@shows("no-rate-headers")
def _(api: Api) -> bool:
    names = {name.lower() for name in api.app("GET", "/v1/segments").headers}
    return not any("ratelimit" in name or name == "retry-after" for name in names)


@shows("retry-after")
def _(api: Api) -> bool:
    path, body = "/v1/campaigns/30/triggers", {"ids": ["u1"]}
    first, second = (api.app("POST", path, body) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 429)
    return "Retry-After" in second.headers


def details(response: requests.Response) -> str:
    return str(response.json()["errors"][0]["detail"])


@shows("error-reference")
def _(api: Api) -> bool:
    reads = [api.app("GET", path) for path in ("/v1/segments/999", "/v1/customers/no/attributes")]
    path = "/v1/campaigns/30/triggers"
    bearer = {"Authorization": f"Bearer {api.sandbox.app_api_key}"}
    status_of_text, text = api.raw("POST", path, b"{", bearer)
    form = r"{} \(reference 01[0-9A-HJKMNP-TV-Z]{{24}}\)"
    found = [re.fullmatch(form.format("not found"), details(each)) for each in reads]
    malformed = re.search(form.format("bad request"), text.decode())
    return all(found) and status_of_text == 400 and malformed is not None


@shows("track-words")
def _(api: Api) -> bool:
    events = person_path("u6", "/events")
    calls: list[tuple[str, str, Any, str]] = [
        ("POST", events, {"name": " "}, "event name must not be blank"),
        ("POST", events, {"name": "n" * 101}, "event name cannot be longer than 100 bytes"),
        ("POST", events, {"name": "n", "data": ""}, "event data must be a hash"),
        (
            "POST",
            events,
            {"name": "n", "data": {"a": "x" * 100_000}},
            "event data cannot be longer than 100000 bytes",
        ),
        (
            "PUT",
            person_path("u6"),
            {f"a{n}": 1 for n in range(301)},
            "cannot identify more than 300 attributes in one request",
        ),
        (
            "PUT",
            person_path("u6"),
            {"n" * 151: 1},
            "attribute name cannot be longer than 150 bytes",
        ),
        (
            "PUT",
            person_path("u6"),
            {"a": "x" * 1001},
            "value for attribute 'a' cannot be longer than 1000 bytes",
        ),
        ("PUT", person_path("new@example.com"), {"id": []}, "id attribute must be a string value"),
    ]
    told = [(api.track(how, path, body), words) for how, path, body, words in calls]
    return all(
        (each.status_code, each.json()["meta"]["errors"]) == (400, [words]) for each, words in told
    )


@shows("infinite-numbers")
def _(api: Api) -> bool:
    sent = [
        api.raw("PUT", person_path("u6"), b'{"n":%s}' % number, api.basic())[0]
        for number in (b"1e999", b"-1e999", b"1.5e400", b"NaN", b"Infinity")
    ]
    return sent == [400] * 5 and "n" not in api.known("u6")["attributes"]


@shows("batch-of-invalid")
def _(api: Api) -> bool:
    bad = {"type": "person", "action": "identify", "identifiers": {}}
    good = {**bad, "identifiers": {"id": "u6"}}
    batches: list[list[Any]] = [[bad], [bad, bad], ["x"], [bad, good], [good]]
    told = [status(api, "POST", "/api/v2/batch", {"batch": batch}) for batch in batches]
    return told == [400, 400, 400, 207, 200]


@shows("workspace-header")
def _(api: Api) -> bool:
    options = api.sandbox.options

    def sent(**headers: str) -> int:
        bearer = {"Authorization": f"Bearer {options.service_account_token}", **headers}
        body = {"to": "a@example.com", "identifiers": {"id": "u6"}, "transactional_message_id": 1}
        url = f"{api.sandbox.app_url}/v1/send/email"
        return api.session.post(url, json=body, headers=bearer, timeout=PATIENCE).status_code

    number = str(options.environment_id)
    return [sent(**{"X-Workspace-Id": number}), sent(), sent(**{"X-Workspace-Id": "x"})] == [
        200,
        400,
        400,
    ]
