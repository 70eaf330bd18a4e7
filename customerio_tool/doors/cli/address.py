"""Where a command serves over HTTP, and to whom; it exposes nothing that nobody meant to."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NoReturn

import typer

from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import TOKEN_VARIABLE

LOOPBACK = "127.0.0.1"
_MIN_TOKEN_CHARS = 16

ListenOn = Annotated[str, typer.Option("--host", metavar="HOST", help="Host to listen on.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 picks a free one.")
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        metavar="NAME",
        help="Name by which clients reach this server; repeat it for more.",
    ),
]


@dataclass(frozen=True)
class Address:
    """Where to serve, and to whom.

    Args:
        host: The host to listen on.
        port: The port; 0 picks a free one.
        allowed_hosts: Names by which clients reach the server, besides those of loopback.
        token: The bearer token that was given; None if none was.
    """

    host: str
    port: int
    allowed_hosts: Sequence[str]
    token: str | None


def address_of(
    host: str, port: int, allowed_hosts: Sequence[str] | None, token: str | None
) -> Address:
    """Return where to serve; a token that is not given is the environment's.

    The extra `web` or `mcp` must be installed.

    Raises:
        Exit: Other machines would reach the server and there is no token, or no name that clients
            use for it; or the token is too short, or holds what no header can.
    """
    from customerio_tool.doors.web.server import is_loopback

    given = (token or os.environ.get(TOKEN_VARIABLE, "")).strip()
    if given and (len(given) < _MIN_TOKEN_CHARS or not given.isascii() or " " in given):
        fail(
            f"The token must have {_MIN_TOKEN_CHARS} or more ASCII characters without spaces.",
            Exit.ARGUMENTS,
        )
    if not is_loopback(host) and not given:
        words = f"{host} is reached from other machines: set {TOKEN_VARIABLE} to a token."
        fail(words, Exit.ARGUMENTS)
    if not is_loopback(host) and not allowed_hosts:
        fail(
            f"{host} is reached from other machines: give each name that clients use for this one "
            "as --allowed-host.",
            Exit.ARGUMENTS,
        )
    return Address(host, port, tuple(allowed_hosts or ()), given or None)


def fail_to_listen(host: str, port: int, error: OSError) -> NoReturn:
    """Say why a server cannot listen, and what to do; then exit."""
    why = str(error.strerror).partition(" (while ")[0]  # Python tells the address once more
    is_about_port = error.errno in (errno.EADDRINUSE, errno.EACCES)
    to_do = "--port; 0 picks a free one" if is_about_port else "--host"
    words = f"The server cannot listen on {host}:{port}: {why}. Give another"
    fail(f"{words} {to_do}.", Exit.OTHER)
