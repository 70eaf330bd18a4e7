"""The commands `approvals`, by which a person decides about the calls that wait."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.text import Text

from customerio_tool.backends.approvals.waiting import can_seal
from customerio_tool.backends.backends import LEDGER_FILE_VARIABLE
from customerio_tool.backends.redis_client import REDIS_URL_VARIABLE
from customerio_tool.calls.call import CallContext
from customerio_tool.calls.waiting_calls import Question
from customerio_tool.doors.cli.connecting import connected
from customerio_tool.doors.cli.display import (
    describe_failure,
    fail,
    fail_with,
    new_console,
    show_result,
    show_rows,
    tell,
    write_json,
)
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import AsJson
from customerio_tool.doors.credentials import apis_given
from customerio_tool.doors.shown import plain_json, plainly
from customerio_tool.doors.unasked import how_to_approve
from customerio_tool.errors import CustomerIoError, PolicyRefused
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool
from customerio_tool.version import how_to_install

approvals = typer.Typer(
    help="Decide about the calls that wait for a person, in the store of the environment: "
    f"{LEDGER_FILE_VARIABLE} or {REDIS_URL_VARIABLE}. They are for the person who decides, "
    "never for the agent that asks.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(help="Confirmation id, from `approvals list`.")]
IsSure = Annotated[bool, typer.Option("--yes", help="Do not ask at the terminal.")]
_CONTEXT = CallContext(door="shell")


@approvals.command("list")
def list_waiting(as_json: AsJson = False) -> None:
    """List what waits: id, subtool, what will happen to whom, and the time left."""
    with _deciding() as tool:
        waiting = tool.waiting()
    if as_json:
        write_json([_members(each) for each in waiting])
        return
    if not waiting:
        typer.echo("No call waits for a person.")
        return
    rows = [
        ((each.confirmation_id, each.subtool, f"{_left(each)} left"), Text(plainly(each.sentence)))
        for each in waiting
    ]
    show_rows(new_console(), ("id", "subtool", "time"), rows)


@approvals.command()
def show(confirmation_id: Id, as_json: AsJson = False) -> None:
    """Show one call that waits: what will happen to whom, and its arguments."""
    with _deciding() as tool:
        question = tool.question(confirmation_id)
        if question is None:
            fail_with(_unknown(tool, confirmation_id))
    if as_json:
        arguments = question.arguments and dict(question.arguments)
        write_json({**_members(question), "arguments": arguments})
    else:
        _show(question, is_for_error=False)


@approvals.command()
def approve(confirmation_id: Id, is_sure: IsSure = False, as_json: AsJson = False) -> None:
    """Run a call that waits, once, under the policy of this environment.

    It asks at the terminal first. The result is printed as `call` prints it; so is the exit code.
    """
    asked = "Run this call now?"
    result = _decided(confirmation_id, asked, CustomerIoTool.approve, is_sure=is_sure)
    show_result(result, as_json=as_json)
    _end_of_failed(result)


@approvals.command()
def decline(confirmation_id: Id, is_sure: IsSure = False, as_json: AsJson = False) -> None:
    """Drop a call that waits: it never runs.

    It asks at the terminal first. What the agent is told of its call is printed.
    """
    result = _decided(confirmation_id, "Drop this call?", CustomerIoTool.decline, is_sure=is_sure)
    show_result(result, as_json=as_json)
    if _is_declined(result):
        tell(describe_failure(result))  # it is what the person wanted
    else:
        _end_of_failed(result)


def _decided(
    confirmation_id: str, asked: str, decision: Callable[..., dict[str, Any]], *, is_sure: bool
) -> dict[str, Any]:
    with _deciding() as tool:
        question = tool.question(confirmation_id)
        if question is None:
            return _unknown(tool, confirmation_id)
        if not is_sure:
            _ask(question, asked)
        return decision(tool, confirmation_id, context=_CONTEXT)


def _end_of_failed(result: Mapping[str, Any]) -> None:
    if "confirmation_id" in result:  # by now the call would reach somebody else
        tell(how_to_approve(result["confirmation_id"]))
    if not result["ok"]:
        fail_with(result)


def _is_declined(result: Mapping[str, Any]) -> bool:
    return bool(result["error"]["code"] == PolicyRefused.code)


def _unknown(tool: CustomerIoTool, confirmation_id: str) -> dict[str, Any]:
    """Return the failure for an id under which no call waits."""
    return tool.decline(confirmation_id, context=_CONTEXT)  # says so, and can run nothing


def _ask(question: Question, asked: str) -> None:
    """Show a call to the person at the terminal, and go on only if they agree."""
    if not sys.stdin.isatty():
        words = "Nothing was decided: no person is at a terminal to be asked. Add --yes to decide."
        fail(words, Exit.ARGUMENTS)
    _show(question, is_for_error=True)
    typer.echo(f"{asked} [y/N] ", err=True, nl=False)  # standard output is for the result alone
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        fail("Nothing was decided: the call waits on.", Exit.OTHER)


def _show(question: Question, *, is_for_error: bool) -> None:
    shown = None if question.arguments is None else dict(question.arguments)
    arguments = plain_json(shown)
    for line in (
        f"{question.confirmation_id}  {question.subtool}  ({_left(question)} left)",
        question.sentence,
        "The arguments cannot be read here." if shown is None else arguments,
    ):
        typer.echo(plainly(line), err=is_for_error)


def _members(question: Question) -> dict[str, Any]:
    return {
        "confirmation_id": question.confirmation_id,
        "subtool": question.subtool,
        "sentence": question.sentence,
        "asked_at": question.asked_at,
        "ends_at": question.ends_at,
        "seconds_left": _seconds_left(question),
    }


def _seconds_left(question: Question) -> int:
    return max(0, int(question.ends_at - time.time()))


def _left(question: Question) -> str:
    minutes, seconds = divmod(_seconds_left(question), 60)
    return f"{minutes} min {seconds:02} s"


@contextmanager
def _deciding() -> Iterator[CustomerIoTool]:
    """Yield a tool on the environment's connection, or end with a message."""
    try:
        with connected(apis_given(os.environ) or ALL_APIS, on_sandbox=False) as tool:
            if not tool.shares_approvals:
                fail(_in_memory(), Exit.CONNECTION)
            yield tool
    except CustomerIoError as error:
        fail_with(error.as_result(), has_sandbox=False)


def _in_memory() -> str:
    why = (
        "Nothing can be decided here: calls wait in the memory of the process that asked for them, "
        "which no other process can read."
    )
    if not can_seal():
        return f"{why} First, here and there:  {how_to_install('approvals')}"
    return (
        f"{why} Set {LEDGER_FILE_VARIABLE} (one machine) or {REDIS_URL_VARIABLE} (many) to the "
        "same value here and there."
    )
