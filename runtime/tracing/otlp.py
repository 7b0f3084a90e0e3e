"""Spans over OTLP/HTTP, by OpenTelemetry's SDK: batches, on a thread of its own.

A collector that is away loses spans and costs a message nothing: the queue is bounded, and what does not fit
is dropped. Loaded only where there is a collector.
"""

import asyncio

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from runtime.tracing import stages
from runtime.tracing.hops import Hop

SERVICE = "concierge-runtime"
QUEUED, BATCH, EVERY_MS = 4_096, 512, 2_000


class Span:
    """One of OpenTelemetry's."""

    __slots__ = ("otel",)

    def __init__(self, otel: OtelSpan) -> None:
        self.otel = otel

    @property
    def hop(self) -> Hop:
        context = self.otel.get_span_context()
        return Hop(context.trace_id, context.span_id, sampled=True)

    def note(self, key: str, value: str | float) -> None:
        self.otel.set_attribute(key, value)

    def end(self, failed: str | None) -> None:
        if failed is not None:
            self.otel.set_status(Status(StatusCode.ERROR, failed))
        self.otel.end()


class Recorder:
    """Whether to record is decided before: what begins here is sent. `exporter`: that of a test."""

    def __init__(self, environment: str, exporter: SpanExporter | None = None) -> None:
        resource = Resource.create({"service.name": SERVICE, "deployment.environment.name": environment})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter or OTLPSpanExporter(),  # endpoint, headers and timeout: OTEL_EXPORTER_OTLP_...
                max_queue_size=QUEUED,
                max_export_batch_size=BATCH,
                schedule_delay_millis=EVERY_MS,
            )
        )
        self._tracer = self._provider.get_tracer(SERVICE)

    def begin(self, name: str, parent: stages.Span | Hop | None) -> Span:
        kind = SpanKind.INTERNAL if isinstance(parent, Span) else SpanKind.SERVER
        return Span(self._tracer.start_span(name, _context(parent), kind))

    async def close(self, within_s: float) -> None:
        """Sends what is left, for so long at most."""
        closing = asyncio.get_running_loop().run_in_executor(None, self._provider.shutdown)
        await asyncio.wait([closing], timeout=within_s)


def _context(parent: stages.Span | Hop | None) -> Context:
    if isinstance(parent, Span):
        return set_span_in_context(parent.otel)
    if isinstance(parent, Hop):
        flags = TraceFlags(TraceFlags.SAMPLED)
        came = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
        return set_span_in_context(NonRecordingSpan(came))
    return set_span_in_context(NonRecordingSpan(SpanContext(0, 0, is_remote=False)))
