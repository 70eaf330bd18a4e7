"""Makes clients of the Redis that workers share (the extra `redis`)."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any, cast

from customerio_tool.secret import Secret
from customerio_tool.version import how_to_install

if TYPE_CHECKING:
    import redis

REDIS_URL_VARIABLE = "CUSTOMERIO_REDIS_URL"


_CAUSES: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "DNS knows no address of its host"),
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "it does not speak TLS as expected"),
    (ConnectionRefusedError, "it refuses connections"),
    (TimeoutError, "it did not answer in time"),
)
_SAID = {
    "AuthenticationError": "it rejects the user name or the password",
    "InvalidResponse": "it does not answer as Redis does",
    "TimeoutError": "it did not answer in time",
    "ReadOnlyError": "it is a replica, which only reads",
    "OutOfMemoryError": "its memory is full",
    "NoPermissionError": "it does not permit that to this user",
}
"""Causes by the name of redis-py's exception."""


_REPLIED = {
    "MISCONF": "it cannot write to its disk",
    "NOREPLICAS": "too few of its replicas are there",
    "OOM": "its memory is full",
    "WRONGTYPE": "something else is under that key",
}
"""Causes by the code with which a reply of Redis begins."""


def cause_of(error: BaseException) -> str:
    """Return the type of an exception of redis-py, and why it was raised where that is known.

    Its text is not used: it contains the host.
    """
    kind, each = type(error).__name__, error
    code = str(error).partition(" ")[0]
    words = _SAID.get(kind) or _REPLIED.get(code, "")
    while each and not words:
        words = next((text for of, text in _CAUSES if isinstance(each, of)), "")
        each = each.__cause__ or each.__context__  # type: ignore[assignment]  # None ends it
    return f"{kind}: {words}" if words else kind


def redis_py() -> Any:
    """Import and return the library redis-py.

    Raises:
        ImportError: The extra `redis` is not installed.
    """
    try:
        import redis
    except ImportError:
        raise ImportError(
            f"Sharing among workers needs redis-py: install it with  {how_to_install('redis')}"
        ) from None
    return redis


def redis_client(given: Secret[redis.Redis | str], *, timeout: float, repeats: int) -> redis.Redis:
    """Return the given client, or one of the Redis server at a URL; it does not connect yet.

    Args:
        given: A client, or a `redis://`, `rediss://` or `unix://` URL, which may hold a password;
            its query may set other timeouts.
        timeout: The connect timeout and the read timeout, each in seconds.
        repeats: How many times to send a command again, without delay, if no reply arrives.

    Raises:
        ImportError: The extra `redis` is not installed.
        ValueError: The URL is not the URL of a Redis server.
    """
    library = redis_py()
    if not isinstance(given.reveal(), str):
        return cast("redis.Redis", given.reveal())
    lost = [library.ConnectionError, library.TimeoutError] if repeats else []
    try:
        client: redis.Redis = library.Redis.from_url(
            given.reveal(),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=library.retry.Retry(library.backoff.NoBackoff(), repeats),
            retry_on_error=lost,  # not implied by redis 5
        )
    except ValueError:
        pass
    else:
        return client
    raise ValueError(  # the address is not shown: it may hold a password
        "That is no address of a Redis server; it begins with redis://, rediss:// or unix://, "
        f"such as redis://localhost:6379/0. Look at {REDIS_URL_VARIABLE} if it comes from there."
    )


def run_script(
    client: redis.Redis, lost: type[Exception], script: str, key: str, *given: str | int
) -> Any:
    """Run a script that returns its first argument and a value, and return the value.

    Args:
        client: The client.
        lost: What to raise for each failure of Redis. Its text does not contain that of the
            failure, which contains the host.
        script: The script.
        key: Its key.
        given: Its arguments, the first one random: a server that runs no script cannot know it.
    """
    try:
        # If something else listens on the port, redis-py may raise any exception on its reply.
        told, value = cast("Any", client.eval(script, 1, key, *given))
    except Exception as error:
        cause = f"Redis, {cause_of(error)}"
    else:
        if told in (given[0], str(given[0]).encode()):
            return value
        cause = "Redis: not the reply of the script"
    raise lost(cause)
