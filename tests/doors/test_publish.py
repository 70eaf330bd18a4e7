"""The published contract: committed files say what the declarations say, and keep their rules."""

from __future__ import annotations

import importlib
import json
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
import responses
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from customerio_tool import CustomerIoTool, errors
from customerio_tool.calls.call import Call
from customerio_tool.calls.recovery import seconds_for
from customerio_tool.connection.fields import connection_fields
from customerio_tool.deadline import Clock, Timeouts
from customerio_tool.doors.cli.publish.files import (
    MANIFEST,
    artefacts,
    drift,
    write,
)
from customerio_tool.doors.cli.publish.manifest import GOVERNANCE, MANIFEST_SCHEMA
from customerio_tool.doors.cli.publish.pages import PAGES, MarkersMissing, with_blocks
from customerio_tool.subtools import subtools
from customerio_tool.version import __version__
from tests.subtools.calls import AT
from tests.support.project import ROOT, pyproject

# From the product's page: what it says of the tool, and what it asks a builder for.
PAGE_SENTENCE = (
    "Manage Customer.io people, events, devices, segments, campaigns, transactional messages, and "
    "message history via the Track and App APIs."
)
PAGE_FIELDS = {
    "site_id": ("Track API Site ID", True),
    "track_api_key": ("Track API Key", True),
    "app_api_key": ("App API Key", True),
    "region": ("Region", False),
}

SAVED = {"site_id": "site", "track_api_key": "track-key", "app_api_key": "app-key", "region": "eu"}
CODES = {value.code for value in vars(errors).values() if getattr(value, "code", None) is not None}

ERROR: dict[str, Any] = json.loads((ROOT / "schemas/error.json").read_text(encoding="utf-8"))
HEAD = {"$schema", "$id", "title", "description"}

generated = pytest.mark.parametrize("path", [*artefacts(), *PAGES])
README = "README.md"
RESULTS = "docs/reference/results.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The published files, as committed."""
    for path in (*artefacts(), *PAGES):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    return tmp_path


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The committed manifest."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / MANIFEST).read_text(encoding="utf-8"))
    return loaded


def published(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((ROOT / f"schemas/{name}.json").read_text(encoding="utf-8"))
    return schema


def generated_lines(path: str, lines: list[str]) -> list[int]:
    """The middle line of a file; in a page the markers, and the middle line of each block."""
    if path not in PAGES:
        return [len(lines) // 2]
    marks = [n for n, line in enumerate(lines) if re.match("<!-- /?generated:", line)]
    middles = [(start + end) // 2 for start, end in zip(marks[::2], marks[1::2], strict=True)]
    return marks + middles if marks else [n for n, line in enumerate(lines) if "generated:" in line]


def swapped(page: str) -> str:
    start, end = "<!-- generated:errors -->", "<!-- /generated:errors -->"
    return page.replace(start, "@").replace(end, start).replace("@", end)


def test_the_committed_files_are_what_the_declarations_say() -> None:
    assert drift(ROOT) == [], "run `customerio-tool publish`"


@generated
def test_a_file_that_lacks_a_line_is_found(copy: Path, path: str) -> None:
    lines = (copy / path).read_text(encoding="utf-8").splitlines(keepends=True)
    numbers = generated_lines(path, lines)
    assert numbers
    for number in numbers:
        (copy / path).write_text("".join(lines[:number] + lines[number + 1 :]), encoding="utf-8")
        assert drift(copy) == [path], f"line {number + 1} may be missing"


@generated
def test_a_file_that_is_missing_or_ends_its_lines_otherwise_is_found(copy: Path, path: str) -> None:
    text = (copy / path).read_bytes()
    (copy / path).write_bytes(text.replace(b"\n", b"\r\n"))
    assert drift(copy) == [path]
    (copy / path).unlink()
    assert drift(copy) == [path]


@pytest.mark.parametrize("name", ["stray.json", ".hidden", "deeper/stray.json"])
def test_a_stray_file_among_the_schemas_is_found_and_removed(copy: Path, name: str) -> None:
    stray = copy / "schemas" / name
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("{}")
    assert drift(copy) == [f"schemas/{name}"]
    assert write(copy) == [f"schemas/{name}"]
    assert not stray.exists()


def test_publishing_repairs_every_file_and_then_changes_nothing(copy: Path) -> None:
    for path in artefacts():
        (copy / path).unlink()
    assert write(copy) == sorted(artefacts())
    assert (drift(copy), write(copy)) == ([], [])
    assert (copy / MANIFEST).read_bytes() == (ROOT / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace("<!-- generated:errors -->\n", ""),
        lambda text: text.replace("<!-- /generated:errors -->\n", ""),
        lambda text: text + "<!-- generated:errors -->\n",
        swapped,
    ],
    ids=["no start", "no end", "two starts", "end before start"],
)
def test_a_page_without_a_place_for_a_block_is_never_written_over(copy: Path, spoil: Any) -> None:
    spoilt = spoil((copy / RESULTS).read_text(encoding="utf-8"))
    (copy / RESULTS).write_text(spoilt, encoding="utf-8")
    (copy / MANIFEST).unlink()
    assert drift(copy) == [RESULTS, MANIFEST]
    with pytest.raises(MarkersMissing, match=r"results\.md"):
        write(copy)
    assert (copy / RESULTS).read_text(encoding="utf-8") == spoilt
    assert not (copy / MANIFEST).exists()


def test_the_number_of_subtools_in_the_readme_is_kept_current(copy: Path) -> None:
    readme = (copy / README).read_text(encoding="utf-8")
    told = f"-->{len(subtools())}<!--"
    assert readme.count(told) == 1
    (copy / README).write_text(readme.replace(told, "-->7<!--"), encoding="utf-8")
    assert drift(copy) == [README]
    assert write(copy) == [README]
    assert (copy / README).read_text(encoding="utf-8") == readme


@pytest.mark.parametrize("path", PAGES)
def test_what_people_write_around_the_blocks_stays(path: str) -> None:
    page = (ROOT / path).read_text(encoding="utf-8")
    assert with_blocks(path, f"Before.\n{page}After.\n") == f"Before.\n{page}After.\n"


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("docs/reference/connection.md", connection_fields()),
        (RESULTS, CODES),
        ("docs/reference/subtools.md", [f"[`{name}`](#{name})" for name in subtools()]),
    ],
)
def test_a_table_has_one_row_for_each_thing(path: str, names: Collection[str]) -> None:
    page = (ROOT / path).read_text(encoding="utf-8")
    for name in names:
        first = re.escape(name if name.startswith("[") else f"`{name}`")
        assert len(re.findall(rf"^\| {first} \|", page, flags=re.MULTILINE)) == 1


