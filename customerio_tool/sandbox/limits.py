"""The documented size limits, in bytes of UTF-8 (T, A), and their checks.

KB and MB count as powers of 1024, so that no size is refused that the vendor might accept.
"""

from __future__ import annotations

from typing import Any

from .refusal import Refused
from .store.workspace import Workspace, dump

PERSON_ID = 150
ATTRIBUTE_NAME = 150
ATTRIBUTE_VALUE = 1000
ATTRIBUTES = 300
EVENT_NAME = 100
EVENT_DATA = 100_000
SEGMENT_IDS = 1000
RECIPIENTS = 15
ATTACHMENTS = 2 * 1024**2 - 1  # documented as under 2 MB
TRANSACTIONAL_PAYLOAD = 1024**2
SEND_BODY = 2048 * 1024
BAD_ENTITY = "Request entity must be JSON encoded and not exceed 2048 KB."  # TE
SEND_AHEAD = 90 * 86400
BROADCAST_PAYLOAD = 25 * 1024**2
BROADCAST_DATA = 50_000
BROADCAST_PEOPLE = 10_000
AUDIENCE_LINE = 2 * 1024**2
MESSAGES_PAGE = 1000
MEMBERS_PAGE = 30_000
PEOPLE_PAGE = 1000
ACTIVITIES_PAGE = 100
ARCHIVED_A_DAY = 100
V2_ITEM = 32 * 1024
V2_BATCH = 500 * 1024


def size(value: Any) -> int:
    """The size of a text, or of the JSON of another value, in bytes."""
    return len((value if isinstance(value, str) else dump(value)).encode())


def is_int(value: Any) -> bool:
    """Whether a JSON value is an integer below 2**53; ``true`` is none."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def is_digits(text: str) -> bool:
    """Whether a text is ASCII digits only. ``str.isdigit`` accepts digits that ``int`` refuses."""
    return text.isascii() and text.isdigit()


def parse_digits(text: str) -> int | None:
    """The number in a text of 1 to 15 digits, ``None`` for any other text."""
    return int(text) if is_digits(text) and len(text) < 16 else None


def seconds(value: Any, name: str, default: int) -> int:
    """Unix seconds from an integer, a whole float or digits (Go sends text); default for null."""
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        value = parse_digits(value)
    if not is_int(value):
        raise Refused(f"{name} must be a unix timestamp in seconds", field=name)
    return int(value)


def moment(ws: Workspace, value: Any, name: str) -> int:
    """Unix seconds as ``seconds`` reads them; an invalid time is now (fact invalid-timestamp)."""
    try:
        return seconds(value, name, ws.now)
    except Refused:
        if ws.options.invalid_timestamp == "refuse":
            raise
        ws.fail_quietly("invalid timestamp: taken as now", name)
        return ws.now


def check_attributes(attributes: dict[str, Any], exempt: frozenset[str] = frozenset()) -> None:
    """Refuse too many attributes, and names and values that are too long (words: I29, INV)."""
    if len(attributes) > ATTRIBUTES:
        message = f"cannot identify more than {ATTRIBUTES} attributes in one request"
        raise Refused(message, field="attributes")
    for name, value in attributes.items():
        if size(name) > ATTRIBUTE_NAME:
            raise Refused(
                f"attribute name cannot be longer than {ATTRIBUTE_NAME} bytes", field="attributes"
            )
        if name not in exempt and size(value) > ATTRIBUTE_VALUE:
            raise Refused(
                f"value for attribute '{name}' cannot be longer than {ATTRIBUTE_VALUE} bytes",
                field=name,
            )


def check_person_id(value: str) -> None:
    """Refuse a person id over 150 bytes."""
    if size(value) > PERSON_ID:
        raise Refused(f"id cannot be longer than {PERSON_ID} bytes", field="id")
