"""What a user has installed: the tool and a peer with what they require, and none of our tools.

Pydantic looks for plugins in each installed distribution, so that the two hundred of a contributor
would be measured too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from benchmarks.running import folder


@contextmanager
def installed(*names: str) -> Iterator[Path]:
    """Make a folder with links to these distributions and to all that they require.

    Of the tool, which a contributor has as the project's folder, only its name is in it.
    """
    with folder() as made:
        for name in _with_required(names):
            for each in _places(name):
                link = made / each.name
                if not link.exists():
                    link.symlink_to(each)
        yield made


def _with_required(names: tuple[str, ...]) -> set[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        required = map(Requirement, distribution(name).requires or ())
        # Without an extra, what one brings is left out.
        waiting += [
            each.name
            for each in required
            if each.marker is None or each.marker.evaluate({"extra": ""})
        ]
    return found


def _places(name: str) -> Iterator[Path]:
    """Yield the top-level files and folders of a distribution."""
    dist = distribution(name)
    tops = {file.parts[0] for file in dist.files or ()} - {"..", "__pycache__"}
    for top in sorted(tops):
        place = Path(str(dist.locate_file(top)))
        if place.suffix != ".pth":
            yield place
