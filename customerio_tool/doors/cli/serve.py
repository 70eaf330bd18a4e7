"""The command `serve`, which offers the subtools over HTTP: JSON calls, and MCP beside them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from customerio_tool.doors.cli.connecting import Ground, ground
from customerio_tool.doors.cli.display import fail, fail_with, tell, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import TOKEN_VARIABLE, AsJson, OnSandbox
from customerio_tool.doors.cli.views import Only, Preset, ReadOnly, apis_of, policy_of
from customerio_tool.errors import CustomerIoError
from customerio_tool.policy import Policy
from customerio_tool.version import how_to_install

if TYPE_CHECKING:
    from starlette.applications import Starlette

_LOOPBACK = "127.0.0.1"
_PORT = 8025
_MIN_TOKEN_CHARS = 16

ListenOn = Annotated[str, typer.Option("--host", metavar="HOST", help="Host to listen on.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Port to listen on; 0 picks a free one.")
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        help=f"Bearer token of every call; {TOKEN_VARIABLE} keeps it out of the list of processes. "
        "By default a new one is printed.",
    ),
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
class _Address:
    """Where to serve, and to whom; `is_new` says whether the token was made here."""

    host: str
    port: int
    allowed_hosts: Sequence[str]
    token: str
    is_new: bool


def serve(
    host: ListenOn = _LOOPBACK,
    port: Port = _PORT,
    only: Only = None,
    preset: Preset = "careful",
    read_only: ReadOnly = False,
    on_sandbox: OnSandbox = False,
    token: Token = None,
    allowed_hosts: AllowedHosts = None,
    as_json: AsJson = False,
) -> None:
    """Serve the subtools over HTTP until SIGINT or SIGTERM: JSON calls at /api, MCP at /mcp.

    The connection is read from the environment, as for `call`. The policy is what both --preset
    and the environment's policy allow. A call that must be confirmed waits for `customerio-tool
    approvals`, if CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL is set; else it is refused.

    /api is a page, and /api/openapi.json the document for hosts that take OpenAPI. Every call
    needs the bearer token. MCP needs the extra `mcp`. --json prints the addresses and a new token
    as JSON on standard output.
    """
    address = _address(host, port, allowed_hosts or (), token or os.environ.get(TOKEN_VARIABLE))
    try:
        policy = policy_of(preset, only, read_only=read_only)
        if not (apis := apis_of(policy)):
            fail("There is nothing to offer: the policy allows no subtool.", Exit.POLICY)
        with ground(apis, on_sandbox=on_sandbox) as standing:
            _serve(standing, policy, address, as_json=as_json)
    except CustomerIoError as error:
        fail_with(error.as_result())


def _address(host: str, port: int, allowed_hosts: Sequence[str], token: str | None) -> _Address:
    """Return where to serve, unless it would let in whom nobody meant to let in."""
    with _extra():
        from customerio_tool.doors.web.access import is_loopback
    given = (token or "").strip()
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
    made = given or secrets.token_urlsafe(24)
    return _Address(host, port, allowed_hosts, made, is_new=not given)


def _serve(standing: Ground, policy: Policy, address: _Address, *, as_json: bool) -> None:
    from customerio_tool.doors.web import app, server

    try:
        listener = server.listen(address.host, address.port)
    except OSError as error:
        words = f"The server cannot listen on {address.host}:{address.port}: {error.strerror}."
        fail(words, Exit.OTHER)
    with listener, standing.tool(policy) as tool:
        mcp = _mcp(standing, policy, address)
        made = app.web_app(
            tool, token=address.token, allowed_hosts=address.allowed_hosts, doors=mcp
        )
        ready = _ready(server.url_of(listener), address, has_mcp=bool(mcp))
        server.serve(made, listener, lambda: _tell_ready(ready, as_json=as_json))


def _mcp(standing: Ground, policy: Policy, address: _Address) -> list[Starlette]:
    """Return the MCP door; none if its extra is not installed."""
    try:
        from customerio_tool.doors.mcp.http import new_app
        from customerio_tool.doors.mcp.server import new_server
        from customerio_tool.doors.mcp.views import Views
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        return []
    views = Views(standing.tool, policy)
    server = new_server(views, standing.connection)
    return [new_app(server, views, allowed_hosts=address.allowed_hosts)]


def _ready(url: str, address: _Address, *, has_mcp: bool) -> dict[str, str]:
    return {
        "url": url,
        "api": f"{url}/api",
        "openapi": f"{url}/api/openapi.json",
        **({"mcp": f"{url}/mcp"} if has_mcp else {}),
        **({"token": address.token} if address.is_new else {}),
    }


def _tell_ready(ready: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        write_json(ready)
        return
    mcp = f", MCP at {ready['mcp']}" if "mcp" in ready else ""
    token = f"\nBearer token, for this run alone: {ready['token']}" if "token" in ready else ""
    tell(f"JSON calls at {ready['api']}{mcp}; Ctrl-C stops it.{token}")


_MODULES_OF_EXTRA = {"starlette", "uvicorn"}


@contextmanager
def _extra() -> Iterator[None]:
    """Say how to install the extra, if a block's import lacks it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        fail(f"This command needs an extra:\n  {how_to_install('web')}", Exit.ARGUMENTS)
