"""What names a trace on the wire: W3C's `traceparent`, and AWS's `X-Amzn-Trace-Id` that API Gateway sends."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

TRACEPARENT, AMAZON = "traceparent", "x-amzn-trace-id"
_W3C = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?", re.ASCII)
_ROOT = re.compile(r"1-([0-9a-f]{8})-([0-9a-f]{24})", re.ASCII)
_SPAN = re.compile(r"[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Hop:
    """One span of one trace. `sampled` None: nobody has decided yet."""

    trace_id: int
    span_id: int
    sampled: bool | None


def incoming(headers: Mapping[str, str]) -> Hop | None:
    """The caller's span, whichever header names it; None where none does. Names of headers in any case."""
    found = {name.lower(): value for name, value in headers.items() if len(name) <= len(AMAZON)}
    hop = _w3c(found.get(TRACEPARENT, "")) or _amazon(found.get(AMAZON, ""))
    return hop if hop and hop.trace_id and hop.span_id else None


def outgoing(hop: Hop) -> dict[str, str]:
    """The same in both forms: AWS's services read theirs, the rest read the standard's."""
    trace, span = f"{hop.trace_id:032x}", f"{hop.span_id:016x}"
    sampled = int(bool(hop.sampled))
    return {
        TRACEPARENT: f"00-{trace}-{span}-0{sampled}",
        AMAZON: f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled={sampled}",
    }


def _w3c(text: str) -> Hop | None:
    if (match := _W3C.fullmatch(text.strip())) is None:
        return None
    trace, span, flags = match.groups()
    return Hop(int(trace, 16), int(span, 16), bool(int(flags, 16) & 1))


def _amazon(text: str) -> Hop | None:
    """`Root=1-...;Parent=...;Sampled=1`, in any order; an entry point sends a root alone."""
    parts = dict(part.strip().partition("=")[::2] for part in text.split(";"))
    root = _ROOT.fullmatch(parts.get("Root", "") or parts.get("Self", ""))
    if root is None:
        return None
    parent = parts.get("Parent", "")
    span = int(parent, 16) if _SPAN.fullmatch(parent) else random.getrandbits(64)
    return Hop(int("".join(root.groups()), 16), span, {"1": True, "0": False}.get(parts.get("Sampled", "")))
