from collections.abc import Iterable as _Iterable
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar

from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper

DESCRIPTOR: _descriptor.FileDescriptor

class Relation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RELATION_UNSPECIFIED: _ClassVar[Relation]
    RELATION_COMPATIBLE: _ClassVar[Relation]
    RELATION_SIMILAR: _ClassVar[Relation]
    RELATION_COMPARED: _ClassVar[Relation]
RELATION_UNSPECIFIED: Relation
RELATION_COMPATIBLE: Relation
RELATION_SIMILAR: Relation
RELATION_COMPARED: Relation

class Money(_message.Message):
    __slots__ = ("cents", "currency")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    cents: int
    def __init__(self, currency: str | None = ..., cents: int | None = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("asin", "category", "description", "features", "kind", "language", "list_price", "maker", "price", "rating", "stock", "title", "title_ja")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: str | None = ..., value: str | None = ...) -> None: ...
    ASIN_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TITLE_JA_FIELD_NUMBER: _ClassVar[int]
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MAKER_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    LIST_PRICE_FIELD_NUMBER: _ClassVar[int]
    STOCK_FIELD_NUMBER: _ClassVar[int]
    RATING_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    asin: str
    title: str
    title_ja: str
    category: str
    kind: str
    maker: str
    language: str
    price: Money
    list_price: Money
    stock: int
    rating: float
    features: _containers.ScalarMap[str, str]
    description: str
    def __init__(self, asin: str | None = ..., title: str | None = ..., title_ja: str | None = ..., category: str | None = ..., kind: str | None = ..., maker: str | None = ..., language: str | None = ..., price: Money | _Mapping | None = ..., list_price: Money | _Mapping | None = ..., stock: int | None = ..., rating: float | None = ..., features: _Mapping[str, str] | None = ..., description: str | None = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("asin",)
    ASIN_FIELD_NUMBER: _ClassVar[int]
    asin: str
    def __init__(self, asin: str | None = ...) -> None: ...

class BatchGetProductsRequest(_message.Message):
    __slots__ = ("asins",)
    ASINS_FIELD_NUMBER: _ClassVar[int]
    asins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asins: _Iterable[str] | None = ...) -> None: ...

class BatchGetProductsResponse(_message.Message):
    __slots__ = ("missing", "products")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, products: _Iterable[Product | _Mapping] | None = ..., missing: _Iterable[str] | None = ...) -> None: ...

class ListRelatedRequest(_message.Message):
    __slots__ = ("asin", "limit", "relation")
    ASIN_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    asin: str
    relation: Relation
    limit: int
    def __init__(self, asin: str | None = ..., relation: Relation | str | None = ..., limit: int | None = ...) -> None: ...

class ListRelatedResponse(_message.Message):
    __slots__ = ("products",)
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    def __init__(self, products: _Iterable[Product | _Mapping] | None = ...) -> None: ...

class GetStockRequest(_message.Message):
    __slots__ = ("asin",)
    ASIN_FIELD_NUMBER: _ClassVar[int]
    asin: str
    def __init__(self, asin: str | None = ...) -> None: ...

class Stock(_message.Message):
    __slots__ = ("asin", "available")
    ASIN_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    asin: str
    available: int
    def __init__(self, asin: str | None = ..., available: int | None = ...) -> None: ...

class StreamProductsRequest(_message.Message):
    __slots__ = ("category",)
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    category: str
    def __init__(self, category: str | None = ...) -> None: ...
