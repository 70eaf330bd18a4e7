"""The whole tool carries the package, and needs only its three libraries."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydantic
import pytest

from customerio_tool import Sandbox
from customerio_tool.doors.studio.pasted import package
from tests.doors.studio.fresh import run
from tests.support.shell import environment, invoke

EVENT = {"customer_id": "u1", "name": "order_paid", "data": '{"total": 7}'}


def text_of(name: str) -> str:
    printed = invoke("studio", "tool", name, "--whole")
    assert printed.exit_code == 0
    return printed.stdout


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed libraries without this package, which a path file would lead to."""
    folder = tmp_path_factory.mktemp("libraries")
    for each in Path(pydantic.__file__).parents[1].iterdir():
        if each.suffix != ".pth" and "customerio" not in each.name:
            (folder / each.name).symlink_to(each)
    return folder


@pytest.fixture(scope="module")
def local() -> Iterator[Sandbox]:
    """A local Customer.io."""
    with Sandbox() as running:
        yield running


def test_it_makes_the_call_by_the_package_inside(
    local: Sandbox, libraries: Path, tmp_path: Path
) -> None:
    inputs: list[Any] = [EVENT, json.dumps({"arguments": EVENT}), {**EVENT, "subtool": "x"}, 7]
    variables, env = environment(local.connection()), {"TMPDIR": str(tmp_path)}
    text = text_of("track_event")
    (*made, refused), modules = run(text, inputs, variables, paths=[libraries], env=env)
    assert [each["output"].get("outcome") for each in made] == ["accepted"] * 3, made
    assert refused["output"]["error"]["code"] == "arguments_invalid"
    request = local.requests()[-1]
    assert (request["json"]["name"], request["json"]["data"]) == ("order_paid", {"total": 7})
    assert not [name for name in modules if name.startswith("customerio_tool.sandbox")]
    assert list(tmp_path.iterdir()) == [], "it removes its temporary files"


def test_a_call_that_reads_its_target_first_works_too(local: Sandbox, libraries: Path) -> None:
    variables = environment(local.connection())
    inputs = [{"customer_id": "nobody"}]
    (returned,), _ = run(text_of("delete_customer"), inputs, variables, paths=[libraries])
    assert returned["output"]["existed"] is False


@pytest.mark.parametrize("inputs", ["[" * 100_000, '{"arguments": ' + "[" * 100_000, [1], "{"])
def test_nonsense_is_a_result(libraries: Path, inputs: Any) -> None:
    (returned,), _ = run(text_of("track_event"), [inputs], {}, paths=[libraries])
    assert returned["output"]["error"]["code"] == "arguments_invalid"


def test_without_its_libraries_it_names_what_is_missing() -> None:
    (returned, again), _ = run(text_of("track_event"), [EVENT, EVENT], {})
    assert returned == again
    assert "(pydantic" in returned["output"]["summary"]
    assert returned["output"]["error"]["took_effect"] == "no"
    assert returned["captured_variables"]["customer_io_ok"] is False


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("track_event", ["CUSTOMERIO_SITE_ID", "CUSTOMERIO_TRACK_API_KEY", "CUSTOMERIO_REGION"]),
        ("list_segments", ["CUSTOMERIO_APP_API_KEY", "CUSTOMERIO_REGION"]),
    ],
)
def test_its_first_line_declares_the_variables_of_its_api(name: str, variables: list[str]) -> None:
    assert text_of(name).splitlines()[0] == f"# ENV_VARS: {json.dumps(variables)}"


def test_the_package_is_without_the_sandbox_and_other_doors() -> None:
    with zipfile.ZipFile(io.BytesIO(package())) as archive:
        names = archive.namelist()
    assert "customerio_tool/tool.py" in names
    folders = {name.rpartition("/")[0] for name in names if "/doors/" in name}
    assert folders == {"customerio_tool/doors", "customerio_tool/doors/studio"}
    assert not [name for name in names if "sandbox" in name or "demo" in name]
    assert not [name for name in names if name.endswith(("/pasted.py", "/thin.py", "_plugin.py"))]


def test_the_same_package_makes_the_same_text() -> None:
    (found,) = re.findall(r'PACKAGE = """\n(.*?)\n"""', text_of("track_event"), re.DOTALL)
    assert base64.b64decode(found) == package()
    assert max(map(len, found.splitlines())) <= 100


def test_an_unknown_subtool_is_told() -> None:
    printed = invoke("studio", "tool", "track_evnt")
    assert printed.exit_code == 2
    assert "track_event" in printed.stderr
