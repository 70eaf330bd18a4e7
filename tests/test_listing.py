"""Listing needs no connection, no declaration and no library; and it says what they say."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any, get_args

import pytest

from customerio_tool import CustomerIoTool, Dialect, SubtoolUnknown, definitions, dialects
from customerio_tool import subtools as package
from customerio_tool.details import Detail
from customerio_tool.subtools import declared_in, find, modules, subtools
from tests.support.clients import SAVED_US

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
DETAILS: tuple[Detail, ...] = get_args(Detail)
DECLARING = [module for module in modules() if declared_in(module)]
LIBRARIES = {"annotated_types", "jsonschema", "pydantic", "pydantic_core", "requests", "urllib3"}
SLOW = {"asyncio", "concurrent", "email", "http", "importlib.metadata", "sqlite3", "ssl"}
"""Parts of the standard library that cost a start more than the listing does."""

FOR_OTHER_CALLS = {
    *("backends.telemetry.audit", "calls.confirmation", "calls.doubts", "calls.persons"),
    *("calls.record_once", "calls.send_once", "calls.target", "calls.waiting_calls"),
    *("policy.liquid", "policy.recipients", "subtools.parts.broadcast", "subtools.parts.mail"),
    *("subtools.parts.merge", "subtools.parts.one_person"),
}
"""Modules that only calls need which send, record, erase or wait, or a policy that narrows."""

NOT_FOR_A_CALL = {
    *("asyncio", "concurrent.futures", "difflib", "html", "jsonschema", "referencing"),
    *("shlex", "sqlite3"),
}
"""Libraries that only a refusal, a read that others share, or another backend needs."""

LISTING = f"""
import sys
from customerio_tool import CustomerIoTool
CustomerIoTool.subtools()
for dialect in {DIALECTS}:
    for detail in {DETAILS}:
        CustomerIoTool.definitions(dialect=dialect, detail=detail)
CustomerIoTool.definition("track_event")
"""
CALLING = f"""
import sys
from customerio_tool import CustomerIoTool
with CustomerIoTool({SAVED_US}, policy={{"dry_run": True}}) as tool:
    assert tool.call(sys.argv[1], sys.argv[2])["ok"]
"""


def loaded_by(program: str, *arguments: str) -> set[str]:
    """The modules that a new process has after a program."""
    command = [sys.executable, "-c", f"{program}\nprint(*sys.modules)", *arguments]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def as_text(value: Any) -> str:
    """JSON in which the order of members counts, as it does for a model."""
    return json.dumps(value)


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The modules of the file, to be put out of date by a test that finds subtools anew."""
    modules = {name: str(definitions.module_of(name)) for name in definitions.names()}
    told = {definitions.MODULES: {"subtools": modules, "lookups": {}}}
    monkeypatch.setattr(definitions, "_told", told)
    monkeypatch.setattr(package, "_found", {})
    return modules


def test_listing_loads_no_library_and_no_declaration() -> None:
    loaded = loaded_by(LISTING)
    assert (
        loaded & {f"customerio_tool.subtools.{each}" for each in ("declare", *DECLARING)} == set()
    )


@pytest.mark.parametrize(
    ("name", "arguments", "module"),
    [
        ("delete_device", '{"customer_id": "u1", "device_id": "d7"}', "devices"),
        ("identify_customer", '{"customer_id": "u1"}', "people"),
    ],
)
def test_a_call_loads_the_module_of_its_subtool_and_nothing_that_it_does_not_need(
    name: str, arguments: str, module: str
) -> None:
    loaded = loaded_by(CALLING, name, arguments)
    declaring = {each for each in DECLARING if f"customerio_tool.subtools.{each}" in loaded}
    assert declaring == {module}
    assert loaded & {f"customerio_tool.{each}" for each in FOR_OTHER_CALLS} == set()
    assert loaded & NOT_FOR_A_CALL == set()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_class_lists_what_the_declarations_say(dialect: Dialect) -> None:
    form = dialects.form_of(dialect)
    declared = [
        form(each.definition(), [example.arguments for example in each.examples])
        for each in subtools().values()
    ]
    with CustomerIoTool(SAVED_US) as tool:
        assert as_text(tool.definitions(dialect=dialect)) == as_text(declared)
    assert as_text(CustomerIoTool.definitions(dialect=dialect)) == as_text(declared)
    chosen = [each.name for each in subtools().values()][3::7]
    assert CustomerIoTool.definitions(chosen, dialect) == declared[3::7]


def test_the_class_names_the_subtools_and_defines_each() -> None:
    assert CustomerIoTool.subtools() == list(subtools())
    assert CustomerIoTool.definition("get_segment") == subtools()["get_segment"].definition()
    with pytest.raises(SubtoolUnknown, match="get_segment"):
        CustomerIoTool.definition("getSegment")
    with pytest.raises(SubtoolUnknown, match="get_segment"):
        CustomerIoTool.definitions(["getSegment"])


def test_what_the_class_hands_out_is_the_callers_own() -> None:
    before = as_text(CustomerIoTool.definitions(dialect="anthropic"))
    for each in CustomerIoTool.definitions(dialect="anthropic"):
        each["input_schema"]["properties"].clear()
        each["input_examples"][0].clear()
    CustomerIoTool.subtools().clear()
    assert as_text(CustomerIoTool.definitions(dialect="anthropic")) == before


def test_a_subtool_is_found_in_the_module_that_declares_it(published: dict[str, str]) -> None:
    for name, subtool in subtools().items():
        assert subtool in declared_in(published[name])
        assert find(name) is subtool


def test_a_subtool_is_found_before_it_is_published(published: dict[str, str]) -> None:
    del published["add_device"]
    published["track_event"] = "people"
    published["get_segment"] = "gone"
    assert [find(name) for name in ("add_device", "track_event", "get_segment")] == [
        subtools()[name] for name in ("add_device", "track_event", "get_segment")
    ]


def test_a_subtool_that_is_gone_is_refused_though_it_is_published(
    published: dict[str, str],
) -> None:
    published["fetch_segment"] = "segments"
    with pytest.raises(SubtoolUnknown, match="get_segment"):
        find("fetch_segment")


def test_output_schemas_share_their_errors_in_the_file_and_nowhere_else() -> None:
    records: dict[str, Any] = {
        name: {"definition": subtools()[name].definition()}
        for name in ("add_device", "get_segment")
    }
    before = as_text(records)
    assert (
        definitions.packed(records, {})["error"]
        == CustomerIoTool.definition("add_device")["output_schema"]["properties"]["error"]
    )
    assert as_text(records) == before
    records["get_segment"]["definition"]["output_schema"]["properties"]["error"]["type"] = "string"
    with pytest.raises(ValueError, match="error"):
        definitions.packed(records, {})


def test_a_subclass_may_change_a_method_that_was_not_used_before() -> None:
    class Loud(CustomerIoTool):
        def unsuppress_customer(self, **named: Any) -> dict[str, Any]:
            told: Any = super()
            result: dict[str, Any] = told.unsuppress_customer(**named)
            return {**result, "loud": True}

    with Loud(SAVED_US, policy={"dry_run": True}) as tool:
        told: Any = tool
        assert told.unsuppress_customer(customer_id="u1")["loud"]
    assert Loud.definitions() == CustomerIoTool.definitions()
