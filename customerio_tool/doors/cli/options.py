"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
OnSandbox = Annotated[
    bool, typer.Option("--sandbox", help="Use a new local Customer.io; no account needed.")
]
AnyConnection = Annotated[
    bool, typer.Option("--sandbox", help="Accepted, and has no effect.", hidden=True)
]

Lookups = Annotated[
    bool, typer.Option("--lookups", help="Have the look-ups too: reads that find ids.")
]

TOKEN_VARIABLE = "CUSTOMERIO_TOOL_TOKEN"  # noqa: S105 - a name
"""The environment variable with the bearer token of `serve`."""
