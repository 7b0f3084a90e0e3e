"""Lookups in the catalogue over gRPC (NET-4), as the runtime makes them: so many products a call.

grpcio is no part of what a worker needs for the chat; it is loaded when a scenario has this way in.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

from contract.errors import WrongUseError
from loadtests.transcript import Transcript

WHERE = "CONCIERGE_CATALOGUE"


class CatalogueClient:
    """One channel; every product that comes back is one that was asked for."""

    def __init__(self) -> None:
        try:
            import grpc
            from grpc.experimental import gevent as grpc_gevent

            from contract.catalogue.rpc import CALLS
        except ImportError as missing:
            raise WrongUseError(f"the catalogue needs grpcio and protobuf: {missing}: install them") from None
        place = os.environ.get(WHERE, "")
        if not place:
            raise WrongUseError(
                f"the catalogue is nowhere: set {WHERE} to its address, such as 127.0.0.1:50051"
            )
        grpc_gevent.init_gevent()
        self._errors: type[Exception] = grpc.RpcError
        self._channel = grpc.insecure_channel(place.removeprefix("dns:///"))
        self._call = CALLS["BatchGetProducts"]
        self._ask = self._channel.unary_unary(
            self._call.path,
            request_serializer=self._call.request.SerializeToString,
            response_deserializer=self._call.response.FromString,
        )

    def look_up(self, request_id: str, asins: Sequence[str], until: float) -> Transcript:
        """Asks for these products."""
        seen = Transcript(request_id, time.monotonic())
        try:
            request = self._call.request(asins=asins)
            found: Any = self._ask(request, timeout=max(0.001, until - time.monotonic()))
        except self._errors as refused:
            code = refused.code() if hasattr(refused, "code") else None
            seen.fail(f"catalogue: {getattr(code, 'name', refused)}")
            return seen
        if [product.asin for product in found.products] != list(asins):
            seen.fail("catalogue: other products than were asked for")
            return seen
        seen.came(time.monotonic(), len(found.products))
        return seen

    def close(self) -> None:
        """Leaves."""
        self._channel.close()
