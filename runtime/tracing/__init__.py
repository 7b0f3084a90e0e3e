"""One trace a message, one span and one metric a stage (RUN-18).

`hops` reads and writes what names a trace on the wire. `stages` is what the message path uses. `otlp` sends
the spans where OTEL_EXPORTER_OTLP_ENDPOINT says; without that nothing of OpenTelemetry is loaded, and of a
message that is not sampled it hears nothing. Nothing a person wrote or is called gets into a span.
"""

from runtime.tracing.hops import Hop, incoming, outgoing
from runtime.tracing.stages import Message, Recorder, Stage, Stages, headers, recorder, send_along, times

__all__ = [
    "Hop",
    "Message",
    "Recorder",
    "Stage",
    "Stages",
    "headers",
    "incoming",
    "outgoing",
    "recorder",
    "send_along",
    "times",
]
