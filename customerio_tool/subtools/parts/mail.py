"""Types of an e-mail's addresses, headers and attachments."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BeforeValidator

from customerio_tool.subtools.declare import (
    JsonObject,
    Line,
    Problem,
    Reach,
    address_fault,
    at_paths,
    exact,
    kind_of,
    listed,
    located,
    number_as_text,
    only_entry,
    override_of,
    shown,
    validator_of,
    with_plain_domain,
)
from customerio_tool.subtools.declare.characters import (
    CONTROL,
    RETURN,
    TAB_AND_LINE_FEED,
    visible,
)
from customerio_tool.subtools.declare.glance import is_sound_address
from customerio_tool.subtools.declare.placeholders import Blank

MAX_ATTACHMENT_BYTES = 2_000_000
"""Bytes of all files together: Customer.io's 2 MB, taken as powers of 1000.

Whether Customer.io counts the bytes before or after base64 is UNVERIFIED. This package counts them
before, so that no allowed file is refused here; Customer.io answers 413 to a larger one.
"""

_ADDRESS = re.compile(
    r"""\s*(?=\S)(?:(?:"[^"]*"\s*|[^",<>]*)<([^",;<>\s]+)>|([^",;<>\s]+))\s*(?:,\s*|$)"""
)
_HEADER_NAME = re.compile(r"[!-9;-~]{1,200}")
_HEADER_VALUE = re.compile(r"[ -~]{1,2000}")
_RESERVED = re.compile(
    r"from|to|cc|bcc|subject|reply-to|content-.*|mime-version|date|message-id|return-path"
    r"|dkim-signature|received|sender|resent-.*|apparently-to|x-smtpapi",
    re.IGNORECASE,
)
_HIDES_ADDRESS = re.compile(
    r"[{\\\uff20\ufe6b]|=\?|%(?:25)*(?:40|2c|3c|7b)|=(?:40|2c|3c|7b)|&#|&\w+;|&commat",
    re.IGNORECASE,
)
"""What a text has that may become an address later: a template's tag, or an encoded character.

The encodings are an encoded word, JSON, a URL, quoted-printable, HTML and Unicode's other `@`.
"""

_LIST_FIX = "send addresses such as ada@example.com, with commas between them"

_HOLDS_ADDRESSES = re.compile(
    r"(?!in-reply-to$)(?:.+-to|(?:.+-)?b?cc|.+-(?:bcc)?address|errors-to)", re.IGNORECASE
)
"""Names of headers that hold addresses; In-Reply-To holds the id of a message."""

_FILE_NAME = re.compile(
    rf"[^/\\{CONTROL}{RETURN}{TAB_AND_LINE_FEED}]{{1,200}}\.[A-Za-z0-9]{{1,10}}"
)


def addresses(text: str) -> list[str]:
    """Return the bare addresses of a comma-separated list, in which display names are allowed.

    Raises:
        Problem: An entry of the list has no e-mail address, or one that no identifier may be; or a
            name holds a character that does not show.
    """
    if is_sound_address(text):
        return [text]
    if visible(text) != text:
        raise Problem("holds a character that does not show", "remove it")
    found: list[str] = []
    position = 0
    while position < len(text) or not found:
        match = _ADDRESS.match(text, position)
        address = (match[1] or match[2]) if match else ""
        fault = address_fault(address)
        if match is None or fault is not None:
            why = f", as {fault}" if fault else ""
            raise Problem(f"has no e-mail address as entry {len(found) + 1}{why}", _LIST_FIX)
        found.append(exact(address))
        position = match.end()
    return found


def canonical_addresses(text: str) -> list[str]:
    """Return the addresses of a list in one form: sorted, bare, each once, domains in one spelling.

    The part before the `@` keeps its case, which a mail server may tell apart. Accents are
    composed.
    """
    return sorted(set(map(with_plain_domain, addresses(text))))


def may_hide_address(text: str) -> bool:
    """Return whether a text may hold an address that only a later reader of it finds."""
    return _HIDES_ADDRESS.search(text) is not None


def reach_of(lists: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Reach:
    """Return the recipients of address lists and headers.

    A list counts as unknown if another reader may find other addresses in it: an `@` in a display
    name, a template's tag or an encoding. A header counts as unknown if it may make a mail
    server send copies.

    Args:
        lists: Comma-separated addresses by the argument's path; a list that is None is not given.
        headers: Extra headers by name.
    """
    known: list[tuple[str, str]] = []
    unknown: list[str] = []
    for path, text in lists.items():
        if text is None:
            continue
        if found := _plain_addresses(text):
            known += at_paths(path, found)
        else:
            unknown.append(path)
    return Reach(tuple(known), (*unknown, *_copying_headers(headers or {})))


def _plain_addresses(text: object) -> list[str]:
    try:
        found = addresses(text) if isinstance(text, str) else []
    except Problem:
        return []
    if not isinstance(text, str) or may_hide_address(text):
        return []
    return found if text.count("@") == len(found) else []


def _copying_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the paths of headers that may make a mail server send copies.

    Examples are Mandrill's X-MC-BccAddress, and SparkPost's X-MSYS-API with its JSON.
    """
    copying = [name for name, text in headers.items() if "@" in text or may_hide_address(text)]
    return [f"headers.{shown(name)}" for name in copying]


