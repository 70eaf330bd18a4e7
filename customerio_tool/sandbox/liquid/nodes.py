"""The nodes of a template that do otherwise than the library's: they count, and they refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from liquid import Node, RenderContext
from liquid.builtin.expressions import BooleanExpression, FilteredExpression
from liquid.builtin.expressions.logical import (
    ContainsExpression,
    EqExpression,
    LogicalAndExpression,
    LogicalOrExpression,
    NeExpression,
)
from liquid.builtin.expressions.primitive import Blank, RangeLiteral
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.for_tag import ForNode, ForTag
from liquid.expression import Expression
from liquid.undefined import is_undefined

from .context import Context, of
from .filters import FILTERS, OF_RUN
from .steps import NotRendered
from .values import Missing, check_range, text_of


class PrintingNode(OutputNode):
    """``{{ value }}``."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write the value as text. A missing attribute is an error."""
        value = self.expression.evaluate(context)
        of(context).run.steps.work_on(value)
        return buffer.write(text_of(value))


class Printing(Output):
    """The pseudo tag of ``{{ value }}``."""

    node_class = PrintingNode


class LoopNode(ForNode):
    """``{% for %}``, whose work is counted before it begins."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Render the loop. A missing list is an error, and so is a range that is too long."""
        items = self.expression.iterable.evaluate(context)
        if isinstance(items, Missing):
            raise items.problem
        check_range(items)
        _, length = self.expression.evaluate(context)
        of(context).run.steps.spend(length * (1 + weight(self.block.nodes, of(context))))
        return super().render_to_output(context, buffer)


class Loop(ForTag):
    """The tag of ``{% for %}``."""

    node_class = LoopNode


class IsBlank(Expression):
    """``value == blank``: missing, null, false, or nothing but white space (fact liquid-blank)."""

    def __init__(self, value: Expression, *, wanted: bool) -> None:
        super().__init__(value.token)
        self._value, self._wanted = value, wanted

    def __str__(self) -> str:
        return f"{self._value} {'==' if self._wanted else '!='} blank"

    def evaluate(self, context: RenderContext) -> object:
        """Whether the value is blank, or is not."""
        value = self._value.evaluate(context)
        nothing = value is None or value is False or is_undefined(value)
        empty = isinstance(value, (str, list, dict)) and not value
        white = isinstance(value, str) and value.isspace()
        return (nothing or empty or white) is self._wanted

    def children(self) -> list[Expression]:
        """The value."""
        return [self._value]


def weight(nodes: Iterable[Node], context: Context) -> int:
    """The steps of rendering these nodes once, without what their values cost."""
    return sum(
        1 + sum(1 + len(str(each)) // 16 for each in node.expressions())
        for node in walk(nodes, context)
    )


def walk(nodes: Iterable[Node], context: Context) -> Iterator[Node]:
    """The nodes and all nodes in them."""
    for node in nodes:
        yield node
        yield from walk(node.children(context, include_partials=False), context)


def settle(nodes: Iterable[Node], context: Context) -> None:
    """Refuse an unknown filter, and let conditions know what blank is."""
    for node in walk(nodes, context):
        for expression in _nested(node.expressions()):
            if isinstance(expression, FilteredExpression):
                _check_filters(expression)
            if isinstance(expression, BooleanExpression):
                expression.expression = _condition(expression.expression)


def _nested(expressions: Iterable[Expression]) -> Iterator[Expression]:
    for each in expressions:
        yield each
        yield from _nested(each.children())


def _check_filters(expression: FilteredExpression) -> None:
    for each in expression.filters or ():
        if each.name not in FILTERS and each.name not in OF_RUN and each.name != "default":
            raise NotRendered(f"Unknown filter '{each.name[:40]}'")


def _condition(expression: Expression) -> Expression:
    if isinstance(expression, (LogicalAndExpression, LogicalOrExpression)):
        expression.left = _condition(expression.left)
        expression.right = _condition(expression.right)
    elif isinstance(expression, (EqExpression, NeExpression)):
        wanted = isinstance(expression, EqExpression)
        if isinstance(expression.right, Blank):
            return IsBlank(expression.left, wanted=wanted)
        if isinstance(expression.left, Blank):
            return IsBlank(expression.right, wanted=wanted)
    elif isinstance(expression, ContainsExpression) and isinstance(expression.left, RangeLiteral):
        raise NotRendered("a range cannot be asked what it contains")
    return expression
