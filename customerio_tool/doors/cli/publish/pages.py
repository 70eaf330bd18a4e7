"""The pages that are partly written by hand: README and docs, with generated blocks in them.

A block stands between the markers `<!-- generated:NAME -->` and `<!-- /generated:NAME -->`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from customerio_tool import errors
from customerio_tool.connection.field import ConnectionField
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.cli.exit_codes import MEANINGS
from customerio_tool.doors.cli.publish.control import control_block
from customerio_tool.doors.cli.publish.manifest import credentials_of
from customerio_tool.doors.cli.publish.mcp_files import hosts_block
from customerio_tool.doors.cli.publish.tables import preset_rows, table
from customerio_tool.doors.cli.tokens import DETAILS, tokens_rows
from customerio_tool.sets import PURPOSES, sets
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Subtool


class MarkersMissing(ValueError):
    """A page lacks the two markers of a generated block, or repeats them."""


def with_blocks(path: str, page: str) -> str:
    """Return a page with its generated blocks up to date.

    Args:
        path: The path of the page from the root, one of `PAGES`.
        page: Its present text.

    Raises:
        MarkersMissing: The page does not hold each marker of a block exactly once.
    """
    for name, made in PAGES[path].items():
        start, end = f"<!-- generated:{name} -->", f"<!-- /generated:{name} -->"
        if (page.count(start), page.count(end)) != (1, 1):
            raise MarkersMissing(f"{path} must hold {start} and {end} once each.")
        head, _, rest = page.partition(start)
        _, found, tail = rest.partition(end)
        if not found:
            raise MarkersMissing(f"{path} holds {end} before {start}.")
        page = f"{head}{start}{made()}{end}{tail}"
    return page


def _count() -> str:
    return str(len(subtools()))


def _presets() -> str:
    return _block(("Preset", "What it allows"), preset_rows())


def _subtools() -> str:
    head = ("Subtool", "What it does", "Effect", "Credentials")
    return _block(head, [_subtool_row(subtool) for subtool in subtools().values()])


def _connection() -> str:
    head = ("Field", "Form's label", "Required", "Secret", "What it is")
    return _block(head, [_field_row(key, field) for key, field in connection_fields().items()])


def _sets() -> str:
    rows = [
        (f"`{name}`", words, ", ".join(f"`{each}`" for each in subtools() if each in sets()[name]))
        for name, words in PURPOSES.items()
    ]
    return _block(("Set", "What it is for", "Subtools"), rows)


def _tokens() -> str:
    return _block(("Definitions", *DETAILS), tokens_rows())


def _exit_codes() -> str:
    rows = [(f"{code:d}", words) for code, words in MEANINGS.items()]
    return _block(("Code", "What it means"), rows)


def _errors() -> str:
    head = ("Code", "Exception", "What happened", "`next_step`", "`took_effect`")
    types = (value for value in vars(errors).values() if isinstance(value, type))
    with_code = (t for t in types if issubclass(t, errors.CustomerIoError) and hasattr(t, "code"))
    return _block(head, [_error_row(error) for error in with_code])


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"count": _count, "presets": _presets},
    "docs/guides/context.md": {"sets": _sets, "tokens": _tokens},
    "docs/guides/mcp.md": {"hosts": hosts_block},
    "docs/guides/policies.md": {"presets": _presets},
    "docs/guides/shell.md": {"exit_codes": _exit_codes},
    "docs/reference/connection.md": {"connection": _connection},
    "docs/reference/results.md": {"errors": _errors},
    "docs/reference/sandbox-api.md": {"control": control_block},
}
"""The blocks of each page, by its path from the root."""


def _block(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return f"\n\n{table(head, rows)}\n\n"


def _subtool_row(subtool: Subtool[Any]) -> Sequence[str]:
    credentials = ", ".join(f"`{key}`" for key in credentials_of(subtool))
    return f"`{subtool.name}`", subtool.promise, subtool.effect.word, credentials


def _field_row(key: str, field: ConnectionField) -> Sequence[str]:
    required, secret = ("yes" if is_set else "no" for is_set in (field.required, field.secret))
    return f"`{key}`", field.label, required, secret, field.help


def _error_row(error: type[errors.CustomerIoError]) -> Sequence[str]:
    happened = (error.__doc__ or "").partition("\n")[0]
    return f"`{error.code}`", f"`{error.__name__}`", happened, error.next_step, error.took_effect
