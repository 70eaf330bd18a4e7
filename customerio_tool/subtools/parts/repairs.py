"""Refused arguments in the form that they can only mean together, for the `try` of an error.

None of them reaches, reads about or erases anybody whom the refused call does not name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customerio_tool.subtools.declare import Problem, unix_seconds
from customerio_tool.subtools.parts.attributes import ARGUMENT_INSTEAD

_MOVED = ("_timestamp", "_update")
"""Reserved attributes whose argument takes the same value."""

_FLAGS = {"yes": True, "no": False}
_TOLD_BY_A_MESSAGE = ("campaign_id", "newsletter_id", "action_id", "include_responses")
"""Arguments that one person's list does without: each message tells its own."""


def mend_person(values: dict[str, Any]) -> dict[str, Any]:
    """Return a person's reserved attributes as the arguments that are made for them."""
    attributes = values.get("attributes")
    if not isinstance(attributes, Mapping):
        return values
    moved = {
        ARGUMENT_INSTEAD[name]: attributes[name]
        for name in _MOVED
        if name in attributes and ARGUMENT_INSTEAD[name] not in values
    }
    kept = {
        name: _FLAGS.get(str(value).lower(), value) if name == "unsubscribed" else value
        for name, value in attributes.items()
        if ARGUMENT_INSTEAD.get(name) not in moved
    }
    others = {name: value for name, value in values.items() if name != "attributes"}
    return {**others, **({"attributes": kept} if kept else {}), **moved}


def mend_device(values: dict[str, Any]) -> dict[str, Any]:
    """Return a device without the copy of its token among its attributes."""
    attributes = values.get("attributes")
    if not isinstance(attributes, Mapping):
        return values
    token = values.get("device_id")
    kept = {n: v for n, v in attributes.items() if not (n.lower() == "token" and v == token)}
    others = {name: value for name, value in values.items() if name != "attributes"}
    return {**others, "attributes": kept} if kept else others


def mend_list(values: dict[str, Any]) -> dict[str, Any]:
    """Return a list with its times in order; one person's list without what each message tells."""
    mended = dict(values)
    if mended.get("customer_id") is not None:
        mended = {name: v for name, v in mended.items() if name not in _TOLD_BY_A_MESSAGE}
    start, end = (_seconds(values.get(name)) for name in ("start_time", "end_time"))
    if start is not None and end is not None and end < start:
        mended |= {"start_time": values["end_time"], "end_time": values["start_time"]}
    return mended


def _seconds(value: Any) -> int | None:
    try:
        return None if value is None else int(unix_seconds(value))
    except Problem:
        return None
