"""The commands of `customerio-tool`; `sandbox` has a module of its own."""

from __future__ import annotations

from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from rich.console import Console

from customerio_tool.calls.listing import published_definition
from customerio_tool.details import DEFAULT_DETAIL, Detail
from customerio_tool.dialects import Dialect
from customerio_tool.doors.cli.approvals import approvals
from customerio_tool.doors.cli.bulk import bulk
from customerio_tool.doors.cli.call import call
from customerio_tool.doors.cli.check import check
from customerio_tool.doors.cli.completion import subtool_names
from customerio_tool.doors.cli.display import (
    fail,
    fail_with,
    new_console,
    show_subtool,
    show_subtools,
    write_json,
)
from customerio_tool.doors.cli.exit_codes import MEANINGS, Exit
from customerio_tool.doors.cli.flags import Commands
from customerio_tool.doors.cli.mcp import mcp
from customerio_tool.doors.cli.options import AnyConnection, AsJson, Lookups
from customerio_tool.doors.cli.publish import files as contract
from customerio_tool.doors.cli.publish.pages import MarkersMissing
from customerio_tool.doors.cli.sandbox import sandbox
from customerio_tool.doors.cli.serve import serve
from customerio_tool.doors.cli.skill import skill
from customerio_tool.doors.cli.studio import studio
from customerio_tool.doors.cli.tokens import tokens
from customerio_tool.doors.cli.workbench import workbench
from customerio_tool.errors import SubtoolUnknown
from customerio_tool.subtools import all_subtools, find
from customerio_tool.subtools import subtools as declared
from customerio_tool.subtools.declare import Subtool
from customerio_tool.version import DISTRIBUTION, __version__

app = typer.Typer(
    cls=Commands,
    help="The Customer.io tool for AI agents, and a local Customer.io to run it against.",
    epilog=f"Exit codes: {'; '.join(f'{code:d} {told}' for code, told in MEANINGS.items())}.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # reflows paragraphs
    pretty_exceptions_enable=False,  # it would print locals
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="SUBTOOL",
        help="Name of a subtool, such as identify_customer.",
        autocompletion=subtool_names,
    ),
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
def demo(
    as_json: AsJson = False,
    opens: Annotated[
        bool,
        typer.Option(
            "--open", help="Then look around in the console and the workbench, until Ctrl-C."
        ),
    ] = False,
    lookups: Lookups = False,
) -> None:
    """Play a scripted conversation that calls every subtool, and check each call.

    It runs on a new local Customer.io and needs no account. With --open (extra `web`) that stays,
    and the workbench beside it; --json then prints an object with the rows as `subtools`. With
    --lookups the conversation has one more act, which begins with an address.
    """
    from customerio_tool.doors.cli.demo import play

    console = Console(file=StringIO()) if as_json else new_console()
    if opens:
        from customerio_tool.doors.cli.demo.looking import play_and_look

        rows = play_and_look(console, as_json=as_json, lookups=lookups)
    else:
        rows = play(console, lookups=lookups)
    if as_json and not opens:
        write_json([asdict(row) for row in rows])
    if not all(row.is_proved for row in rows):
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
    detail: Annotated[
        str | None,
        typer.Option(
            metavar="DETAIL",
            help=f"With --json: how much of the definitions ({', '.join(get_args(Detail))}).",
        ),
    ] = None,
    lookups: Lookups = False,
    _: AnyConnection = False,
) -> None:
    """List the subtools: name, effect, API and first sentence."""
    listed = list((all_subtools() if lookups else declared()).values())
    if dialect is not None or detail is not None:
        write_json(_definitions(dialect, detail, listed, as_json=as_json))
    elif as_json:
        write_json([_listed(each) for each in listed])
    else:
        show_subtools(new_console(), listed)


@app.command()
def describe(name: Name, as_json: AsJson = False, _: AnyConnection = False) -> None:
    """Show a subtool: its description, arguments and examples."""
    try:
        subtool = find(name)
    except SubtoolUnknown as error:
        if as_json:
            write_json(error.as_result())
        fail_with(error.as_result())
    if as_json:
        write_json({**_listed(subtool), **subtool.describe()})
    else:
        show_subtool(new_console(), subtool)


def publish(
    only_check: Annotated[
        bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")
    ] = False,
    root: Annotated[
        Path, typer.Option(help="Folder of the project.", exists=True, file_okay=False)
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    """Generate schemas/, tool_manifest.yaml, server.json, mcpb/, the skill and README parts.

    This is for developers of the package; run it in the project's folder.
    """
    try:
        paths = contract.drift(root) if only_check else contract.write(root)
    except (MarkersMissing, OSError) as error:
        fail(str(error), Exit.OTHER)
    if as_json:
        write_json(paths)
    for path in () if as_json else paths:
        typer.echo(path)
    if only_check and paths:
        fail("Out of date; run: customerio-tool publish", Exit.OTHER)


app.command()(call)
app.command()(check)
app.command()(skill)
app.command()(serve)
app.command()(workbench)
app.command()(sandbox)
app.command()(mcp)
app.add_typer(bulk, name="bulk")
app.add_typer(studio, name="studio")
app.add_typer(approvals, name="approvals")
app.command()(tokens)
app.command()(publish)


def _definitions(
    dialect: str | None, detail: str | None, listed: list[Subtool[Any]], *, as_json: bool
) -> list[dict[str, Any]]:
    hint = "--dialect" if dialect else "--detail"
    if not as_json:
        raise typer.BadParameter("needs --json: a definition is JSON", param_hint=hint)
    form, kept = cast("Dialect", dialect or "plain"), cast("Detail", detail or DEFAULT_DETAIL)
    try:
        return [published_definition(each.name, form, kept) for each in listed]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=hint) from None


def _listed(subtool: Subtool[Any]) -> dict[str, str]:
    return {
        "name": subtool.name,
        "title": subtool.title,
        "effect": subtool.effect.word,
        "api": subtool.endpoint.api.value,
        "description": subtool.description,
    }
