"""The studio's own governance gets the presets in its own words, and asks the only question."""

from __future__ import annotations

import json
from typing import Any

import pytest

from customerio_tool import CustomerIoTool, Policy
from customerio_tool.policy.policy import PRESETS
from customerio_tool.subtools import subtools
from tests.support.project import ROOT

FILE = json.loads((ROOT / "schemas" / "phinite-policy.json").read_text(encoding="utf-8"))
POLICIES: dict[str, Any] = {policy["preset"]: policy for policy in FILE["policies"]}
every_preset = pytest.mark.parametrize("preset", PRESETS)


def effects(preset: str) -> dict[str, str]:
    return {rule["action"]: rule["effect"] for rule in POLICIES[preset]["actions"]}


def names_with(preset: str, effect: str) -> set[str]:
    return {name for name, each in effects(preset).items() if each == effect}


def test_there_is_a_policy_for_each_preset_with_a_rule_for_each_subtool() -> None:
    assert set(POLICIES) == set(PRESETS)
    for preset in PRESETS:
        assert list(effects(preset)) == list(subtools())
        assert set(effects(preset).values()) <= {"Allow", "Human approval", "Deny"}


def test_read_only_denies_every_write() -> None:
    reads = {name for name, each in subtools().items() if each.effect.read_only}
    assert names_with("read_only", "Allow") == reads
    assert names_with("read_only", "Deny") == set(subtools()) - reads


def test_careful_asks_for_what_erases_sends_or_may_merge() -> None:
    asked = {name for name, each in subtools().items() if each.effect.word in ("erase", "send")}
    assert names_with("careful", "Human approval") == asked | {"identify_customer"}
    assert names_with("careful", "Deny") == set()


def test_open_allows_everything() -> None:
    assert names_with("open", "Allow") == set(subtools())


def test_every_question_has_a_reason() -> None:
    rules = [rule for policy in POLICIES.values() for rule in policy["actions"]]
    assert {rule["effect"] for rule in rules if "because" in rule} == {"Human approval"}
    assert all(rule.get("because") for rule in rules if rule["effect"] == "Human approval")


@every_preset
def test_the_environment_beside_it_denies_the_same_and_asks_nobody(preset: str) -> None:
    policy = Policy.from_env(POLICIES[preset]["environment"])
    denied = {name for name, each in subtools().items() if not policy.allows(each)}
    assert denied == names_with(preset, "Deny")
    assert not any(policy.may_require_confirmation(each) for each in subtools().values())


def test_a_call_that_the_studio_let_pass_is_not_asked_for_again() -> None:
    policy = Policy.from_env(POLICIES["careful"]["environment"])
    with CustomerIoTool.sandbox(policy=policy) as tool:
        assert tool.call("delete_customer", {"customer_id": "u1"})["outcome"] == "accepted"


def test_the_file_says_that_ours_is_then_never() -> None:
    assert "CUSTOMERIO_CONFIRM=never" in FILE["note"]
