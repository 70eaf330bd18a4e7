"""Types of an e-mail's addresses, headers and attachments."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator

from customerio_tool.subtools.declare import (
    JsonObject,
    Line,
    Problem,
    Reach,
    at_paths,
    exact,
    is_address,
    kind_of,
    number_as_text,
    shown,
)
from customerio_tool.subtools.declare.characters import CONTROL, RETURN, TAB_AND_LINE_FEED

MAX_ATTACHMENT_BYTES = 2_000_000
"""Bytes of all files together: Customer.io's 2 MB, taken as powers of 1000.

Whether Customer.io counts the bytes before or after base64 is UNVERIFIED. This package counts them
before, so that no allowed file is refused here; Customer.io answers 413 to a larger one.
"""

_ADDRESS = re.compile(
    r"""\s*(?=\S)(?:(?:"[^"]*"\s*|[^",<>]*)<([^",<>\s]+)>|([^",<>\s]+))\s*(?:,|$)"""
)
_HEADER_NAME = re.compile(r"[!-9;-~]{1,200}")
_HEADER_VALUE = re.compile(r"[ -~]{1,2000}")
_RESERVED = re.compile(
    r"from|to|cc|bcc|subject|reply-to|content-.*|mime-version|date|message-id|return-path"
    r"|dkim-signature|received|sender|resent-.*|apparently-to|x-smtpapi",
    re.IGNORECASE,
)
_TEMPLATE_OR_ENCODED_WORD = re.compile(r"\{[{%]|=\?")
"""The start of a template's tag or of a mail header's encoded word; both change the text later."""

_MAY_COPY = re.compile(r"[@{\\]|=\?|%40|=40|&#|&commat", re.IGNORECASE)
"""What a header's value has if it may hold an address: an `@`, plain or encoded, or a template.

The encodings are an encoded word, JSON, a URL, quoted-printable and HTML.
"""

_FILE_NAME = re.compile(
    rf"[^/\\{CONTROL}{RETURN}{TAB_AND_LINE_FEED}]{{1,200}}\.[A-Za-z0-9]{{1,10}}"
)


def addresses(text: str) -> list[str]:
    """Return the bare addresses of a comma-separated list, in which display names are allowed.

    Raises:
        Problem: An entry of the list has no e-mail address, or one that no identifier may be.
    """
    found: list[str] = []
    position = 0
    while position < len(text) or not found:
        match = _ADDRESS.match(text, position)
        address = (match[1] or match[2]) if match else ""
        if match is None or not is_address(address):
            fix = "send addresses such as ada@example.com, with commas between them"
            raise Problem(f"has no e-mail address as entry {len(found) + 1}", fix)
        found.append(exact(address))
        position = match.end()
    return found


def canonical_addresses(text: str) -> list[str]:
    """Return the addresses of a list in one form: sorted, bare, each once, domains in lower case.

    The part before the `@` keeps its case, which a mail server may tell apart.
    """
    found = (address.rpartition("@") for address in addresses(text))
    return sorted({f"{local}@{domain.lower()}" for local, _, domain in found})


def reach_of(lists: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Reach:
    """Return the recipients of address lists and headers.

    A list counts as unknown if another reader may find other addresses in it: an `@` in a display
    name, a template's tag or an encoded word. A header counts as unknown if it may make a mail
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
    if not isinstance(text, str) or _TEMPLATE_OR_ENCODED_WORD.search(text):
        return []
    return found if text.count("@") == len(found) else []


def _copying_headers(headers: Mapping[str, str]) -> list[str]:
    """Return the paths of headers that may make a mail server send copies.

    Examples are Mandrill's X-MC-BccAddress, and SparkPost's X-MSYS-API with its JSON.
    """
    return [f"headers.{shown(name)}" for name, text in headers.items() if _MAY_COPY.search(text)]


def _address_list(text: str) -> str:
    addresses(text)
    return text


def _one_address(text: str) -> str:
    if len(addresses(text)) > 1:
        raise Problem("has several addresses", "give one")
    return text


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
    return text


def _attachments(given: Mapping[str, Any]) -> dict[str, str]:
    files = {name: _attachment(name, value) for name, value in given.items()}
    total = sum(len(b64decode(content)) for content in files.values())
    if total >= MAX_ATTACHMENT_BYTES:
        limit = f"all files together must be under {MAX_ATTACHMENT_BYTES:,} bytes"
        raise Problem(f"are {total:,} bytes long", limit)
    return files


def _attachment(name: str, value: Any) -> str:
    if not _FILE_NAME.fullmatch(name):
        fix = "name it like invoice.pdf, with an extension and without folders"
        raise Problem("has a name that is no file's", fix, name)
    if not isinstance(value, str):
        raise Problem(f"is {kind_of(value)}", "send the file's bytes in base64", name)
    content = "".join(value.split())
    if not content or not _is_base64(content):
        raise Problem("is not base64", "send the file's bytes in base64, nothing before them", name)
    return content


def _is_base64(text: str) -> bool:
    try:
        b64decode(text, validate=True)
    except ValueError:
        return False
    return True


AddressList: TypeAlias = Annotated[Line, AfterValidator(_address_list)]
"""Comma-separated e-mail addresses, each with or without a display name."""

Address: TypeAlias = Annotated[Line, AfterValidator(_one_address)]
"""One e-mail address, with or without a display name."""

Headers: TypeAlias = Annotated[JsonObject, AfterValidator(_headers)]
"""Extra headers: name to ASCII value.

Customer.io refuses reserved headers but does not list them. The list here is this package's own:
headers that would forge the message or contradict an argument.
"""

Attachments: TypeAlias = Annotated[JsonObject, AfterValidator(_attachments)]
"""File name to base64 without white space."""
