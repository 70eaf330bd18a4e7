"""The command `serve`, which offers the subtools over HTTP: JSON calls, and MCP beside them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from customerio_tool.doors.cli.address import (
    LOOPBACK,
    Address,
    AllowedHosts,
    ListenOn,
    Port,
    address_of,
    fail_to_listen,
)
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

_PORT = 8470

Token = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        help=f"Bearer token of every call; {TOKEN_VARIABLE} keeps it out of the list of processes. "
        "By default a new one is printed.",
    ),
]


def serve(
    host: ListenOn = LOOPBACK,
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
    _refuse_without_extra()
    address = address_of(host, port, allowed_hosts, token)
    try:
        policy = policy_of(preset, only, read_only=read_only)
        apis = apis_of(policy)
        with ground(apis, on_sandbox=on_sandbox) as standing:
            _serve(standing, policy, address, as_json=as_json)
    except CustomerIoError as error:
        fail_with(error.as_result())


def _serve(standing: Ground, policy: Policy, address: Address, *, as_json: bool) -> None:
    from customerio_tool.doors.web import app, server

    try:
        listener = server.listen(address.host, address.port)
    except OSError as error:
        fail_to_listen(address, error)
    with listener, standing.tool(policy) as tool:
        mcp = _mcp(standing, policy, address)
        token = address.token or secrets.token_urlsafe(24)
        made = app.web_app(tool, token=token, allowed_hosts=address.allowed_hosts, doors=mcp)
        new = None if address.token else token
        ready = _ready(server.url_of(listener), new, has_mcp=bool(mcp))
        server.serve(made, listener, lambda: _tell_ready(ready, as_json=as_json))


def _mcp(standing: Ground, policy: Policy, address: Address) -> list[Starlette]:
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


def _ready(url: str, new_token: str | None, *, has_mcp: bool) -> dict[str, str]:
    return {
        "url": url,
        "api": f"{url}/api",
        "openapi": f"{url}/api/openapi.json",
        **({"mcp": f"{url}/mcp"} if has_mcp else {}),
        **({"token": new_token} if new_token else {}),
    }


def _tell_ready(ready: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        write_json(ready)
        return
    mcp = f", MCP at {ready['mcp']}" if "mcp" in ready else ""
    token = f"\nBearer token, for this run alone: {ready['token']}" if "token" in ready else ""
    tell(f"JSON calls at {ready['api']}{mcp}; Ctrl-C stops it.{token}")


_MODULES_OF_EXTRA = {"starlette", "uvicorn"}


def _refuse_without_extra() -> None:
    """Say how to install the extra, if it is not."""
    try:
        from customerio_tool.doors.web import server  # noqa: F401 - whether it can be imported
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        fail(f"This command needs an extra:\n  {how_to_install('web')}", Exit.ARGUMENTS)
