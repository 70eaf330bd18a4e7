from __future__ import annotations

import os
import subprocess
import sys

import pytest

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.sandbox import Sandbox

STRICT = """
[pytest]
addopts = --strict-markers --strict-config -p no:randomly
filterwarnings = error
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of somebody else, strict about marks and warnings, with the package installed."""
    pytester.makeini(STRICT)
    return pytester


def test_the_fixture_is_there_without_a_line_of_setup(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import urllib.request

        def test_it_serves(customerio_sandbox):
            url = customerio_sandbox.track_url + "/_sandbox/health"
            with urllib.request.build_opener().open(url) as answer:
                assert answer.status == 200
            assert customerio_sandbox.state()["people"]
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_no_test_sees_what_another_left(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(3))
        def test_each_starts_anew(customerio_sandbox, number):
            sandbox = customerio_sandbox
            assert len(sandbox.state()["people"]) == 7
            assert (sandbox.requests(), sandbox.faults.shown()) == ([], [])
            assert (sandbox.clock.is_frozen, sandbox.options.delay_seconds) == (False, 0)
            with pytest.raises(KeyError):
                sandbox.restore("mine")
            sandbox.snapshot("mine")
            sandbox.fault(status=500)
            sandbox.clock.freeze(5)
            sandbox.configure(delay_seconds=9)
            sandbox.seed({"people": [{"id": "left over"}]})
        """
    )
    project.runpytest().assert_outcomes(passed=3)


def test_a_tool_of_the_projects_own_remembers_nothing_of_another_test(
    project: pytest.Pytester,
) -> None:
    project.makepyfile(
        """
        import pytest
        from customerio_tool import CustomerIoTool

        @pytest.mark.parametrize("number", range(2))
        def test_a_mail_is_sent_once(customerio_sandbox, number):
            before = len(customerio_sandbox.state()["deliveries"])
            with CustomerIoTool(customerio_sandbox.connection(), policy="open") as tool:
                mail = {
                    "to": "ada@example.com",
                    "customer_id": "u1",
                    "transactional_message_id": 1,
                }
                result = tool.call("send_transactional_email", mail)
            assert result["outcome"] == "accepted", result
            assert len(customerio_sandbox.state()["deliveries"]) == before + 1
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_one_server_serves_the_whole_session(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest
        urls = []

        @pytest.mark.parametrize("number", range(2))
        def test_url(customerio_sandbox, number):
            urls.append(customerio_sandbox.track_url)
            assert len(set(urls)) == 1
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_a_mark_chooses_the_start(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import pytest

        @pytest.mark.customerio_sandbox(to="empty", rate_limits="strict")
        def test_empty(customerio_sandbox):
            assert customerio_sandbox.state()["people"] == []
            assert customerio_sandbox.options.rate_limits == "strict"

        @pytest.mark.customerio_sandbox(options={"rate_limits": "strict"}, delay_seconds=1)
        def test_options(customerio_sandbox):
            assert customerio_sandbox.options.rate_limits == "strict"
            assert customerio_sandbox.options.delay_seconds == 1

        @pytest.mark.customerio_sandbox(to={"people": [{"id": "mine"}]})
        def test_own(customerio_sandbox):
            assert [p["id"] for p in customerio_sandbox.state()["people"]] == ["mine"]
        """
    )
    project.runpytest().assert_outcomes(passed=3)


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("'empty'", "takes names only"),
        ("to='nothing'", "to is 'seed', 'empty' or a seed"),
        ("delay=1", "options has no member 'delay'"),
        ("to={'peple': []}", "did you mean people"),
    ],
)
def test_a_mark_that_makes_no_sense_says_so(
    project: pytest.Pytester, mark: str, words: str
) -> None:
    project.makepyfile(
        f"""
        import pytest

        @pytest.mark.customerio_sandbox({mark})
        def test_it(customerio_sandbox):
            pass
        """
    )
    result = project.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{words}*"])


def test_a_proxy_of_the_environment_does_not_come_between(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # the discard port: nobody listens
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "example.com")
    project.makepyfile(
        """
        import os
        import requests

        def test_it_is_reached(customerio_sandbox):
            url = customerio_sandbox.track_url + "/_sandbox/health"
            assert requests.get(url, timeout=60).status_code == 200
            assert os.environ["NO_PROXY"] == "example.com,127.0.0.1,localhost"

        def test_the_environment_is_as_it_was():
            assert os.environ["NO_PROXY"] == "example.com"
            assert "no_proxy" not in os.environ
        """
    )
    project.runpytest().assert_outcomes(passed=2)


def test_an_environment_that_excepts_every_host_from_its_proxy_still_does(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A star alone excepts all; in a list it excepts nobody."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    project.makepyfile(
        """
        from urllib.request import proxy_bypass_environment

        def test_all_are_excepted(customerio_sandbox):
            assert proxy_bypass_environment("example.com")
            assert proxy_bypass_environment("127.0.0.1")
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_an_environment_without_a_proxy_is_left_alone(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    project.makepyfile(
        """
        import os

        def test_nothing_is_set(customerio_sandbox):
            assert not [name for name in os.environ if name.lower() == "no_proxy"]
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_the_tool_fixture_works_on_the_same_state_and_clock(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        def test_it_writes(customerio_tool, customerio_sandbox):
            customerio_sandbox.clock.freeze(1_900_000_000)
            result = customerio_tool.call(
                "track_event", {"customer_id": "u1", "name": "seen"}
            )
            assert result["ok"], result
            events = customerio_sandbox.state()["people"][0]["events"]
            assert (events[-1]["name"], events[-1]["timestamp"]) == ("seen", 1_900_000_000)
        """
    )
    project.runpytest().assert_outcomes(passed=1)


def test_the_plugin_costs_a_run_nothing_until_it_is_used(project: pytest.Pytester) -> None:
    project.makepyfile(
        """
        import sys

        def test_nothing_is_loaded():
            ours = {name for name in sys.modules if name.startswith("customerio_tool.")}
            assert ours == {"customerio_tool.doors", "customerio_tool.doors.pytest_plugin"}
            assert not {"requests", "pydantic", "jsonschema", "sqlite3"} & set(sys.modules)
        """
    )
    # requests-mock and langsmith are plugins of their own, and load requests
    run = project.runpytest_subprocess("-p", "no:requests_mock", "-p", "no:langsmith_plugin")
    run.assert_outcomes(passed=1)


def test_the_package_loads_its_names_when_they_are_asked_for() -> None:
    script = (
        "import sys, customerio_tool\n"
        "assert not {n for n in sys.modules if n.startswith('customerio_tool.')}\n"
        "assert set(customerio_tool.__all__) <= set(dir(customerio_tool))\n"
        "from customerio_tool import *\n"
        "assert CustomerIoTool.__name__ == 'CustomerIoTool' and Policy and Api and CallContext\n"
        "assert not hasattr(customerio_tool, 'Nothing')\n"
        "assert not {'redis', 'opentelemetry', 'typer', 'trustme', 'jinja2'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


# --- the tool's own sandbox


def test_a_tool_may_bring_its_own_sandbox_and_takes_it_away() -> None:
    with CustomerIoTool.sandbox(policy=Policy()) as tool:
        assert isinstance(tool.local, Sandbox)
        result = tool.call("get_customer_attributes", {"customer_id": "u1"})
        assert result["ok"], result
        assert len(tool.local.requests()) == 1
        local = tool.local
    with pytest.raises(RuntimeError, match="not running"):
        local.state()


def test_a_tools_own_sandbox_takes_a_seed_and_its_clock() -> None:
    with CustomerIoTool.sandbox(seed={"people": [{"id": "mine"}]}) as tool:
        assert tool.local is not None
        tool.local.clock.freeze(1_900_000_000)
        assert tool.call("track_event", {"customer_id": "mine", "name": "seen"})["ok"]
        [person] = tool.local.state()["people"]
        assert person["events"][0]["timestamp"] == 1_900_000_000


def test_a_tool_that_cannot_be_made_leaves_no_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Sandbox] = []
    start = Sandbox.start

    def noted(sandbox: Sandbox) -> Sandbox:
        started.append(sandbox)
        return start(sandbox)

    monkeypatch.setattr(Sandbox, "start", noted)
    with pytest.raises(TypeError):
        CustomerIoTool.sandbox(nonsense=1)
    [sandbox] = started
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.state()
