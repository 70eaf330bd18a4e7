"""What was chosen on the page of the tool, in the forms in which hosts and programs take it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from customerio_tool.details import DEFAULT_DETAIL
from customerio_tool.doors.mcp.hosts import HOSTS, config_for
from customerio_tool.doors.studio.governance import governance_of
from customerio_tool.doors.workbench.exports import Export
from customerio_tool.doors.workbench.workspaces import Workspace
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import PRESET_FIELDS, with_only
from customerio_tool.policy.policy import VARIABLES
from customerio_tool.subtools import all_subtools
from customerio_tool.subtools.declare import Api
from customerio_tool.subtools.declare.endpoint import ALL_APIS
from customerio_tool.subtools.declare.json_text import compact

_VARIABLE = VARIABLES["preset"]
_SUFFIXES = {"sh": "sh", "json": "json", "toml": "toml", "text": "txt"}


def exports_of(workspace: Workspace) -> list[Export]:
    """Return every form of what was chosen; none holds a key."""
    policy = _policy_of(workspace)
    return [*_policies(policy), *_hosts(workspace, policy), *_programs(workspace, policy)]


def saved(policy: Policy) -> dict[str, Any]:
    """Return a policy as `Policy.load` takes it: what presets set, and what is not the default."""
    whole, default = policy.model_dump(mode="json"), Policy().model_dump(mode="json")
    fields = {
        name: value
        for name, value in whole.items()
        if name in PRESET_FIELDS or value != default[name]
    }
    return {
        name: _ordered(value) if isinstance(value, list) else value
        for name, value in fields.items()
    }


def _ordered(names: list[str]) -> list[str]:
    order = list(all_subtools())
    return sorted(names, key=lambda name: (order.index(name) if name in order else -1, name))


def _policy_of(workspace: Workspace) -> Policy:
    """Return the chosen policy, without the subtools of an API of which there is no key."""
    apis = workspace.ground.connection.apis
    if apis == ALL_APIS:
        return workspace.policy
    able = [name for name, each in all_subtools().items() if each.apis <= apis]
    return with_only(workspace.policy, able)


def _policies(policy: Policy) -> Iterator[Export]:
    text = compact(saved(policy))
    yield Export(
        "variable",
        "Variable",
        f"The environment variable {_VARIABLE}, which every door of the tool reads.",
        f"{_VARIABLE}={shlex.quote(text)}\n",
        "customerio-policy.env",
        "Policy",
    )
    yield Export(
        "policy",
        "JSON",
        "The member policy of a saved connection, or the argument policy of CustomerIoTool.",
        _json(saved(policy)),
        "customerio-policy.json",
        "Policy",
    )
    yield Export(
        "phinite",
        "Phinite",
        "Allow, Human approval or Deny for each subtool, for the studio's governance. It publishes "
        "no format to import, so fill in its wizard by this.",
        _json(governance_of(policy, text)),
        "phinite-policy.json",
        "Policy",
    )


def _hosts(workspace: Workspace, policy: Policy) -> Iterator[Export]:
    """Yield what tells each MCP host to start the server under the policy."""
    is_local = workspace.local is not None
    # A flag narrows what the variable allows, and careful is the default: open leaves it as it is.
    detail = [] if workspace.detail == DEFAULT_DETAIL else ["--detail", workspace.detail]
    options = ["--preset", "open", *(["--sandbox"] if is_local else []), *detail]
    apis = () if is_local else frozenset(api for each in _allowed(policy) for api in each.apis)
    variables = {_VARIABLE: compact(saved(policy))}
    for word, host in HOSTS.items():
        how = f"{host.how} {host.keys if apis else ''}".strip()
        text = config_for(word, options, apis, variables) + "\n"
        file = f"customerio-{word}.{_SUFFIXES[host.language]}"
        yield Export(f"mcp-{word}", host.title, how, text, file, "MCP")


def _allowed(policy: Policy) -> list[Any]:
    return [each for each in all_subtools().values() if policy.allows(each)]


_PROGRAM = Template("""$imports

policy = $policy

