"""Reads the local Customer.io over plain HTTP, so that the demo can check the tool against it."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import requests

TIMEOUT_SECONDS = 10.0


class Mismatch(AssertionError):
    """The server, a result or an error is not as promised; the text gives both sides."""


def same(subject: str, found: Any, expected: Any) -> None:
    """Require two values to be equal.

    Args:
        subject: The words for them in the error.
        found: The actual value.
        expected: The promised value.

    Raises:
        Mismatch: They differ.
    """
    if found != expected:
        raise Mismatch(f"{subject}: expected {expected!r}, found {found!r}")


class State:
    """The whole workspace at one moment, as `GET /_sandbox/state` shows it."""

    def __init__(self, plain: Mapping[str, Any]) -> None:
        self._plain = plain

    def __getitem__(self, kind: str) -> list[dict[str, Any]]:
        """Return all objects of a kind, such as `people` or `deliveries`, oldest first."""
        found: list[dict[str, Any]] = self._plain[kind]
        return found

    def changed_since(self, before: State) -> list[str]:
        """Return the kinds that differ from an earlier state, except by the passing of time."""
        now, then = self._timeless(), before._timeless()
        return [kind for kind in now if now[kind] != then[kind]]

    def _timeless(self) -> dict[str, list[Any]]:
        """Return the objects of each kind; of deliveries only ids, as time changes the rest."""
        held = {kind: each for kind, each in self._plain.items() if isinstance(each, list)}
        return {**held, "deliveries": [each["id"] for each in held["deliveries"]]}

    def find(self, kind: str, **wanted: Any) -> list[dict[str, Any]]:
        """Return the objects of a kind that have all these members."""
        return [each for each in self[kind] if wanted.items() <= each.items()]

    def one(self, kind: str, **wanted: Any) -> dict[str, Any]:
        """Return the only object of a kind that has these members.

        Raises:
            Mismatch: None has them, or more than one.
        """
        found = self.find(kind, **wanted)
        same(f"{kind} with {wanted}", len(found), 1)
        return found[0]


class Server:
    """A local Customer.io, read over HTTP.

    Args:
        saved: Its saved connection: both URLs, the keys, and a CA file if it serves https.
    """

    def __init__(self, saved: Mapping[str, str]) -> None:
        self._saved = saved
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy for loopback
        self._session.verify = saved.get("ca_file", True)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def state(self) -> State:
        """Return the whole workspace."""
        return State(self._read(f"{self._saved['track_url']}/_sandbox/state"))

    def requests(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the logged requests after request number `after`, oldest first."""
        url = f"{self._saved['track_url']}/_sandbox/requests?after={after}"
        found: list[dict[str, Any]] = self._read(url)["requests"]
        return found

    def app(self, path: str) -> Any:
        """Return the App API's JSON for a GET.

        Raises:
            Mismatch: The status is not 200.
        """
        return self._read(f"{self._saved['app_url']}{path}", self._bearer)

    def is_unknown(self, path: str) -> bool:
        """Return whether the App API answers 404 to a GET."""
        url = f"{self._saved['app_url']}{path}"
        reply = self._session.get(url, headers=self._bearer, timeout=TIMEOUT_SECONDS)
        return reply.status_code == HTTPStatus.NOT_FOUND

    def identify(self, customer_id: str, attributes: Mapping[str, Any]) -> None:
        """Identify a person through the Track API, as any other client would.

        Raises:
            Mismatch: The status is not 200.
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
