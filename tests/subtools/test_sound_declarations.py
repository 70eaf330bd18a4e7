"""What a declaration may say: each rule refuses what breaks it, and nothing beside that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from customerio_tool.subtools import all_subtools
from customerio_tool.subtools.declare import (
    UNNAMED,
    Api,
    Effect,
    Endpoint,
    Look,
    Pace,
    Reach,
    SecondRead,
    Subtool,
    Target,
    Verify,
)
from customerio_tool.subtools.declare.contradictions import contradictions_of
from tests.subtools.every_kind import every_kind

PATH = "/v1/segments/{segment_id}"
SECOND = SecondRead[Any](Endpoint(Api.APP, "GET", PATH), lambda _: True, "x", about=UNNAMED)
CHECK = Verify[Any](Endpoint(Api.APP, "GET", PATH), lambda *_: None, "x", about=UNNAMED)
TARGET = Target[Any](
    looks=lambda _: [],
    shown=lambda _, found: found,
    found=lambda _: "",
    nothing="",
    unread="",
    identity="id",
    name_argument="name",
    by_name=lambda _: Look("list_segments", {}),
)
SENDS: dict[str, Any] = {
    "effect": Effect.SEND,
    "endpoint": Endpoint(Api.APP, "POST", PATH),
    "look": lambda *_: Look("get_segment", {}),
    "plan": lambda _: "Send it.",
    "reach": lambda _: Reach(),
    "file_arguments": (),
    "key_argument": "key",
    "ledger_keeps": ("segment", "omitted"),
}
ERASES: dict[str, Any] = {
    "effect": Effect.ERASE,
    "endpoint": Endpoint(Api.APP, "DELETE", PATH),
    "target": TARGET,
    "plan": lambda _: "Erase it.",
}
CREATES: dict[str, Any] = {
    "effect": Effect.CREATE,
    "endpoint": Endpoint(Api.APP, "POST", PATH),
    "look": lambda *_: Look("get_segment", {}),
    "verify": CHECK,
}
RECORDS: dict[str, Any] = {
    "effect": Effect.RECORD,
    "endpoint": Endpoint(Api.APP, "POST", PATH),
    "may_start_campaigns": True,
    "data_argument": "data",
}
NARROWER = Endpoint(Api.APP, "GET", f"{PATH}/people/{{person}}")
SOUND: dict[str, dict[str, Any]] = {
    "a read": {},
    "a search by POST": {"endpoint": Endpoint(Api.APP, "POST", PATH), "body": lambda *_: {}},
    "a look-up": {"is_lookup": True},
    "a send": SENDS,
    "an erasure": ERASES,
    "a creation": CREATES,
    "an event": RECORDS,
    "a write that needs nothing": {
        "effect": Effect.ADD,
        "endpoint": Endpoint(Api.APP, "PUT", PATH),
        "people": None,
        "about": None,
    },
    "a write with a target": {**ERASES, "effect": Effect.OVERWRITE},
    "a narrower endpoint": {"narrower_endpoint": NARROWER},
    "one that is chosen by the call": {
        "narrower_endpoint": Endpoint(Api.APP, "POST", PATH),
        "narrower_when": lambda _: True,
    },
    "a second read": {"second_read": SECOND},
    "a read of no object": {"endpoint": Endpoint(Api.APP, "GET", "/v1/segments"), "about": None},
    "every argument that is named": {
        "file_arguments": ("line",),
        "key_argument": "key",
        "data_argument": "data",
        "basic": ("rows",),
        "target": TARGET,
        "plan": lambda _: "",
    },
}


def complaints_of(**said: Any) -> set[str]:
    """Return what is wrong with a declaration, which cannot be made then."""
    made = replace(every_kind)  # its own check is passed
    for name, value in said.items():
        object.__setattr__(made, name, value)
    found = {text for text, is_present in contradictions_of(made).items() if is_present}
    if found:
        with pytest.raises(TypeError, match=r"^every_kind: "):
            replace(every_kind, **said)
    return found


def test_a_sound_declaration_is_taken() -> None:
    for kind, said in SOUND.items():
        assert (kind, complaints_of(**said)) == (kind, set())


def test_every_declaration_is_sound() -> None:
    for subtool in [*all_subtools().values(), every_kind]:
        assert not any(contradictions_of(subtool).values())


UNSOUND: list[tuple[dict[str, Any], dict[str, Any], set[str]]] = [
    (
        {},
        {"endpoint": Endpoint(Api.APP, "GET", "/v1/{zzz}")},
        {"a slot of the path is no argument"},
    ),
    (
        {},
        {"narrower_endpoint": Endpoint(Api.APP, "GET", f"{PATH}/{{zzz}}")},
        {"a slot of the path is no argument"},
    ),
    (
        {},
        {"narrower_endpoint": Endpoint(Api.APP, "GET", PATH)},
        {"the narrower endpoint has no slot of its own"},
    ),
    (
        {},
        {"narrower_endpoint": Endpoint(Api.APP, "POST", NARROWER.path)},
        {"the endpoints differ in API or method"},
    ),
    (
        {},
        {"narrower_endpoint": Endpoint(Api.TRACK, "GET", NARROWER.path)},
        {"the endpoints differ in API or method"},
    ),
    (
        {},
        {
            "narrower_endpoint": Endpoint(Api.TRACK, "POST", PATH),
            "narrower_when": lambda _: True,
        },
        {"the endpoints differ in API or method"},
    ),
    ({}, {"body": lambda *_: {}}, {"a GET has no body"}),
    ({}, {"effect": Effect.ADD}, {"a GET can only be a read"}),
    ({}, {"endpoint": Endpoint(Api.APP, "PUT", PATH)}, {"a read is a GET, or a search by POST"}),
    ({}, {"people": None}, {"a read needs `people`"}),
    ({}, {"about": None}, {"a read of one object needs `about`"}),
    ({}, {"second_read": replace(SECOND, about=None)}, {"a read of one object needs `about`"}),
    ({}, {"target": TARGET}, {"a call that a person may be asked about needs `plan`"}),
    ({}, {"examples": every_kind.examples[:1]}, {"at least two examples"}),
    ({}, {"ledger_keeps": ("zzz",)}, {"a member is kept that no result has"}),
    (SENDS, {"is_lookup": True}, {"only a read can be a look-up"}),
    (SENDS, {"look": None}, {"a send needs `look`"}),
    (SENDS, {"plan": None}, {"a call that a person may be asked about needs `plan`"}),
    (SENDS, {"reach": None}, {"a send needs `reach`"}),
    (SENDS, {"file_arguments": None}, {"a send needs `file_arguments`"}),
    (SENDS, {"key_argument": None}, {"a send needs `key_argument`"}),
    (SENDS, {"ledger_keeps": None}, {"a send needs `ledger_keeps`"}),
    (ERASES, {"target": None}, {"an erase needs `target`"}),
    (ERASES, {"plan": None}, {"a call that a person may be asked about needs `plan`"}),
    (
        ERASES,
        {"plan": None, "target": None},
        {"an erase needs `target`", "a call that a person may be asked about needs `plan`"},
    ),
    (CREATES, {"look": None}, {"a send needs `look`"}),
    (CREATES, {"verify": None}, {"a create needs `verify`"}),
    (CREATES, {"verify": replace(CHECK, about=None)}, {"a read of one object needs `about`"}),
    (CREATES, {"people": None}, {"a read needs `people`"}),
    (RECORDS, {"may_start_campaigns": False}, {"an event needs `may_start_campaigns`"}),
    (RECORDS, {"data_argument": None}, {"an event needs `data_argument`"}),
    (RECORDS, {"second_read": SECOND, "people": None}, {"a read needs `people`"}),
]


def test_a_declaration_is_refused_for_what_it_breaks_alone() -> None:
    for sound, said, complaints in UNSOUND:
        assert complaints_of(**{**sound, **said}) == complaints, said


NAMED: dict[str, Any] = {
    **dict.fromkeys(("person_argument", "person_type_argument"), "zzz"),
    **dict.fromkeys(("data_argument", "key_argument"), "zzz"),
    **dict.fromkeys(("file_arguments", "basic"), ("line", "zzz")),
    "target": replace(TARGET, name_argument="zzz"),
}


def test_each_argument_that_a_declaration_names_exists() -> None:
    for field, value in NAMED.items():
        said = {**SOUND["every argument that is named"], field: value}
        assert complaints_of(**said) == {"an argument is named that it does not have"}, field


def test_a_refusal_names_the_subtool_and_the_rule() -> None:
    with pytest.raises(TypeError, match=r"^every_kind: a read needs `people`$"):
        replace(every_kind, people=None)
    assert isinstance(every_kind, Subtool)


# --- what the declared values mean


def test_the_effects_say_what_a_host_may_do_with_a_call() -> None:
    told = {each.word: (each.annotations, each.asked_first, each.retry.value) for each in Effect}
    names = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
    again, back, never = "retry", "read back, then at most once more", "never"
    assert told == {
        word: (dict(zip(names, hints, strict=True)), asked, retry)
        for word, hints, asked, retry in (
            ("read", (True, False, True, True), False, again),
            ("overwrite", (False, True, True, True), False, again),
            ("add", (False, False, True, True), False, again),
            ("record", (False, False, False, True), False, again),
            ("create", (False, False, False, True), False, back),
            ("remove", (False, True, True, True), False, again),
            ("erase", (False, True, True, True), True, again),
            ("send", (False, True, False, True), True, never),
        )
    }
    assert {each.name: (each.permits, each.period_seconds) for each in Pace} == {
        "TRACK": (1000, 1),
        "APP": (10, 1),
        "SEND": (100, 1),
        "BROADCAST": (1, 10),
    }
    assert Endpoint(Api.APP, "GET", "/v1/{a}/b/{c_d}").slots == ["a", "c_d"]


def test_a_target_is_at_risk_and_certain_unless_it_says_otherwise() -> None:
    target = Target[Any](
        looks=lambda _: [Look("get_segment", {"segment_id": 1})],
        shown=lambda _, found: found,
        found=lambda _: "",
        nothing="",
        unread="",
        identity="id",
    )
    assert target.is_at_risk(1, {}) is target.is_certain(1) is True
    wrong = "^`name_argument` and `by_name` belong together\\.$"
    for named in ({"name_argument": "name"}, {"by_name": lambda _: Look("x", {})}):
        with pytest.raises(TypeError, match=wrong):
            replace(target, **named)
