"""Probes of the facts on credentials, addresses, identifiers and replies."""

from __future__ import annotations

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
    return all(api.attributes(text, "cio_id") for text in (cio_id, f"cio_{cio_id}"))


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
