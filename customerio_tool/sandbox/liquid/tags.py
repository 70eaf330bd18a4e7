"""The vendor's own tags (fact liquid-tags)."""

from __future__ import annotations

import re
import uuid
from typing import TextIO

from liquid import Node, RenderContext, Token, TokenStream
from liquid.ast import IllegalNode
from liquid.builtin.expressions import FilteredExpression, tokenize
from liquid.builtin.illegal import Illegal
from liquid.exceptions import LiquidSyntaxError
from liquid.expression import Expression
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG

from .context import Context, of
from .steps import NotRendered
from .values import Missing, text_of, whole_of

_URL = re.compile(r"""url:\s*("[^"]*"|'[^']*'|\S+)""")
_NOT_HERE = frozenset({"countdown", "subscription_topic_name", "tracking_consent_url"})
"""Tags of the vendor that need what the sandbox has not."""


class VendorNode(Node):
    """A tag of the vendor with its code."""

    def __init__(self, token: Token, name: str, code: Token | None, value: Expression | None):
        super().__init__(token)
        self.blank = False
        self.name, self.code, self.value = name, code, value

    def __str__(self) -> str:
        return f"{{% {self.name} {self.code.value if self.code else ''} %}}"

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write what the tag stands for."""
        return buffer.write(self._text(of(context)))

    def _text(self, context: Context) -> str:
        run = context.run
        run.steps.spend(5)
        if self.name == "random":
            return str(int.from_bytes(run.draw()[:8], "big") % whole_of(self._of(context), 1))
        if self.name == "generate_uuid":
            return str(uuid.UUID(bytes=run.draw()[:16], version=4))
        if self.name == "cio_link_id":
            return run.draw().hex()[:12]
        if self.name == "cio_link":
            return self._link()
        if self.name == "render_liquid":
            return context.render(text_of(self._of(context)))
        url = run.url(self.name.removesuffix("_url"))
        return f'<a href="{url}">Unsubscribe</a>' if self.name == "unsubscribe" else url

    def _of(self, context: Context) -> object:
        value = self.value.evaluate(context) if self.value else None
        if isinstance(value, Missing):
            raise value.problem
        return value

    def _link(self) -> str:
        found = _URL.search(self.code.value if self.code else "")
        if found is None:
            raise NotRendered("cio_link names no url")
        return found[1].strip("\"'")


class VendorTag(Tag):
    """A tag of the vendor."""

    block = False
    has_value = False

    def parse(self, stream: TokenStream) -> VendorNode:
        """The node of the tag at the head of the stream."""
        token = stream.eat(TOKEN_TAG)
        code = stream.current if stream.current.kind == TOKEN_EXPRESSION else None
        if code is None:
            stream.pos -= 1  # the parser goes on behind the tag's last token
        value = None
        if self.has_value and code is not None:
            tokens = TokenStream(tokenize(code.value, code))
            value = FilteredExpression.parse(self.env, tokens)
        return VendorNode(token, self.name, code, value)


class UnknownTag(Illegal):
    """The pseudo tag of every tag that is not there."""

    def parse(self, stream: TokenStream) -> IllegalNode:
        """Refuse the tag at the head of the stream, in the vendor's words."""
        name = stream.current.value[:40]
        if name in _NOT_HERE:
            raise LiquidSyntaxError(f"the sandbox has no tag '{name}'", token=None)
        raise LiquidSyntaxError(f"Unknown tag '{name}'", token=None)


_PLAIN = (
    "cio_link",
    "cio_link_id",
    "generate_uuid",
    "manage_subscription_preferences_url",
    "unsubscribe",
    "unsubscribe_url",
    "view_in_browser_url",
)
_WITH_VALUE = ("random", "render_liquid")
TAGS: tuple[type[Tag], ...] = (
    UnknownTag,
    *(type(name, (VendorTag,), {"name": name}) for name in _PLAIN),
    *(type(name, (VendorTag,), {"name": name, "has_value": True}) for name in _WITH_VALUE),
)
