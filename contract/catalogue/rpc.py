"""The calls of the catalogue as a table: for clients and servers alike, whatever gRPC library they use."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from contract.catalogue import catalogue_pb2 as pb

_SERVICE = pb.DESCRIPTOR.services_by_name["Catalogue"]
SERVICE = _SERVICE.full_name
MOST_AT_ONCE = 100


class Call(NamedTuple):
    """One call: its path on the wire, its messages, and whether its answer comes in pieces."""

    path: str
    request: Any
    response: Any
    streamed: bool


def _calls() -> Mapping[str, Call]:
    streamed = {"StreamProducts"}
    return {
        method.name: Call(
            f"/{SERVICE}/{method.name}",
            getattr(pb, method.input_type.name),
            getattr(pb, method.output_type.name),
            method.name in streamed,
        )
        for method in _SERVICE.methods
    }


CALLS = _calls()
