"""The Containerfile: what it copies is enough to build the package, and its command serves."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copy, copytree

import pytest
import requests

from tests.sandbox.test_exposed import own_address
from tests.support.project import ROOT
from tests.support.shell import MAIN
from tests.support.timeouts import PATIENCE

LINES = [
    line.split(maxsplit=1)
    for line in (ROOT / "Containerfile").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
(ENTRYPOINT,) = (json.loads(rest) for word, rest in LINES if word == "ENTRYPOINT")
COPIED = [(rest.split()[:-1], rest.split()[-1]) for word, rest in LINES if word == "COPY"]


def test_what_is_copied_is_there_and_enough_to_build_the_package(tmp_path: Path) -> None:
    for sources, target in COPIED:
        folder = tmp_path / target.removeprefix("/src").strip("/")
        for source in sources:
            if (ROOT / source).is_dir():
                copytree(ROOT / source, folder, dirs_exist_ok=True)
            else:
                copy(ROOT / source, folder)
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr


def test_the_port_that_it_exposes_is_the_one_it_listens_on() -> None:
    (exposed,) = (rest for word, rest in LINES if word == "EXPOSE")
    assert ENTRYPOINT[ENTRYPOINT.index("--port") + 1] == exposed


@contextmanager
def serving(*more: str) -> Iterator[dict[str, str]]:
    """What the command of the container tells once it listens; a free port is added to it."""
    command, *arguments = ENTRYPOINT
    assert command == "customerio-tool"
    with subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments, "--port", "0", "--json", *more],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            told = ""
            while not told.rstrip().endswith("}"):
                line = process.stdout.readline()
                assert line, "it ended before it listened"
                told += line
            yield json.loads(told)
        finally:
            process.terminate()
            assert process.wait(PATIENCE) == 0


def status(url: str, key: str) -> int:
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {key}"}
        return session.get(url, headers=headers, timeout=PATIENCE).status_code


@pytest.mark.parametrize("path", ["/v1/segments", "/_sandbox/health"])
def test_its_command_serves_beyond_loopback_to_who_has_the_key_that_it_prints(path: str) -> None:
    with serving() as told:
        url = f"http://{own_address()}:{told['track_url'].rpartition(':')[2]}"
        assert status(url + path, told["app_api_key"]) == 200
        assert status(url + path, "sandbox-app-key") == 401


def test_keys_behind_the_name_of_the_image_are_taken() -> None:
    keys = ("--option", "track_api_key=of-the-team", "--option", "app_api_key=of-the-app")
    with serving(*keys) as told:
        assert (told["track_api_key"], told["app_api_key"]) == ("of-the-team", "of-the-app")
