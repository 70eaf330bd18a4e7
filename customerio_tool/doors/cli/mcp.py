"""The command `mcp`, which serves the subtools to MCP hosts."""

from __future__ import annotations

import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from customerio_tool.backends import Backends
from customerio_tool.connection import Connection
from customerio_tool.deadline import Clock
from customerio_tool.doors.cli.display import fail, fail_with
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.mcp.hosts import HOSTS, config_for
from customerio_tool.errors import CustomerIoError
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import with_only, with_preset
from customerio_tool.subtools import find, subtools
from customerio_tool.subtools.declare import Api
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import how_to_install

if TYPE_CHECKING:
    from customerio_tool.doors.mcp.views import Views

Preset: TypeAlias = Literal["careful", "read_only", "open"]
HostWord: TypeAlias = Literal[
    "claude-code", "claude-desktop", "cursor", "vscode", "codex", "gemini"
]

TOKEN_VARIABLE = "CUSTOMERIO_MCP_TOKEN"  # noqa: S105 - the variable's name

_MODULES_OF_EXTRA = {"mcp", "mcp_types", "anyio", "starlette", "uvicorn"}
_NOT_INSTALLED = Exit.ARGUMENTS
_PRESET: Preset = "careful"
_LOOPBACK = "127.0.0.1"
_PORT = 8000


@dataclass(frozen=True)
class _Offer:
    """What the flags choose to offer, and on which Customer.io."""

    policy: Policy
    apis: Collection[Api]
    on_sandbox: bool
    output_schemas: bool


@dataclass(frozen=True)
class _Address:
    """Where to serve over HTTP, and to whom."""

    host: str
    port: int
    allowed_hosts: Sequence[str]
    token: str | None


OverHttp = Annotated[bool, typer.Option("--http", help="Serve streamable HTTP instead of stdio.")]
ListenOn = Annotated[str, typer.Option("--host", help="Host to listen on, with --http.")]
Port = Annotated[
    int, typer.Option(min=0, max=65_535, help="Port to listen on, with --http; 0: a free one.")
]
Only = Annotated[str | None, typer.Option(help="Offer only these subtools.", metavar="NAME,NAME")]
WithPreset = Annotated[Preset, typer.Option(help="Policy: what may run, and what is asked for.")]
ReadOnly = Annotated[
    bool, typer.Option("--read-only", help="Offer reads alone, whatever the preset is.")
]
OnSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a new local Customer.io; no account needed.")
]
NoOutputSchemas = Annotated[
    bool, typer.Option("--no-output-schemas", help="Leave out the schemas of results.")
]
Token = Annotated[
    str | None,
    typer.Option(help="Bearer token that clients must have, with --http.", envvar=TOKEN_VARIABLE),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--allowed-host",
        help="Name by which clients reach this host, with --http; repeatable.",
        metavar="NAME",
    ),
]
PrintConfig = Annotated[
    HostWord | None,
    typer.Option(help="Print what tells a host to start this server with these options, and end."),
]


def mcp(
    over_http: OverHttp = False,
    host: ListenOn = _LOOPBACK,
    port: Port = _PORT,
    only: Only = None,
    preset: WithPreset = _PRESET,
    read_only: ReadOnly = False,
    on_sandbox: OnSandbox = False,
    no_output_schemas: NoOutputSchemas = False,
    token: Token = None,
    allowed_hosts: AllowedHosts = None,
    print_config: PrintConfig = None,
) -> None:
    """Serve the subtools to an MCP host, over standard input and output or HTTP.

    The connection is read from the environment, as for `call`. The policy is what both --preset
    and the environment's policy (CUSTOMERIO_POLICY and its other variables) allow. A call that
    needs a person's approval is asked for at the client; where that cannot ask, it does not run.

    Over HTTP a client may narrow what it is offered: ?only=NAME,NAME and ?preset=read_only.
    """
    if print_config and over_http:
        raise typer.BadParameter("give --print-config or --http: it is for a host that starts it")
    given = _policy_of(preset, only, read_only=read_only)
    apis = _apis_of(given)
    if print_config:
        options: dict[str, str | bool | None] = {
            "--only": only,
            "--preset": preset if preset != _PRESET else None,
            "--read-only": read_only,
            "--sandbox": on_sandbox,
            "--no-output-schemas": no_output_schemas,
        }
        _print_config(print_config, _options(options), () if on_sandbox else apis)
        return
    address = _Address(host, port, allowed_hosts or (), token or None)
    if over_http:
        _refuse_exposure(address)
    offer = _Offer(given, apis, on_sandbox, not no_output_schemas)
    with _views(offer) as (views, connection):
        if over_http:
            _serve_http(views, connection, address)
        else:
            _serve_stdio(views, connection)


