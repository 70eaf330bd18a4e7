"""OpenTelemetry spans for calls and their HTTP exchanges (extra `otel`).

Names and attributes follow two semantic conventions: those for generative AI (`execute_tool`, in
development as of 2026, https://github.com/open-telemetry/semantic-conventions-genai) and the stable
ones for HTTP clients (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). There is one
exception: `url.template` replaces `url.full`, which would contain a person's id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from customerio_tool.backends.telemetry.events import Attempt, CallEnd, CallStart
from customerio_tool.version import __version__, how_to_install

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

_NANOSECONDS = 1_000_000_000
_DEFAULT_PORTS = {"http": 80, "https": 443}
_FIRST_ERROR = 400


class OtelTelemetry:
    """Makes one span per call, a child of the current span, and one per HTTP exchange.

    Args:
        provider: The tracer provider; by default the global one.

    Raises:
        ImportError: The extra `otel` is not installed.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise ImportError(
                f"Spans need OpenTelemetry's API: install it with  {how_to_install('otel')}"
            ) from None
        self._trace = trace
        self._tracer = trace.get_tracer("customerio_tool", __version__, tracer_provider=provider)
        self._open: dict[str, Span] = {}

    def started(self, call: CallStart) -> None:
        """Open the span of a call."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.subtool,
            "gen_ai.tool.type": "function",
            "customerio.call_id": call.call_id,
            "customerio.effect": call.effect,
            "customerio.api": call.api,
            "customerio.run_id": call.run_id,
            "customerio.id_type": call.id_type,
            "customerio.person": call.person,
        }
        self._open[call.call_id] = self._tracer.start_span(
            f"execute_tool {call.subtool}",
            kind=self._trace.SpanKind.INTERNAL,
            attributes={name: value for name, value in attributes.items() if value is not None},
            start_time=int(call.started_at * _NANOSECONDS),
        )

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Add the span of an exchange, which is over."""
        parent = self._open.get(call.call_id)
        if parent is None:
            return
        span = self._tracer.start_span(
            f"{attempt.method} {attempt.template}",
            context=self._trace.set_span_in_context(parent),
            kind=self._trace.SpanKind.CLIENT,
            attributes=_attributes_of(attempt),
            start_time=int(attempt.started_at * _NANOSECONDS),
        )
        if error := _error_of(attempt):
            span.set_attribute("error.type", error)
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(int((attempt.started_at + attempt.seconds) * _NANOSECONDS))

    def ended(self, call: CallStart, end: CallEnd) -> None:
        """Close the span of a call."""
        span = self._open.pop(call.call_id, None)
        if span is None:
            return
        span.set_attribute("customerio.outcome", end.outcome)
        span.set_attribute("customerio.attempts", end.attempts)
        if not end.ok:
            span.set_attribute("error.type", end.outcome)
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(int((call.started_at + end.seconds) * _NANOSECONDS))


def _attributes_of(attempt: Attempt) -> dict[str, str | int]:
    where = urlsplit(attempt.origin)
    attributes: dict[str, str | int | None] = {
        "http.request.method": attempt.method,
        "url.template": attempt.template,
        "server.address": where.hostname,
        "server.port": where.port or _DEFAULT_PORTS.get(where.scheme),
        "http.response.status_code": attempt.status,
        "http.request.resend_count": attempt.number - 1 or None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def _error_of(attempt: Attempt) -> str | None:
    """Return `error.type`: the status of a 4xx or 5xx, or the fate of a request without reply."""
    if attempt.status is None:
        return attempt.fate
    return str(attempt.status) if attempt.status >= _FIRST_ERROR else None
