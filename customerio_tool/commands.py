"""The commands of `customerio-tool`: the subtools, their contract, the demo and the sandbox."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from customerio_tool import publish as contract
from customerio_tool.confirmation import nobody_can_approve
from customerio_tool.connection import ALL_APIS, Api, Connection
from customerio_tool.display import (
    show_check,
    show_subtool,
    show_subtools,
    told_of_failure,
    wrapped,
)
from customerio_tool.distribution import DISTRIBUTION, installed_version
from customerio_tool.errors import CustomerIoError, SubtoolUnknown
from customerio_tool.exit_codes import Exit, exit_of_call, exit_of_check
from customerio_tool.policy import Policy
from customerio_tool.serving import ready_file, stop_signals
from customerio_tool.spec import Subtool
from customerio_tool.subtools import find
from customerio_tool.subtools import subtools as declared
from customerio_tool.tool import CustomerIoTool

PAGE_COLUMNS = 100
"""Width of what does not go to a terminal; `COLUMNS` says otherwise."""

app = typer.Typer(
    help="The Customer.io tool for AI agents, and a local Customer.io to run it against.",
    epilog="Exit codes: 0 done; 1 refused by Customer.io, or another failure; 2 wrong arguments; "
    "3 credentials or connection; 4 not allowed by the policy; "
    "5 not reached, failed or outcome unknown.",
    no_args_is_help=True,
    rich_markup_mode="markdown",  # which sets the lines of a paragraph anew
    add_completion=False,
    pretty_exceptions_enable=False,  # it would print locals
)

Name = Annotated[str, typer.Argument(help="A subtool, such as identify_customer.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write JSON.")]
OnSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a new local Customer.io, not the environment's.")
]
AnyConnection = Annotated[
    bool, typer.Option("--sandbox", help="The same with and without a connection.", hidden=True)
]


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"{DISTRIBUTION} {installed_version()}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Take the options of no command."""


@app.command()
def demo() -> None:
    """Play an assistant's conversation through all subtools, and prove what each one did."""
    from customerio_tool.demo import run

    if not run(_console()):
        raise typer.Exit(Exit.OTHER)


@app.command()
def subtools(as_json: AsJson = False, _: AnyConnection = False) -> None:
    """List the subtools."""
    if as_json:
        _write_json([_listed(each) for each in declared().values()])
    else:
        show_subtools(_console(), declared().values())


@app.command()
def describe(name: Name, as_json: AsJson = False, _: AnyConnection = False) -> None:
    """Show what a subtool does, its arguments and worked examples."""
    try:
        subtool = find(name)
    except SubtoolUnknown as error:
        _fail_with(error.as_result())
    if as_json:
        examples = [{"title": e.title, "arguments": dict(e.arguments)} for e in subtool.examples]
        _write_json({**_listed(subtool), **subtool.definition(), "examples": examples})
    else:
        show_subtool(_console(), subtool)


@app.command()
def call(
    name: Name,
    arguments: Annotated[
        str, typer.Argument(help="A JSON object; - reads it from standard input.")
    ] = "{}",
    on_sandbox: OnSandbox = False,
) -> None:
    """Run a subtool on the connection of the environment and write its result as JSON.

    The environment holds CUSTOMERIO_SITE_ID, CUSTOMERIO_TRACK_API_KEY, CUSTOMERIO_APP_API_KEY
    (only those of the API that the subtool calls are needed) and perhaps CUSTOMERIO_REGION; the
    policy, as CUSTOMERIO_POLICY (careful, read_only or open), CUSTOMERIO_READ_ONLY or
    CUSTOMERIO_DRY_RUN, also for the sandbox; and what workers share, as CUSTOMERIO_LEDGER_FILE,
    CUSTOMERIO_REDIS_URL or CUSTOMERIO_AUDIT_FILE.
    """
    text = sys.stdin.buffer.read() if arguments == "-" else arguments
    try:
        subtool = find(name)
        with _connected(subtool.apis, on_sandbox=on_sandbox) as tool:
            result = tool.call(name, text)
        if "confirmation_id" in result:
            result = nobody_can_approve(name).as_result()
    except CustomerIoError as error:
        result = error.as_result()
    _write_json(result)
    if not result["ok"]:
        _fail_with(result)


@app.command()
def check(on_sandbox: OnSandbox = False) -> None:
    """Test the connection of the environment: both keys, the region and the workspace."""
    try:
        with _connected(ALL_APIS, on_sandbox=on_sandbox) as tool:
            result = tool.test_connection()
    except CustomerIoError as error:
        _fail_with(error.as_result())
    show_check(_console(), result)
    if not result["ok"]:
        _fail(result["summary"], exit_of_check(result))


