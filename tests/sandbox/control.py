"""Calls of the sandbox's own control API."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.sandbox_api import Api
from tests.support.timeouts import PATIENCE


def control(api: Api, method: str, path: str, json: Any = None, **more: Any) -> requests.Response:
    url = f"{api.sandbox.app_url}/_sandbox/{path}"
    return api.session.request(method, url, json=json, timeout=PATIENCE, **more)


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
