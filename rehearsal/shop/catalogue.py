"""The catalogue over gRPC, as contract/catalogue/catalogue.proto says, with faults in gRPC's own words."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf.message import Message

from contract.catalogue import catalogue_pb2 as pb
from contract.catalogue.rpc import CALLS, MOST_AT_ONCE, SERVICE
from contract.faults import FaultKind
from rehearsal.clock import Clock
from rehearsal.faults import Faults
from rehearsal.faulty import HANG_S, SLOW_S, Pace
from rehearsal.shop.goods import Catalogue, Product

TARGET = "catalogue"
_STATUSES = {
    FaultKind.THROTTLE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    FaultKind.ERROR: grpc.StatusCode.INTERNAL,
    FaultKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    FaultKind.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    FaultKind.GATEWAY_TIMEOUT: grpc.StatusCode.DEADLINE_EXCEEDED,
}
_KINDS = (FaultKind.HANG, FaultKind.SLOW, *_STATUSES)
_PACE_S = 0.004
_USUAL_LIMIT = 10
Handle = Callable[[Any, Any], Awaitable[Message]]


class CatalogueService:
    """The five calls over one catalogue. Requests say who asks in the metadata `x-concierge-customer`."""

    def __init__(self, catalogue: Catalogue, seed: int, clock: Clock) -> None:
        self._catalogue, self._clock = catalogue, clock
        self._pace = Pace(_PACE_S, f"{seed}/catalogue", clock)
        self.faults = Faults(TARGET, _KINDS, {"route": tuple(CALLS), "customer": ()})

    def handler(self) -> grpc.GenericRpcHandler:
        made = {}
        for name, call in CALLS.items():
            kind = (
                grpc.unary_stream_rpc_method_handler if call.streamed else grpc.unary_unary_rpc_method_handler
            )
            made[name] = kind(
                self._streaming(name) if call.streamed else self._answering(name),
                request_deserializer=call.request.FromString,
                response_serializer=call.response.SerializeToString,
            )
        return grpc.method_handlers_generic_handler(SERVICE, made)

    def _answering(self, name: str) -> Handle:
        handlers: dict[str, Handle] = {
            "GetProduct": self._product,
            "BatchGetProducts": self._products,
            "ListRelated": self._related,
            "GetStock": self._stock,
        }

        async def answer(request: Any, context: Any) -> Message:
            await self._suffer(name, context)
            return await handlers[name](request, context)

        return answer

    def _streaming(self, name: str) -> Callable[[Any, Any], AsyncIterator[Message]]:
        async def stream(request: Any, context: Any) -> AsyncIterator[Message]:
            await self._suffer(name, context)
            for product in self._catalogue.products.values():
                if request.category in ("", product.category):
                    yield message(product)

        return stream

    async def _suffer(self, route: str, context: Any) -> None:
        metadata = dict(context.invocation_metadata() or ())
        attributes = {"route": route, "customer": metadata.get("x-concierge-customer", "")}
        struck = self.faults.strike(_KINDS, attributes)
        if slow := struck.get(FaultKind.SLOW):
            await self._clock.sleep(slow.measure(SLOW_S))
        if hang := struck.get(FaultKind.HANG):
            await self._clock.sleep(hang.measure(HANG_S))
        for kind, status in _STATUSES.items():
            if kind in struck:
                await context.abort(status, "injected")
        await self._pace.wait()

    async def _product(self, request: Any, context: Any) -> Message:
        return message(await self._known(request.asin, context))

    async def _stock(self, request: Any, context: Any) -> Message:
        product = await self._known(request.asin, context)
        return pb.Stock(asin=product.asin, available=product.stock)

    async def _products(self, request: Any, context: Any) -> Message:
        if len(request.asins) > MOST_AT_ONCE:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"at most {MOST_AT_ONCE} at once")
        known = self._catalogue.products
        return pb.BatchGetProductsResponse(
            products=[message(known[asin]) for asin in request.asins if asin in known],
            missing=[asin for asin in request.asins if asin not in known],
        )

    async def _related(self, request: Any, context: Any) -> Message:
        relations = {
            pb.RELATION_COMPATIBLE: self._catalogue.compatible,
            pb.RELATION_SIMILAR: self._catalogue.similar,
            pb.RELATION_COMPARED: self._catalogue.compared,
        }
        product = await self._known(request.asin, context)
        if request.relation not in relations:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "relation is not set")
        found = relations[request.relation](product)[: request.limit or _USUAL_LIMIT]
        return pb.ListRelatedResponse(products=[message(near) for near in found])

    async def _known(self, asin: str, context: Any) -> Product:
        product = self._catalogue.products.get(asin)
        if product is None:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no product {asin!r}")
            raise AssertionError("abort raises")
        return product


def message(product: Product) -> pb.Product:
    """A product on the wire."""
    return pb.Product(
        asin=product.asin,
        title=product.title,
        title_ja=product.title_ja,
        category=product.category,
        kind=product.kind,
        maker=product.maker,
        language=product.language,
        price=pb.Money(currency="USD", cents=product.price),
        list_price=pb.Money(currency="USD", cents=product.list_price),
        stock=product.stock,
        rating=product.rating,
        features=dict(product.features),
        description=product.description,
    )


@asynccontextmanager
async def serving(service: CatalogueService, port: int = 0) -> AsyncIterator[str]:
    """Serves on loopback; yields host:port."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((service.handler(),))
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}"
    finally:
        await server.stop(grace=0.2)
