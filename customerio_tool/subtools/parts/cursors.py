"""Lists that Customer.io pages: the arguments, and how a result says where to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import Field

from customerio_tool.subtools.declare import (
    MAX_IDENTIFIER_BYTES,
    TRUNCATED,
    AlsoCalled,
    Identifier,
    Item,
    JsonSchema,
    fitting_items,
    object_in,
    size_of,
)

Cursor: TypeAlias = Annotated[
    Identifier | None,
    Field(description="next_cursor of the page before."),
    AlsoCalled("next_cursor", "page_token", "next", "start"),
]


def page_schemas(key: str, description: str) -> dict[str, JsonSchema]:
    """Return the schemas of the members that `page_of` returns."""
    return {
        key: {"type": "array", "items": {"type": "object"}, "description": description},
        "count": {"type": "integer", "description": "Items in this result."},
        "next_cursor": {"type": "string", "description": "Cursor of the next page, if any."},
        "truncated": TRUNCATED,
    }


def page_of(
    key: str, items: Sequence[Item], following: Any, given: str | None = None
) -> tuple[dict[str, Any], str]:
    """Return the members of a page of a list, and a sentence on how to go on, or "".

    Args:
        key: The member for the items.
        items: The items of the page.
        following: The cursor of the next page in the reply; 0, null or "" is the end.
        given: The cursor of this page. Where it is the next one too, there is no way on.
    """
    shown = fitting_items(items)
    members: dict[str, Any] = {key: shown, "count": len(shown)}
    if len(shown) < len(items):
        note = f"The page was too long and is cut: repeat with limit={len(shown)} to page through."
        return {**members, "truncated": True}, note
    if shown != items:
        members["truncated"] = True
    if following in (None, "", 0):
        return members, ""
    if str(following) == given:
        return members, "Customer.io's cursor leads back to this page: there may be more."
    if size_of(str(following)) > MAX_IDENTIFIER_BYTES:
        return members, "There are more, but the cursor is too long to pass on."
    return {**members, "next_cursor": str(following)}, "Go on with cursor=next_cursor."


def brief_person(value: Any) -> Item:
    """Return a person's identifiers without nulls; the cio_id only where there is no id."""
    person = {n: v for n, v in object_in(value).items() if v not in (None, "")}
    if person.get("id") is not None:
        person.pop("cio_id", None)
    return person


def counted(count: int, one: str, many: str) -> str:
    """Return a number with its noun."""
    return f"{count} {one if count == 1 else many}"