def test_every_published_schema_is_valid_json_schema_2020_12() -> None:
    ids = []
    for path in sorted({*(ROOT / "schemas").glob("*.json")} - {ROOT / GOVERNANCE}):
        schema = json.loads(path.read_text(encoding="utf-8"))
        ids.append(schema["$id"])
        assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
        for part in (schema, schema.get("input_schema", {}), schema.get("output_schema", {})):
            Draft202012Validator.check_schema(part)
    assert len(set(ids)) == len(ids) == len(subtools()) + 3


def test_a_subtools_schema_file_holds_its_whole_definition() -> None:
    for name, subtool in subtools().items():
        file, definition = published(name), subtool.definition()
        definition["input_schema"] = subtool.input_schema()  # a model is shown less of it
        shared = ("title", "description", "input_schema", "output_schema")
        told = file["output_schema"]["properties"]
        assert told["error"] == {"$ref": "urn:customerio-tool:error"}
        told["error"] = {key: ERROR[key] for key in ERROR.keys() - HEAD}
        assert {key: file[key] for key in shared} == {key: definition[key] for key in shared}
        assert file["brief"] == subtool.brief()
        assert set(file) == {"$schema", "$id", "brief", *shared}


def test_a_result_keeps_the_published_schema_and_its_error_the_one_that_all_share() -> None:
    registry: Registry[Any] = Registry().with_resource(ERROR["$id"], Resource.from_contents(ERROR))
    schema = published("get_segment")["output_schema"]
    validator = Draft202012Validator(schema, registry=registry)
    with CustomerIoTool.sandbox() as tool:
        found = tool.call("get_segment", {"segment_id": 1})
        failed = tool.call("get_segment", {"segment_id": 10**6})
    assert (found["ok"], failed["ok"]) == (True, False)
    validator.validate(found)
    validator.validate(failed)
    assert not validator.is_valid({**failed, "error": {**failed["error"], "next_step": "panic"}})


def test_the_manifest_keeps_its_schema(manifest: dict[str, Any]) -> None:
    Draft202012Validator(MANIFEST_SCHEMA).validate(manifest)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda m: m.pop("connection"),
        lambda m: m.update(colour="blue"),
        lambda m: m.update(id="customer.io"),
        lambda m: m["connection"]["fields"][3].pop("options"),
        lambda m: m["connection"]["fields"][0].update(options=[{"value": "a", "label": "A"}]),
        lambda m: m["connection"]["fields"][0].pop("help"),
        lambda m: m["subtools"][0]["annotations"].update(readOnlyHint=True),
        lambda m: m["subtools"][0].update(effect="write"),
        lambda m: m["subtools"][0].update(credentials=[]),
        lambda m: m["subtools"][0]["examples"].pop(),
        lambda m: m["defaults"].update(max_attempts=0),
        lambda m: m["connection"]["scope"].update(environments=[]),
    ],
)
def test_the_manifests_schema_refuses_what_a_host_could_not_use(
    manifest: dict[str, Any], spoil: Any
) -> None:
    spoilt = json.loads(json.dumps(manifest))
    spoil(spoilt)
    assert not Draft202012Validator(MANIFEST_SCHEMA).is_valid(spoilt)


