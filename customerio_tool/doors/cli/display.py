"""Prints subtools, connection tests and failures for a person at a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from textwrap import fill
from typing import Any, NoReturn

import typer
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from customerio_tool.doors.cli.exit_codes import Exit, exit_of_call
from customerio_tool.errors import ConnectionInvalid
from customerio_tool.subtools.declare import Subtool

_INDENT = (0, 0, 0, 2)


def show_subtools(console: Console, listed: Iterable[Subtool[Any]]) -> None:
    """Print a table with one row per subtool."""
    table = new_table("subtool", "effect", "api", "")
    for each in listed:
        promise = Text(each.promise)
        table.add_row(Text(each.name, "bold"), each.effect.word, each.endpoint.api.value, promise)
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
    console.print(_arguments(subtool.input_schema()))
    console.print()
    for example in subtool.examples:
        console.print(Text(f"example  {example.title}".rstrip(), "dim"))
        shown = Text(json.dumps(dict(example.arguments), ensure_ascii=False))
        console.print(Padding(shown, _INDENT))


def _warning(subtool: Subtool[Any]) -> str:
    if subtool.effect.read_only:
        return ", changes nothing"
    return ", cannot be undone" if subtool.effect.asked_first else ""


def _arguments(schema: Mapping[str, Any]) -> Table:
    table = new_table("argument", "type", "required", "")
    required = schema.get("required", ())
    for name, declared in schema["properties"].items():
        meaning = Text(declared.get("description", ""))
        if choices := declared.get("enum"):
            meaning.append(f" One of: {', '.join(map(str, choices))}.", style="dim")
        is_required = "yes" if name in required else ""
        table.add_row(Text(name, "bold"), _type(declared), is_required, meaning)
    return table


def _type(declared: Mapping[str, Any]) -> str:
    items = declared.get("items", {}).get("type")
    return f"{declared['type']} of {items}" if items else str(declared["type"])


_CHECKED = {
    "track": ("Track API", "the key is accepted"),
    "app": ("App API", "the key is accepted"),
    "redis": ("Redis", "it keeps the rate limits"),
    "ledger": ("Ledger", "it keeps what was sent"),
    "approvals": ("Approvals", "they keep the calls that wait for a person"),
}
"""What a connection test tests, each with its title and the words for a success."""


def show_check(console: Console, result: Mapping[str, Any]) -> None:
    """Print the result of a connection test: keys, stores, the region and the workspace."""
    for name, (title, good) in _CHECKED.items():
        if finding := result.get(name):
            mark = Text("ok ", "green") if finding["ok"] else Text("no ", "bold red")
            words = finding.get("problem", good)
            console.print(mark + Text(f"{title}: {words}", "default"))
    for fact in ("region", "workspace_id"):
        if fact in result:
            console.print(Text(f"   {fact.replace('_', ' ')}: {result[fact]}"))


def describe_failure(result: Mapping[str, Any]) -> str:
    """Return the summary of a failure; for an invalid connection, with one line per bad field."""
    summary, error = str(result["summary"]), result["error"]
    fields = error.get("fields", [])
    if error["code"] != ConnectionInvalid.code or not fields:
        return summary
    problems = [f"{each['path']} {each['problem']}; {each['fix']}." for each in fields]
    lead = summary.partition(problems[0])[0].rstrip()
    is_unset = all(each["problem"] == "is missing" for each in fields)
    return "\n".join(
        [lead, *(f"  {line}" for line in problems), *([_NO_ACCOUNT] if is_unset else [])]
    )


_NO_ACCOUNT = "No account? Use a local Customer.io: add --sandbox."


def wrapped(words: str, columns: int) -> str:
    """Wrap text between words; the continuation of an indented line is indented deeper."""
    return "\n".join(_wrapped_line(line, columns) for line in words.splitlines())


def _wrapped_line(line: str, columns: int) -> str:
    inner = "    " if line.startswith(" ") else ""
    return fill(
        line, columns, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
    )


def new_table(*columns: str) -> Table:
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
    """Write JSON: indented at a terminal, otherwise on one line."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    indent = 2 if sys.stdout.isatty() else None
    typer.echo(json.dumps(value, ensure_ascii=not is_unicode, indent=indent))


def fail_with(result: Mapping[str, Any]) -> NoReturn:
    """Print a failed call's description, and exit with its code."""
    fail(describe_failure(result), exit_of_call(result))


def fail(words: str, code: Exit) -> NoReturn:
    """Print a message on standard error, and exit with a code."""
    console = Console(stderr=True)
    typer.echo(wrapped(words, console.width) if console.is_terminal else words, err=True)
    raise typer.Exit(code)
