"""The commands of `customerio-tool`; `sandbox` has a module of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from customerio_tool.calls.call import CallContext
from customerio_tool.calls.persons import nobody_can_approve
from customerio_tool.connection import Connection
from customerio_tool.dialects import Dialect, form_of
from customerio_tool.doors.cli.approvals import approvals, how_to_approve
from customerio_tool.doors.cli.display import (
    fail,
    fail_with,
    new_console,
    show_check,
    show_subtool,
    show_subtools,
    write_json,
)
from customerio_tool.doors.cli.environment import tool_from_env
from customerio_tool.doors.cli.exit_codes import Exit, exit_of_check
from customerio_tool.doors.cli.mcp import mcp
from customerio_tool.doors.cli.publish import files as contract
from customerio_tool.doors.cli.sandbox import sandbox
from customerio_tool.doors.cli.studio import studio
from customerio_tool.doors.credentials import apis_given
from customerio_tool.errors import CustomerIoError, SubtoolUnknown
from customerio_tool.policy import Policy
from customerio_tool.subtools import find
from customerio_tool.subtools import subtools as declared
from customerio_tool.subtools.declare import Api, Subtool
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import DISTRIBUTION, __version__

app = typer.Typer(
    help="The Customer.io tool for AI agents, and a local Customer.io to run it against.",
    epilog="Exit codes: 0 success; 1 refused by Customer.io, or any other failure; "
    "2 invalid arguments; 3 invalid credentials or connection; 4 refused by the policy; "
    "5 Customer.io failed or was unreachable, or the outcome is unknown.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # reflows paragraphs
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print locals
)

Name = Annotated[str, typer.Argument(help="Name of a subtool, such as identify_customer.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a new local Customer.io; no account needed.")
]
AnyConnection = Annotated[
    bool, typer.Option("--sandbox", help="Accepted, and has no effect.", hidden=True)
]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"{DISTRIBUTION} {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Accept the options before a command."""


@app.command()
def demo() -> None:
    """Play a scripted conversation that calls every subtool, and check each call.

    It runs on a new local Customer.io and needs no account.
    """
    from customerio_tool.doors.cli.demo import run

    if not run(new_console()):
        raise typer.Exit(Exit.OTHER)


@app.command()
def subtools(
    as_json: AsJson = False,
    dialect: Annotated[
        str | None,
        typer.Option(
            metavar="DIALECT",
            help=f"With --json: the definitions for a provider ({', '.join(get_args(Dialect))}).",
        ),
    ] = None,
    _: AnyConnection = False,
) -> None:
    """List the subtools: name, effect, API and first sentence."""
    if dialect is not None:
        write_json(_definitions(dialect, as_json=as_json))
    elif as_json:
        write_json([_listed(each) for each in declared().values()])
    else:
        show_subtools(new_console(), declared().values())


@app.command()
def describe(name: Name, as_json: AsJson = False, _: AnyConnection = False) -> None:
    """Show a subtool: its description, arguments and examples."""
    try:
        subtool = find(name)
    except SubtoolUnknown as error:
        fail_with(error.as_result())
    if as_json:
        examples = [{"title": e.title, "arguments": dict(e.arguments)} for e in subtool.examples]
        write_json({**_listed(subtool), **subtool.definition(), "examples": examples})
    else:
        show_subtool(new_console(), subtool)


@app.command()
def call(
    name: Name,
    arguments: Annotated[
        str, typer.Argument(help="JSON object of arguments; - reads it from standard input.")
    ] = "{}",
    on_sandbox: OnSandbox = False,
) -> None:
    """Run a subtool and print its result as JSON.

    Credentials are read from the environment: CUSTOMERIO_APP_API_KEY for the App API,
    CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY for the Track API, and CUSTOMERIO_REGION (us
    or eu) if known. Only the keys of the subtool's API are required; --sandbox needs no keys.

    The policy is set by CUSTOMERIO_POLICY (careful, read_only or open), CUSTOMERIO_READ_ONLY and
    CUSTOMERIO_DRY_RUN, also with --sandbox.

    CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL keeps the ledger of sends, and
    CUSTOMERIO_AUDIT_FILE an audit trail; --sandbox ignores these. A call that waits for a person
    is kept there too, for `customerio-tool approvals`; without either, it is refused.
    """
    text = sys.stdin.buffer.read() if arguments == "-" else arguments
    try:
        subtool = find(name)
        apis = subtool.apis | apis_given(os.environ)  # what erases is read first, by the App API
        with _connected(ALL_APIS if on_sandbox else apis, on_sandbox=on_sandbox) as tool:
            result = tool.call(name, text, context=CallContext(door="shell"))
            if "confirmation_id" in result and not tool.shares_approvals:
                result = nobody_can_approve(name).as_result()
    except CustomerIoError as error:
        result = error.as_result()
    write_json(result)
    if "confirmation_id" in result:
        typer.echo(how_to_approve(result["confirmation_id"]), err=True)
    if not result["ok"]:
        fail_with(result)


@app.command()
def check(on_sandbox: OnSandbox = False) -> None:
    """Check both API keys, and show the region and workspace they belong to.

    Redis, the ledger and the approvals are checked too, if CUSTOMERIO_REDIS_URL or
    CUSTOMERIO_LEDGER_FILE is set.
    """
    try:
        with _connected(ALL_APIS, on_sandbox=on_sandbox) as tool:
            result = tool.test_connection()
    except CustomerIoError as error:
        fail_with(error.as_result())
    show_check(new_console(), result)
    if not result["ok"]:
        fail(result["summary"], exit_of_check(result))


@app.command()
def publish(
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")
    ] = False,
    root: Annotated[
        Path, typer.Option(help="Folder of the project.", exists=True, file_okay=False)
    ] = Path(),
) -> None:
    """Generate schemas/, tool_manifest.yaml, server.json, mcpb/ and parts of the README.

    This is for developers of the package; run it in the project's folder.
    """
    try:
        paths = contract.drift(root) if only_check else contract.write(root)
    except (contract.MarkersMissing, OSError) as error:
        fail(str(error), Exit.OTHER)
    for path in paths:
        typer.echo(path)
    if only_check and paths:
        fail("Out of date; run: customerio-tool publish", Exit.OTHER)


app.command()(sandbox)
app.command()(mcp)
app.add_typer(studio, name="studio")
app.add_typer(approvals, name="approvals")


def _definitions(dialect: str, *, as_json: bool) -> list[dict[str, Any]]:
    if not as_json:
        raise typer.BadParameter("needs --json: a definition is JSON", param_hint="--dialect")
    try:
        form = form_of(dialect)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--dialect") from None
    return [
        form(each.definition(), [example.arguments for example in each.examples])
        for each in declared().values()
    ]


def _listed(subtool: Subtool[Any]) -> dict[str, str]:
    return {
        "name": subtool.name,
        "title": subtool.title,
        "effect": subtool.effect.word,
        "api": subtool.endpoint.api.value,
        "description": subtool.description,
    }


@contextmanager
def _connected(apis: Collection[Api], *, on_sandbox: bool) -> Iterator[CustomerIoTool]:
    """Yield a tool on the environment's connection, or on a sandbox that stops with it.

    The policy is the environment's for both.

    Raises:
        ConnectionInvalid: The environment's connection or policy cannot be used.
    """
    if not on_sandbox:
        with tool_from_env(apis) as tool:
            yield tool
        return
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as local:
        connection = Connection.load(local.connection(), apis=apis)
        with CustomerIoTool(connection, policy=Policy.from_env()) as tool:
            yield tool
