"""Parses templates, and renders them in a run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from liquid import BoundTemplate, Environment, Token
from liquid.exceptions import (
    BlockNestingError,
    LiquidError,
    LiquidSyntaxError,
    LiquidTypeError,
    OutputStreamLimitError,
)
from liquid.token import TOKEN_CONTENT, TOKEN_EXPRESSION, TOKEN_OUTPUT

from . import guard, nodes, tags
from .context import Context
from .run import Run
from .steps import NotRendered, Steps
from .values import LARGEST

_TAGS = frozenset(
    {
        TOKEN_CONTENT,
        "#",
        "assign",
        "break",
        "capture",
        "case",
        "comment",
        "continue",
        "cycle",
        "decrement",
        "for",
        "if",
        "increment",
        "unless",
    }
)
# A text in quotes, or a word that means something elsewhere, as the name of a member.
_KEYWORD = re.compile(
    r"""'[^']*'|"[^"]*"|(?<!\.)\.\s?(and|as|blank|cols|contains|continue|else|empty|false|for|if|in"""
    r"""|limit|nil|not|null|offset|or|required|reversed|true|with)\b(?!-)"""
)
_KEPT_LENGTH, _KEPT_TAGS = 200_000, 300  # of a template that is kept for the next message


class _Template(BoundTemplate):
    """A template without names of its own in the scope."""

    def make_partial_namespace(
        self,
        partial: bool,  # noqa: ARG002 - the library's signature
        render_args: Mapping[str, object],
    ) -> Mapping[str, object]:
        return render_args


class Language(Environment):
    """The vendor's Liquid: its tags and filters, and no other."""

    block_nesting_limit = 30
    context_depth_limit = 100
    output_stream_limit = LARGEST
    template_class = _Template

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        """A tokenizer to which any word after a dot is a name, such as in ``event.limit``."""
        split = super().tokenizer()
        return lambda source: map(_with_names, split(source))

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        """Register the tags. The context knows the filters."""
        super().setup_tags_and_filters(extra=extra)
        self.tags = {name: tag for name, tag in self.tags.items() if name in _TAGS}
        self.filters = {}
        for tag in tags.TAGS:
            self.add_tag(tag)
        self.add_tag(nodes.Loop)
        self.tags[TOKEN_OUTPUT] = nodes.Printing(self)


def _with_names(token: Token) -> Token:
    if token.kind != TOKEN_EXPRESSION:
        return token
    code = _KEYWORD.sub(lambda found: f'["{found[1]}"]' if found[1] else found[0], token.value)
    return token._replace(value=code)


@dataclass(frozen=True)
class _Parsed:
    template: BoundTemplate
    weight: int


@cache
def _language() -> Language:
    return Language()


def render(source: str, run: Run) -> str:
    """A template as text.

    Raises:
        NotRendered: it cannot be rendered, or not within the limits.
    """
    parts = _kept_parts(source) if len(source) <= _KEPT_LENGTH else guard.parts_of(source)
    run.steps.spend(parts.steps)
    try:
        is_kept = len(source) <= _KEPT_LENGTH and parts.tags <= _KEPT_TAGS
        parsed = _kept(source) if is_kept else _parse(source)
        run.steps.spend(parsed.weight)
        context = Context(parsed.template, run, render)
        buffer = context.get_buffer()
        parsed.template.render_with_context(context, buffer)
        return buffer.getvalue()
    except NotRendered:
        raise
    except LiquidError as error:
        raise NotRendered(_reason(error)) from None
    except Exception as error:
        raise NotRendered(f"a value cannot be used so ({type(error).__name__})") from None


def _parse(source: str) -> _Parsed:
    template = _language().from_string(source)
    context = Context(template, Run({}, "", 0, Steps()), render)
    nodes.settle(template.nodes, context)
    return _Parsed(template, nodes.weight(template.nodes, context))


_kept_parts = lru_cache(32)(guard.parts_of)


@lru_cache(32)
def _kept(source: str) -> _Parsed:
    return _parse(source)


def _reason(error: LiquidError) -> str:
    """Why, in a line. What a value holds is not repeated."""
    if isinstance(error, OutputStreamLimitError):
        return f"it makes a text of more than {LARGEST:,} characters"
    if isinstance(error, LiquidTypeError):
        return "Unidentified method: a value is of the wrong type"
    if isinstance(error, (LiquidSyntaxError, BlockNestingError)):
        return " ".join(str(error.message).split())[:200]
    is_unread = type(error) is LiquidError  # what the library's parser did not expect
    return "it cannot be read" if is_unread else "a value cannot be used so"
