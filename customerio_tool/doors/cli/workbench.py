"""The command `workbench`: pages on which a person tries the tool, with a local Customer.io."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.doors.cli.address import LOOPBACK, Address, Port, fail_to_listen
from customerio_tool.doors.cli.connecting import from_env
from customerio_tool.doors.cli.display import fail_with, tell, write_json
from customerio_tool.doors.cli.links import LinkPrinter
from customerio_tool.doors.cli.options import AsJson, Lookups
from customerio_tool.doors.cli.serve import refuse_without_extra
from customerio_tool.doors.cli.views import DetailOf, Only, Preset, ReadOnly, policy_of
from customerio_tool.doors.credentials import apis_given
from customerio_tool.doors.ground import Ground
from customerio_tool.errors import CustomerIoError
from customerio_tool.policy import Policy

if TYPE_CHECKING:
    from customerio_tool.doors.workbench.workspaces import Workspaces

_PORT = 8471

Opens = Annotated[
    bool, typer.Option("--open/--no-open", help="Open the page in the browser of this desktop.")
]


def workbench(
    port: Port = _PORT,
    only: Only = None,
    preset: Preset = "open",
    read_only: ReadOnly = False,
    detail: DetailOf = DEFAULT_DETAIL,
    lookups: Lookups = False,
    opens: Opens = True,
    as_json: AsJson = False,
) -> None:
    """Open the workbench: save a connection, try calls, approve what waits; Ctrl-C stops it.

    It listens on 127.0.0.1 alone, and brings a new local Customer.io along. The environment's
    connection, if there is one, is beside it, and those that a person keeps on this machine. The
    policy is what both --preset and the environment's policy allow: no choice on the pages widens
    it. Each printed link lets one browser in, once. The extra `web` is needed.
    --json prints the addresses as JSON on standard output.
    """
    refuse_without_extra()
    from customerio_tool.sandbox import Sandbox

    try:
        policy = policy_of(preset, only, read_only=read_only, lookups=lookups)
        with Sandbox() as local:
            workspaces = _workspaces(Ground.on(local), policy, detail)
            serve_pages(
                workspaces, port, lambda ready: _tell_ready(ready, as_json=as_json), opens=opens
            )
    except CustomerIoError as error:
        fail_with(error.as_result())


def _workspaces(local: Ground, policy: Policy, detail: Detail) -> Workspaces:
    """Return the local Customer.io, which is chosen, the environment's connection, and the kept."""
    from customerio_tool.doors.workbench.kept import KeptConnections
    from customerio_tool.doors.workbench.workspaces import Workspace, Workspaces

    first = Workspace("local", "Local Customer.io", local, policy, detail=detail)
    workspaces = Workspaces(first, KeptConnections.of_user())
    if apis := apis_given(os.environ):
        workspaces.add_connection("Connection of the environment", from_env(apis), policy)
    for problem in workspaces.add_kept(policy):
        tell(f"Not opened: {problem}")
    workspaces.choose("local")
    return workspaces


def serve_pages(
    workspaces: Workspaces,
    port: int,
    tell_ready: Callable[[dict[str, str]], None],
    *,
    opens: bool,
) -> None:
    """Serve the workbench on 127.0.0.1 until SIGINT or SIGTERM.

    Args:
        workspaces: Its workspaces.
        port: The port; 0 takes a free one.
        tell_ready: Called with the addresses once it answers: `url`, `workbench`, which is the
            link for the first browser, and `console`.
        opens: Whether to open that link in a browser, where there is a desktop.

    Raises:
        Exit: The port is taken; that was printed.
    """
    from customerio_tool.doors.web import server
    from customerio_tool.doors.web.access import Access
    from customerio_tool.doors.web.app import own_paths_of
    from customerio_tool.doors.workbench.admission import Admission
    from customerio_tool.doors.workbench.app import workbench_app

    address = Address(LOOPBACK, port, (), None)
    try:
        listener = server.listen(address.host, address.port)
    except OSError as error:
        fail_to_listen(address.host, address.port, error)
    url = server.url_of(listener)
    local = workspaces.current.local
    console = local.console_url if local else ""
    with listener:
        printer = LinkPrinter(
            url,
            lambda link: tell_ready({"url": url, "workbench": link, "console": console}),
            opens=opens,
        )
        admission = Admission(printer.announce)
        pages = workbench_app(workspaces, admission)
        # Nobody has this token: all that is served here lets in by itself.
        token = secrets.token_urlsafe(32)
        guarded = Access(pages, token, (), own_paths=own_paths_of(pages))
        server.serve(guarded, listener, admission.invite)


def _tell_ready(ready: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        write_json(ready)
    else:
        tell(f"{addresses(ready)}\nThe link works once; Ctrl-C stops it.")


def addresses(ready: Mapping[str, str]) -> str:
    """Return the addresses of `serve_pages`, for a person."""
    return f"Workbench: {ready['workbench']}\nConsole:   {ready['console']}"
