"""Renders the Liquid of a message: which of its texts, and with which values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..liquid import rendering
from ..liquid.run import Run
from ..liquid.steps import NotRendered
from ..store.store import Row
from ..store.workspace import Workspace
from . import people

_TEXTS = (
    "subject",
    "preheader",
    "from",
    "reply_to",
    "cc",
    "bcc",
    "body",
    "body_plain",
    "body_amp",
    "title",
    "message",
    "image_url",
    "link",
    "custom_data",
    "custom_payload",
)
"""The members of a message's content that may hold Liquid (fact liquid-places)."""

_ECHOED = ("subject", "preheader")
"""The members that the later ones may repeat, as ``message.subject``."""

_NOT_INSTALLED = "Liquid is not rendered: install customerio-tool[sandbox]"
_FAILED = "Liquid cannot be rendered: the delivery fails"


@dataclass(frozen=True)
class Message:
    """A message before it is rendered.

    ``data`` are its values by root: ``message``, and such as ``trigger``.
    """

    content: dict[str, Any]
    person: Row | None
    data: dict[str, Any]
    delivery_id: str


@dataclass(frozen=True)
class Rendered:
    """A message as it is sent.

    ``source`` has the texts that were templates; ``problem`` says why they still are, because
    one of them cannot be rendered.
    """

    content: dict[str, Any]
    source: dict[str, Any] = field(default_factory=dict)
    problem: str | None = None


def render(ws: Workspace, message: Message) -> Rendered:
    """Render the texts of a message. What cannot be rendered is recorded as a quiet failure."""
    content = message.content
    source = {name: content[name] for name in _TEXTS if rendering.has_liquid(content.get(name))}
    if not source:
        return Rendered(content)
    if not rendering.is_installed():
        ws.fail_quietly(_NOT_INSTALLED, message.delivery_id)
        return Rendered(content)
    run = _run(ws, message)
    made: dict[str, Any] = {}
    for name, text in source.items():
        try:
            made[name] = rendering.rendered(text, run)
        except NotRendered as problem:
            return _failed(ws, content, f"{name}: {problem}")
        if name in _ECHOED:
            message.data["message"][name] = made[name]
    if "subject" in made and not str(made["subject"]).strip():
        return _failed(ws, content, "subject: it can not be blank")
    return Rendered({**content, **made}, source)


def _failed(ws: Workspace, content: dict[str, Any], problem: str) -> Rendered:
    ws.fail_quietly(_FAILED, problem)
    return Rendered(content, problem=problem)


def _run(ws: Workspace, message: Message) -> Run:
    return Run(
        {
            "customer": _customer(message.person),
            "journey": {},
            "objects": {},
            "snippets": {},
            "delivery_id": message.delivery_id,
            **message.data,
        },
        message.delivery_id,
        ws.now,
        ws.steps.of_a_message(),
        ws.options.missing_attribute,
        ws.options.missing_namespace,
    )


def _customer(person: Row | None) -> dict[str, Any]:
    """The attributes of a person; none of an address that belongs to nobody."""
    if person is None:
        return {}
    own = {name: each for name, each in people.identifiers(person).items() if each is not None}
    own["unsubscribed"] = bool(person["unsubscribed"])
    return {"created_at": person["created"], **people.attributes(person), **own}
