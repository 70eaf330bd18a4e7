"""The README's Python is run and type-checked as it stands, and its commands exist."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from customerio_tool import CustomerIoTool
from customerio_tool.calls.call import Call
from customerio_tool.calls.request import request_for
from customerio_tool.doors.cli.commands import app
from customerio_tool.errors import NextStep, TookEffect
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import subtools
from customerio_tool.subtools.declare import Invocation, Outcome, Subtool
from tests.support.project import ROOT, pyproject

README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
RUNNABLE = [block for block in PYTHON if "Sandbox()" in block]
BY_HAND = {
    "README.md": re.sub(
        r"<!-- generated:(\w+) -->.*?<!-- /generated:\1 -->", "", README, flags=re.DOTALL
    ),
    "pyproject.toml": pyproject()["project"]["description"],
    **{
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "customerio_tool").rglob("*.py")
    },
}
AT = Invocation(now=1_795_435_200.5, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")
COMMANDS = re.findall(r"customerio-tool (\w+)", README)


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.splitlines()[0])
def test_python_on_the_sandbox_runs_as_it_stands(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some blocks write files
    exec(compile(block, "README.md", "exec", dont_inherit=True), {})  # noqa: S102 - the README's own code


def test_the_quick_start_runs_with_keys_in_the_place_of_the_dots() -> None:
    (start,) = (block for block in PYTHON if block.count('"…"') == 3)
    with Sandbox() as sandbox:
        filled = re.sub(
            r"^saved = .*$", f"saved = {sandbox.connection()}", start, flags=re.MULTILINE
        )
        exec(compile(filled, "README.md", "exec", dont_inherit=True), {})  # noqa: S102 - see above
        (request,) = sandbox.requests()
    assert (request["operation"], request["status"]) == ("track", 200)


def test_the_results_that_are_shown_are_results() -> None:
    shown = map(json.loads, re.findall(r"```json\n(.*?)```", README, re.DOTALL))
    success, failure = (each for each in shown if "ok" in each)
    with CustomerIoTool.sandbox() as tool:
        event = tool.call("track_event", {"customer_id": "u1", "name": "order_paid"})
        wrong = tool.call("identify_customer", {"customer_id": "u1", "attribute": {"plan": "pro"}})
    assert {**event, "event_id": success["event_id"]} == success
    assert wrong == failure


@pytest.mark.parametrize("word", [*get_args(Outcome), *get_args(NextStep), *get_args(TookEffect)])
def test_every_word_of_a_result_is_told(word: str) -> None:
    section = README.partition("## Results")[2].partition("<!-- generated")[0]
    assert f"`{word}`" in section


FRAMEWORKS = "agents.*,agno.*,langchain.*,langchain_core.*,langgraph.*,pydantic_ai.*"


def test_the_python_satisfies_a_type_checker(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    for number, block in enumerate(PYTHON, start=1):
        (tmp_path / f"block_{number}.py").write_text(block, encoding="utf-8")
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)  # -p no:cacheprovider
    cache = kept.mkdir("mypy-of-readme") if kept else tmp_path / "cache"
    config = tmp_path / "mypy.ini"  # what others typed is not checked again: that takes a minute
    config.write_text(f"[mypy]\n[mypy-{FRAMEWORKS}]\nfollow_imports = skip\n", encoding="utf-8")
    options = [f"--config-file={config}", "--check-untyped-defs", f"--cache-dir={cache}"]
    told = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_example_of_a_new_subtool_is_one() -> None:
    (example,) = (block for block in PYTHON if "Subtool(" in block)
    names: dict[str, object] = {"__name__": "customerio_tool.subtools.example"}
    exec(compile(example, "README.md", "exec", dont_inherit=True), names)  # noqa: S102 - the README's own code
    (subtool,) = (each for each in names.values() if isinstance(each, Subtool))
    assert subtool.name not in subtools(), "there is such a one by now: show another in README.md"
    assert len(subtool.examples) > 1
    for each in subtool.examples:
        sent = request_for(Call(subtool, subtool.parse(each.arguments), AT))
        assert (sent.method, sent.path) == (each.sends.method, each.sends.path)


def test_the_number_of_subtools_is_told_once_and_is_theirs() -> None:
    (told,) = re.findall(r"-->(\d+)<!-- /generated:count --> subtools", README)
    assert int(told) == len(subtools())


def test_no_number_of_subtools_is_written_by_hand() -> None:
    told = {path for path, text in BY_HAND.items() if re.search(r"(?i)\d\s+subtools", text)}
    assert told == set(), "another subtool would make it wrong"


def test_the_pictures_that_are_shown_are_in_the_source_distribution_and_small() -> None:
    pictures = re.findall(r"!\[([^]]+)\]\(([^)]+)\)", README)
    included = pyproject()["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    assert len(pictures) == README.count("](docs/images/")
    for words, path in pictures:
        assert len(words) > 20, "what a person hears who does not see it"
        assert path.split("/")[0] in included
        assert 0 < (ROOT / path).stat().st_size < 200_000


def test_the_places_that_are_named_exist() -> None:
    tables = re.findall(r"^\| Where \|.*\n((?:\|.*\n)+)", README, re.MULTILINE)
    rows = [row.split("|")[1] for table in tables for row in table.splitlines()[1:]]
    places = re.findall(r"`([\w.]+/[\w./]*)`", " ".join(rows))
    assert len(places) >= len(rows)
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_fixture_example_passes_in_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    (example,) = (block for block in PYTHON if "def test_" in block)
    pytester.makepyfile(example)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_conftest_example_lets_an_official_client_in(pytester: pytest.Pytester) -> None:
    (conftest,) = (block for block in PYTHON if block.startswith("# conftest.py"))
    pytester.makeconftest(conftest)
    pytester.makepyfile(
        """
        from urllib.parse import urlsplit

        from customerio import CustomerIO

        def test_identify(customerio_sandbox):
            where = urlsplit(customerio_sandbox.track_url)
            key = customerio_sandbox.site_id, customerio_sandbox.track_api_key
            CustomerIO(*key, host=where.hostname, port=where.port).identify(id="new", plan="pro")
            (request,) = customerio_sandbox.requests()
            assert (request["operation"], request["status"]) == ("identify", 200)
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_every_command_that_is_named_exists() -> None:
    known = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]  # a registered command has a function
    groups = {group.name for group in app.registered_groups}
    assert set(COMMANDS) <= known | groups
