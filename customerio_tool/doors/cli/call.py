"""The command `call`, which runs a subtool, and asks at a terminal where a person must agree."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from customerio_tool.calls.call import CallContext
from customerio_tool.doors.cli.arguments import mistake_in, text_of, with_pairs
from customerio_tool.doors.cli.completion import argument_pairs, subtool_names
from customerio_tool.doors.cli.connecting import connected
from customerio_tool.doors.cli.display import describe_failure, show_result, tell
from customerio_tool.doors.cli.exit_codes import exit_of_call
from customerio_tool.doors.cli.options import AsJson, Lookups, OnSandbox
from customerio_tool.doors.credentials import apis_given
from customerio_tool.doors.shown import plain_json
from customerio_tool.doors.unasked import how_to_approve, unasked
from customerio_tool.errors import ArgumentsInvalid, CustomerIoError, SubtoolDisabled
from customerio_tool.secret import Environment
from customerio_tool.subtools import find
from customerio_tool.subtools.declare import Api, Subtool
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.tool import CustomerIoTool

DOOR = "shell"

Arguments = Annotated[
    str | None,
    typer.Argument(
        metavar="ARGUMENTS", help="A JSON object; @FILE reads a file, - standard input."
    ),
]
Pairs = Annotated[
    list[str] | None,
    typer.Option(
        "--arg",
        metavar="NAME=VALUE",
        help="One argument; repeat it for more. The value is JSON unless the argument is text.",
        autocompletion=argument_pairs,
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes",
        help="A person agrees to this call: ask nobody. A message that may have gone already is "
        "asked about all the same.",
    ),
]


def call(
    name: Annotated[
        str,
        typer.Argument(
            metavar="SUBTOOL",
            help="Name of a subtool, such as identify_customer.",
            autocompletion=subtool_names,
        ),
    ],
    arguments: Arguments = None,
    pairs: Pairs = None,
    yes: Yes = False,
    lookups: Lookups = False,
    on_sandbox: OnSandbox = False,
    as_json: AsJson = False,
) -> None:
    """Run a subtool and print its result: JSON, unless it goes to a terminal.

    Credentials are read from the environment: CUSTOMERIO_APP_API_KEY for the App API,
    CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY for the Track API, and CUSTOMERIO_REGION (us
    or eu) if known. Only the keys of the subtool's API are required; --sandbox needs no keys.

    The policy is set by CUSTOMERIO_POLICY (careful, read_only or open), CUSTOMERIO_READ_ONLY and
    CUSTOMERIO_DRY_RUN, also with --sandbox. A call that must be confirmed is asked about at a
    terminal.

    CUSTOMERIO_LEDGER_FILE or CUSTOMERIO_REDIS_URL keeps the ledger of sends, and
    CUSTOMERIO_AUDIT_FILE an audit trail; --sandbox ignores these.
    """
    text = text_of(arguments)
    try:
        subtool = find(name)
        given = with_pairs(subtool, text, pairs or ())
        apis = ALL_APIS if on_sandbox else _apis_for(subtool)
        with connected(apis, on_sandbox=on_sandbox, lookups=lookups) as tool:
            _refuse_if_off(subtool, tool)
            with _until_ctrl_c() as cancelled:
                result = tool.call(name, given, context=_context(cancelled))
            if "confirmation_id" in result:
                result = _decided(tool, name, result, has_agreed=yes)
    except CustomerIoError as error:
        result = error.as_result()
    if not result["ok"]:
        _explain(result, text)
    show_result(result, as_json=as_json)
    if "confirmation_id" in result:
        tell(how_to_approve(result["confirmation_id"]))
    raise typer.Exit(exit_of_call(result))


def _refuse_if_off(subtool: Subtool[Any], tool: CustomerIoTool) -> None:
    """Say how to have a look-up, where they are off.

    Raises:
        SubtoolDisabled: The subtool is a look-up, and they are off.
    """
    if subtool.is_lookup and not tool.policy.lookups:
        off = "keeps them off" if tool.policy.lookups is False else "leaves them off: add --lookups"
        raise SubtoolDisabled(
            f"Nothing was sent: {subtool.name} is a look-up, and the policy {off}."
        )


def _explain(result: dict[str, Any], text: str | bytes | None) -> None:
    """Say why a call failed; of JSON that cannot be read also where it goes wrong."""
    tell(describe_failure(result))
    if result["error"]["code"] != ArgumentsInvalid.code:
        return
    if place := mistake_in(text, Console(stderr=True).width):
        typer.echo(place, err=True)


def _apis_for(subtool: Subtool[Any]) -> frozenset[Api]:
    """Return the APIs of a call: its own, and that by which its target is read first, if it can be.

    The keys for that read are not required.
    """
    if subtool.target is None:
        return frozenset(subtool.apis)
    return frozenset({*subtool.apis, *apis_given(Environment(None))})


def _context(cancelled: Callable[[], bool]) -> CallContext:
    return CallContext(
        door=DOOR, cancelled=cancelled, on_progress=tell if sys.stderr.isatty() else None
    )


def _decided(
    tool: CustomerIoTool, name: str, result: dict[str, Any], *, has_agreed: bool
) -> dict[str, Any]:
    """Return the result of a call that waits, after a person at the terminal decided about it.

    Where no person can be asked it stays waiting in a store that others share; in this process
    it would end with it, and is refused.
    """
    waits, at = result["confirmation_id"], CallContext(door=DOOR)
    question = tool.question(waits)
    if question is None:
        return result
    if has_agreed and not question.in_doubt:
        return tool.approve(waits, context=at)
    if sys.stdin.isatty() and sys.stderr.isatty():
        tell(f"{question.sentence}\n{plain_json(question.arguments)}")
        if (is_agreed := _answer()) is not None:
            return (tool.approve if is_agreed else tool.decline)(waits, context=at)
    return unasked(tool, name, result)


def _answer() -> bool | None:
    """Return whether the person at the terminal agrees; None if they leave without an answer."""
    try:
        return typer.confirm("Run it?", err=True)
    except typer.Abort:
        tell("\nNobody answered, so the call was not run.")
        return None


@contextmanager
def _until_ctrl_c() -> Iterator[Callable[[], bool]]:
    """Yield what says whether Ctrl-C was pressed, which then ends the call and not the process."""
    pressed = threading.Event()
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
