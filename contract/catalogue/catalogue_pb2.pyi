from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

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
    __slots__ = ("currency", "cents")
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    CENTS_FIELD_NUMBER: _ClassVar[int]
    currency: str
    cents: int
    def __init__(self, currency: _Optional[str] = ..., cents: _Optional[int] = ...) -> None: ...

class Product(_message.Message):
    __slots__ = ("asin", "title", "title_ja", "category", "kind", "maker", "language", "price", "list_price", "stock", "rating", "features", "description")
    class FeaturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
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
    def __init__(self, asin: _Optional[str] = ..., title: _Optional[str] = ..., title_ja: _Optional[str] = ..., category: _Optional[str] = ..., kind: _Optional[str] = ..., maker: _Optional[str] = ..., language: _Optional[str] = ..., price: _Optional[_Union[Money, _Mapping]] = ..., list_price: _Optional[_Union[Money, _Mapping]] = ..., stock: _Optional[int] = ..., rating: _Optional[float] = ..., features: _Optional[_Mapping[str, str]] = ..., description: _Optional[str] = ...) -> None: ...

class GetProductRequest(_message.Message):
    __slots__ = ("asin",)
    ASIN_FIELD_NUMBER: _ClassVar[int]
    asin: str
    def __init__(self, asin: _Optional[str] = ...) -> None: ...

class BatchGetProductsRequest(_message.Message):
    __slots__ = ("asins",)
    ASINS_FIELD_NUMBER: _ClassVar[int]
    asins: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, asins: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchGetProductsResponse(_message.Message):
    __slots__ = ("products", "missing")
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class ListRelatedRequest(_message.Message):
    __slots__ = ("asin", "relation", "limit")
    ASIN_FIELD_NUMBER: _ClassVar[int]
    RELATION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    asin: str
    relation: Relation
    limit: int
    def __init__(self, asin: _Optional[str] = ..., relation: _Optional[_Union[Relation, str]] = ..., limit: _Optional[int] = ...) -> None: ...

class ListRelatedResponse(_message.Message):
    __slots__ = ("products",)
    PRODUCTS_FIELD_NUMBER: _ClassVar[int]
    products: _containers.RepeatedCompositeFieldContainer[Product]
    def __init__(self, products: _Optional[_Iterable[_Union[Product, _Mapping]]] = ...) -> None: ...

class GetStockRequest(_message.Message):
    __slots__ = ("asin",)
    ASIN_FIELD_NUMBER: _ClassVar[int]
    asin: str
    def __init__(self, asin: _Optional[str] = ...) -> None: ...

class Stock(_message.Message):
    __slots__ = ("asin", "available")
    ASIN_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    asin: str
    available: int
    def __init__(self, asin: _Optional[str] = ..., available: _Optional[int] = ...) -> None: ...

class StreamProductsRequest(_message.Message):
    __slots__ = ("category",)
    CATEGORY_FIELD_NUMBER: _ClassVar[int]
    category: str
    def __init__(self, category: _Optional[str] = ...) -> None: ...
