"""What tests of the console share: pages read as a browser would, and forms sent as it would."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import requests

from customerio_tool.sandbox.console.site import TABLES
from customerio_tool.sandbox.serving.http import Request
from customerio_tool.sandbox.serving.routes import Router
from tests.support.pages import Page
from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE

ATTACK = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
RTL = "\u202eevil\u202c \u200fabc"
FORMS: list[tuple[str, dict[str, str]]] = [
    ("/console/faults/add", {"operation": "identify", "status": "503"}),
    ("/console/faults/clear", {}),
    ("/console/options/set", {"rate_limits": "strict"}),
    ("/console/clock", {"move": "advance", "seconds": "60"}),
    ("/console/snapshots/take", {"name": "new"}),
    ("/console/snapshots/restore", {"name": "kept"}),
    ("/console/snapshots/drop", {"name": "kept"}),
    ("/console/reset", {"to": "empty"}),
]
"""Every form, with fields by which it changes something in the workspace of the fixture `kept`."""

FILES = frozenset({"GET /favicon.ico"}) | frozenset(
    f"GET /console/{path}"
    for path in (
        *("console.css", "console.js", "requests/stream"),
        *("deliveries/{delivery_id}/html", "deliveries/{delivery_id}/eml"),
    )
)
"""What answers a GET and is no page of the console's own."""


def visit(api: Api, path: str, **more: Any) -> Page:
    return Page(get(api, path, **more))


def get(api: Api, path: str, **more: Any) -> requests.Response:
    return api.session.get(api.sandbox.track_url + path, timeout=PATIENCE, **more)


def token(api: Api) -> str:
    return visit(api, "/console/workspace").all("input", name="token")[0]["value"]


def send(
    api: Api, path: str, fields: dict[str, Any], headers: dict[str, str] | None = None
) -> requests.Response:
    """Send a form with its token, unless ``fields`` has another."""
    return api.session.post(
        api.sandbox.track_url + path,
        {"token": token(api), **fields},
        headers=headers,
        timeout=PATIENCE,
        allow_redirects=False,
    )


def settings(api: Api) -> tuple[Any, ...]:
    """All that a form of the console may change."""
    application = api.sandbox.application
    return (
        api.sandbox.state(),
        application.faults.shown(),
        application.snapshots.names(),
        api.sandbox.clock.now(),
        api.sandbox.options,
    )


def fill(api: Api, name: str = ATTACK) -> None:
    """Put a text into every field that comes from outside."""
    api.sandbox.seed(
        {
            "segments": [
                {"name": name, "description": name},
                {
                    "name": "fits",
                    "conditions": {"attribute": {"field": name, "operator": "exists"}},
                },
            ],
            "people": [
                {
                    "id": name[:100],
                    "email": "h@example.com",
                    "attributes": {name[:100]: name, "list": [name[:900]], "n": 5},
                    "devices": [{"token": name, "platform": "ios"}],
                    "events": [{"name": name[:90], "data": {name: name * 3}}],
                    "anonymous_id": name,
                    "segments": [name],
                }
            ],
            "templates": [{"name": name, "content": {"subject": name, "body": name}}],
            "campaigns": [
                {
                    "id": 100,
                    "name": name,
                    "event_name": name[:90],
                    "description": name,
                    "tags": [name],
                    "actions": [{"id": 101, "subject": name, "body": name}],
                }
            ],
            "broadcasts": [
                {
                    "id": 200,
                    "name": name,
                    "default_recipients": {"attribute": {"field": name, "operator": "exists"}},
                    "actions": [{"id": 201, "subject": name, "body": name}],
                }
            ],
        }
    )
    api.app(
        "POST", "/v1/campaigns/200/triggers", {"emails": ["h@example.com"], "data": {"a": name}}
    )
    api.app("POST", "/v1/campaigns/200/triggers", {"emails": [name]})
    mail = {"to": "h@example.com", "identifiers": {"email": "h@example.com"}, "from": "a@b.co"}
    texts = {"subject": name, "body": name, "body_plain": name, "message_data": {name: name}}
    api.app("POST", "/v1/send/email", {**mail, **texts})
    api.app("POST", "/v1/send/email", {name: name})
    api.app("GET", "/v1/messages", params={name: name})
    api.track("PUT", "/api/v1/customers/nobody", {"_update": True, name: name})
    raw = quote(name, safe="<>\"'()/=")
    api.raw("GET", f"/v1/{raw}", headers={**api.basic(), "User-Agent": raw, "X-Retry-Count": raw})
    api.sandbox.snapshot(name)
    api.sandbox.fault(path=name)


def paths(api: Api) -> list[str]:
    """Every page: those of the menu, and all that their tables name."""
    found = dict.fromkeys(visit(api, "/").links)
    for path in list(found):
        for link in visit(api, path).links if path.startswith("/") else ():
            found.setdefault(link.partition("#")[0] or path)
    return [path for path in found if path.startswith("/")]


ROUTER = Router(TABLES)


def operation(path: str) -> str:
    """The operation of the page at a path."""
    return ROUTER.find(Request("GET", path))[0].operation


def forms() -> set[str]:
    """The path of every form that the console takes."""
    return {"/" + "/".join(each.segments) for each in ROUTER.routes if each.method == "POST"}


def pages(api: Api) -> dict[str, str]:
    """A path of every page that the console has, by its operation; the menu leads to each."""
    found: dict[str, str] = {}
    for path in paths(api):
        found.setdefault(operation(path), path)
    wanted = {each.operation for each in ROUTER.routes if each.method == "GET"} - FILES
    assert wanted <= set(found), "every page has a link, in a workspace that has everything"
    return {name: path for name, path in found.items() if name in wanted}
