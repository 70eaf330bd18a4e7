"""OpenTelemetry spans for calls and their HTTP exchanges (extra `otel`).

Attributes follow the semantic conventions for generative AI (`execute_tool`) and for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/). The path is told as its template only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from customerio_tool.telemetry import Attempt, CallEnd, CallStart

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

_NANOSECONDS = 1_000_000_000


class OtelTelemetry:
    """Makes a span per call, and under it one per HTTP exchange.

    Args:
        provider: Where spans go; by default the global provider.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer = trace.get_tracer("customerio_tool", tracer_provider=provider)
        self._open: dict[str, Span] = {}

    def started(self, call: CallStart) -> None:
        """Open the span of a call."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": call.subtool,
            "gen_ai.tool.type": "function",
            "gen_ai.tool.call.id": call.call_id,
            "customerio.effect": call.effect,
            "customerio.api": call.api,
        }
        self._open[call.call_id] = self._tracer.start_span(
            f"execute_tool {call.subtool}",
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            start_time=int(call.started_at * _NANOSECONDS),
        )

    def attempted(self, call: CallStart, attempt: Attempt) -> None:
        """Add the span of an exchange, which is over."""
        parent = self._open.get(call.call_id)
        if parent is None:
            return
        span = self._tracer.start_span(
            f"{attempt.method} {attempt.template}",
            context=trace.set_span_in_context(parent),
            kind=SpanKind.CLIENT,
            attributes={
                "http.request.method": attempt.method,
                "url.template": attempt.template,
                "server.address": attempt.host,
                "http.request.resend_count": attempt.number - 1,
            },
            start_time=int(attempt.started_at * _NANOSECONDS),
        )
        if attempt.status is not None:
            span.set_attribute("http.response.status_code", attempt.status)
        if attempt.fate != "answered":
            span.set_attribute("error.type", attempt.fate)
            span.set_status(Status(StatusCode.ERROR))
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
            span.set_status(Status(StatusCode.ERROR))
        span.end(int((call.started_at + end.seconds) * _NANOSECONDS))
