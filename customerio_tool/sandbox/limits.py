"""The documented size limits, in bytes of UTF-8 (T, A), and checks that use them.

KB and MB are read as powers of 1024: nothing that the vendor might take is refused.
"""

from __future__ import annotations

from typing import Any

from .refusal import Refused
from .workspace import dump

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
SEND_AHEAD = 90 * 86400
BROADCAST_PAYLOAD = 25 * 1024**2
BROADCAST_DATA = 50_000
BROADCAST_PEOPLE = 10_000
AUDIENCE_LINE = 2 * 1024**2
MESSAGES_PAGE = 1000
MEMBERS_PAGE = 30_000
V2_ITEM = 32 * 1024
V2_BATCH = 500 * 1024


def size(value: Any) -> int:
    """Bytes of a value: of the text itself, or of its JSON."""
    return len((value if isinstance(value, str) else dump(value)).encode())


def is_int(value: Any) -> bool:
    """Whether a JSON value is an integer that fits a column; ``true`` is not one."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53


def is_digits(text: str) -> bool:
    """Whether it is ASCII digits and nothing else: ``str.isdigit`` knows more, and int fewer."""
    return text.isascii() and text.isdigit()


def whole(text: str) -> int | None:
    """The number that a text of digits writes, ``None`` of others and of more than 15."""
    return int(text) if is_digits(text) and len(text) < 16 else None


def seconds(value: Any, name: str, default: int) -> int:
    """Unix seconds given as integer, whole float or digits (Go sends text); null means absent."""
    if value is None:
        return default
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str):
        value = whole(value)
    if not is_int(value):
        raise Refused(f"{name} must be a unix timestamp in seconds", field=name)
    return int(value)


def check_attributes(attributes: dict[str, Any], exempt: frozenset[str] = frozenset()) -> None:
    """Refuse too many attributes, too long names and values (wording: I29)."""
    if len(attributes) > ATTRIBUTES:
        raise Refused(f"cannot have more than {ATTRIBUTES} attributes", field="attributes")
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
