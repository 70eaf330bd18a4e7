"""The definitions that a model reads: of now, of a detail, of a revision, or in words of a file."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any, TypeAlias, cast, get_args

from customerio_tool import CustomerIoTool, Detail

Definitions: TypeAlias = dict[str, dict[str, Any]]
"""By name: at least `title`, `description` and `input_schema`."""

ROOT = Path(__file__).parents[1]
NOBODY = {"site_id": "site", "track_api_key": "track", "app_api_key": "app", "region": "us"}


class NoSuchWording(ValueError):
    """A wording is neither a file nor a revision of git, or a file's names are no subtools'."""


def wording(source: str = "") -> Definitions:
    """Return the definition of each subtool.

    Args:
        source: Empty for now; a detail, as definitions are in it; a JSON file of descriptions by
            name, where those that it leaves out are of now; else a revision of git, as `schemas/`
            was there.

    Raises:
        NoSuchWording: `source` is none of these.
    """
    if not source or source in get_args(Detail):
        return _of_now(cast("Detail", source or "full"))
    if Path(source).is_file():
        return _of_file(Path(source))
    return {name: _of_revision(source, name) for name in _of_now()}


def _of_now(detail: Detail = "full") -> Definitions:
    with CustomerIoTool(NOBODY) as tool:
        return {each["name"]: each for each in tool.definitions(detail=detail)}


def _of_file(path: Path) -> Definitions:
    now, told = _of_now(), json.loads(path.read_text(encoding="utf-8"))
    if strange := sorted(told.keys() - now.keys()):
        raise NoSuchWording(f"{path} describes what is no subtool: {', '.join(strange)}")
    return now | {name: {**now[name], "description": text} for name, text in told.items()}


def _of_revision(revision: str, name: str) -> dict[str, Any]:
    shown = f"{revision}:schemas/{name}.json"
    command = ["git", "-C", str(ROOT), "show", shown]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise NoSuchWording(f"git show {shown}: {done.stderr.strip()}")
    schema: dict[str, Any] = json.loads(done.stdout)
    return schema
