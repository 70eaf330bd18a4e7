"""The README's Python is run as it stands, and its commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from customerio_tool.commands import app

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
RUNNABLE = [block for block in PYTHON if "Sandbox()" in block]
COMMANDS = re.findall(r"customerio-tool (\w+)", README)


@pytest.mark.parametrize("block", RUNNABLE, ids=lambda block: block.splitlines()[0])
def test_python_on_the_sandbox_runs_as_it_stands(block: str) -> None:
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - the README's own code


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
    assert set(COMMANDS) <= known
