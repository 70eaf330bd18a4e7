"""Measures what a studio's tools run in: paste it as a tool, test it twice, and send us the output.

Run it a second time in the same flow, and see what outlived the first. With the input
`sleep_seconds`, it sleeps that long and writes down each second; the next run tells how far it
came, which is the time limit. It reads no value of a variable but its own, never raises, and needs
Python 3.8 and the standard library.
"""

from __future__ import annotations

import importlib
import json
import platform
import sys
import tempfile
import time
import types
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CODE_CHARS = "0"
PACKAGES = ("pydantic", "jsonschema", "requests", "httpx", "redis", "sqlite3", "zipimport")
KEYS = ("captured_variables", "capture_variables")
OWN_VARIABLE = "customer_io_probe_key"
MARK = "customerio_tool_probe"
MARK_FILE = MARK + ".json"
LONGEST_SLEEP = 900


def main(inputs: Any = None, env_variables: Any = None) -> dict[str, Any]:
    """Return the findings as `output`, and a variable under each of the two capture keys."""
    given = inputs if isinstance(inputs, Mapping) else {}
    probes: dict[str, Callable[[], Any]] = {
        "python": lambda: f"{platform.python_implementation()} {sys.version.split()[0]}",
        "system": lambda: f"{platform.system()} {platform.machine()}",
        "code_chars": lambda: int(CODE_CHARS),
        "packages": _packages,
        "zip_import": _zip_import,
        "inputs": lambda: _shape_of(inputs),
        "env_variables": lambda: _shape_of(env_variables),
        "capture_key": lambda: _capture_key(given),
        "process": _process,
        "file_system": _file_system,
        "slept_seconds": lambda: _sleep(given.get("sleep_seconds")),
    }
    output = {name: _found(probe) for name, probe in probes.items()}
    captured = {key: {OWN_VARIABLE: key} for key in KEYS}
    return {"output": output, **captured}


def _found(probe: Callable[[], Any]) -> Any:
    """Return what a probe finds; of an error only its type, as its text may hold a value."""
    try:
        return probe()
    except Exception as error:
        return {"failed": type(error).__name__}


def _packages() -> dict[str, str]:
    return {name: _version(name) for name in PACKAGES}


def _version(name: str) -> str:
    try:
        module = importlib.import_module(name)
    except Exception as error:
        return f"no ({type(error).__name__})"
    return str(getattr(module, "__version__", "yes"))[:40]


def _zip_import() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "package.zip")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("customerio_zip_probe.py", "FOUND = True\n")
        sys.path.insert(0, path)
        try:
            return bool(importlib.import_module("customerio_zip_probe").FOUND)
        finally:
            sys.path.remove(path)
            sys.modules.pop("customerio_zip_probe", None)


def _shape_of(variables: Any) -> Any:
    """Return how variables arrive: their number and types, and neither a name nor a value."""
    if not isinstance(variables, Mapping):
        return {"is": type(variables).__name__}
    names = [str(name) for name in variables]
    return {
        "is": type(variables).__name__,
        "count": len(names),
        "types": sorted({type(value).__name__ for value in variables.values()}),
        "with_a_dot": sum("." in name for name in names),
        "of_customer_io": sum("customerio" in _letters(name) for name in names),
        "workflow_id": "workflow_id" in variables,
    }


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.lower()))


def _capture_key(given: Mapping[str, Any]) -> str:
    found = given.get(OWN_VARIABLE)
    return found if found in KEYS else "none yet: run it again in the same flow"


def _process() -> dict[str, Any]:
    """Count the calls in this process, also where the code is loaded anew for each."""
    kept: Any = sys.modules.setdefault(MARK, types.ModuleType(MARK))
    kept.calls = getattr(kept, "calls", 0) + 1
    return {"calls": kept.calls, "is_kept": kept.calls > 1}


def _file_system() -> dict[str, Any]:
    temporary, working = Path(tempfile.gettempdir()), Path.cwd()
    told = {"temporary": _found(lambda: _in_folder(temporary))}
    if working != temporary:
        told["working"] = _found(lambda: _in_folder(working))
    return told


def _in_folder(folder: Path) -> dict[str, Any]:
    """Return how many calls have left a mark in a folder, and how far the last sleep came."""
    file = folder / MARK_FILE
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    calls = int(before.get("calls", 0)) + 1
    file.write_text(json.dumps({"calls": calls, "slept": 0}), "utf-8")
    return {"calls": calls, "is_kept": calls > 1, "last_sleep_seconds": before.get("slept", 0)}


def _sleep(seconds: Any) -> int:
    """Sleep, and write down and print each second."""
    file = Path(tempfile.gettempdir()) / MARK_FILE
    wanted = max(0, min(int(seconds or 0), LONGEST_SLEEP))
    for slept in range(1, wanted + 1):
        time.sleep(1)
        print("slept", slept, flush=True)  # noqa: T201 - the studio's log
        mark = json.loads(file.read_text("utf-8")) if file.is_file() else {}
        file.write_text(json.dumps({**mark, "slept": slept}), "utf-8")
    return wanted
