"""The command `tokens`, which counts what the definitions cost a model.

It counts with o200k_base, the vocabulary of OpenAI's models since GPT-4o, which the library has in
its wheel: nothing is fetched. Other models count a little more or less.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Annotated, Any, TypeAlias, get_args

import typer

from customerio_tool.details import Detail, in_detail
from customerio_tool.dialects import Dialect, form_of
from customerio_tool.doors.cli.display import fail, new_console, write_json
from customerio_tool.doors.cli.exit_codes import Exit
from customerio_tool.doors.cli.options import AsJson
from customerio_tool.sets import sets
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare.json_text import compact
from customerio_tool.version import how_to_install

VOCABULARY = "o200k_base"
DETAILS: tuple[Detail, ...] = get_args(Detail)

Counted: TypeAlias = dict[str, int]
"""Tokens by detail."""


@cache
def counter() -> Callable[[object], int]:
    """Return what counts the tokens of a value, as JSON without white space.

    Raises:
        ImportError: The extra `tokens` is not installed.
    """
    from splintr import Tokenizer

    tokenizer = Tokenizer.from_pretrained(VOCABULARY)
    return lambda value: len(tokenizer.encode(compact(value)))


def counted(dialect: str, names: Collection[str] | None = None) -> Counted:
    """Return the tokens of a list of definitions.

    Args:
        dialect: The dialect of the definitions.
        names: The subtools; None means all.
    """
    chosen = [name for name in subtools() if names is None or name in names]
    lists = {d: [_definition(name, dialect, d) for name in chosen] for d in DETAILS}
    return {detail: counter()(each) for detail, each in lists.items()}


@cache  # each is in several lists
def _definition(name: str, dialect: str, detail: Detail) -> dict[str, Any]:
    subtool = subtools()[name]  # as it is declared: what is published may be older
    shown = in_detail(subtool.definition(), subtool.brief(), detail)
    examples = subtool.examples if detail == "full" else ()
    return form_of(dialect)(shown, [each.arguments for each in examples])


def counted_for_mcp() -> Counted:
    """Return the tokens of all that MCP's `tools/list` sends.

    Raises:
        ImportError: The extra `mcp` is not installed.
    """
    from customerio_tool.doors.mcp.views import listed

    def sent(detail: Detail) -> dict[str, Any]:
        tools = [listed(_definition(name, "plain", detail)) for name in subtools()]
        return {"tools": [each.model_dump(by_alias=True, exclude_none=True) for each in tools]}

    return {detail: counter()(sent(detail)) for detail in DETAILS}


def counted_in_all() -> Mapping[str, Counted]:
    """Return the tokens of all definitions in each dialect, of each set, and for MCP.

    Raises:
        ImportError: The extra `tokens` is not installed.
    """
    dialects = {dialect: counted(dialect) for dialect in get_args(Dialect)}
    of_sets = {f"{name} (openai)": counted("openai", members) for name, members in sets().items()}
    try:
        return {**dialects, **of_sets, "MCP's tools/list": counted_for_mcp()}
    except ImportError:
        return {**dialects, **of_sets}


def tokens(
    dialect: Annotated[
        str,
        typer.Option(
            metavar="DIALECT",
            help=f"The form of each definition ({', '.join(get_args(Dialect))}).",
        ),
    ] = "openai",
    as_json: AsJson = False,
) -> None:
    """Count what the definitions cost a model, by subtool, dialect, detail and set.

    Tokens are those of o200k_base, of JSON without white space. The extra `tokens` is needed.
    """
    try:
        form_of(dialect)
        each = {name: counted(dialect, [name]) for name in subtools()}
        whole = counted_in_all()
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--dialect") from None
    except ImportError:
        fail(f"This command needs an extra:\n  {how_to_install('tokens')}", Exit.ARGUMENTS)
    if as_json:
        write_json({"vocabulary": VOCABULARY, "dialect": dialect, "subtools": each, "all": whole})
    else:
        _show({**each, **{f"all, {name}": counts for name, counts in whole.items()}})


def _show(rows: Mapping[str, Counted]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    table.add_column("tokens")
    for detail in DETAILS:
        table.add_column(detail, justify="right")
    for name, counts in rows.items():
        table.add_row(name, *(f"{counts[detail]:,}" for detail in DETAILS))
    new_console().print(table)


def tokens_rows() -> list[tuple[str, ...]]:
    """Return the rows of the published table."""
    return [
        (name, *(f"{counts[detail]:,}" for detail in DETAILS))
        for name, counts in counted_in_all().items()
    ]