with $tool as tool:
$body
""")


@dataclass(frozen=True)
class _Program:
    """A program in Python.

    Args:
        title: Its name for a person.
        lines: What it does with the tool; `$call` stands for a call that reads.
        adapter: The module of `customerio_tool.adapters` that it uses; "" for none.
        needs: What must be installed beside us.
    """

    title: str
    lines: Sequence[str]
    adapter: str = ""
    needs: str = ""


_NAMES = "print([each.name for each in tools])"
_PROGRAMS = {
    "python": _Program("Python", ["print(tool.subtools())", "$call"]),
    "langchain": _Program(
        "LangChain",
        ["tools = langchain.tools(tool)  # create_agent(model, tools)", _NAMES],
        "langchain",
        "langchain-core and langgraph",
    ),
    "pydantic-ai": _Program(
        "Pydantic AI",
        [
            "toolset = pydantic_ai.toolset(tool)  # Agent(model, toolsets=[toolset])",
            "print(toolset.id, tool.subtools())",
        ],
        "pydantic_ai",
        "pydantic-ai-slim",
    ),
    "openai-agents": _Program(
        "OpenAI Agents",
        ['tools = openai_agents.tools(tool)  # Agent(name="support", tools=tools)', _NAMES],
        "openai_agents",
        "openai-agents",
    ),
    "openai": _Program(
        "OpenAI Responses",
        [
            'tools = tool.definitions(dialect="openai_strict")  # responses.create(tools=tools)',
            "run = tool.call  # run(item.name, item.arguments) for each function_call",
            'print([each["name"] for each in tools])',
        ],
    ),
}


def _programs(workspace: Workspace, policy: Policy) -> Iterator[Export]:
    for word, program in _PROGRAMS.items():
        how = [
            "It runs as it stands.",
            "" if workspace.local else "It reads the connection from the environment.",
            f"It needs {program.needs}." if program.needs else "",
        ]
        text = _text_of(program, workspace, policy)
        file = f"customerio_{word.replace('-', '_')}.py"
        yield Export(word, program.title, " ".join(filter(None, how)), text, file, "Code")
    with workspace.tool() as tool:
        names = [each.name for each in _allowed(policy)]
        definitions = tool.definitions(names, "openai_strict", workspace.detail)
    yield Export(
        "strict",
        "Strict JSON",
        "The definitions for strict mode, as OpenAI's Responses API takes them.",
        _json(definitions),
        "customerio-tools.json",
        "Code",
    )


def _text_of(program: _Program, workspace: Workspace, policy: Policy) -> str:
    names, tool = _tool(workspace)
    imports = [f"from customerio_tool import {names}"]
    if program.adapter:
        imports.append(f"from customerio_tool.adapters import {program.adapter}")
    lines = [Template(line).substitute(call=_call(policy)) for line in program.lines]
    return _PROGRAM.substitute(
        imports="\n".join(imports),
        policy=_literal(saved(policy)),
        tool=tool,
        body="\n".join(f"    {line}" for line in lines if line),
    )


def _tool(workspace: Workspace) -> tuple[str, str]:
    """Return the names that make the tool of a program, and how they make it."""
    if workspace.local:
        return "CustomerIoTool", "CustomerIoTool.sandbox(policy=policy)"
    apis = workspace.ground.connection.apis
    if apis == ALL_APIS:
        return "Connection, CustomerIoTool", "CustomerIoTool(Connection.from_env(), policy=policy)"
    given = ", ".join(f"Api.{each.name}" for each in Api if each in apis)
    made = f"CustomerIoTool(Connection.from_env(apis={{{given}}}), policy=policy)"
    return "Api, Connection, CustomerIoTool", made


def _call(policy: Policy) -> str:
    """Return a call that reads, with the arguments of its first example; nothing if none may."""
    for each in _allowed(policy):
        if each.effect.read_only:
            arguments = _written(dict(each.examples[0].arguments))
            return f"print(tool.call({_written(each.name)}, {arguments}))"
    return ""


def _literal(fields: Mapping[str, Any]) -> str:
    """Return a mapping as a program has it, with a field on each line."""
    lines = [f"    {_written(name)}: {_written(value)},\n" for name, value in fields.items()]
    return f"{{\n{''.join(lines)}}}"


def _written(value: Any) -> str:
    """Return a value in Python; texts have the quotation marks that formatters give them."""
    if isinstance(value, list):
        return f"[{', '.join(map(_written, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_written(k)}: {_written(v)}' for k, v in value.items())}}}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
