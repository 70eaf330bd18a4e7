"""One subtool of Customer.io as a tool to paste, with the package itself inside.

It needs pydantic, requests and jsonschema where it runs, and a folder for temporary files.
"""

from __future__ import annotations

import atexit
import base64
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

SUBTOOL = ""
PACKAGE = ""


def main(inputs: Any = None, env_variables: Any = None) -> dict[str, Any]:
    """Run the subtool; it never raises an `Exception`."""
    try:
        studio, shapes = unpacked("doors.studio"), unpacked("doors.studio.shapes")
    except Exception as error:
        missing = getattr(error, "name", None) or type(error).__name__
        words = f"Nothing was sent: the package cannot be loaded here ({missing})."
        return failure(f"{words} Paste the thin tool instead, or install what is missing.")
    try:
        given = shapes.object_in(inputs)
    except Exception:  # a mapping of the host's own, which `studio.main` refuses
        given = None
    named = inputs if given is None else {**given, "subtool": SUBTOOL}
    result: dict[str, Any] = studio.main(named, env_variables)
    return result


def failure(words: str) -> dict[str, Any]:
    """Return the result of a call that the package could not make."""
    error = {"code": "connection_invalid", "next_step": "ask_user", "took_effect": "no"}
    captured = {"customer_io_ok": False, "customer_io_error": error["code"]}
    return {
        "output": {"ok": False, "summary": words, "error": error},
        "captured_variables": captured,
        "capture_variables": dict(captured),
    }


def unpacked(name: str) -> Any:
    """Return a module of the package, which is unpacked once in a process."""
    if "customerio_tool" not in sys.modules:
        folder = tempfile.mkdtemp(prefix="customerio-tool-")  # nobody else may write there
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        archive = Path(folder) / "package.zip"
        archive.write_bytes(base64.b64decode(PACKAGE))
        sys.path.insert(0, str(archive))
    return importlib.import_module(f"customerio_tool.{name}")
