"""The route tables, and how a request finds its route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from .. import declared
from ..refusal import Refused
from .http import Envelope, Reply, Request

UNKNOWN = "unknown"  # the operation of a request that no route serves
Api = Literal["track", "app", "control"]
Handler = Callable[..., Reply]  # (workspace, request, **path parameters)
Taken: TypeAlias = type[Any] | Mapping[str, type[Any]]


@dataclass(frozen=True)
class Route:
    """One served operation. ``source`` is the page that documents it, ``errors`` forms its errors.

    ``segments`` are those of the path; ``{name}`` is a path parameter. ``takes`` is for a control
    route what its body is read into: a dataclass, or one for the entries of each list in it.
    """

    api: Api
    method: str
    segments: tuple[str, ...]
    operation: str
    source: str
    errors: Envelope
    handler: Handler
    takes: Taken | None = None

    def match(self, segments: tuple[str, ...]) -> dict[str, str] | None:
        """The path parameters, or ``None`` when the path is not this route's.

        An empty segment is no parameter.
        """
        if len(segments) != len(self.segments):
            return None
        found: dict[str, str] = {}
        for wanted, given in zip(self.segments, segments, strict=True):
            if wanted.startswith("{") and given:
                found[wanted[1:-1]] = given
            elif wanted != given:
                return None
        return found


class Routes:
    """A table of routes of one API that answer errors alike, filled by the ``route`` decorator."""

    def __init__(self, api: Api, errors: Envelope) -> None:
        self.api: Api = api
        self.errors = errors
        self.table: list[Route] = []

    def route(
        self, method: str, path: str, *, operation: str, source: str, takes: Taken | None = None
    ) -> Callable[[Handler], Handler]:
        """Serve ``method path`` by the decorated function; path parameters are its keywords."""

        def add(handler: Handler) -> Handler:
            segments = tuple(path.split("/")[1:])
            named = (self.api, method, segments, operation)
            self.table.append(Route(*named, source, self.errors, handler, takes))
            return handler

        return add


class Router:
    """Finds the route of a request in all tables."""

    def __init__(self, tables: Iterable[Routes]) -> None:
        self.routes: list[Route] = [route for table in tables for route in table.table]
        self._by_length: dict[int, list[Route]] = {}
        for route in self.routes:
            self._by_length.setdefault(len(route.segments), []).append(route)

    def served(self) -> list[Route]:
        """The routes of Customer.io itself, without the control routes."""
        return [route for route in self.routes if route.api != "control"]

    def operation_of(self, request: Request) -> tuple[Api, str]:
        """The API and the operation of a request; ``unknown`` when no route serves it."""
        try:
            route, _ = self.find(request)
        except Refused:
            guess: Api = "track" if request.segments[:1] == ("api",) else "app"
            return guess, UNKNOWN
        return route.api, route.operation

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """The route and its path parameters.

        Raises:
            Refused: ``not_allowed`` when the path is served by another method, ``not_served`` when
                it is not served at all.
        """
        path_known = False
        method = request.method
        if method == "HEAD" and request.segments[:1] == ("_sandbox",):  # T and A have no HEAD
            method = "GET"
        for route in self._by_length.get(len(request.segments), ()):
            parameters = route.match(request.segments)
            if parameters is None:
                continue
            if route.method == method:
                return route, parameters
            path_known = True
        if path_known:
            raise Refused("Method Not Allowed", "not_allowed")
        unserved = f"{request.method} {request.path} is not served by the local Customer.io"
        raise Refused(unserved + self._control_hint(request.segments), "not_served")

    def _control_hint(self, segments: tuple[str, ...]) -> str:
        if segments[:1] != ("_sandbox",):
            return ""
        known = {route.segments[1] for route in self.routes if route.api == "control"}
        return f": {declared.nearest(''.join(segments[1:2]), known)}"
