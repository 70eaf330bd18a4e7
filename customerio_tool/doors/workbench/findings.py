"""What the last test of a connection found, part by part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.subtools.declare import Api

_STORES = ("redis", "ledger", "approvals")
_WORKS, _PROBLEM = ("works", "good"), ("problem", "bad")


@dataclass(frozen=True)
class Part:
    """One tested part of a connection.

    Args:
        name: Its name for a person.
        state: A word, and its colour.
        words: What was wrong, or what was found.
        status: The HTTP status of the answer, if there was one.
        seconds: How long the answer took, if there was one.
    """

    name: str
    state: tuple[str, str]
    words: str = ""
    status: int | None = None
    seconds: float | None = None


def state_of(workspace: Workspace) -> tuple[str, str]:
    """Return the result of the last test as a word, and its colour."""
    if workspace.found is None:
        return ("not tested", "")
    return _WORKS if workspace.found["ok"] else _PROBLEM


def parts_of(workspace: Workspace) -> list[Part]:
    """Return what the last test found: Track, region, App, and shared stores; none if untested."""
    found = workspace.found
    if found is None:
        return []
    apis = workspace.ground.connection.apis
    track = _api(found, "Track API", Api.TRACK, is_part=Api.TRACK in apis)
    app = _api(found, "App API", Api.APP, is_part=Api.APP in apis)
    return [track, _region(workspace), app, *_stores(found)]


def _api(found: Mapping[str, Any], name: str, api: Api, *, is_part: bool) -> Part:
    if not is_part:
        return Part(name, ("not given", ""), "This connection has no key of it.")
    told: Mapping[str, Any] = found[api.value]
    state = _WORKS if told["ok"] else _PROBLEM
    words = told.get("problem", "The key is right.")
    return Part(name, state, words, told.get("http_status"), told.get("seconds"))


def _region(workspace: Workspace) -> Part:
    found = workspace.found or {}
    if "region" in found:
        return Part("Region", (found["region"], "good"), "The account keeps its data there.")
    connection = workspace.ground.connection
    if all(map(connection.has_own_host, connection.apis)):
        return Part("Region", ("not needed", ""), "The addresses of the APIs are given.")
    return Part("Region", ("unknown", "warn"), "No key was let in, so nothing told the region.")


def _stores(found: Mapping[str, Any]) -> Iterator[Part]:
    for name in _STORES:
        if told := found.get(name):
            state = _WORKS if told["ok"] else _PROBLEM
            yield Part(name.capitalize(), state, told.get("problem", ""))
