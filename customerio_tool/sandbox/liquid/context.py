"""The context of a template: finds variables, and counts what is done with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from liquid import BoundTemplate, RenderContext, Token, Undefined
from liquid.builtin.filters.misc import default as default_
from liquid.undefined import UNDEFINED

from .filters import FILTERS, OF_RUN
from .run import Run
from .steps import NotRendered
from .values import Missing, check_range, check_size

_ABSENT = object()


class Context(RenderContext):
    """The context of a template in a run. ``render`` renders another text."""

    def __init__(
        self, template: BoundTemplate, run: Run, render: Callable[[str, Run], str]
    ) -> None:
        super().__init__(template, globals=run.data)
        self.run, self._render = run, render

    def get(
        self, path: list[object], *, token: Token | None, default: object = UNDEFINED
    ) -> object:
        """The value at a path; ``Missing`` for an attribute that is not there."""
        value = super().get(path, token=token, default=_ABSENT)
        if value is _ABSENT:
            return self._absent(path) if default is UNDEFINED else default
        check_range(value)
        self.run.steps.look_at(value)
        return value

    def _absent(self, path: list[object]) -> Undefined:
        has_root = len(path) > 1 and isinstance(path[0], str) and path[0] in self.scope
        does = self.run.missing_attribute if has_root else self.run.missing_namespace
        name = ".".join(str(each) for each in path)[:100]
        return Missing(name) if does == "fail" else Undefined(name)

    def render(self, text: str) -> str:
        """A text in a text, with the same values."""
        self.run.enter()
        try:
            return self._render(text, self.run)
        finally:
            self.run.leave()

    def assign(self, key: str, val: Any) -> None:
        """Give a value a name."""
        if isinstance(val, Missing):
            raise val.problem
        check_range(val)
        self.run.steps.look_at(val)
        super().assign(key, val)

    def filter(
        self,
        name: str,
        token: Token | None,  # noqa: ARG002 - the library's signature
    ) -> Callable[..., object]:
        """The filter of a name, counted."""
        if name == "default":
            return default_
        if name in OF_RUN:
            return partial(self._apply, partial(OF_RUN[name], self.run))
        return partial(self._apply, FILTERS[name])

    def _apply(self, work: Callable[..., Any], *values: Any, **named: Any) -> Any:
        if named:
            raise NotRendered("a filter takes no named arguments")
        found = work(*map(self._read, values))
        self.run.steps.work_on(found)
        if isinstance(found, str):
            check_size(len(found))
        return found

    def _read(self, value: Any) -> Any:
        if isinstance(value, Missing):
            raise value.problem
        if isinstance(value, Undefined):
            return None
        check_range(value)
        value = list(value) if isinstance(value, (range, tuple)) else value
        value = dict(value) if isinstance(value, Mapping) else value
        self.run.steps.work_on(value)
        return value


def of(context: RenderContext) -> Context:
    """The context of a node as ours, which it always is."""
    if not isinstance(context, Context):
        raise TypeError(type(context).__name__)
    return context