@app.command()
def publish(
    only_check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if a file is not up to date.")
    ] = False,
    root: Annotated[Path, typer.Option(help="The project.", exists=True, file_okay=False)] = Path(),
) -> None:
    """Write schemas/, tool_manifest.yaml and the README's tables from the declarations."""
    try:
        paths = contract.drift(root) if only_check else contract.write(root)
    except (contract.MarkersMissing, OSError) as error:
        _fail(str(error), Exit.OTHER)
    for path in paths:
        typer.echo(path)
    if only_check and paths:
        _fail("Not up to date; run: customerio-tool publish", Exit.OTHER)


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https, with a CA made now.")] = False,
    db: Annotated[Path | None, typer.Option(help="Keep the workspace in this file.")] = None,
    ready: Annotated[
        Path | None,
        typer.Option("--ready-file", help="JSON with URLs and keys; there while it listens."),
    ] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Without the demo workspace.")] = False,
    seed: Annotated[
        Path | None,
        typer.Option(help="JSON of people, segments ... for a new workspace, not the demo's."),
    ] = None,
    delay: Annotated[
        float, typer.Option(min=0, help="Seconds until what Track accepted takes effect.")
    ] = 0.0,
    region: Annotated[
        Literal["us", "eu"], typer.Option(help="The region that it says the account is in.")
    ] = "us",
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Any other setting, such as rate_limits=strict."),
    ] = None,
) -> None:
    """Serve a local Customer.io on 127.0.0.1 until SIGINT or SIGTERM."""
    from customerio_tool.sandbox import Options, Sandbox

    if empty and seed:
        raise typer.BadParameter("give --empty or --seed, not both")
    if not math.isfinite(delay):
        raise typer.BadParameter("--delay must be a finite number of seconds")
    with stop_signals() as wait_for_one, ExitStack() as running:
        try:
            options = Options(region=region, delay_seconds=delay).changed(_settings(option or ()))
            content = _seed_in(seed) if seed else not empty
            local = Sandbox(port=port, tls=tls, db=db, seed=content, options=options)
            served = running.enter_context(local)
            running.enter_context(ready_file(ready, served.ready()))
        except (OSError, RuntimeError, ValueError, sqlite3.Error) as error:
            _fail(f"The sandbox cannot start: {error}", Exit.OTHER)
        typer.echo("\n".join([_LISTENS, "", *served.lines(), "", "Ctrl-C stops it."]))
        sys.stdout.flush()
        wait_for_one()


_LISTENS = "A local Customer.io listens."


def _seed_in(path: Path) -> dict[str, Any]:
    """Return what a seed file holds.

    Raises:
        OSError: It cannot be read.
        ValueError: It is not one JSON object.
    """
    text = path.read_bytes()
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold one JSON object")  # noqa: TRY004 - of its text
    return content


def _settings(given: Iterable[str]) -> dict[str, Any]:
    """Return settings by name; a value is JSON, or else text.

    Raises:
        ValueError: One has no value.
    """
    settings: dict[str, Any] = {}
    for each in given:
        name, is_set, text = each.partition("=")
        if not is_set:
            raise ValueError("--option takes NAME=VALUE")
        try:
            settings[name] = json.loads(text)
        except ValueError:
            settings[name] = text
    return settings


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
    """Give a tool on the environment's connection, or on a sandbox that lives as long.

    Either way the policy is the environment's.

    Raises:
        ConnectionInvalid: The environment's connection or policy cannot be used.
    """
    if not on_sandbox:
        with _of_environment(apis) as tool:
            yield tool
        return
    from customerio_tool.sandbox import Sandbox

    with Sandbox() as local:
        connection = Connection.load(local.connection(), apis=apis)
        with CustomerIoTool(connection, policy=Policy.from_env()) as tool:
            yield tool


def _of_environment(apis: Collection[Api]) -> CustomerIoTool:
    try:
        return CustomerIoTool.from_env(apis=apis)
    except (ImportError, ValueError) as error:  # of CUSTOMERIO_REDIS_URL
        _fail(str(error), Exit.CONNECTION)


def _console() -> Console:
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PAGE_COLUMNS
    return console


def _write_json(value: Any) -> None:
    """Write JSON: indented for a person at a terminal, else on one line."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    indent = 2 if sys.stdout.isatty() else None
    typer.echo(json.dumps(value, ensure_ascii=not is_unicode, indent=indent))


def _fail_with(result: Mapping[str, Any]) -> NoReturn:
    """End with the result of a call that failed, told to a person."""
    _fail(told_of_failure(result), exit_of_call(result))


def _fail(words: str, code: Exit) -> NoReturn:
    console = Console(stderr=True)
    typer.echo(wrapped(words, console.width) if console.is_terminal else words, err=True)
    raise typer.Exit(code)
