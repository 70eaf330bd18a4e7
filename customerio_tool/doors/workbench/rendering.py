"""Jinja2 for the workbench: its own templates, and the console's parts, look and filters."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PrefixLoader

from customerio_tool.sandbox.console.rendering import TEMPLATES, environment_of

FOLDER = Path(__file__).parent


@cache
def environment() -> Environment:
    """The environment of all templates; those of the console are under `console/`."""
    own = FileSystemLoader(FOLDER / "templates")
    return environment_of(ChoiceLoader([own, PrefixLoader({"console": TEMPLATES})]))
