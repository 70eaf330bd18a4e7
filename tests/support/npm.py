"""Packages of npm for tests, kept in pytest's cache from one run to the next."""

from __future__ import annotations

import json
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


def installed(
    config: pytest.Config, temporary: pytest.TempPathFactory, package: str, *others: str
) -> Path:
    """A folder with packages in it, each given as `name@version`.

    It appears there whole, whichever worker is the first to have it.
    """
    name, _, version = package.rpartition("@")
    folder_name = f"{name.replace('/', '-').removeprefix('@')}-{version}"
    cache: pytest.Cache | None = getattr(config, "cache", None)  # -p no:cacheprovider
    folder = cache.mkdir(folder_name) if cache else temporary.mktemp(folder_name)
    manifest = folder / "node_modules" / name / "package.json"
    if not manifest.exists():
        with TemporaryDirectory(dir=folder, prefix="new-") as new:
            (Path(new) / "package.json").write_text('{"private":true}')
            command = ["npm", "install", "--no-audit", "--no-fund", package, *others]
            done = subprocess.run(command, cwd=new, capture_output=True, text=True, timeout=600)
            assert done.returncode == 0, done.stderr
            with suppress(OSError):  # another was first
                (Path(new) / "node_modules").rename(folder / "node_modules")
    assert json.loads(manifest.read_text())["version"] == version
    return folder