def test_the_manifest_names_the_version_that_the_package_has(manifest: dict[str, Any]) -> None:
    project = pyproject()["project"]
    stale = "install the package again: its metadata is old"
    assert manifest["version"] == __version__
    assert manifest["runtime"]["requires_python"] == project["requires-python"], stale
    assert manifest["license"] == project["license"], stale
    assert manifest["runtime"]["distribution"] == project["name"]


def test_the_manifest_says_of_the_tool_what_the_products_page_says(
    manifest: dict[str, Any],
) -> None:
    told = (manifest["id"], manifest["name"], manifest["title"], manifest["description"])
    assert told == ("customer_io", "CustomerIoTool", "Customer.io", PAGE_SENTENCE)


def test_the_form_asks_for_the_fields_of_the_products_page_and_a_service_accounts_workspace(
    manifest: dict[str, Any],
) -> None:
    fields = manifest["connection"]["fields"]
    asked = {**PAGE_FIELDS, "workspace_id": ("Workspace ID", False)}
    assert {f["key"]: (f["label"], f["required"]) for f in fields} == asked
    assert [f["key"] for f in fields] == list(asked)
    assert [f["key"] for f in fields if f["secret"]] == ["track_api_key", "app_api_key"]
    assert [f["key"] for f in fields if f["type"] == "enum"] == ["region"]


def test_a_saved_form_keeps_the_schema_of_the_connection(manifest: dict[str, Any]) -> None:
    schema = published("connection")
    required = {f["key"] for f in manifest["connection"]["fields"] if f["required"]}
    assert required == set(schema["required"])
    saved = dict.fromkeys(required, "something")
    for region in (None, "", "US", " eu "):
        assert Draft202012Validator(schema).is_valid({**saved, "region": region})
    for wrong in ({"region": "asia"}, {"site_id": ""}, {"site_id": 7}, {"sitte_id": "x"}):
        assert not Draft202012Validator(schema).is_valid({**saved, **wrong})


def test_the_manifest_tells_the_bounds_that_a_call_really_has(manifest: dict[str, Any]) -> None:
    told = manifest["defaults"]
    bounds = (told["connect_timeout_seconds"], told["read_timeout_seconds"])
    assert bounds == (Timeouts().connect, Timeouts().read)
    for effect, name in (("read", "total"), ("send", "send")):
        subtool = next(each for each in subtools().values() if each.effect.word == effect)
        call = Call(subtool, subtool.parse(subtool.examples[0].arguments), AT)
        assert told[f"{name}_deadline_seconds"] == seconds_for(call)
    with (
        responses.RequestsMock() as network,
        CustomerIoTool(SAVED, clock=Clock(sleep=lambda _: None)) as tool,
    ):
        network.get(re.compile(".*"), status=503)
        tool.call("list_segments")
        assert len(network.calls) == told["max_attempts"]


def test_the_manifest_lists_the_subtools_in_the_order_of_definitions(
    manifest: dict[str, Any],
) -> None:
    assert [entry["id"] for entry in manifest["subtools"]] == list(subtools())
    for entry in manifest["subtools"]:
        subtool = subtools()[entry["id"]]
        assert entry["annotations"] == subtool.effect.annotations
        assert entry["effect"] == subtool.effect.word
        assert entry["schema"] == f"schemas/{subtool.name}.json"
        assert (ROOT / entry["schema"]).is_file()


@pytest.mark.parametrize(
    ("api", "credentials"), [("track", ["site_id", "track_api_key"]), ("app", ["app_api_key"])]
)
def test_a_subtool_asks_only_for_the_credentials_of_its_api(
    manifest: dict[str, Any], api: str, credentials: list[str]
) -> None:
    entries = [entry for entry in manifest["subtools"] if entry["api"] == api]
    assert entries
    assert all(entry["credentials"] == credentials for entry in entries)


def test_every_example_of_the_manifest_can_be_pasted(manifest: dict[str, Any]) -> None:
    for entry in manifest["subtools"]:
        schema = published(entry["id"])["input_schema"]
        for example in entry["examples"]:
            Draft202012Validator(schema).validate(example["input"])


def test_what_the_manifest_names_in_the_code_is_there(manifest: dict[str, Any]) -> None:
    import customerio_tool

    assert manifest["runtime"]["entry_point"] == "customerio_tool:CustomerIoTool"
    assert manifest["name"] == customerio_tool.CustomerIoTool.__name__
    module, _, function = manifest["runtime"]["main"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert manifest["governance"] in artefacts()
    test = manifest["connection"]["test"]
    assert test["callable"] == f"{manifest['runtime']['entry_point']}.test_connection"
    assert callable(customerio_tool.CustomerIoTool.test_connection)
    assert test["minimal_subtool"] in subtools()
    assert subtools()[test["minimal_subtool"]].effect.read_only
