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

TOKEN_VARIABLE = "CUSTOMERIO_TOOL_TOKEN"  # noqa: S105 - a name
"""The environment variable with the bearer token of `serve`."""
