"""An OpenAI-compatible chat completions endpoint, which plays the assistant."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.utils import get_environ_proxies

from customerio_tool.connection.punctual import Exchange, in_force
from customerio_tool.connection.transport import new_session
from customerio_tool.deadline import Deadline
from customerio_tool.secret import Secret

URL_VARIABLE, KEY_VARIABLE, MODEL_VARIABLE = "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"

REPLY_SECONDS = 90.0
"""How long one reply may take from the first byte sent to the last byte read."""

_CONNECT_SECONDS = 10.0
_MOST_BYTES = 2_000_000
_MOST_CALLS = 20
"""The most calls of one reply."""

_KEY = re.compile(r"[!-~]{1,4096}")
_RETRY_AFTER = re.compile(r"[0-9]{1,6}")


class EndpointInvalid(Exception):
    """The variables name no endpoint that can be used; the text has no value of theirs."""


class EndpointFailed(Exception):
    """The endpoint gave no reply that can be used; the text has nothing of key, body or reply."""


@dataclass(frozen=True)
class Asked:
    """A call that the model asks for.

    Args:
        id: The endpoint's own name for it.
        subtool: The name of the subtool, as the model wrote it.
        arguments: The arguments as JSON text, as the model wrote it.
    """

    id: str
    subtool: str
    arguments: str = field(repr=False)


@dataclass(frozen=True)
class Reply:
    """What the model says and asks for; `repr` shows nothing of it."""

    words: str = field(repr=False)
    calls: tuple[Asked, ...] = field(repr=False)

    @property
    def message(self) -> dict[str, Any]:
        """The reply as a message of the conversation."""
        calls = [
            {
                "id": each.id,
                "type": "function",
                "function": {"name": each.subtool, "arguments": each.arguments},
            }
            for each in self.calls
        ]
        return {
            "role": "assistant",
            "content": self.words or None,
            **({"tool_calls": calls} if calls else {}),
        }


class _Bearer(AuthBase):
    """Sends the key; as an `auth`, so that no key of a .netrc takes its place."""

    def __init__(self, key: Secret[str]) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if key := self._key.reveal():
            request.headers["Authorization"] = f"Bearer {key}"
        return request


@dataclass(frozen=True)
class Endpoint:
    """An endpoint with its model.

    Args:
        base_url: Its address up to the version, such as `https://api.openai.com/v1`.
        model: The name of the model.
        key: The key; empty where the endpoint wants none.
        seconds: How long one reply may take.
    """

    base_url: str
    model: str
    key: Secret[str] = field(default=Secret(""), repr=False)
    seconds: float = REPLY_SECONDS

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Endpoint | None:
        """Return the endpoint that the variables name; None if they name none.

        Raises:
            EndpointInvalid: The address, the model or the key cannot be used.
        """
        url = environ.get(URL_VARIABLE, "").strip().rstrip("/")
        if not url:
            return None
        if not _may_be_asked(url):
            raise EndpointInvalid(
                f"{URL_VARIABLE} cannot be used. Give an https address, or http on this machine "
                "(127.0.0.1 or localhost), without a password, a query or a fragment."
            )
        if not (model := environ.get(MODEL_VARIABLE, "").strip()):
            raise EndpointInvalid(f"{MODEL_VARIABLE} is missing. Set it to the name of a model.")
        key = Secret(environ.get(KEY_VARIABLE, "").strip())
        if key.reveal() and not _KEY.fullmatch(key.reveal()):
            raise EndpointInvalid(
                f"{KEY_VARIABLE} has a character that no key has. Copy it again, on one line."
            )
        return cls(url, model, key)

    @property
    def host(self) -> str:
        """The host and the port, for a person."""
        return urlsplit(self.base_url).netloc

    def reply(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        is_stopped: Callable[[], bool],
    ) -> Reply:
        """Ask for the next reply, once.

        Args:
            messages: The conversation so far.
            tools: The function tools.
            is_stopped: Asked several times a second whether to give up.

        Raises:
            EndpointFailed: There was no reply in time, or none that can be used.
        """
        body = {"model": self.model, "messages": messages, **({"tools": tools} if tools else {})}
        deadline = Deadline(self.seconds, cancelled=is_stopped)
        try:
            with new_session() as session, in_force(Exchange(deadline)):
                status, retry_after, text = self._answer(session, body)
        except (requests.RequestException, OSError) as error:
            raise EndpointFailed(self._unreached(error, deadline)) from None
        if status != HTTPStatus.OK:
            raise EndpointFailed(_refusal(status, retry_after))
        return self._without_key(_reply_in(text))

    def _without_key(self, reply: Reply) -> Reply:
        """Return a reply without the key, which an endpoint may repeat in words and calls."""
        if not (key := self.key.reveal()):
            return reply
        calls = [
            Asked(*(text.replace(key, "***") for text in (each.id, each.subtool, each.arguments)))
            for each in reply.calls
        ]
        return Reply(reply.words.replace(key, "***"), tuple(calls))

    def _answer(self, session: requests.Session, body: Mapping[str, Any]) -> tuple[int, str, bytes]:
        """Return the status, `Retry-After` and the body, which is empty if it is too long."""
        url = f"{self.base_url}/chat/completions"
        proxies = {} if _is_local(self.base_url) else get_environ_proxies(url)
        with session.post(
            url,
            json=body,
            auth=_Bearer(self.key),
            proxies=proxies,
            timeout=(_CONNECT_SECONDS, self.seconds),
            allow_redirects=False,  # the key is for this address alone
            stream=True,
        ) as answer:
            text = bytearray()
            for piece in answer.iter_content(65_536):
                text += piece
                if len(text) > _MOST_BYTES:
                    text.clear()
                    break
            return answer.status_code, answer.headers.get("Retry-After", ""), bytes(text)

    def _unreached(self, error: Exception, deadline: Deadline) -> str:
        if deadline.is_cancelled():
            return "You stopped the assistant."
        if deadline.passed() or isinstance(error, requests.Timeout):
            return f"The endpoint gave no whole answer within {self.seconds:.0f} seconds."
        if isinstance(error, requests.exceptions.SSLError):
            return "The endpoint's certificate cannot be trusted."
        return "The endpoint cannot be reached, or broke off its answer."


def _may_be_asked(url: str) -> bool:
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname, parts.port
    except ValueError:
        return False
    is_plain = not (parts.query or parts.fragment or "@" in parts.netloc) and not re.search(
        r"[\x00-\x20\x7f\\]", url
    )
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and _is_local(url))
    return bool(name) and is_plain and is_safe


def _is_local(url: str) -> bool:
    """Whether an address is on this machine."""
    parts = urlsplit(url)
    try:
        return ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return parts.hostname == "localhost"


def _refusal(status: int, retry_after: str) -> str:
    """Return the words for a status; those of the endpoint may repeat a part of the key."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return f"The endpoint refused the key in {KEY_VARIABLE} (HTTP {status})."
    if status == HTTPStatus.NOT_FOUND:
        return (
            f"The endpoint knows no such address or model (HTTP 404). See {URL_VARIABLE}, which "
            f"ends with the version as in /v1, and {MODEL_VARIABLE}."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        known = _RETRY_AFTER.fullmatch(retry_after)
        when = f" Try again in {retry_after} seconds." if known else " Try again later."
        return f"The endpoint is asked too often, or its quota is spent (HTTP 429).{when}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"The endpoint failed (HTTP {status}). Try again later."
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return f"The endpoint points elsewhere (HTTP {status}). Set {URL_VARIABLE} to that address."
    return (
        f"The endpoint refused the conversation (HTTP {status}): the model may lack tools, or the "
        "conversation is too long for it."
    )


def _reply_in(text: bytes) -> Reply:
    """Return the reply in the body of an answer.

    Raises:
        EndpointFailed: It is no chat completion.
    """
    try:
        message = json.loads(text)["choices"][0]["message"]
        words = _words_of(message.get("content"))
        calls = [_asked_in(each) for each in message.get("tool_calls") or ()]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise EndpointFailed("The endpoint answered with something else than a reply.") from None
    if len(calls) > _MOST_CALLS:
        raise EndpointFailed(f"The assistant asked for more than {_MOST_CALLS} calls at once.")
    if not words and not calls:
        raise EndpointFailed("The assistant said nothing and called nothing.")
    return Reply(words, tuple(calls))


def _words_of(content: Any) -> str:
    """Return the words of a message: a text, or the texts of its parts."""
    if isinstance(content, list):
        content = "".join(each["text"] for each in content if each.get("type") == "text")
    if content is not None and not isinstance(content, str):
        raise TypeError("no text")
    return content or ""


def _asked_in(call: Any) -> Asked:
    """Return a call of a message; some endpoints give arguments as an object."""
    function = call["function"]
    name, arguments = function["name"], function.get("arguments") or "{}"
    if not isinstance(arguments, str):
        arguments = json.dumps(arguments)
    if not isinstance(name, str) or not isinstance(call["id"], str):
        raise TypeError("no text")
    return Asked(call["id"], name, arguments)
