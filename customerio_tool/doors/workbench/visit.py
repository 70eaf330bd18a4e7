"""One request for a page of the workbench: what it asks, and how its answer is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from customerio_tool.connection.fields import connection_fields
from customerio_tool.connection.masking import KeyMask
from customerio_tool.doors.workbench import rendering
from customerio_tool.doors.workbench.workspaces import Workspace, Workspaces
from customerio_tool.errors import CustomerIoError
from customerio_tool.sandbox.console.visit import POLICY, PRIVATE
from customerio_tool.subtools.declare.characters import visible

NEW_CONNECTION = "/connections/new"
"""The page with the form that takes keys."""

PASTED = "pasted"
"""The field of that form for all of a connection."""

FIELDS_OF_KEYS = frozenset(
    [PASTED, *(key for key, field in connection_fields().items() if field.secret)]
)

_MOST_FIELDS = 300
_FORM = "application/x-www-form-urlencoded"


class Refused(Exception):
    """A request that gets no page of its own: the status, and a sentence for the person."""

    def __init__(self, words: str, status: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        super().__init__(words)
        self.words = words
        self.status = status


@dataclass(frozen=True)
class Visit:
    """A request from a browser that was let in; `repr` shows nothing of a form.

    Args:
        request: The request.
        workspaces: The workspaces of this workbench.
        form_key: What the forms of this browser's pages carry.
        body: The body of the request.
        environ: The environment of this process.
    """

    request: Request
    workspaces: Workspaces
    form_key: str = field(repr=False)
    body: bytes = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    @cached_property
    def workspace(self) -> Workspace:
        """The workspace that the page is about: one, also if another is chosen meanwhile."""
        return self.workspaces.current

    @property
    def meant(self) -> Workspace:
        """The workspace for which the posted form was made.

        Raises:
            Refused: The pages are about another one now, such as by another tab's choice.
        """
        if self.field("workspace") != self.workspace.key:
            words = "Nothing was done: the pages are about another workspace now."
            raise Refused(words, HTTPStatus.CONFLICT)
        return self.workspace

    @property
    def query(self) -> Mapping[str, str]:
        """The query of the address."""
        return self.request.query_params

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parts of the path that its pattern names."""
        return self.request.path_params

    @cached_property
    def form(self) -> dict[str, list[str]]:
        """The fields of a posted form, each with all its values.

        Raises:
            Refused: It is no form, or has very many fields.
        """
        given = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given != _FORM:
            raise Refused(f"A form is sent as {_FORM}.", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            text = self.body.decode("ascii")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise Refused("The form cannot be read.") from None
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return fields

    def field(self, name: str) -> str:
        """Return the value of a field, as it was typed; empty if it was not sent."""
        return self.form.get(name, [""])[-1]

    def refuse_keys(self) -> None:
        """Refuse a request that holds a key of a connection, but for the form of a new one.

        Raises:
            Refused: A page, an audit trail or an assistant would be told the key.
        """
        masks = [KeyMask(each.ground.connection) for each in self.workspaces.all]
        is_new = self.request.url.path == NEW_CONNECTION
        form = self.form if self.request.method == "POST" else {}
        typed = [
            text
            for name, values in form.items()
            if not (is_new and name in FIELDS_OF_KEYS)
            for text in (name, *values)
        ]
        asked = [text for pair in self.request.query_params.multi_items() for text in pair]
        for given in (*typed, *asked, *self.parameters.values()):
            text = visible(given)
            if any(mask(text) != text for mask in masks):
                raise Refused(
                    "Nothing was done: this holds a key of a connection. Keys belong in the form "
                    "of a new connection, and nowhere else."
                )

    def page(self, name: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
        """Return the page of a template; `site` in it is what every page shows."""
        return page(name, status, site=self._site(), **context)

    def _site(self) -> dict[str, Any]:
        workspace = self.workspace
        return {
            "form_key": self.form_key,
            "here": "/" + self.request.url.path.split("/")[1],
            "workspace": workspace,
            "workspaces": self.workspaces.all,
            "console": workspace.local.console_url if workspace.local else "",
            "waiting": _waiting(workspace),
            "done": self.query.get("done", ""),
        }


def _waiting(workspace: Workspace) -> int | None:
    """Return how many calls wait for a person; None if their store cannot be read."""
    try:
        with workspace.tool() as tool:
            return len(tool.waiting())
    except CustomerIoError:
        return None


def page(name: str, status: int = HTTPStatus.OK, **context: Any) -> Response:
    """Return the page of a template, which no cache keeps and no other site frames."""
    text = rendering.environment().get_template(f"{name}.html").render(**context)
    headers = {**dict(PRIVATE), "Content-Security-Policy": POLICY}
    # A model's JSON may hold half of a surrogate pair, which UTF-8 cannot.
    return HTMLResponse(text.encode("utf-8", "backslashreplace"), status, headers=headers)


def see(path: str, **query: str) -> Response:
    """Return the way to a page after a form; `done` is the name of what was done."""
    target = f"{path}?{urlencode(query)}" if query else path
    return RedirectResponse(target, HTTPStatus.SEE_OTHER, headers=dict(PRIVATE))