def _joined(value: Any) -> Any:
    """Return a list of addresses, which may be written as text, with commas in between.

    Each entry must be one address; so a comma in an entry's name is no separator by mistake.
    """
    entries = listed(value) if isinstance(value, str) else value
    if not isinstance(entries, list):
        return value
    if not entries:
        raise Blank("is empty", "name at least one address")
    for i, entry in enumerate(entries):
        if not isinstance(entry, str):
            raise Problem(f"is {kind_of(entry)}", "send a string", i)
        located(one_address, entry, i)
    return ", ".join(entry.strip() for entry in entries)


def address_list(text: str) -> str:
    """Refuse a text that is no comma-separated list of addresses; a last comma is left out."""
    addresses(text)
    return text.strip().removesuffix(",").rstrip() if text.rstrip().endswith(",") else text


def one_address(text: str) -> str:
    """Refuse a text that is not one address, with or without a display name."""
    if len(addresses(text)) > 1:
        raise Problem("has several addresses", "give one")
    return address_list(text)


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    return {name: _header(name, value) for name, value in given.items()}


def _header(name: str, value: Any) -> str:
    text = number_as_text(value)
    if not _HEADER_NAME.fullmatch(name):
        raise Problem("has a name that is no header's", "use ASCII without spaces or colons", name)
    if _RESERVED.fullmatch(name):
        fix = "use the argument made for it, or another name such as X-Order"
        raise Problem("is a header that this tool leaves to Customer.io", fix, name)
    if not isinstance(text, str):
        raise Problem(f"is {kind_of(value)}", "send a string", name)
    if not _HEADER_VALUE.fullmatch(text):
        raise Problem("is not one line of ASCII", "send 1 to 2,000 printable characters", name)
    if "@" in text and _HOLDS_ADDRESSES.fullmatch(name):
        located(addresses, text, name)
    return text


def _attachments(given: Mapping[str, Any]) -> dict[str, str]:
    files = {name: _attachment(name, value) for name, value in given.items()}
    total = sum(len(b64decode(content)) for content in files.values())
    if total >= MAX_ATTACHMENT_BYTES:
        limit = f"send files of under {MAX_ATTACHMENT_BYTES:,} bytes together"
        raise Problem(f"are {total:,} bytes long", limit)
    return files


def _attachment(name: str, value: Any) -> str:
    if not _FILE_NAME.fullmatch(name):
        fix = "name it like invoice.pdf, with an extension and without folders"
        raise Problem("has a name that is no file's", fix, name)
    if not isinstance(value, str):
        raise Problem(f"is {kind_of(value)}", "send the file's bytes in base64", name)
    content = "".join(value.split())
    if _is_path_or_word(content):
        raise Problem("is a path or a word, and no file", "send the file's bytes in base64", name)
    file = _file(content)
    if not file:
        raise Problem("is not base64", "send the file's bytes in base64, nothing before them", name)
    return b64encode(file).decode()  # in its one form: the last digit may have unused bits


_PATH_OR_WORD = re.compile(r"/?(?:[A-Z]?[a-z0-9]+|[A-Z]+)(?:/(?:[A-Z]?[a-z0-9]+|[A-Z]+))*")
"""Texts that base64 would allow although they are words, or the path of a file."""

_MOST_OF_A_PATH = 260


def _is_path_or_word(content: str) -> bool:
    """Whether a short text names a file: read as base64, it would be neither text nor a picture."""
    if len(content) > _MOST_OF_A_PATH or not _PATH_OR_WORD.fullmatch(content):
        return False
    try:
        text = b64decode(content, validate=True).decode()
    except ValueError:
        return not content.startswith(_PICTURES)
    return not text.isprintable() and not text.isspace()


_PICTURES = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UEsDB", "H4sI", "Qk")
"""How the base64 of PNG, JPEG, GIF, ZIP, gzip and BMP begins."""


def _file(content: str) -> bytes:
    """Return the bytes of a file in base64; none if it is not base64."""
    try:
        return b64decode(content, validate=True)
    except ValueError:
        return b""


AddressList: TypeAlias = Annotated[Line, AfterValidator(address_list), BeforeValidator(_joined)]
"""Comma-separated e-mail addresses, each with or without a display name; a list is joined."""

Address: TypeAlias = Annotated[Line, AfterValidator(one_address), BeforeValidator(only_entry)]
"""One e-mail address, with or without a display name."""

_OVERRIDES: Mapping[str, Callable[[Any], Any]] = {
    "recipient": validator_of(AddressList),
    "from_address": validator_of(Address),
    "reply_to": validator_of(Address),
}


def with_addresses(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's data, in which the members that redirect its message are addresses.

    Raises:
        Problem: Such a member is no address; null and "" redirect nothing.
    """
    return {name: _override(name, value) for name, value in data.items()}


def _override(name: str, value: Any) -> Any:
    check = _OVERRIDES.get(override_of(name))
    if check is None or value in (None, ""):
        return value
    if not isinstance(value, str):
        fix = "send an address as text, or rename it: Customer.io takes it for the message's own"
        raise Problem(f"is {kind_of(value)}", fix, name)
    try:
        return located(check, value, name)
    except Problem as found:
        fix = f"{found.fix}, or rename it: Customer.io takes it for the message's own"
        redirected = Problem(found.problem, fix, *found.path)
    raise redirected


Headers: TypeAlias = Annotated[JsonObject, AfterValidator(_headers)]
"""Extra headers: name to ASCII value.

Customer.io refuses reserved headers but does not list them. The list here is this package's own:
headers that would forge the message or contradict an argument.
"""

Attachments: TypeAlias = Annotated[JsonObject, AfterValidator(_attachments)]
"""File name to base64 without white space."""
