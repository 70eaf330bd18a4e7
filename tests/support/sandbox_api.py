"""A plain HTTP client for one local Customer.io: both APIs, and its state."""

from __future__ import annotations

import base64
import http.client
from typing import Any
from urllib.parse import quote, urlsplit

import requests

from customerio_tool.sandbox import Sandbox
from tests.support.timeouts import PATIENCE

NOW = 1_800_000_000  # 2027-01-15 08:00 UTC, where the tests' clock stands


class Api:
    """Calls to one sandbox over real HTTP, credentials included."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.session = requests.Session()
        self.session.trust_env = False

    def track(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        auth = (self.sandbox.site_id, self.sandbox.track_api_key)
        url = self.sandbox.track_url + path
        return self.session.request(method, url, json=json, auth=auth, timeout=PATIENCE, **more)

    def app(self, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.sandbox.app_api_key}"}
        url = self.sandbox.app_url + path
        return self.session.request(
            method, url, json=json, headers=headers, timeout=PATIENCE, **more
        )

    def basic(self) -> dict[str, str]:
        """The Track credential as a header, for ``raw``."""
        pair = f"{self.sandbox.site_id}:{self.sandbox.track_api_key}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def accept(self, method: str, path: str, json: Any = None) -> None:
        """A Track call that must be accepted."""
        response = self.track(method, path, json)
        assert (response.status_code, response.content) == (200, b"{}\n"), response.text

    def identify(self, identifier: str, **attributes: Any) -> None:
        self.accept("PUT", f"/api/v1/customers/{quote(identifier, safe='')}", attributes)

    def event(self, identifier: str, name: str, **fields: Any) -> None:
        path = f"/api/v1/customers/{quote(identifier, safe='')}/events"
        self.accept("POST", path, {"name": name, **fields})

    def get(self, path: str, **query: Any) -> Any:
        """An App read that must succeed."""
        response = self.app("GET", path, params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def attributes(self, identifier: str, id_type: str = "id") -> Any:
        path = f"/v1/customers/{quote(identifier, safe='')}/attributes"
        return self.get(path, id_type=id_type)["customer"]["attributes"]

    def person(self, identifier: str) -> dict[str, Any] | None:
        """The person with this id or e-mail in the dumped state."""
        for person in self.sandbox.state()["people"]:
            if identifier in (person["id"], person["email"], person["cio_id"]):
                found: dict[str, Any] = person
                return found
        return None

    def known(self, identifier: str) -> dict[str, Any]:
        person = self.person(identifier)
        assert person is not None, f"nobody has the identifier {identifier}"
        return person

    def quiet(self) -> list[str]:
        """The reasons of the quiet failures so far."""
        return [entry["reason"] for entry in self.sandbox.state()["activity"]]

    def raw(
        self, method: str, target: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """A request whose target nobody normalises."""
        where = urlsplit(self.sandbox.track_url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
        try:
            connection.putrequest(method, target, skip_host="Host" in (headers or {}))
            for name, value in (headers or {}).items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()
