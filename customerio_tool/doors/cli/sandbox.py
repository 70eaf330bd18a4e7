"""The command that serves a local Customer.io."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from customerio_tool.doors.cli.display import fail
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.serving import ready_file, stop_signals


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
            fail(f"The sandbox cannot start: {error}", Exit.OTHER)
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
