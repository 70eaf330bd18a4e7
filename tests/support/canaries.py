"""Marked keys and marked personal data, and a look for them wherever something can be read."""

from __future__ import annotations

import base64
import copy
import json
import logging
import traceback
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import customerio_tool
from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.errors import ArgumentsInvalid
from customerio_tool.sandbox import Options
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Invocation, Subtool

PERSON = "zz7person"
"""Stands in every id, address, attribute, body and reply; nothing of ours may repeat it."""

SITE = "kk7key-site-41c0"
TRACK_KEY = 'kk7key-track/"a+b\\c=d'
APP_KEY = 'kk7key-app/"e+f\\g=h'
KEYED = Options(site_id=SITE, track_api_key=TRACK_KEY, app_api_key=APP_KEY)

PACKAGE = str(Path(customerio_tool.__file__).parent)
AT = Invocation(now=1763900000.0, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
CANDIDATES = (f"{PERSON}@example.com", f"{PERSON}-1", f"https://example.com/{PERSON}")


def spellings(text: str) -> set[str]:
    """Return the ways in which a key may be written."""
    once = quote(text, safe="")
    return {
        text,
        once,
        quote(once, safe=""),
        quote(text),
        json.dumps(text)[1:-1],
        json.dumps(json.dumps(text)[1:-1])[1:-1],
        repr(text)[1:-1],
        base64.b64encode(text.encode()).decode(),
        text.encode().hex(),
    }


PAIR = base64.b64encode(f"{SITE}:{TRACK_KEY}".encode()).decode()
SECRETS = {"kk7key", PAIR, *spellings(PAIR), *spellings(TRACK_KEY), *spellings(APP_KEY)}
ECHOED = " ".join(sorted({TRACK_KEY, APP_KEY, PAIR, quote(TRACK_KEY, safe="")}))
"""What a vendor's reply may repeat of the credentials, for the mask to find."""


def leaked_keys(text: str) -> set[str]:
    """Return the keys that a text holds, in any spelling."""
    return {secret for secret in SECRETS if secret in text}


def arguments_of(subtool: Subtool[Any]) -> dict[str, Any]:
    """Return the arguments of a subtool's last example with every text marked that may be."""
    return copy.deepcopy(_marked(subtool.name))


@cache
def _marked(name: str) -> dict[str, Any]:
    subtool = subtools()[name]
    arguments = json.loads(json.dumps(dict(subtool.examples[-1].arguments)))
    for holder, key in list(_leaves(arguments)):
        _mark(subtool, arguments, holder, key)
    return arguments  # type: ignore[no-any-return]  # of json.loads


def _leaves(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, item in items:
        if isinstance(item, (dict, list)):
            yield from _leaves(item)
        elif isinstance(item, str):
            yield value, name


def _mark(subtool: Subtool[Any], arguments: dict[str, Any], holder: Any, name: Any) -> None:
    """Put a marked text in the first form that the subtool takes, else leave what is there."""
    before = holder[name]
    for candidate in CANDIDATES:
        holder[name] = candidate
        try:
            request_for(Call(subtool, subtool.parse(arguments), AT))
        except ArgumentsInvalid:
            continue
        return
    holder[name] = before


def ours(result: Mapping[str, Any]) -> str:
    """Return what we say in a failure: not the vendor's words, nor the call to look with."""
    error = {name: value for name, value in result["error"].items() if name != "look"}
    told = {name: value for name, value in result.items() if name != "said"}
    return json.dumps({**told, "error": error}, ensure_ascii=False)


def texts_of(error: BaseException) -> str:
    """Return all that an exception shows: itself, whatever it is chained to, and its traceback."""
    seen: list[str] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None:
            seen += [str(one), repr(one), repr(one.args)]
            waiting += [one.__cause__, one.__context__]
    return "\n".join([*seen, *traceback.format_exception(error)])


def locals_of(error: BaseException) -> str:
    """Return the locals of our frames in a traceback, as a crash reporter would print them."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    frames = [frame for frame in whole.stack if frame.filename.startswith(PACKAGE)]
    return "\n".join(f"{frame.name}: {frame.locals}" for frame in frames)


class Records(logging.Handler):
    """Keeps every record, as text and with its arguments."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts += [record.getMessage(), repr(record.args), str(record.__dict__)]
        if record.exc_info:
            self.texts += traceback.format_exception(*record.exc_info)

    @property
    def text(self) -> str:
        """All that was logged."""
        return "\n".join(self.texts)
