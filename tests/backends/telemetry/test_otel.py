"""Calls become OpenTelemetry spans, named as the conventions say and without anybody's data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import responses
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes, url_attributes
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes
from opentelemetry.trace import SpanKind, StatusCode

from customerio_tool import CallContext, CustomerIoTool
from customerio_tool.backends import Backends
from customerio_tool.backends.telemetry.otel import OtelTelemetry
from customerio_tool.deadline import Clock
from tests.support.clients import SAVED_US

PERSON = "https://track.customer.io/api/v1/customers/ada%40example.com"
ADA = {"customer_id": "ada@example.com", "attributes": {"plan": "pro"}}
NOW = 1763900000.5
CONVENTIONS = {
    value
    for module in (
        gen_ai_attributes,
        url_attributes,
        error_attributes,
        http_attributes,
        server_attributes,
    )
    for value in vars(module).values()
    if isinstance(value, str)
}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


def called(provider: TracerProvider, name: str, arguments: Any, **saved: str) -> dict[str, Any]:
    with CustomerIoTool(
        {**SAVED_US, **saved},
        backends=Backends(telemetry=[OtelTelemetry(provider)]),
        clock=Clock(now=lambda: NOW, sleep=lambda _: None),
    ) as tool:
        return tool.call(name, arguments, context=CallContext(run_id="run-7"))


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_call_is_a_span_of_a_tool_that_is_executed(
    net: responses.RequestsMock, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    net.put(PERSON, json={})
    called(provider, "identify_customer", ADA)

    span = exporter.get_finished_spans()[-1]
    told = attributes_of(span)
    person = told.pop("customerio.person")
    call_id = told.pop("customerio.call_id")
    assert (span.name, span.kind) == ("execute_tool identify_customer", SpanKind.INTERNAL)
    assert span.status.status_code is StatusCode.UNSET
    assert told == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "identify_customer",
        "gen_ai.tool.type": "function",
        "customerio.effect": "overwrite",
        "customerio.api": "track",
        "customerio.run_id": "run-7",
        "customerio.id_type": "email",
        "customerio.outcome": "accepted",
        "customerio.attempts": 1,
    }
    assert len(person) == 16
    assert len(call_id) == 26
    assert span.start_time == int(NOW * 1_000_000_000)


def test_each_exchange_is_a_span_of_an_http_client_under_its_call(
    net: responses.RequestsMock, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    net.put(PERSON, status=503)
    net.put(PERSON, json={})
    called(provider, "identify_customer", ADA)

    failed, good, call = exporter.get_finished_spans()
    assert failed.name == good.name == "PUT /api/v1/customers/{customer_id}"
    assert failed.kind is good.kind is SpanKind.CLIENT
    assert failed.parent == good.parent == call.context
    common = {
        "http.request.method": "PUT",
        "url.template": "/api/v1/customers/{customer_id}",
        "server.address": "track.customer.io",
        "server.port": 443,
    }
    assert attributes_of(failed) == {
        **common,
        "http.response.status_code": 503,
        "error.type": "503",
    }
    assert failed.status.status_code is StatusCode.ERROR
    assert attributes_of(good) == {
        **common,
        "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }
    assert good.status.status_code is StatusCode.UNSET


def test_a_refusal_of_customer_io_is_an_error_of_both_spans(
    net: responses.RequestsMock, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    net.get("https://api.customer.io/v1/segments/7", status=404)
    called(provider, "get_segment", {"segment_id": 7})

    exchange, call = exporter.get_finished_spans()
    assert attributes_of(exchange)["error.type"] == "404"
    assert attributes_of(call)["error.type"] == "not_found"
    assert exchange.status.status_code is call.status.status_code is StatusCode.ERROR


def test_an_exchange_without_an_answer_has_no_status_and_its_own_port(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    called(provider, "identify_customer", ADA, track_url="http://127.0.0.1:9")

    told = attributes_of(exporter.get_finished_spans()[0])
    assert told["error.type"] == "not_sent"
    assert (told["server.address"], told["server.port"]) == ("127.0.0.1", 9)
    assert "http.response.status_code" not in told


def test_a_refused_call_is_a_span_too(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    called(provider, "identify_customer", {})

    (span,) = exporter.get_finished_spans()
    assert attributes_of(span)["error.type"] == "arguments_invalid"
    assert attributes_of(span)["customerio.attempts"] == 0


def test_a_call_lies_under_the_span_of_the_host(
    provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    with provider.get_tracer("host").start_as_current_span("agent") as agent:
        called(provider, "identify_customer", {})

    assert exporter.get_finished_spans()[0].parent == agent.get_span_context()


def test_every_attribute_is_ours_or_one_of_the_conventions_and_none_holds_a_value(
    net: responses.RequestsMock, provider: TracerProvider, exporter: InMemorySpanExporter
) -> None:
    net.put(PERSON, status=400, json={"meta": {"error": "no ada@example.com"}})
    called(provider, "identify_customer", ADA)

    for span in exporter.get_finished_spans():
        told = attributes_of(span)
        assert {name for name in told if not name.startswith("customerio.")} <= CONVENTIONS
        assert not span.events
        assert "ada" not in f"{span.name}{told}{span.status.description}"
        assert "pro" not in told.values()


def test_without_a_provider_spans_go_to_the_global_one() -> None:
    with CustomerIoTool(SAVED_US, backends=Backends(telemetry=[OtelTelemetry()])) as tool:
        assert tool.call("identify_customer", {})["error"]["code"] == "arguments_invalid"


def test_a_tool_loads_no_opentelemetry_by_itself() -> None:
    script = (
        "import sys, customerio_tool.tool, customerio_tool.doors.cli.commands\n"
        f"customerio_tool.tool.CustomerIoTool({SAVED_US!r}).call('get_segment', {{}})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_without_opentelemetry_the_message_names_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(ImportError, match=r"pip install 'customerio-tool\[otel\]'"):
        OtelTelemetry()
