"""The commands `bulk`: run a job, see how it stands, cancel it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from customerio_tool.doors.bulk.checking import check, first_requests
from customerio_tool.doors.bulk.engine import PATIENCE_SECONDS
from customerio_tool.doors.bulk.preparing import folder_of, joined, prepared
from customerio_tool.doors.bulk.reading import Input, Kind
from customerio_tool.doors.bulk.running import Options, Run
from customerio_tool.doors.bulk.streams import StreamJob
from customerio_tool.doors.cli.arguments import with_pairs
from customerio_tool.doors.cli.bulk.connecting import connected
from customerio_tool.doors.cli.bulk.jobs import cancel, status
from customerio_tool.doors.cli.bulk.spool import given_file
from customerio_tool.doors.cli.bulk.telling import (
    exit_of,
    tell_check,
    tell_summary,
    told,
    write_event,
)
from customerio_tool.doors.cli.completion import subtool_names
from customerio_tool.doors.cli.display import fail, fail_with, tell, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import OnSandbox
from customerio_tool.doors.cli.stopping import on_ctrl_c
from customerio_tool.doors.shown import plain_json
from customerio_tool.errors import CustomerIoError
from customerio_tool.subtools import find
from customerio_tool.tool import CustomerIoTool

SHOWN = 3
"""How many rows or requests are shown as a sample."""


class BulkCommands(TyperGroup):
    """The commands of `bulk`, of which `run` may be left out: `bulk SUBTOOL FILE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Add the name of the command `run` where it was left out."""
        is_named = not args or args[0] in self.commands or args[0] == "--help"
        return super().parse_args(ctx, args if is_named else ["run", *args])


bulk = typer.Typer(
    cls=BulkCommands,
    help="Run a subtool over many rows, each applied once: `bulk SUBTOOL FILE`.",
    no_args_is_help=True,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="SUBTOOL",
        help="Name of a subtool, such as track_event.",
        autocompletion=subtool_names,
    ),
]
File = Annotated[
    str, typer.Argument(metavar="FILE", help="JSON Lines or CSV, also .gz; - is standard input.")
]
Format = Annotated[
    Kind | None,
    typer.Option("--format", help="How rows are written; by default the name of the file tells."),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="COLUMN=ARGUMENT",
        help="What a column of CSV is, such as Age=attributes.age:int (text, int, number, flag, "
        "json); without an argument it is left out. Repeat it for more.",
    ),
]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=VALUE", help="An argument of every row that lacks it."),
]
Delimiter = Annotated[str | None, typer.Option(help="Delimiter of CSV; by default a comma.")]
IsCheck = Annotated[
    bool, typer.Option("--check", help="Check all rows, tell the least time, and send nothing.")
]
IsDryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show the first requests, and send nothing.")
]
Workers = Annotated[int, typer.Option(min=1, max=64, help="How many calls are made at once.")]
Redis = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Share the job, the ledger and the rate limits with workers on other machines.",
    ),
]
Resend = Annotated[
    bool,
    typer.Option(
        "--resend-unknown", help="A person lets the rows go again whose outcome is unknown."
    ),
]
Changed = Annotated[
    bool,
    typer.Option("--changed", help="The file is another one on purpose: all its rows go."),
]
New = Annotated[bool, typer.Option("--new", help="Begin anew: also rows that went before go.")]
Yes = Annotated[bool, typer.Option("--yes", help="A person agrees to the whole job: ask nobody.")]
Patience = Annotated[
    float, typer.Option(min=0, metavar="SECONDS", help="How long to go on while no row is applied.")
]
Folder = Annotated[
    Path | None,
    typer.Option(help="Folder of the job's journal and files; by default FILE.bulk."),
]
Events = Annotated[bool, typer.Option("--json", help="Print events as JSON, one a line.")]


@bulk.command()
def run(
    name: Name,
    file: File,
    kind: Format = None,
    maps: Maps = None,
    pairs: Pairs = None,
    delimiter: Delimiter = None,
    only_check: IsCheck = False,
    dry_run: IsDryRun = False,
    workers: Workers = 8,
    redis: Redis = None,
    resend_unknown: Resend = False,
    changed: Changed = False,
    new: New = False,
    yes: Yes = False,
    patience: Patience = PATIENCE_SECONDS,
    folder: Folder = None,
    on_sandbox: OnSandbox = False,
    as_json: Events = False,
) -> None:
    """Run a subtool over the rows of a file: `customerio-tool bulk SUBTOOL FILE`.

    The same command again goes on where an earlier run ended, whatever ended it. A row that cannot
    be applied is in FILE.bulk/rejected-*.jsonl with the reason; corrected, a copy is an input.
    Connection, policy and stores are those of `call`. Ctrl-C ends after the rows in flight.
    """
    options = Options(
        workers=workers,
        resend_unknown=resend_unknown,
        changed=changed,
        new=new,
        has_agreed=yes,
        patience=patience,
    )
    columns = _mapped(maps or ())
    with (
        _failures(as_json=as_json),
        given_file(file, kind) as given,
        connected(name, redis, on_sandbox=on_sandbox, sends=not (only_check or dry_run)) as tool,
    ):
        constants = with_pairs(find(name), "{}", pairs) if pairs else {}
        source = Input.of(
            given.path,
            name,
            kind=given.kind,
            columns=columns,
            constants=cast("dict[str, Any]", constants),
            delimiter=delimiter,
            name=given.name,
        )
        if only_check or dry_run:
            _show(tool, name, source, only_check=only_check, as_json=as_json)
            return
        where = folder or given.folder or folder_of(given.path)
        with prepared(tool, name, source, folder=where, options=options, redis_url=redis) as begun:
            _ask(tool, begun, source)
            _run(begun, as_json=as_json)


@bulk.command()
def join(
    job: Annotated[str, typer.Argument(metavar="JOB", help="The id of the job: bulk status.")],
    redis: Annotated[str, typer.Option(metavar="URL", help="The Redis that has the job.")],
    workers: Workers = 8,
    patience: Patience = PATIENCE_SECONDS,
    as_json: Events = False,
) -> None:
    """Work on a job in a Redis without its file, which another machine has."""
    options = Options(workers=workers, patience=patience)
    with _failures(as_json=as_json):
        with closing(StreamJob(redis, job)) as stream:
            name = stream.must_be_known()["subtool"]
        with (
            connected(name, redis, on_sandbox=False) as tool,
            joined(tool, job, redis, options=options) as begun,
        ):
            _run(begun, as_json=as_json)


@contextmanager
def _failures(*, as_json: bool) -> Iterator[None]:
    """Tell a failure, and exit with its code."""
    try:
        yield
    except CustomerIoError as error:
        if as_json:
            write_event("failed", **error.as_result())
        fail_with(error.as_result())
    except (ImportError, ValueError) as error:  # about the URL of a Redis
        fail(str(error), Exit.CONNECTION)
    except KeyboardInterrupt:  # while the file is read; a run has its own answer to it
        fail("Ended by Ctrl-C. Run the same command to go on.", Exit.INTERRUPTED)


bulk.command()(status)
bulk.command()(cancel)


def _mapped(maps: list[str] | tuple[()]) -> Mapping[str, str]:
    mapped = {}
    for each in maps:
        title, is_set, target = each.rpartition("=")
        if not is_set:
            raise typer.BadParameter(
                f"takes COLUMN=ARGUMENT, and {each!r} has no =", param_hint="--map"
            )
        mapped[title] = target
    return mapped


def _show(
    tool: CustomerIoTool, name: str, source: Input, *, only_check: bool, as_json: bool
) -> None:
    """Show what would be done, and do nothing."""
    source.survey()
    if not only_check:
        requests = first_requests(tool, name, source, SHOWN)
        for each in requests if as_json else ():
            write_event("request", **each)
        if not as_json:
            write_json(requests)
        return
    checked = check(tool, name, source)
    if as_json:
        write_event("checked", **checked.as_json())
    else:
        tell_check(checked)
    if checked.rejected:
        raise typer.Exit(Exit.ARGUMENTS)


def _ask(tool: CustomerIoTool, begun: Run, source: Input) -> None:
    """Ask a person to agree to the whole job, where the policy confirms such calls."""
    subtool = begun.job.declared
    if begun.job.has_agreed or not tool.policy.may_require_confirmation(subtool):
        return
    counts = begun.work.counts()
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        fail("Nothing was sent: no person is at a terminal to agree. Add --yes.", Exit.ARGUMENTS)
    tell(f"{subtool.name} on {counts.pending:,} of {counts.total:,} rows. The first of them:")
    for row, _ in zip(source.rows(), range(SHOWN), strict=False):
        tell(plain_json(dict(row.arguments)))
    if not typer.confirm("Run them all?", err=True):
        fail("Nothing was sent.", Exit.POLICY)
    begun.agree()


def _run(begun: Run, *, as_json: bool) -> None:
    counts = begun.work.counts()
    if as_json:
        job = begun.job
        about = {"total": counts.total, "pending": counts.pending}
        write_event("started", job=job.id, subtool=job.subtool, **about)
    with on_ctrl_c(begun.stop), told(as_json=as_json) as hooks:
        summary = begun.run(hooks)
    if as_json:
        write_event("finished", **summary.as_json())
    else:
        tell_summary(summary)
    if code := exit_of(summary):
        raise typer.Exit(code)
