"""What a tool tells of its subtools, and which of them are enabled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeAlias, TypeVar, cast

from customerio_tool import definitions as published
from customerio_tool.calls import hints
from customerio_tool.details import DEFAULT_DETAIL, Detail, in_detail, require_detail
from customerio_tool.dialects import Dialect, form_of
from customerio_tool.subtools import find

if TYPE_CHECKING:
    from customerio_tool.details import Brief
    from customerio_tool.policy import Policy

L = TypeVar("L")
P = ParamSpec("P")
R = TypeVar("R")


class _OfClassToo(Generic[L, P, R]):
    """A method of a tool that its class has too; `self` is the class there."""

    def __init__(self, method: Callable[Concatenate[L | type[L], P], R]) -> None:
        self._method = method
        self.__doc__ = method.__doc__

    def __get__(self, tool: L | None, owner: type[L]) -> Callable[P, R]:
        """Return the method of a tool, or of the class."""
        bound: Callable[P, R] = MethodType(self._method, owner if tool is None else tool)
        return bound


class Listing:
    """The part of `CustomerIoTool` that lists and defines its subtools.

    The class lists and defines too, with no connection: as a tool with the default policy does.
    """

    _policy: hints.Policy
    _lock: AbstractContextManager[Any]

    @property
    def policy(self) -> hints.Policy:
        """The policy in force; `enable`, `disable` and `only` replace it."""
        return self._policy

    @_OfClassToo
    def subtools(self: _Either) -> list[str]:
        """Return the names of the subtools that may run; a read-only policy leaves only reads.

        `CustomerIoTool.subtools()` needs no connection, and has the names of all.
        """
        if isinstance(self, type):
            return published.names()
        policy, names = self._policy, published.names(lookups=self._has_lookups())
        return [name for name in names if policy.allows(find(name))]

    def _has_lookups(self) -> bool:
        """Whether the look-ups are on."""
        return self._policy.lookups is True

    def enable(self, *names: str) -> None:
        """Enable more subtools, or sets of them; under a read-only policy, only reads run even so.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled | self._named(names))

    def disable(self, *names: str) -> None:
        """Disable subtools, or sets of them: they are neither listed nor run.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda enabled: enabled - self._named(names))

    def only(self, *names: str) -> None:
        """Enable exactly these subtools, or those of these sets, such as `reader`.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        self._set_enabled(lambda _: self._named(names))

    def _set_enabled(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            enabled = self._policy.enabled
            now = published.names(lookups=self._has_lookups()) if enabled is None else enabled
            self._policy = self._policy.only(change(frozenset(now)))

    @_OfClassToo
    def _named(self: _Either, names: Iterable[str]) -> frozenset[str]:
        """Return the subtools that these names, also of sets, stand for."""
        from customerio_tool.sets import named  # no call needs it

        return named(names, has_lookups=not isinstance(self, type) and self._has_lookups())

    @_OfClassToo
    def definition(
        self: _Either, name: str, dialect: Dialect = "plain", detail: Detail = DEFAULT_DETAIL
    ) -> dict[str, Any]:
        """Return the definition of one subtool, for a model or host.

        The plain members are those of an MCP tool, in snake_case: name, title, description,
        input_schema, output_schema and annotations. If calls must be confirmed, the schemas have
        the members for that. As with `definitions`, the class has this method too.

        Args:
            name: The name of the subtool.
            dialect: The form; `customerio_tool.dialects` has a function for each.
            detail: How much of it; see `definitions`. Only `full` has the example calls.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
            ValueError: There is no such dialect, or no such detail.
        """
        form_of(dialect)
        has_lookups = not isinstance(self, type) and self._has_lookups()
        is_known = name in published.names(lookups=has_lookups)
        known = name if is_known else find(name, has_lookups=has_lookups).name
        policy = None if isinstance(self, type) else self._policy
        return published_definition(known, dialect, detail, policy)

    @_OfClassToo
    def describe(self: _Either, name: str) -> dict[str, Any]:
        """Return everything on one subtool: also what no definition has for a model.

        These are its plain definition in full, the arguments that are seldom needed or that a form
        implies, and the example calls.

        Args:
            name: The name of the subtool.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
        """
        has_lookups = not isinstance(self, type) and self._has_lookups()
        return find(name, has_lookups=has_lookups).describe()

    @_OfClassToo
    def definitions(
        self: _Either,
        only: Iterable[str] | None = None,
        dialect: Dialect = "plain",
        detail: Detail = DEFAULT_DETAIL,
    ) -> list[dict[str, Any]]:
        """Return the definitions of the subtools that may run.

        A call takes the arguments of every dialect and detail, whichever the definition had.
        `CustomerIoTool.definitions()` needs no connection, and imports no library: it returns what
        a tool with the default policy does.

        Args:
            only: Names of subtools or sets to choose from them; one that may not run is left out.
            dialect: The form for a provider of models: `openai` and `openai_strict` for OpenAI's
                Responses API, `anthropic`, `gemini`, or `plain` for MCP and other hosts.
            detail: How much of them: `full`; `compact`, which has every argument in few words and
                without limits; or `basic`, which leaves out the arguments that are seldom needed.
                `describe` has those too.

        Raises:
            SubtoolUnknown: There is no subtool of that name.
            ValueError: There is no such dialect, or no such detail.
        """
        form_of(dialect)
        require_detail(detail)
        wanted = None if only is None else self._named([only] if isinstance(only, str) else only)
        names = [name for name in self.subtools() if wanted is None or name in wanted]
        return [self.definition(name, dialect, detail) for name in names]


def published_definition(
    name: str, dialect: Dialect, detail: Detail, policy: Policy | None = None
) -> dict[str, Any]:
    """Return the definition of a subtool or look-up that is published.

    Args:
        name: Its name.
        dialect: The form.
        detail: How much of it.
        policy: The policy by which a call may have to be confirmed; None for no policy.

    Raises:
        ValueError: There is no such dialect, or no such detail.
    """
    form, brief = form_of(dialect), cast("Brief", published.brief_of(name))
    definition = in_detail(published.definition_of(name), brief, detail)
    if policy is not None:
        definition = _confirmed(definition, policy)
    return form(definition, published.examples_of(name) if detail == "full" else ())


_Either: TypeAlias = "Listing | type[Listing]"
"""A tool, or the class of tools."""


def _confirmed(definition: dict[str, Any], policy: Policy) -> dict[str, Any]:
    """Return a definition with the members for a confirmation, where a call may need one."""
    subtool = find(definition["name"])
    if not policy.may_require_confirmation(subtool):
        return definition
    from customerio_tool.calls.confirmation import with_confirmation

    return with_confirmation(definition, policy.confirm_for(subtool))
