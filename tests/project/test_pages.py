"""The pages' code is run and type-checked as it stands, and what they name exists."""

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
from customerio_tool.doors.cli.publish.reference import as_strict, reference
from customerio_tool.errors import NextStep, TookEffect
from customerio_tool.sandbox import Sandbox
from customerio_tool.subtools import PAGE, find, subtools
from customerio_tool.subtools.declare import Invocation, Outcome, Subtool
from tests.support import results_page, unverified_page
from tests.support.documents import PAGES, Block, blocks, by_hand, languages, read
from tests.support.project import ROOT, pyproject

PYTHON = [*blocks("python")]
CONSOLE = [*blocks("console")]
OWN_KEYS = '"…"'
PARTS = ("Subtool(", "def test_", "# conftest.py")
"""What makes a block a part of something else, which a test of its own puts together."""
RUNNABLE = [
    block
    for block in PYTHON
    if OWN_KEYS not in block.text and not any(part in block.text for part in PARTS)
]
STUDIO = "docs/guides/studio.md"
"""Its code calls as a studio does, which reads the fields of a connection when it runs."""
SUBTOOLS_PAGE = "docs/reference/subtools.md"
AT = Invocation(now=1_795_435_200.5, workspace="w", ulid="01JD5T3Q6C9W4Y2M8K7H1N0PZX")


def one_with(mark: str) -> Block:
    """The block of Python that has this in it."""
    (found,) = (block for block in PYTHON if mark in block.text)
    return found


def ran(block: Block, text: str, names: dict[str, object] | None = None) -> dict[str, object]:
    """Run a block, and return its names."""
    found: dict[str, object] = {"__name__": "__main__"} if names is None else names
    exec(compile(text, str(block), "exec", dont_inherit=True), found)  # noqa: S102 - our pages' code
    return found


def test_every_block_is_of_a_language_that_is_tried_or_only_shown() -> None:
    tried, shown = (
        {"python", "console", "json", "yaml"},
        {"sh", "text", "toml"},
    )  # lines of other programs
    assert languages() <= tried | shown


@pytest.mark.parametrize("block", RUNNABLE, ids=str)
def test_python_runs_as_it_stands(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # some blocks write files
    ran(block, block.text)


@pytest.mark.parametrize("block", [b for b in PYTHON if OWN_KEYS in b.text], ids=str)
def test_python_with_keys_of_ones_own_runs_with_those_of_the_sandbox(block: Block) -> None:
    with Sandbox() as sandbox:
        keys = f"saved = {sandbox.connection()}"
        ran(block, re.sub(r"^saved = .*$", keys, block.text, flags=re.MULTILINE))
        (request,) = sandbox.requests()
    assert (request["operation"], request["status"]) == ("track", 200)


def test_the_results_that_are_shown_are_results() -> None:
    page = PAGES["docs/reference/results.md"]
    success, failure = map(json.loads, re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    with CustomerIoTool.sandbox() as tool:
        event = tool.call("track_event", {"customer_id": "u1", "name": "order_paid"})
        wrong = tool.call("identify_customer", {"customer_id": "u1", "attribute": {"plan": "pro"}})
    assert {**event, "event_id": success["event_id"]} == success
    assert wrong == failure


def test_the_examples_of_the_reference_are_calls() -> None:
    sections = re.split(r"^## (\w+)$", reference()[SUBTOOLS_PAGE], flags=re.MULTILINE)
    told = dict(zip(sections[1::2], sections[2::2], strict=True))
    assert told.keys() == subtools().keys()
    with CustomerIoTool.sandbox(policy={"dry_run": True, "data_files": True}) as tool:
        for name, section in told.items():
            texts = re.findall(r"```json\n(.*?)\n```", section)
            plain, strict = (tool.call(name, text) for text in texts)
            assert plain["ok"], name
            assert _without_ids(plain) == _without_ids(strict), name


def _without_ids(result: dict[str, object]) -> str:
    """A dry run's result, without what each call makes anew."""
    return re.sub(r"[0-9A-HJKMNP-TV-Z]{26}|\d{10}", "…", json.dumps(result))


def test_null_stands_in_strict_mode_for_a_member_that_is_not_given() -> None:
    schema = {
        "anyOf": [
            {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"a": {"type": "string"}, "b": {"type": ["string", "null"]}},
                },
            },
            {"type": "null"},
        ]
    }
    assert as_strict([{"a": {"free": 1}}], schema) == [{"a": '{"free": 1}', "b": None}]
    assert as_strict(None, schema) is None


@pytest.mark.parametrize("word", [*get_args(Outcome), *get_args(NextStep), *get_args(TookEffect)])
def test_every_word_of_a_result_is_told(word: str) -> None:
    assert f"`{word}`" in by_hand(PAGES["docs/reference/results.md"])


FRAMEWORKS = "agents.*,agno.*,langchain.*,langchain_core.*,langgraph.*,pydantic_ai.*"


