"""Runs a pasted text as a studio does: as code in a process that knows nothing of this project."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HARNESS = """
import json, sys
job = json.load(sys.stdin)
sys.path[:] = [path for path in sys.path if path] + job["paths"]
returned = []
for inputs in job["inputs"]:
    names = {"__name__": "pasted"}
    exec(compile(job["text"], "pasted.py", "exec", dont_inherit=True), names)
    returned.append(names["main"](inputs, job["variables"]))
print("\\n" + json.dumps([returned, sorted(sys.modules)]))
"""


def run(
    text: str,
    inputs: Iterable[Any],
    variables: Mapping[str, str],
    *,
    paths: Iterable[Path] = (),
    env: Mapping[str, str] | None = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what each call in turn returns, and the modules that are loaded in the end.

    Args:
        text: The pasted text; it is executed anew for each call.
        inputs: The inputs of each call.
        variables: The variables of the studio's environment.
        paths: Folders of packages; without them there is the standard library alone.
        env: The variables of the process.
    """
    job = {
        "text": text,
        "inputs": list(inputs),
        "variables": dict(variables),
        "paths": [str(path) for path in paths],
    }
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", HARNESS],
        input=json.dumps(job),
        capture_output=True,
        text=True,
        env=dict(env or {}),
        cwd="/",
    )
    assert ended.returncode == 0, ended.stderr
    returned, modules = json.loads(ended.stdout.splitlines()[-1])
    return returned, modules
