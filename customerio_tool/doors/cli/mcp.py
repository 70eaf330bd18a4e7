"""The command `mcp`, which serves the subtools to MCP hosts."""

from __future__ import annotations

import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

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
from customerio_tool.doors.cli.display import fail, fail_with, tell
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import TOKEN_VARIABLE, Lookups, OnSandbox
from customerio_tool.doors.cli.views import (
    DetailOf,
    Only,
    Preset,
    PresetWord,
    ReadOnly,
    apis_of,
    policy_of,
)
from customerio_tool.doors.ground import Ground
from customerio_tool.doors.mcp.hosts import HOSTS, config_for
from customerio_tool.errors import CustomerIoError
from customerio_tool.policy import Policy
from customerio_tool.subtools.declare import Api
from customerio_tool.version import how_to_install

if TYPE_CHECKING:
    from mcp.server import Server

    from customerio_tool.doors.mcp.views import Views

HostWord: TypeAlias = Literal[
    "claude-code", "claude-desktop", "cursor", "vscode", "codex", "gemini"
]

_MODULES_OF_EXTRA = {"mcp", "mcp_types", "anyio", "starlette", "uvicorn"}
_PRESET: PresetWord = "careful"
_PORT = 8000

OverHttp = Annotated[
    bool,
    typer.Option(
        "--http",
        help="Serve streamable HTTP instead of stdio; --host, --port, --token and --allowed-host "
        "are for it.",
    ),
]
NoOutputSchemas = Annotated[
    bool, typer.Option("--no-output-schemas", help="Leave out the schema of results.")
]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        help=f"Bearer token that clients must have; {TOKEN_VARIABLE} keeps it out of the list of "
        "processes.",
    ),
]
PrintConfig = Annotated[
    HostWord | None,
    typer.Option(help="Print what tells a host to start this server with these options, and end."),
]


def mcp(
    over_http: OverHttp = False,
    host: ListenOn = LOOPBACK,
    port: Port = _PORT,
    only: Only = None,
    preset: Preset = _PRESET,
    read_only: ReadOnly = False,
    lookups: Lookups = False,
    on_sandbox: OnSandbox = False,
    no_output_schemas: NoOutputSchemas = False,
    detail: DetailOf = DEFAULT_DETAIL,
    token: Token = None,
    allowed_hosts: AllowedHosts = None,
    print_config: PrintConfig = None,
) -> None:
    """Serve the subtools to an MCP host, over standard input and output or HTTP.

    The connection is read from the environment, as for `call`. The policy is what both --preset
    and the environment's policy (CUSTOMERIO_POLICY and its other variables) allow. A call that
    needs a person's approval is asked for at the client; where that cannot ask, it does not run.

    Over HTTP a client may narrow what it is offered: ?only=NAME,NAME and ?preset=read_only;
    ?detail=compact shows it shorter definitions.
    """
    if print_config and over_http:
        words = "--print-config is for a host that starts the server itself; leave out --http"
        raise typer.BadParameter(words)
    try:
        policy = policy_of(preset, only, read_only=read_only, lookups=lookups)
        apis = apis_of(policy)
        if print_config:
            options = {
                "--only": only,
                "--preset": preset if preset != _PRESET else None,
                "--read-only": read_only,
                "--lookups": lookups,
                "--sandbox": on_sandbox,
                "--no-output-schemas": no_output_schemas,
                "--detail": detail if detail != DEFAULT_DETAIL else None,
            }
            _print_config(print_config, _words(options), () if on_sandbox else apis)
            return
        _refuse_without_extra()
        address = address_of(host, port, allowed_hosts, token) if over_http else None
        with ground(apis, on_sandbox=on_sandbox) as standing:
            if on_sandbox:
                tell(_ON_SANDBOX)
            views = _views(standing, policy, detail, output_schemas=not no_output_schemas)
            _serve(standing, views, address)
    except CustomerIoError as error:
        fail_with(error.as_result())


_AT_A_TERMINAL = (
    "This waits for an MCP host on standard input: add --print-config HOST to set one up. Ctrl-C "
    "stops it."
)
_ON_SANDBOX = (
    "On a new local Customer.io, which ends with this server. Calls of the App API are paced at "
    "10 a second, as on Customer.io's own."
)


def _words(options: Mapping[str, object]) -> list[str]:
    """Return the options that were given, as a host gives them again."""
    words = [[name] if value is True else [name, value] for name, value in options.items() if value]
    return [str(word) for each in words for word in each]


def _print_config(host: HostWord, options: Sequence[str], apis: Collection[Api]) -> None:
    told = HOSTS[host]
    tell(" ".join([f"{told.title}:", told.how, *([told.keys] if apis else [])]))
    typer.echo(config_for(host, options, apis))


def _refuse_without_extra() -> None:
    """Say how to install the extra, if it is not."""
    try:
        from customerio_tool.doors.mcp import server  # noqa: F401 - whether it can be imported
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        fail(f"This command needs an extra:\n  {how_to_install('mcp')}", Exit.ARGUMENTS)


def _views(standing: Ground, policy: Policy, detail: Detail, *, output_schemas: bool) -> Views:
    from customerio_tool.doors.mcp.views import Views

    return Views(standing.tool, policy, output_schemas=output_schemas, detail=detail)


def _serve(standing: Ground, views: Views, address: Address | None) -> None:
    from customerio_tool.doors.mcp.server import new_server

    server = new_server(views, standing.connection)
    with views.whole.tool:
        if address is None:
            _serve_stdio(server)
        else:
            _serve_http(server, views, address)


def _serve_stdio(server: Server[Any]) -> None:
    import anyio

    from customerio_tool.doors.mcp.stdio import serve

    if sys.stdin.isatty():
        tell(_AT_A_TERMINAL)
    # The thread that reads standard input would hold up an orderly end until the next line.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve, server)


def _serve_http(server: Server[Any], views: Views, address: Address) -> None:
    from customerio_tool.doors.mcp.http import PATH, new_app
    from customerio_tool.doors.web.server import listen, serve, url_of

    app = new_app(server, views, allowed_hosts=address.allowed_hosts, token=address.token)
    try:
        listener = listen(address.host, address.port)
    except OSError as error:
        fail_to_listen(address.host, address.port, error)
    url = f"{url_of(listener)}{PATH}"
    serve(app, listener, lambda: tell(f"MCP at {url}; Ctrl-C stops it."))
