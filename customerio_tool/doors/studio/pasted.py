"""Writes the texts that a builder pastes into the studio: the probe, and tools of one subtool."""

from __future__ import annotations

import ast
import base64
import inspect
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from textwrap import wrap
from types import ModuleType
from typing import Any

import customerio_tool
from customerio_tool.connection.fields import connection_fields
from customerio_tool.doors.credentials import VARIABLES
from customerio_tool.doors.studio import probe, shapes, thin, whole
from customerio_tool.doors.studio.names import arguments_of, captured_of
from customerio_tool.subtools.declare import Subtool

_LEFT_OUT = ("sandbox/", "doors/", "adapters/")
_OLDEST = (1980, 1, 1, 0, 0, 0)  # of a zip: the same package makes the same text
_COLUMNS = 100
_SIZE_DIGITS = 9


def probe_text(chars: int = 0) -> str:
    """Return the probe, filled up with comments to this many characters; it knows their number."""
    source = [_Source.of(probe)]
    size = max(chars, len(_text_of(source, [], {"CODE_CHARS": "0" * _SIZE_DIGITS})))
    text = _text_of(source, [], {"CODE_CHARS": f"{size:0{_SIZE_DIGITS}}"})
    lines, rest = divmod(size - len(text), _COLUMNS)
    return text + ("#" * (_COLUMNS - 1) + "\n") * lines + "#" * rest


def thin_text(subtool: Subtool[Any]) -> str:
    """Return the tool that calls a `customerio-tool serve`."""
    constants = {
        "SUBTOOL": subtool.name,
        "ARGUMENTS": arguments_of(subtool),
        "CAPTURED": captured_of(subtool),
        "READS": subtool.effect.read_only,
    }
    variables = ["CUSTOMERIO_TOOL_URL", "CUSTOMERIO_TOOL_TOKEN"]
    return _text_of([_Source.of(thin), _Source.of(shapes)], variables, constants)


def whole_text(subtool: Subtool[Any]) -> str:
    """Return the tool that contains the package."""
    constants = {"SUBTOOL": subtool.name, "PACKAGE": base64.b64encode(package()).decode()}
    return _text_of([_Source.of(whole)], variables_of(subtool), constants)


def variables_of(subtool: Subtool[Any]) -> list[str]:
    """Return the environment variables of a subtool's connection: the required ones and region."""
    return [
        VARIABLES[key]
        for key, field in connection_fields().items()
        if (field.required and field.api in subtool.apis) or key == "region"
    ]


def package() -> bytes:
    """Return the package as a zip, without the local Customer.io and without other doors."""
    root = Path(customerio_tool.__file__).parent
    needed = _files_of_doors("customerio_tool.doors", "customerio_tool.doors.studio")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        for path in sorted([*root.rglob("*.py"), *root.glob("*.json")]):
            name = path.relative_to(root).as_posix()
            if path in needed or not name.startswith(_LEFT_OUT):
                info = zipfile.ZipInfo(f"{root.name}/{name}", _OLDEST)
                info.compress_type = zipfile.ZIP_DEFLATED
                made.writestr(info, path.read_bytes())
    return archive.getvalue()


def _files_of_doors(*names: str) -> set[Path]:
    """Return the files of some doors, and of the doors' modules that they import."""
    waiting, found = list(names), dict[str, Path]()
    while waiting:
        name = waiting.pop()
        if name not in found:
            module = import_module(name)
            found[name] = Path(str(module.__file__))
            nodes = ast.walk(ast.parse(inspect.getsource(module)))
            sources = [str(each.module) for each in nodes if isinstance(each, ast.ImportFrom)]
            waiting += [each for each in sources if each.startswith("customerio_tool.doors.")]
    return set(found.values())


@dataclass(frozen=True)
class _Source:
    """A module in parts: its docstring, its imports of the standard library, and the rest."""

    documentation: str
    imports: list[str]
    rest: str

    @classmethod
    def of(cls, module: ModuleType) -> _Source:
        source = inspect.getsource(module)
        tree = ast.parse(source)
        imports = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        lines = source.splitlines()
        texts = [
            "\n".join(lines[node.lineno - 1 : node.end_lineno])
            for node in imports
            if _module_of(node) not in ("__future__", customerio_tool.__name__)
        ]
        last = max(node.end_lineno or 0 for node in imports)
        return cls(ast.get_docstring(tree) or "", texts, "\n".join(lines[last:]).strip("\n"))


def _module_of(node: ast.Import | ast.ImportFrom) -> str:
    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return str(name).partition(".")[0]


def _text_of(sources: list[_Source], variables: Iterable[str], constants: Mapping[str, Any]) -> str:
    """Return one module made of several; the first one's docstring is its docstring."""
    imports = sorted({line for source in sources for line in source.imports}, key=_import_order)
    parts = [
        f"# ENV_VARS: {json.dumps(list(variables))}",
        f'"""{sources[0].documentation}\n"""',
        "from __future__ import annotations",
        "\n".join(imports),
        *(source.rest for source in reversed(sources)),
    ]
    return _with_constants("\n\n".join(parts) + "\n", constants)


def _import_order(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _with_constants(text: str, constants: Mapping[str, Any]) -> str:
    """Return a module in which constants of the top level have other values."""
    lines = text.splitlines()
    for node in reversed(ast.parse(text).body):
        target = _constant(node)
        if target in constants:
            lines[node.lineno - 1 : node.end_lineno] = _assignment(target, constants[target])
    return "\n".join(lines) + "\n"


def _constant(node: ast.stmt) -> str:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return next((each.id for each in targets if isinstance(each, ast.Name)), "")


def _assignment(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) > _COLUMNS:
        yield f'{name} = """'
        yield from wrap(value, _COLUMNS)
        yield '"""'
    else:
        yield f"{name} = {value!r}"
