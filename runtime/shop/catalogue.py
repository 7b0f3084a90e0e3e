"""The product catalogue over gRPC, as contract/catalogue/catalogue.proto says (NET-4)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from contract.catalogue import catalogue_pb2 as pb
from contract.catalogue.rpc import CALLS, MOST_AT_ONCE
from runtime.coalesce import Coalesce
from runtime.connections import Headers
from runtime.downstream import Downstream, ProviderError, Why
from runtime.shop.answers import Listed, Stock
from runtime.shop.batch import Batch

Relation = Literal["compatible", "similar", "compared"]
_RELATIONS: Mapping[Relation, Any] = {
    "compatible": pb.RELATION_COMPATIBLE,
    "similar": pb.RELATION_SIMILAR,
    "compared": pb.RELATION_COMPARED,
}
_WHY = {
    grpc.StatusCode.DEADLINE_EXCEEDED: Why.TIMEOUT,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Why.THROTTLED,
    grpc.StatusCode.INVALID_ARGUMENT: Why.REFUSED,
    grpc.StatusCode.FAILED_PRECONDITION: Why.REFUSED,
    grpc.StatusCode.OUT_OF_RANGE: Why.REFUSED,
    grpc.StatusCode.PERMISSION_DENIED: Why.REFUSED,
    grpc.StatusCode.UNAUTHENTICATED: Why.REFUSED,
    grpc.StatusCode.UNIMPLEMENTED: Why.REFUSED,
}
# A lookup takes milliseconds: after an outage the way back must not take minutes.
_CHANNEL = (
    ("grpc.enable_retries", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 2_000),
    ("grpc.lb_policy_name", "round_robin"),
)
_TLS = "https://"
Ask = Callable[..., Awaitable[Any]]
T = TypeVar("T")


def channel(place: str) -> grpc.aio.Channel:
    """To `host:port`, or with TLS to `https://host:port`. Connects with the first call."""
    if place.startswith(_TLS):
        return grpc.aio.secure_channel(
            place.removeprefix(_TLS), grpc.ssl_channel_credentials(), options=_CHANNEL
        )
    return grpc.aio.insecure_channel(place, options=_CHANNEL)


class Catalogue:
    """Products by ASIN. What is nobody's is None, or left out."""

    def __init__(self, at: Downstream, to: grpc.aio.Channel, headers: Headers) -> None:
        self._at = at
        self._headers = headers
        self._calls: Mapping[str, Ask] = {
            name: to.unary_unary(
                call.path,
                request_serializer=call.request.SerializeToString,
                response_deserializer=call.response.FromString,
            )
            for name, call in CALLS.items()
            if not call.streamed
        }
        self._products = Batch(self._several, MOST_AT_ONCE)
        self._related: Coalesce[Any, Sequence[Listed]] = Coalesce()
        self._stock: Coalesce[str, Stock | None] = Coalesce()

    async def product(self, asin: str) -> Listed | None:
        """One product; lookups of the same moment go in one call."""
        return await self._products.get(asin)

    async def products(self, asins: Sequence[str]) -> Sequence[Listed]:
        """Those that exist, in the order asked for."""
        wanted = list(dict.fromkeys(asins))
        return [found for found in await self._products.get_all(wanted) if found is not None]

    async def related(self, asin: str, relation: Relation, limit: int = 10) -> Sequence[Listed]:
        """Products that go with it, resemble it, or are compared with it."""
        return await self._related.do((asin, relation, limit), lambda: self._relations(asin, relation, limit))

    async def stock(self, asin: str) -> Stock | None:
        """How many there are to sell."""
        return await self._stock.do(asin, lambda: self._available(asin))

    async def _several(self, asins: Sequence[str]) -> Mapping[str, Listed | Exception]:
        """One product that is broken is the trouble of those who asked for it, and of no others."""
        if len(asins) == 1:
            one = await self._ask("GetProduct", pb.GetProductRequest(asin=asins[0]), self._listed)
            return {} if one is None else {one.asin: one}

        def listed(answer: Any) -> Mapping[str, Listed | Exception]:
            return {product.asin: self._listed_or_error(product) for product in answer.products}

        request = pb.BatchGetProductsRequest(asins=asins)
        return await self._ask("BatchGetProducts", request, listed) or {}

    def _listed_or_error(self, said: Any) -> Listed | Exception:
        try:
            return self._listed(said)
        except ProviderError as error:
            return error

    async def _relations(self, asin: str, relation: Relation, limit: int) -> Sequence[Listed]:
        request = pb.ListRelatedRequest(asin=asin, relation=_RELATIONS[relation], limit=limit)

        def listed(answer: Any) -> Sequence[Listed]:
            return [self._listed(product) for product in answer.products]

        return await self._ask("ListRelated", request, listed) or ()

    async def _available(self, asin: str) -> Stock | None:
        def counted(answer: Any) -> Stock:
            if answer.asin != asin or answer.available < 0:
                raise self._at.error(Why.BROKEN, "stock: of another product, or below none")
            return Stock(asin, answer.available)

        return await self._ask("GetStock", pb.GetStockRequest(asin=asin), counted)

    async def _ask(self, name: str, request: Any, read: Callable[[Any], T]) -> T | None:
        """What `read` makes of the answer; None for NOT_FOUND."""

        async def once() -> T | None:
            metadata = [(key.lower(), value) for key, value in self._headers().items()]
            try:
                return read(await self._calls[name](request, metadata=metadata, timeout=self._at.deadline_s))
            except grpc.aio.AioRpcError as refused:
                if refused.code() is grpc.StatusCode.NOT_FOUND:
                    return None
                why = _WHY.get(refused.code(), Why.UNAVAILABLE)
                passing = refused.code() is grpc.StatusCode.UNAVAILABLE
                raise self._at.error(why, refused.code().name, passing=passing) from refused
            except DecodeError:
                raise self._at.error(Why.BROKEN, "not a message of the catalogue") from None

        return await self._at.ask(once)

    def _listed(self, said: Any) -> Listed:
        """A field that was not sent is empty or 0 in protobuf: what must not be is checked here."""
        price, list_price = said.price, said.list_price
        if not said.asin or not price.currency or price.currency != list_price.currency:
            raise self._at.error(Why.BROKEN, "a product without ASIN or currency")
        if price.cents <= 0 or list_price.cents <= 0 or not 0 <= said.rating <= 5 or said.stock < 0:
            raise self._at.error(
                Why.BROKEN, f"product {said.asin!r}: a price, rating or stock that cannot be"
            )
        return Listed(
            asin=said.asin,
            title=said.title,
            title_ja=said.title_ja,
            category=said.category,
            kind=said.kind,
            maker=said.maker,
            language=said.language,
            cents=price.cents,
            list_cents=list_price.cents,
            currency=price.currency,
            in_stock=said.stock > 0,
            rating=said.rating,
            features=dict(said.features),
            stock=said.stock,
            description=said.description,
        )
