"""Filters of texts."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from ..steps import NotRendered
from ..values import check_size, json_of, list_of, number_of, text_of, whole_of

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;"})
_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_URI = ";,/?:@&=+$-_.!~*'()#"  # what encodeURI leaves


def _of_text(work: Callable[[str], Any]) -> Callable[[Any], Any]:
    """A filter without arguments that works on a text."""
    return lambda value: work(text_of(value))


def append(value: Any, more: Any) -> str:
    """The text, then another."""
    return text_of(value) + text_of(more)


def prepend(value: Any, before: Any) -> str:
    """Another text, then the text."""
    return text_of(before) + text_of(value)


def replace(value: Any, old: Any, new: Any = "") -> str:
    """Every occurrence of a text replaced."""
    text, old, new = text_of(value), text_of(old), text_of(new)
    check_size(len(text) + text.count(old) * len(new))
    return text.replace(old, new)


def replace_first(value: Any, old: Any, new: Any = "") -> str:
    """The first occurrence of a text replaced."""
    return text_of(value).replace(text_of(old), text_of(new), 1)


def replace_last(value: Any, old: Any, new: Any = "") -> str:
    """The last occurrence of a text replaced."""
    text, old = text_of(value), text_of(old)
    at = text.rfind(old)
    return text if at < 0 else text[:at] + text_of(new) + text[at + len(old) :]


def remove(value: Any, old: Any) -> Any:
    """Every occurrence of a text removed; of a list, every item that is equal."""
    if isinstance(value, list):
        return [each for each in value if each != old]
    return text_of(value).replace(text_of(old), "")


def truncate(value: Any, length: Any = 50, end: Any = "...") -> str:
    """The text cut to a length that counts its end."""
    text, end, most = text_of(value), text_of(end), whole_of(length, 0)
    return text if len(text) <= most else text[: max(most - len(end), 0)] + end


def truncatewords(value: Any, count: Any = 15, end: Any = "...") -> str:
    """The text cut to a number of words."""
    words, most = text_of(value).split(), whole_of(count, 1)
    return " ".join(words[:most]) + (text_of(end) if len(words) > most else "")


def split(value: Any, separator: Any = "") -> list[str]:
    """The parts of a text."""
    text, separator = text_of(value), text_of(separator)
    if not separator:
        return list(text)
    parts = text.split(separator)
    while parts and not parts[-1]:
        parts.pop()
    return parts


def strip_html(value: Any) -> str:
    """The text without tags, comments, scripts and styles."""
    text = text_of(value)
    for start, end in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        text = "".join(_outside(text, start, end))
    return "".join(_outside(text, "<", ">"))


def _outside(text: str, start: str, end: str) -> Iterator[str]:
    """What stands outside of each pair of marks; a mark without its end is text."""
    lower, at = text.lower() if start.isascii() else text, 0
    if len(lower) != len(text):
        lower = text
    while (opening := lower.find(start, at)) >= 0:
        closing = lower.find(end, opening)
        if closing < 0:
            break
        yield text[at:opening]
        at = closing + len(end)
    yield text[at:]


def slug(value: Any) -> str:
    """The text in lower case, with a hyphen for all that is neither letter nor digit."""
    return re.sub(r"[\W_]+", "-", text_of(value).lower()).strip("-")


def slice_(value: Any, start: Any, length: Any = 1) -> Any:
    """Some characters of a text, or items of a list; a negative start counts from the end."""
    whole = value if isinstance(value, list) else text_of(value)
    begin = whole_of(start, -(2**31), 2**31)
    begin = max(begin + len(whole), 0) if begin < 0 else begin
    return whole[begin : begin + whole_of(length, 0, 2**31)]


def contains(value: Any, part: Any) -> bool:
    """Whether a text has a part, or a list an item."""
    return part in value if isinstance(value, list) else text_of(part) in text_of(value)


def pluralize(value: Any, one: Any, many: Any = None) -> str:
    """A count with the word for one or for more."""
    count = number_of(value)
    plural = f"{text_of(one)}s" if many is None else text_of(many)
    return f"{text_of(count)} {text_of(one) if count == 1 else plural}"


def sentence(value: Any, word: Any = "and") -> str:
    """The items of a list as a sentence names them."""
    items = [text_of(each) for each in list_of(value)]
    if len(items) < 3:
        return f" {text_of(word)} ".join(items)
    return f"{', '.join(items[:-1])}, {text_of(word)} {items[-1]}"


def _decoded(work: Callable[[bytes], bytes]) -> Callable[[Any], str]:
    def decode(value: Any) -> str:
        text = text_of(value)
        try:
            return work(text.encode() + b"=" * (-len(text) % 4)).decode()
        except (binascii.Error, ValueError):
            raise NotRendered("a text is not base64") from None

    return decode


def _digest(name: str) -> Callable[[Any], str]:
    return lambda value: hashlib.new(
        name, text_of(value).encode(), usedforsecurity=False
    ).hexdigest()


def _mac(name: str) -> Callable[[Any, Any], str]:
    return lambda value, key: hmac.new(
        text_of(key).encode(), text_of(value).encode(), name
    ).hexdigest()


def hex_base64(value: Any) -> str:
    """The base64 of bytes that are given as hexadecimal digits."""
    try:
        return base64.b64encode(bytes.fromhex(text_of(value))).decode()
    except ValueError:
        raise NotRendered("a text is not hexadecimal") from None


def to_json(value: Any, indent: Any = None) -> str:
    """The value as JSON."""
    return json_of(value, None if indent is None else whole_of(indent, 0, 10))


def from_json(value: Any) -> Any:
    """The value that a JSON text holds."""
    try:
        return json.loads(text_of(value))
    except (ValueError, RecursionError):
        raise NotRendered("a text is not JSON") from None


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:].lower()


FILTERS: dict[str, Callable[..., Any]] = {
    "append": append,
    "array_to_sentence_string": sentence,
    "base64": _of_text(lambda text: base64.b64encode(text.encode()).decode()),
    "base64_decode": _decoded(base64.b64decode),
    "base64_encode": _of_text(lambda text: base64.b64encode(text.encode()).decode()),
    "base64_url_safe_decode": _decoded(base64.urlsafe_b64decode),
    "base64_url_safe_encode": _of_text(
        lambda text: base64.urlsafe_b64encode(text.encode()).decode()
    ),
    "capitalize": _of_text(_capitalize),
    "cgi_escape": _of_text(quote_plus),
    "contains": contains,
    "downcase": _of_text(str.lower),
    "escape": _of_text(lambda text: text.translate(_ESCAPES)),
    "escape_once": _of_text(lambda text: html.unescape(text).translate(_ESCAPES)),
    "from_json": from_json,
    "hex_base64": hex_base64,
    "hmac_sha1": _mac("sha1"),
    "hmac_sha256": _mac("sha256"),
    "json": to_json,
    "lstrip": _of_text(str.lstrip),
    "md5": _digest("md5"),
    "newline_to_br": _of_text(lambda text: re.sub(r"\r?\n", "<br />\n", text)),
    "normalize_whitespace": _of_text(lambda text: re.sub(r"\s+", " ", text)),
    "number_of_words": _of_text(lambda text: len(text.split())),
    "pluralize": pluralize,
    "prepend": prepend,
    "remove": remove,
    "remove_first": replace_first,
    "remove_last": replace_last,
    "replace": replace,
    "replace_first": replace_first,
    "replace_last": replace_last,
    "rstrip": _of_text(str.rstrip),
    "sha1": _digest("sha1"),
    "sha256": _digest("sha256"),
    "slice": slice_,
    "slugify": slug,
    "split": split,
    "strip": _of_text(str.strip),
    "strip_html": strip_html,
    "strip_newlines": _of_text(lambda text: re.sub(r"\r?\n", "", text)),
    "titlecase": _of_text(lambda text: " ".join(map(_capitalize, text.split(" ")))),
    "to_json": to_json,
    "truncate": truncate,
    "truncatewords": truncatewords,
    "upcase": _of_text(str.upper),
    "uri_escape": _of_text(lambda text: quote(text, safe=_URI)),
    "url_decode": _of_text(unquote_plus),
    "url_encode": _of_text(quote_plus),
    "xml_escape": _of_text(lambda text: text.translate(_XML)),
}
