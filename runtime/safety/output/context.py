"""What is true of one answer: everything its checks may lean on. They ask nobody themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from runtime.answer.facts import Facts
from runtime.safety.output.money import amounts
from runtime.shop.answers import Price, Product


@dataclass(frozen=True, slots=True)
class Goods:
    """A product an answer may speak of. Without prices where pricing gave none."""

    asin: str
    titles: tuple[str, ...]
    cents: int | None = None
    list_cents: int | None = None

    @property
    def saved(self) -> int:
        """How much less than its list price it costs."""
        return max(0, (self.list_cents or 0) - (self.cents or 0)) if self.cents else 0

    @property
    def percent(self) -> float:
        return 100 * self.saved / self.list_cents if self.saved and self.list_cents else 0.0


class Finding(NamedTuple):
    """What a check found, without the text it found it in."""

    check: str
    what: str


@dataclass(frozen=True, slots=True)
class Context:
    """`said`: amounts in cents that the person or a document of ours named. `owed`: those of their orders.

    `asins`: products there are. `public`: words of documents, which may name a telephone for everybody.
    `private`: sentences of our instructions, which nobody is told.
    """

    language: str = "en"
    goods: tuple[Goods, ...] = ()
    said: frozenset[int] = frozenset()
    owed: frozenset[int] = frozenset()
    asins: frozenset[str] = frozenset()
    public: str = ""
    private: tuple[str, ...] = field(default=())

    def knowing(self, goods: Iterable[Goods]) -> Self:
        """With more products."""
        more = tuple(one for one in goods if one.asin not in {known.asin for known in self.goods})
        return replace(self, goods=(*self.goods, *more), asins=self.asins | {one.asin for one in more})

    def learning(self, data: Mapping[str, Any]) -> Self:
        """With what a tool gave: its products, and every amount in it."""
        goods, owed = list[Goods](), set[int]()
        _learn(data, goods, owed)
        known = self.knowing(goods)
        return replace(known, owed=known.owed | owed)


def _learn(value: Any, goods: list[Goods], owed: set[int]) -> None:
    if isinstance(value, Mapping):
        if isinstance(asin := value.get("asin"), str):
            titles = tuple(str(value[name]) for name in ("title", "title_ja") if value.get(name))
            goods.append(Goods(asin, titles, value.get("price_cents"), value.get("list_price_cents")))
        for name, part in value.items():
            if name.endswith("cents") and isinstance(part, int):
                owed.add(part)
            elif name in {"note", "message"} and isinstance(part, str):  # words of ours
                owed.update(one.cents for one in amounts(part))
            else:
                _learn(part, goods, owed)
    elif isinstance(value, list | tuple):
        for part in value:
            _learn(part, goods, owed)


def goods_of(product: Product, price: Price | None) -> Goods:
    titles = tuple(title for title in (product.title, product.title_ja) if title)
    if price is None or price.currency != "USD":
        return Goods(product.asin, titles)
    return Goods(product.asin, titles, price.cents, price.list_cents)


def context_of(
    facts: Facts, asked: str, language: str, named: Sequence[str] = (), private: Sequence[str] = ()
) -> Context:
    """`asked`: what the person said, now and before. `named`: products they named."""
    public = "\n".join(passage.text for passage in facts.passages)
    owed = {order.cents for order in facts.orders}
    lines = [line for order in facts.orders for line in order.lines]
    owed |= {cents for line in lines for cents in (line.cents, line.cents * line.quantity)}
    owed |= {refund.cents for order in facts.orders for refund in order.refunds}
    named_amounts = (one for text in (asked, public) for one in amounts(text))
    return Context(
        language=language,
        goods=tuple(goods_of(product, facts.price(product)) for product in facts.products),
        said=frozenset(one.cents for one in named_amounts if one.currency == "USD"),
        owed=frozenset(owed),
        asins=frozenset({*(product.asin for product in facts.products), *named}),
        public=public,
        private=tuple(private),
    )
