"""What a model's context pays stays within its budget, and the command that counts it is right."""

from __future__ import annotations

import builtins
import json
from typing import Any, get_args

import pytest

from customerio_tool import CustomerIoTool, Detail, Dialect
from customerio_tool.calls.listing import published_definition
from customerio_tool.doors.cli import tokens
from customerio_tool.doors.cli.tokens import counted, counted_for_mcp, counter
from customerio_tool.sets import sets
from customerio_tool.subtools import lookups, subtools
from tests.support.shell import invoke

BUDGETS: dict[str, tuple[dict[str, int], Detail, int]] = {
    "compact": (counted("openai"), "compact", 2900),
    "basic": (counted("openai"), "basic", 2600),
    "reader, compact": (counted("openai", sets()["reader"]), "compact", 800),
    "OpenAI strict, compact": (counted("openai_strict"), "compact", 3700),
    "MCP's tools/list": (counted_for_mcp(), "full", 7500),
}
MOST_OF_A_LOOKUP = 110
REPLIES: dict[str, tuple[dict[str, Any], int]] = {
    "list_messages": ({}, 1200),
    "get_campaign_metrics": ({"campaign_id": 12}, 250),
}


@pytest.mark.parametrize("what", BUDGETS)
def test_definitions_stay_within_their_budget(what: str) -> None:
    counts, detail, most = BUDGETS[what]
    assert 0 < counts[detail] <= most


@pytest.mark.parametrize("name", lookups())
def test_a_look_up_costs_little_where_it_is_on(name: str) -> None:
    definition = published_definition(name, "openai", "compact")
    assert 0 < counter()(definition) <= MOST_OF_A_LOOKUP


@pytest.mark.parametrize("name", REPLIES)
def test_a_default_reply_stays_within_its_budget(name: str) -> None:
    arguments, most = REPLIES[name]
    with CustomerIoTool.sandbox() as tool:
        brief, full = (tool.call(name, {**arguments, **more}) for more in ({}, {"full": True}))
    assert 0 < counter()(brief) <= most < counter()(full)


def test_less_detail_never_costs_more() -> None:
    for name in subtools():
        costs = counted("openai", [name])
        assert max(costs["basic"], costs["compact"]) < costs["full"]
    costs = counted("openai")
    assert costs["basic"] < costs["compact"], "one subtool may cost more: its use is told"


def test_the_tokens_are_those_of_the_vocabulary() -> None:
    """As gpt-tokenizer, which has the same vocabulary, counts these texts as JSON."""
    known = {"hello world": 4, "アカウント": 6, "0123456789": 6, "customer_id": 4, "  \n\n\t": 7}
    assert {text: counter()(text) for text in known} == known


def test_the_command_counts_each_subtool_and_the_whole_by_detail() -> None:
    told = json.loads(invoke("tokens", "--json").stdout)
    assert (told["vocabulary"], told["dialect"]) == ("o200k_base", "openai")
    assert told["subtools"] == {name: counted("openai", [name]) for name in subtools()}
    assert told["all"]["openai_strict"] == counted("openai_strict")
    assert set(told["all"]) == {
        *get_args(Dialect),
        *(f"{name} (openai)" for name in sets()),
        "MCP's tools/list",
    }
    assert all(set(each) == set(get_args(Detail)) for each in told["all"].values())


def test_the_command_shows_a_table_for_a_person() -> None:
    shown = invoke("tokens", "--dialect", "gemini", env={"COLUMNS": "100"})
    lines = {line.split("  ")[0]: line.split()[-3:] for line in shown.stdout.splitlines()}
    assert lines["tokens"] == list(get_args(Detail))
    assert lines["get_segment"] == [str(n) for n in counted("gemini", ["get_segment"]).values()]
    assert lines["all, openai"] == [f"{n:,}" for n in counted("openai").values()]


def test_a_dialect_that_does_not_exist_is_named() -> None:
    refused = invoke("tokens", "--dialect", "open_ai", env={"COLUMNS": "200"})
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "'openai_strict'" in refused.stderr


def test_without_its_extra_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def without(name: str, *given: Any) -> Any:
        if name == "splintr":
            raise ModuleNotFoundError(name)
        return real(name, *given)

    tokens.counter.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without)
    refused = invoke("tokens")
    assert refused.exit_code == 2
    assert "customerio-tool[tokens]" in refused.stderr
