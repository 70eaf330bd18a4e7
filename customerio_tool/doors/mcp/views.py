"""What a server offers: the tool under the policy of its flags, or under a narrower one.

Over HTTP a client may narrow what it is offered in the URL: `?only=` takes names of subtools
or sets, and `?preset=` a preset. Neither widens anything: both act on top of the server's own
policy. `?detail=` says how much of the definitions it is shown; it changes nothing of what may run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, get_args

from mcp import types

from customerio_tool.details import DEFAULT_DETAIL, RESULT_SCHEMA, Detail
from customerio_tool.errors import SubtoolUnknown
from customerio_tool.policy import Policy
from customerio_tool.policy.narrowing import with_only, with_preset
from customerio_tool.sets import named
from customerio_tool.tool import CustomerIoTool

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

NARROWING_PRESETS = ("careful", "read_only")
"""The presets that a URL may name; `open` narrows nothing."""

_PARAMETERS = {"only", "preset", "detail"}
_KEPT_VIEWS = 64

_Wanted: TypeAlias = tuple[str | None, frozenset[str] | None, Detail]


class ViewRefused(ValueError):
    """The query of a URL narrows nothing, or names what does not exist; the text says what."""


@dataclass(frozen=True)
class View:
    """A tool, and the definitions of the subtools that it may run.

    Args:
        tool: The tool, under the policy of this view.
        tools: The definitions as MCP wants them, by name; made once.
    """

    tool: CustomerIoTool
    tools: Mapping[str, types.Tool]


class Views:
    """The views of a server, each made when it is first asked for.

    Args:
        make: Returns a tool on the server's connection, under a policy.
        policy: The policy of the server; every view is within it.
        output_schemas: Whether definitions have the schema of results, one for all.
        detail: How much of the definitions a client is shown that does not say.
    """

    def __init__(
        self,
        make: Callable[[Policy], CustomerIoTool],
        policy: Policy,
        *,
        output_schemas: bool = True,
        detail: Detail = DEFAULT_DETAIL,
    ) -> None:
        self._make = make
        self._policy = policy
        self._output_schemas = output_schemas
        self._detail = detail
        self.whole = self._view(policy, detail)
        self._narrow = lru_cache(_KEPT_VIEWS)(self._narrowed)

    def asked_for(self, query: QueryParams) -> View:
        """Return the view that the query of a URL asks for; the whole one if it asks for none.

        Raises:
            ViewRefused: A parameter or a name is unknown, a parameter is there twice, a preset
                widens, or nothing is left.
        """
        if not query.keys() <= _PARAMETERS:  # a misspelt one would narrow nothing
            raise ViewRefused(f"The URL takes {', '.join(sorted(_PARAMETERS))} and nothing else.")
        if len(query.multi_items()) > len(query):  # the later one would lift the earlier one
            raise ViewRefused("The URL has a parameter twice; give each once.")
        names = _names_in(query, has_lookups=self._policy.lookups is True)
        wanted = _preset_in(query), names, _detail_in(query) or self._detail
        if wanted == (None, None, self._detail):
            return self.whole
        view = self._narrow(wanted)
        if not view.tools:
            raise ViewRefused("only names no subtool that this server offers under its policy.")
        return view

    def _narrowed(self, wanted: _Wanted) -> View:
        preset, names, detail = wanted
        policy = self._policy if preset is None else with_preset(self._policy, preset)
        return self._view(policy if names is None else with_only(policy, names), detail)

    def _view(self, policy: Policy, detail: Detail) -> View:
        tool = self._make(policy)
        tools = {
            definition["name"]: listed(definition, output_schema=self._output_schemas)
            for definition in tool.definitions(detail=detail)
        }
        return View(tool, MappingProxyType(tools))


def listed(definition: Mapping[str, Any], *, output_schema: bool = True) -> types.Tool:
    """Return a plain definition as MCP lists it; of results it has the short schema, or none."""
    return types.Tool(
        name=definition["name"],
        title=definition["title"],
        description=definition["description"],
        input_schema=definition["input_schema"],
        output_schema=dict(RESULT_SCHEMA) if output_schema else None,
        annotations=types.ToolAnnotations.model_validate(definition["annotations"]),
    )


def _preset_in(query: Mapping[str, str]) -> str | None:
    preset = query.get("preset")
    if preset is not None and preset not in NARROWING_PRESETS:
        choices = " or ".join(NARROWING_PRESETS)
        raise ViewRefused(f"preset does not narrow what this server offers; give {choices}.")
    return preset


def _detail_in(query: Mapping[str, str]) -> Detail | None:
    given = query.get("detail")
    found = next((each for each in get_args(Detail) if each == given), None)
    if given is not None and found is None:
        raise ViewRefused(f"detail is none; give {' or '.join(get_args(Detail))}.")
    return found


def _names_in(query: Mapping[str, str], *, has_lookups: bool) -> frozenset[str] | None:
    text = query.get("only")
    if text is None:
        return None
    try:
        return named((name.strip() for name in text.split(",")), has_lookups=has_lookups)
    except SubtoolUnknown as error:
        raise ViewRefused(f"only has an unknown name. {error}") from None
