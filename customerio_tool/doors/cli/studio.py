"""The commands `studio probe` and `studio tool`, which print what a builder pastes."""

from __future__ import annotations

from typing import Annotated

import typer

from customerio_tool.doors.cli.display import fail_with
from customerio_tool.doors.studio.pasted import probe_text, thin_text, whole_text
from customerio_tool.errors import SubtoolUnknown
from customerio_tool.subtools import find

studio = typer.Typer(
    help="Print what a builder pastes into the studio: a probe, or a tool of one subtool.",
    no_args_is_help=True,
)


@studio.command()
def probe(
    chars: Annotated[
        int,
        typer.Option(min=0, max=50_000_000, help="Fill it up to this size, to find the limit."),
    ] = 0,
) -> None:
    """Print a tool that measures what the studio's tools run in.

    It tells the version of Python, the packages, which capture key is read, and what persists
    between calls.
    """
    typer.echo(probe_text(chars), nl=False)


@studio.command()
def tool(
    name: Annotated[str, typer.Argument(help="Name of a subtool, such as track_event.")],
    is_whole: Annotated[
        bool,
        typer.Option(
            "--whole/--thin",
            help="The package inside, which needs pydantic there; or a call of "
            "`customerio-tool serve`, which needs nothing.",
        ),
    ] = False,
) -> None:
    """Print a tool that runs one subtool."""
    try:
        subtool = find(name)
    except SubtoolUnknown as error:
        fail_with(error.as_result())
    typer.echo(whole_text(subtool) if is_whole else thin_text(subtool), nl=False)