def _policy_of(preset: Preset, only: str | None, *, read_only: bool) -> Policy:
    try:
        policy = with_preset(Policy.from_env(), preset)
        if read_only:
            policy = with_preset(policy, "read_only")
        if only is not None:
            policy = with_only(policy, {find(name.strip()).name for name in only.split(",")})
    except CustomerIoError as error:
        fail_with(error.as_result())
    return policy


def _apis_of(policy: Policy) -> frozenset[Api]:
    """Return the APIs of the subtools that may run."""
    offered = [subtool for subtool in subtools().values() if policy.allows(subtool)]
    if not offered:
        fail("There is nothing to offer: the policy allows none of these subtools.", Exit.POLICY)
    return frozenset(api for subtool in offered for api in subtool.apis)


def _options(given: Mapping[str, str | bool | None]) -> list[str]:
    """Return the options that a host starts the server with."""
    words = [[name] if value is True else [name, value] for name, value in given.items() if value]
    return [str(word) for each in words for word in each]


def _print_config(host: HostWord, options: Sequence[str], apis: Collection[Api]) -> None:
    told = HOSTS[host]
    words = [f"{told.title}:", told.how, *([told.keys] if apis else [])]
    typer.echo(" ".join(words), err=True)
    typer.echo(config_for(host, options, apis))


def _refuse_exposure(address: _Address) -> None:
    """Refuse to listen beyond this machine without a token and the names to be reached by."""
    with _extra():
        from customerio_tool.doors.mcp.http import is_loopback
    if is_loopback(address.host):
        return
    if not address.token:
        fail(
            f"{address.host} is reached from other machines: set {TOKEN_VARIABLE} to a token that "
            "clients must have.",
            Exit.ARGUMENTS,
        )
    if not address.allowed_hosts:
        fail(
            f"{address.host} is reached from other machines: give each name that clients use for "
            "this one as --allowed-host.",
            Exit.ARGUMENTS,
        )


@contextmanager
def _extra() -> Iterator[None]:
    """Say how to install the extra, if a block's import lacks it."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in _MODULES_OF_EXTRA:
            raise
        fail(f"This command needs an extra:\n  {how_to_install('mcp')}", _NOT_INSTALLED)


@contextmanager
def _views(offer: _Offer) -> Iterator[tuple[Views, Connection]]:
    """Yield what to offer; a sandbox runs as long as the block."""
    with _extra():
        from customerio_tool.doors.mcp.views import Views
    with _source(offer) as (connection, backends, clock):

        def make(policy: Policy) -> CustomerIoTool:
            return CustomerIoTool(connection, policy=policy, backends=backends, clock=clock)

        views = Views(make, offer.policy, output_schemas=offer.output_schemas)
        with views.whole.tool:
            yield views, connection


@contextmanager
def _source(offer: _Offer) -> Iterator[tuple[Connection, Backends, Clock | None]]:
    """Yield the connection of the environment, or that of a new sandbox."""
    if not offer.on_sandbox:
        try:
            connection = Connection.from_env(apis=offer.apis)
            shared = Backends.of_process(*connection.own_hosts)
            backends = Backends.from_env(shared=shared)
        except CustomerIoError as error:
            fail_with(error.as_result())
        except (ImportError, ValueError) as error:  # about CUSTOMERIO_REDIS_URL
            fail(str(error), Exit.CONNECTION)
        yield connection, backends, None
        return
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as local:
        typer.echo(_ON_SANDBOX, err=True)
        clock = Clock(now=local.clock.now)
        connection = Connection.load(local.connection(), apis=offer.apis)
        yield connection, Backends.on_clock(clock), clock


_ON_SANDBOX = (
    "On a new local Customer.io, which ends with this server. Calls of the App API are paced at "
    "10 a second, as on Customer.io's own."
)


def _serve_stdio(views: Views, connection: Connection) -> None:
    import anyio

    from customerio_tool.doors.mcp.server import new_server
    from customerio_tool.doors.mcp.stdio import serve

    # The thread that reads standard input would hold up an orderly end until the next line.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve, new_server(views, connection))


def _serve_http(views: Views, connection: Connection, address: _Address) -> None:
    from customerio_tool.doors.mcp.http import listen, new_app, serve, url_of
    from customerio_tool.doors.mcp.server import new_server

    server = new_server(views, connection)
    app = new_app(server, views, allowed_hosts=address.allowed_hosts, token=address.token)
    try:
        listener = listen(address.host, address.port)
    except OSError as error:
        fail(f"The server cannot listen on {address.host}: {error.strerror}.", Exit.OTHER)
    with listener:
        typer.echo(f"MCP at {url_of(listener)}; Ctrl-C stops it.", err=True)
        serve(app, listener)
