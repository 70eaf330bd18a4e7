"""What a model's context pays stays within its budget, and the command that counts it is right."""

from __future__ import annotations

import builtins
import json
from typing import Any, get_args

import pytest

from benchmarks.rows import ROWS
from benchmarks.scenarios.tokens import counts
from customerio_tool import CustomerIoTool, Detail, Dialect
from customerio_tool.calls.listing import published_definition
from customerio_tool.doors.cli import tokens
from customerio_tool.doors.cli.tokens import counted, counter
from customerio_tool.sets import sets
from customerio_tool.subtools import lookups, subtools
from tests.support.shell import invoke

BUDGETS = {row.key: row for row in ROWS["tokens"] if row.must is not None}
"""As the benchmarks promise them."""

MOST_OF_A_LOOKUP = 110
REPLIES: dict[str, tuple[str, dict[str, Any]]] = {
    "tokens/list_messages": ("list_messages", {}),
    "tokens/metrics": ("get_campaign_metrics", {"campaign_id": 12}),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    """What the benchmark counts."""
    return {figure.key: figure.value.median for figure in counts()}


@pytest.mark.parametrize("key", BUDGETS)
def test_what_a_model_is_given_stays_within_its_budget(
    measured: dict[str, float], key: str
) -> None:
    assert measured[key] > 0
    assert BUDGETS[key].holds(measured[key])


@pytest.mark.parametrize("name", lookups())
def test_a_look_up_costs_little_where_it_is_on(name: str) -> None:
    definition = published_definition(name, "openai", "compact")
    assert 0 < counter()(definition) <= MOST_OF_A_LOOKUP


@pytest.mark.parametrize("key", REPLIES)
def test_a_full_reply_would_not_stay_within_the_budget_of_the_default_one(key: str) -> None:
    name, arguments = REPLIES[key]
    with CustomerIoTool.sandbox() as tool:
        full = tool.call(name, {**arguments, "full": True})
    assert not BUDGETS[key].holds(counter()(full))


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
