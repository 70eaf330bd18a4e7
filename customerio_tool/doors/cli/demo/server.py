"""The demo's second pair of eyes: what the server holds, read with plain HTTP and no tool."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 10.0


class Mismatch(AssertionError):
    """The server does not hold what a call promised; the text says what was expected and found."""


def same(what: str, found: Any, expected: Any) -> None:
    """Compare, and say both sides where they differ.

    Raises:
        Mismatch: They differ.
    """
    if found != expected:
        raise Mismatch(f"{what}: expected {expected!r}, found {found!r}")


class State:
    """The whole workspace at one moment, as `GET /_sandbox/state` shows it."""

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._plain = plain

    def __getitem__(self, kind: str) -> list[dict[str, Any]]:
        """Return all of one kind, such as `people` or `deliveries`, oldest first."""
        found: list[dict[str, Any]] = self._plain[kind]
        return found

    def changed_since(self, before: State) -> list[str]:
        """Return the kinds of which something was added, removed or changed, but by time alone."""
        now, then = self._lasting(), before._lasting()
        return [kind for kind in now if now[kind] != then[kind]]

    def _lasting(self) -> dict[str, list[Any]]:
        """Return all but the time, and of a delivery its id: it goes on by itself."""
        held = {kind: each for kind, each in self._plain.items() if isinstance(each, list)}
        return {**held, "deliveries": [each["id"] for each in held["deliveries"]]}

    def find(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return those of a kind which have all these members."""
        return [each for each in self[kind] if wanted.items() <= each.items()]

    def one(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Return the only one which has these members.

        Raises:
            Mismatch: There is none, or more than one.
        """
        found = self.find(kind, **wanted)
        same(f"{kind} with {wanted}", len(found), 1)
        return found[0]


class Server:
    """Reads a local Customer.io over HTTP.

    Args:
        saved: Its connection: both URLs, all three keys and perhaps a CA file.
    """

    def __init__(self, saved: Mapping[str, str]) -> None:
        self._saved = saved
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy must not come between us and loopback
        self._session.verify = saved.get("ca_file", True)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def state(self) -> State:
        """Return the whole workspace."""
        return State(self._read(f"{self._saved['track_url']}/_sandbox/state"))

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return what arrived since request number `after`, oldest first."""
        url = f"{self._saved['track_url']}/_sandbox/requests?after={after}"
        found: list[dict[str, Any]] = self._read(url)["requests"]
        return found

    def app(self, path: str) -> Any:
        """Return the App API's answer to a GET.

        Raises:
            Mismatch: It is not a 200.
        """
        return self._read(f"{self._saved['app_url']}{path}", self._bearer)

    def is_unknown(self, path: str) -> bool:
        """Tell whether the App API answers 404 to a GET."""
        url = f"{self._saved['app_url']}{path}"
        reply = self._session.get(url, headers=self._bearer, timeout=TIMEOUT_SECONDS)
        return reply.status_code == HTTPStatus.NOT_FOUND

    def identify(self, customer_id: str, attributes: Mapping[str, Any]) -> None:
        """Identify a person through the Track API, as any other sender would.

        Raises:
            Mismatch: It is not answered with 200.
        """
        url = f"{self._saved['track_url']}/api/v1/customers/{quote(customer_id, safe='')}"
        pair = (self._saved["site_id"], self._saved["track_api_key"])
        reply = self._session.put(url, json=attributes, auth=pair, timeout=TIMEOUT_SECONDS)
        same("the answer to a plain identify", reply.status_code, HTTPStatus.OK)

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._saved['app_api_key']}"}

    def _read(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
        reply = self._session.get(url, headers=headers, timeout=TIMEOUT_SECONDS)
        same("the status of a plain GET", reply.status_code, HTTPStatus.OK)
        return reply.json()