def test_the_python_satisfies_a_type_checker(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    typed = (block for block in PYTHON if block.page != STUDIO)
    for number, block in enumerate(typed, start=1):
        text = f"# {block}\n{block.text}"
        (tmp_path / f"block_{number}.py").write_text(text, encoding="utf-8")
    kept: pytest.Cache | None = getattr(pytestconfig, "cache", None)  # -p no:cacheprovider
    cache = kept.mkdir("mypy-of-pages") if kept else tmp_path / "cache"
    config = tmp_path / "mypy.ini"  # what others typed is not checked again: that takes a minute
    sections = (
        *("[mypy]", f"[mypy-{FRAMEWORKS}]", "follow_imports = skip"),
        *("[mypy-celery.*]", "ignore_missing_imports = true"),  # it has no types
    )
    config.write_text("\n".join(sections), encoding="utf-8")
    options = [f"--config-file={config}", "--check-untyped-defs", f"--cache-dir={cache}"]
    told = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *map(str, tmp_path.glob("*.py"))],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_example_of_a_new_subtool_is_one() -> None:
    block = one_with("Subtool(")
    names = ran(block, block.text, {"__name__": "customerio_tool.subtools.example"})
    (subtool,) = (each for each in names.values() if isinstance(each, Subtool))
    assert subtool.name not in PAGE
    assert len(subtool.examples) > 1
    for each in subtool.examples:
        sent = request_for(Call(subtool, subtool.parse(each.arguments), AT))
        assert (sent.method, sent.path) == (each.sends.method, each.sends.path)


def test_the_number_of_subtools_is_told_once_and_is_theirs() -> None:
    (told,) = re.findall(r"-->(\d+)<!-- /generated:count --> subtools", PAGES["README.md"])
    assert int(told) == len(subtools())


def test_no_number_of_subtools_is_written_by_hand() -> None:
    texts = {path: by_hand(text) for path, text in PAGES.items()}
    texts["pyproject.toml"] = pyproject()["project"]["description"]
    for path in (ROOT / "customerio_tool").rglob("*.py"):
        texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
    told = {path for path, text in texts.items() if re.search(r"(?i)\b\d+\s+subtools", text)}
    assert told == {"docs/reference/fault-matrix.md"}, "another subtool would make it wrong"


def test_the_pictures_that_are_shown_exist_and_are_small() -> None:
    shown = [found for text in PAGES.values() for found in re.findall(r"!\[(.+?)\]\((.+?)\)", text)]
    assert len(shown) >= 5
    for words, where in shown:
        assert len(words) > 20, "what a person hears who does not see it"
        picture = ROOT / "docs" / "images" / where.rpartition("/")[2]
        assert 0 < picture.stat().st_size < 200_000


def test_every_link_leads_from_its_page_to_a_file_that_is_there() -> None:
    root = f"{pyproject()['project']['urls']['Repository']}/blob/main/"
    dead = []
    for page, text in PAGES.items():
        prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
        for where in re.findall(r"\]\(([^)#\s]+)", prose):
            is_ours = where.startswith(root)
            place = ROOT / where.removeprefix(root) if is_ours else (ROOT / page).parent / where
            if (is_ours or "://" not in where) and not place.exists():
                dead.append((page, where))
    assert dead == []


def test_the_readme_reads_on_a_package_index_too() -> None:
    readme = PAGES["README.md"]
    root = pyproject()["project"]["urls"]["Repository"]
    targets = re.findall(r"^\[[\w-]+\]: (\S+)$", readme, re.MULTILINE)
    for target in targets:
        assert target.startswith(f"{root}/blob/main/")
        assert (ROOT / target.removeprefix(f"{root}/blob/main/")).is_file(), target
    used = set(re.findall(r"\]\[([\w-]+)\]", readme))
    assert used == set(re.findall(r"^\[([\w-]+)\]: ", readme, re.MULTILINE))
    assert re.findall(r"\]\((?!https://)", readme) == []


def test_the_readme_wins_in_a_minute() -> None:
    lines = PAGES["README.md"].splitlines()
    assert len(lines) < 200
    doors = [line for line in lines[:40] if line.startswith("| ") and "][" in line]
    assert len(doors) == 5, "each kind of reader finds a first command at once"
    assert all("`" in line for line in doors)


def test_the_places_that_are_named_exist() -> None:
    table = PAGES["docs/explanation/architecture.md"].partition("| Where |")[2]
    rows = [row.split("|")[1] for row in re.findall(r"^\|.*\|$", table, re.MULTILINE)[1:]]
    places = re.findall(r"`([\w.]+/[\w./]*)`", " ".join(rows))
    assert len(places) >= len(rows)
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_fixture_example_passes_in_a_project_of_its_own(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(one_with("def test_").text)
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_the_conftest_example_lets_an_official_client_in(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(one_with("# conftest.py").text)
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


@pytest.mark.parametrize("block", CONSOLE, ids=str)
def test_a_command_that_is_shown_exists_and_takes_its_options(block: Block) -> None:
    known = {c.name or getattr(c.callback, "__name__", "") for c in app.registered_commands}
    groups = {group.name for group in app.registered_groups}
    lines = re.findall(r"customerio-tool (.*)", block.text.replace("\\\n", " "))
    for line in lines:
        words = line.partition("#")[0].partition("'")[0].split()
        if not words[0].startswith("-"):
            assert words[0] in known | groups
        named = find(words[1]) if words[0] == "describe" else None
        assert named is None or named.name == words[1]


def test_pages_that_are_made_from_facts_and_calls_are_current() -> None:
    assert unverified_page.PAGE.read_text("utf-8") == unverified_page.page(), (
        "run python -m tests.support.unverified_page"
    )
    assert results_page.PAGE.read_text("utf-8") == results_page.page(), (
        "run python -m tests.support.results_page"
    )


def test_every_variable_that_the_package_reads_is_on_the_page_of_the_environment() -> None:
    page = PAGES["docs/reference/environment.md"]
    texts = [path.read_text("utf-8") for path in (ROOT / "customerio_tool").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"\bCUSTOMERIO_[A-Z]+[A-Z_]*\b", text)}
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_the_changelog_begins_with_what_is_not_released() -> None:
    changelog = read("CHANGELOG.md")
    assert re.search(r"^## \[Unreleased\]$", changelog, re.MULTILINE)
    assert re.findall(r"^### (.+)$", changelog, re.MULTILINE)
