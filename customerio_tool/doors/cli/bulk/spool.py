"""The file of a bulk job: the one that is named, or what comes on standard input."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from customerio_tool.doors.bulk.job import JournalLost
from customerio_tool.doors.bulk.reading import Kind

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Given:
    """The file of a job.

    Args:
        path: Where it is.
        name: What messages call it; "" for the name of the file.
        kind: How its rows are written; None if its name tells.
        folder: The folder of the job; None for the one beside it.
    """

    path: Path
    name: str = ""
    kind: Kind | None = None
    folder: Path | None = None


@contextmanager
def given_file(file: str, kind: Kind | None) -> Iterator[Given]:
    """Yield the file of a job. Standard input is kept in a file as long as the job runs.

    Its folder is named after its bytes, so that the same input again goes on.

    Raises:
        JournalLost: Standard input cannot be kept.
    """
    if file != "-":
        yield Given(Path(file), kind=kind)
        return
    with tempfile.TemporaryDirectory(prefix="customerio-bulk-") as folder:
        path = Path(folder) / "stdin"
        digest = _kept(path)
        name = Path(f"stdin-{digest[:12]}.bulk")
        yield Given(path, "standard input", kind or "jsonl", name)


def _kept(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("wb") as kept:
            while block := sys.stdin.buffer.read(_BLOCK):
                digest.update(block)
                kept.write(block)
    except OSError as error:
        raise JournalLost(
            f"Nothing was sent: standard input cannot be kept ({error.strerror})."
        ) from None
    return digest.hexdigest()
