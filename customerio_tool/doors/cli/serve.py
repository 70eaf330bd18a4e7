"""The command `serve`, which offers the subtools over HTTP: JSON calls, and MCP beside them."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Annotated

import typer

from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.doors.cli.address import (
    LOOPBACK,
    Address,
    AllowedHosts,
    ListenOn,
    Port,
    address_of,
    fail_to_listen,
)
from customerio_tool.doors.cli.connecting import ground
from customerio_tool.doors.cli.display import fail, fail_with, tell, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.links import LinkPrinter
from customerio_tool.doors.cli.options import TOKEN_VARIABLE, AsJson, Lookups, OnSandbox
from customerio_tool.doors.cli.views import DetailOf, Only, Preset, ReadOnly, apis_of, policy_of
from customerio_tool.doors.ground import Ground
from customerio_tool.errors import CustomerIoError
from customerio_tool.policy import Policy
from customerio_tool.version import how_to_install

if TYPE_CHECKING:
    from socket import socket

    from starlette.applications import Starlette

    from customerio_tool.doors.workbench.workspaces import Workspace

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
    detail: DetailOf = DEFAULT_DETAIL,
    lookups: Lookups = False,
    on_sandbox: OnSandbox = False,
    token: Token = None,
    allowed_hosts: AllowedHosts = None,
    as_json: AsJson = False,
) -> None:
    """Serve the subtools over HTTP until SIGINT or SIGTERM: JSON calls at /api, MCP at /mcp.

    On a loopback host, the workbench is at /: each printed link lets one browser in, once.

    The connection is read from the environment, as for `call`. The policy is what both --preset
    and the environment's policy allow. A call that must be confirmed waits for a person: at
    /approvals in the workbench, and in `customerio-tool approvals`, if CUSTOMERIO_LEDGER_FILE or
    CUSTOMERIO_REDIS_URL is set. At /api it is refused where there is neither.

    /api is a page, and /api/openapi.json the document for hosts that take OpenAPI. Every call
    needs the bearer token. The extra `web` is needed, and `mcp` for MCP. --json prints the
    addresses and a new token as JSON on standard output.
    """
    refuse_without_extra()
    address = address_of(host, port, allowed_hosts, token)
    try:
        policy = policy_of(preset, only, read_only=read_only, lookups=lookups)
        apis = apis_of(policy)
        with ground(apis, on_sandbox=on_sandbox) as standing:
            _serve(standing, policy, address, detail, as_json=as_json)
    except CustomerIoError as error:
        fail_with(error.as_result())


def _serve(
    standing: Ground, policy: Policy, address: Address, detail: Detail, *, as_json: bool
) -> None:
    from customerio_tool.doors.web import server
    from customerio_tool.doors.workbench.workspaces import Workspace

    try:
        listener = server.listen(address.host, address.port)
    except OSError as error:
        fail_to_listen(address.host, address.port, error)
    with listener:
        workspace = Workspace("served", _title(standing), standing, policy, detail=detail)
        _serve_on(listener, workspace, address, as_json=as_json)


def _title(standing: Ground) -> str:
    return "Local Customer.io" if standing.local else "Connection of the environment"


def _serve_on(listener: socket, workspace: Workspace, address: Address, *, as_json: bool) -> None:
    from customerio_tool.doors.web import app, server
    from customerio_tool.doors.workbench.admission import Admission
    from customerio_tool.doors.workbench.app import workbench_app
    from customerio_tool.doors.workbench.workspaces import Workspaces

    url, ground, policy = server.url_of(listener), workspace.ground, workspace.bound
    token = address.token or secrets.token_urlsafe(24)
    has_pages = server.is_loopback(address.host)
    decided_at = f"{url}/approvals" if has_pages else ""
    mcp = _mcp(workspace, address, decided_at)
    ready = _ready(url, None if address.token else token, has_mcp=bool(mcp))

    def tell_ready(link: str = "") -> None:
        _tell_ready({**ready, **({"workbench": link} if link else {})}, as_json=as_json)

    admission = Admission(LinkPrinter(url, tell_ready).announce)
    pages = workbench_app(Workspaces(workspace), admission)
    with ground.tool(policy) as tool:
        made = app.web_app(
            tool,
            token=token,
            allowed_hosts=address.allowed_hosts,
            doors=mcp,
            pages=pages if has_pages else None,
            decided_at=decided_at,
            detail=workspace.detail,
        )
        server.serve(made, listener, admission.invite if has_pages else tell_ready)


def _mcp(workspace: Workspace, address: Address, decided_at: str) -> list[Starlette]:
    """Return the MCP door; none if its extra is not installed."""
    try:
        from customerio_tool.doors.mcp.http import new_app
        from customerio_tool.doors.mcp.server import new_server
        from customerio_tool.doors.mcp.views import Views
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        return []
    standing = workspace.ground
    views = Views(standing.tool, workspace.bound, detail=workspace.detail)
    server = new_server(views, standing.connection, decided_at=decided_at)
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
    without = "" if mcp else f"\nFor MCP: {how_to_install('mcp')}"
    token = f"\nBearer token, for this run alone: {ready['token']}" if "token" in ready else ""
    pages = f"\nWorkbench, for one browser: {ready['workbench']}" if "workbench" in ready else ""
    tell(f"JSON calls at {ready['api']}{mcp}; Ctrl-C stops it.{without}{token}{pages}")


_MODULES_OF_EXTRA = {"dotenv", "jinja2", "starlette", "uvicorn"}


def refuse_without_extra() -> None:
    """Say how to install the extra, if it is not."""
    try:
        import dotenv  # noqa: F401 - whether it can be imported
        import jinja2  # noqa: F401 - the same

        from customerio_tool.doors.web import server  # noqa: F401
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        fail(f"This command needs an extra:\n  {how_to_install('web')}", Exit.ARGUMENTS)
