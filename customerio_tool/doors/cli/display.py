"""Prints subtools, connection tests and failures for a person at a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from customerio_tool.doors.cli.exit_codes import Exit, exit_of_call
from customerio_tool.doors.shown import plain_json, plainly
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Subtool

if TYPE_CHECKING:
    from customerio_tool.doors.cli.findings import Finding

NARROW_COLUMNS = 70
"""Below this width a table of words has no room, and each row is set as lines."""


def show_subtools(console: Console, listed: Iterable[Subtool[Any]]) -> None:
    """Print one row per subtool: name, effect, API and first sentence."""
    rows = [
        ((each.name, each.effect.word, each.endpoint.api.value), Text(each.promise))
        for each in listed
    ]
    show_rows(console, ("subtool", "effect", "api"), rows)


def show_rows(
    console: Console, head: Sequence[str], rows: Iterable[tuple[Sequence[str], Text]]
) -> None:
    """Print rows of short cells, each with words: a table, or lines where that is too wide."""
    if console.width < NARROW_COLUMNS:
        for (name, *cells), words in rows:
            beside = Text(f" ({', '.join(filter(None, cells))})", "dim")
            console.print(Text(name, "bold") + beside)
            console.print(Padding(words, (0, 0, 0, 2)))
        return
    table = _new_table(*head, "")
    for (name, *cells), words in rows:
        table.add_row(Text(name, "bold"), *cells, words)
    console.print(table)


def show_subtool(console: Console, subtool: Subtool[Any]) -> None:
    """Print a subtool: its description, effect, request, arguments and examples."""
    console.print(Text(subtool.title, "bold"), Text(f"({subtool.name})", "dim"))
    console.print(Text(subtool.description))
    console.print()
    effect = subtool.effect
    console.print(Text(f"effect   {effect.word}{_warning(subtool)}"))
    for each in subtool.endpoints:
        console.print(Text(f"request  {each.method} {each.path} ({each.api.value} API)"))
    console.print(Text(f"source   {subtool.reference}"), soft_wrap=True)
    console.print()
    show_rows(console, ("argument", "type", " "), _arguments(subtool.input_schema()))
    console.print()
    for example in subtool.examples:
        console.print(Text(f"example  {example.title}".rstrip(), "dim"))
        shown = Text(f"  {json.dumps(dict(example.arguments), ensure_ascii=False)}")
        console.print(shown, soft_wrap=True)  # to be copied


def _warning(subtool: Subtool[Any]) -> str:
    if subtool.effect.read_only:
        return ", changes nothing"
    return ", cannot be undone" if subtool.effect.asked_first else ""


def _arguments(schema: Mapping[str, Any]) -> Iterator[tuple[Sequence[str], Text]]:
    required = schema.get("required", ())
    for name, declared in schema["properties"].items():
        meaning = Text(declared.get("description", ""))
        if choices := declared.get("enum"):
            meaning.append(f" One of: {', '.join(map(str, choices))}.", style="dim")
        yield (name, _type(declared), "required" if name in required else ""), meaning


def _type(declared: Mapping[str, Any]) -> str:
    items = declared.get("items", {}).get("type")
    return f"{declared['type']} of {items}" if items else str(declared["type"])


_MARKS: Mapping[str, Text] = {
    "ok": Text("ok ", "green"),
    "warning": Text("!  ", "yellow"),
    "failed": Text("no ", "bold red"),
    "off": Text("-  ", "dim"),
}


def show_findings(console: Console, findings: Iterable[Finding]) -> None:
    """Print what was found about each part, and below it what to do."""
    table = Table.grid()
    for each in findings:
        words = Text(f"{each.part}: {each.found}")
        if each.fix:
            words.append(f"\nTo do: {each.fix}", "yellow")
        table.add_row(_MARKS[each.state], words)
    console.print(table)


def show_result(result: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a result envelope: for a person at a terminal, else as JSON.

    For a person the summary of a failure is not among it: that is a message.
    """
    if as_json or not sys.stdout.isatty():
        write_json(result)
        return
    console = new_console()
    if result["ok"]:
        console.print(Text(plainly(result["summary"]), "bold"))
    members = {name: each for name, each in result.items() if name not in ("ok", "summary")}
    if members:
        console.print_json(data=members)


def describe_failure(result: Mapping[str, Any], *, has_sandbox: bool = True) -> str:
    """Return the summary of a failure; for an invalid connection, with one line per bad field."""
    summary, error = str(result["summary"]), result["error"]
    fields = error.get("fields", [])
    if error["code"] != ConnectionInvalid.code or not fields:
        return summary
    problems = [f"{each['path']} {each['problem']}; {each['fix']}." for each in fields]
    lead = summary.partition(problems[0])[0].rstrip()
    is_unset = all(each["problem"] == "is missing" for each in fields)
    advice = [_NO_ACCOUNT] if is_unset and has_sandbox else []
    return "\n".join([lead, *(f"  {line}" for line in problems), *advice])


_NO_ACCOUNT = "No account? Use a local Customer.io: add --sandbox."


def wrapped(words: str, columns: int) -> str:
    """Wrap text between words; the continuation of an indented line is indented deeper."""
    return "\n".join(_wrapped_line(line, columns) for line in words.splitlines())


def _wrapped_line(line: str, columns: int) -> str:
    inner = "    " if line.startswith(" ") else ""
    return fill(
        line, columns, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )


def _new_table(*columns: str) -> Table:
    """Return an empty table with these columns; one without a name wraps."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=bool(name))
    return table


PAGE_COLUMNS = 100
"""The width of output that is not a terminal, unless `COLUMNS` sets another."""


def new_console() -> Console:
    """Return a console on standard output; its width is fixed if that is not a terminal."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PAGE_COLUMNS
    return console


def write_json(value: Any) -> None:
    """Write JSON: indented and plain at a terminal, otherwise on one line."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    is_read = is_unicode and sys.stdout.isatty()
    indent = 2 if sys.stdout.isatty() else None
    text = json.dumps(value, ensure_ascii=not is_unicode, indent=indent)
    typer.echo(plain_json(value) if is_read else text)


def fail_with(result: Mapping[str, Any], *, has_sandbox: bool = True) -> NoReturn:
    """Print a failed call's description, and exit with its code.

    Args:
        result: The envelope of the failed call.
        has_sandbox: Whether the command has the option --sandbox.
    """
    fail(describe_failure(result, has_sandbox=has_sandbox), exit_of_call(result))


def fail(words: str, code: Exit) -> NoReturn:
    """Print a message on standard error, and exit with a code."""
    tell(words)
    raise typer.Exit(code)


def tell(words: str) -> None:
    """Print a message on standard error; at a terminal it is broken between words."""
    console, words = Console(stderr=True), plainly(words)
    typer.echo(wrapped(words, console.width) if console.is_terminal else words, err=True)
