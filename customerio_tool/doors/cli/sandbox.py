"""The command `sandbox`, which serves a local Customer.io."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from customerio_tool.doors.cli.address import Port, fail_to_listen
from customerio_tool.doors.cli.display import fail, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import AsJson
from customerio_tool.doors.cli.serving import ready_file, stop_signals

if TYPE_CHECKING:
    from customerio_tool.sandbox import Sandbox


def sandbox(
    port: Port = 0,
    host: Annotated[
        str,
        typer.Option(
            metavar="HOST",
            help="Address to listen on. Where other machines reach it, keys are drawn anew, and "
            "the console and the control routes need the App API key.",
        ),
    ] = "127.0.0.1",
    tls: Annotated[bool, typer.Option("--tls", help="Serve https with a new CA.")] = False,
    db: Annotated[Path | None, typer.Option(help="SQLite file to keep the workspace in.")] = None,
    ready: Annotated[
        Path | None,
        typer.Option(
            "--ready-file", help="Write URLs and keys to this JSON file; removed on exit."
        ),
    ] = None,
    empty: Annotated[
        bool, typer.Option("--empty", help="Start without the demo workspace.")
    ] = False,
    seed: Annotated[
        Path | None,
        typer.Option(help="JSON file to fill a new workspace with, instead of the demo's."),
    ] = None,
    delay: Annotated[
        float, typer.Option(min=0, help="Seconds before an accepted Track request takes effect.")
    ] = 0.0,
    region: Annotated[Literal["us", "eu"], typer.Option(help="Region of the account.")] = "us",
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=VALUE", help="Set any other option, such as rate_limits=strict."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve a local Customer.io until SIGINT or SIGTERM.

    Its console, a website of what is in it, is at / of the same address. The console, Liquid and
    --tls need the extra sandbox.
    """
    from customerio_tool.sandbox import Sandbox
    from customerio_tool.sandbox.serving.server import CannotListen

    _refuse_unsound(seed, delay, empty=empty)
    with stop_signals() as wait_for_one, ExitStack() as running:
        try:
            options = {"region": region, "delay_seconds": delay, **_settings(option or ())}
            content = _seed_in(seed) if seed else not empty
            local = Sandbox(port=port, host=host, tls=tls, db=db, seed=content, options=options)
            served = running.enter_context(local)
            running.enter_context(ready_file(ready, served.ready()))
        except CannotListen as error:
            fail_to_listen(host, port, error)
        except (OSError, RuntimeError, ValueError, sqlite3.Error) as error:
            fail(f"The sandbox cannot start: {error}", Exit.OTHER)
        _tell(served, as_json=as_json)
        wait_for_one()


def _refuse_unsound(seed: Path | None, delay: float, *, empty: bool) -> None:
    if empty and seed:
        raise typer.BadParameter("give --empty or --seed, not both")
    if not math.isfinite(delay):
        raise typer.BadParameter("--delay must be a finite number of seconds")


_RUNNING = "A local Customer.io is running."


def _tell(served: Sandbox, *, as_json: bool) -> None:
    """Tell where the sandbox is and its keys, at once also to a pipe."""
    if as_json:
        write_json(served.ready())
    else:
        typer.echo("\n".join([_RUNNING, "", *served.lines(), "", "Ctrl-C stops it."]))
    sys.stdout.flush()


def _seed_in(path: Path) -> dict[str, Any]:
    """Return the JSON object in a seed file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It does not hold one JSON object.
    """
    text = path.read_bytes()
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"{path} must hold one JSON object")  # noqa: TRY004 - the text is wrong
    return content


def _settings(given: Iterable[str]) -> dict[str, Any]:
    """Parse settings of the form NAME=VALUE; a value that is not JSON is text.

    Raises:
        ValueError: A setting has no `=`.
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
