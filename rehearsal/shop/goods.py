"""The catalogue: products of three kinds, drawn from a seed, and which of them go together."""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

_DIGITS = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_NEAR = 8  # relations of one sort that a product has at most


@dataclass(frozen=True, slots=True)
class Product:
    """Something on sale. Prices are in cents of a dollar; `takes` and `fits` say what goes together."""

    asin: str
    title: str
    title_ja: str
    category: str
    kind: str
    maker: str
    price: int
    list_price: int
    stock: int
    rating: float
    description: str
    language: str = ""
    takes: tuple[str, ...] = ()
    fits: str = ""
    features: Mapping[str, str] = field(default_factory=dict)

    @property
    def search_text(self) -> str:
        return f"{self.title} {self.title_ja} {self.kind} {self.maker} {self.description}"


@cache
def words() -> Mapping[str, Any]:
    """words.toml."""
    return tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))


class Catalogue:
    """All products of one seed, by ASIN. `bought`: those that orders of the past may have."""

    def __init__(self, seed: int = 7) -> None:
        random = Random(f"{seed}/goods")  # noqa: S311 - repeatable, not secret
        made = [*_manga(random), *_books(random), *_typed(random, "electronics")]
        self.bought: Mapping[str, Product] = {product.asin: product for product in made}
        made += _typed(Random(f"{seed}/footwear"), "footwear")  # noqa: S311
        self.products: Mapping[str, Product] = {product.asin: product for product in made}
        self._kinds: dict[tuple[str, str], list[Product]] = defaultdict(list)
        self._fitting: dict[str, list[Product]] = defaultdict(list)
        self._taking: dict[str, list[Product]] = defaultdict(list)
        for product in made:
            self._kinds[product.category, product.kind].append(product)
            if product.fits:
                self._fitting[product.fits].append(product)
            for name in product.takes:
                self._taking[name].append(product)

    def compatible(self, product: Product) -> list[Product]:
        """Accessories of a device, a few of each sort; devices for an accessory; volumes of a series."""
        if product.fits:
            return _nearest(self._taking[product.fits], product)
        per_sort = max(1, _NEAR // len(product.takes)) if product.takes else 0
        found = [near for name in product.takes for near in _nearest(self._fitting[name], product)[:per_sort]]
        return found or self._same_series(product)

    def similar(self, product: Product) -> list[Product]:
        """Of the same kind and about the same price."""
        return _nearest(self._kinds[product.category, product.kind], product)

    def compared(self, product: Product) -> list[Product]:
        """What one would compare it with: similar, by another maker."""
        others = [near for near in self._kinds[product.category, product.kind] if near.maker != product.maker]
        return _nearest(others, product)

    def _same_series(self, product: Product) -> list[Product]:
        series = product.features.get("series")
        if series is None:
            return []
        same = self._kinds[product.category, product.kind]
        return [near for near in same if near.features.get("series") == series and near != product][:_NEAR]


def _nearest(products: Sequence[Product], to: Product) -> list[Product]:
    others = (product for product in products if product.asin != to.asin)
    return sorted(others, key=lambda near: (abs(near.price - to.price), near.asin))[:_NEAR]


def _asin(random: Random) -> str:
    return "B0" + "".join(random.choice(_DIGITS) for _ in range(8))


def _offer(random: Random, price: int) -> dict[str, Any]:
    """What every product has: prices, stock, a rating. One in twelve is sold out, a third is on sale."""
    on_sale = random.random() < 1 / 3
    return {
        "asin": _asin(random),
        "price": price,
        "list_price": round(price * random.choice((1.1, 1.2, 1.25, 1.4))) if on_sale else price,
        "stock": 0 if random.random() < 1 / 12 else random.randint(1, 400),
        "rating": round(random.uniform(2.8, 5.0), 1),
    }


def _manga(random: Random) -> Iterator[Product]:
    known = words()["manga"]
    names = [
        (first, second) for first in range(len(known["first"])) for second in range(len(known["second"]))
    ]
    for first, second in random.sample(names, known["series"]):
        genre, author = random.randrange(len(known["genres"])), random.choice(known["authors"])
        title = f"{known['first'][first]} {known['second'][second]}"
        title_ja = f"{known['first_ja'][first]}{known['second_ja'][second]}"
        language = random.choice(("en", "ja"))
        for volume in range(1, known["volumes"] + 1):
            yield Product(
                **_offer(random, random.choice((699, 799, 999, 1099, 1299))),
                title=f"{title}, Vol. {volume}",
                title_ja=f"{title_ja} 第{volume}巻",
                category="manga",
                kind=known["genres"][genre],
                maker=author,
                language=language,
                features={"series": title, "volume": str(volume), "genre_ja": known["genres_ja"][genre]},
                description=f"Volume {volume} of the {known['genres'][genre]} series {title} by {author}.",
            )


def _books(random: Random) -> Iterator[Product]:
    known = words()["books"]
    for _ in range(known["titles"]):
        genre, form, subject = (random.randrange(len(known[key])) for key in ("genres", "forms", "subjects"))
        author, pages = random.choice(known["authors"]), random.randrange(120, 720)
        name = known["subjects"][subject]
        yield Product(
            **_offer(random, random.randrange(9, 60) * 100 + 99),
            title=f"{known['forms'][form]} {name} ({known['genres'][genre]})",
            title_ja=f"{known['subjects_ja'][subject]}{known['forms_ja'][form]}",
            category="books",
            kind=known["genres"][genre],
            maker=author,
            language=random.choice(("en", "en", "ja")),
            features={"pages": str(pages), "genre_ja": known["genres_ja"][genre]},
            description=f"{author} on {name.lower()} in {pages} pages: {known['genres'][genre]}.",
        )


def _typed(random: Random, category: str) -> Iterator[Product]:
    """Every model of every brand, of each type of a category."""
    known = words()[category]
    for sort in known["types"]:
        for brand in known["brands"]:
            for model in known["models"]:
                lowest, highest = sort["price"]
                features = {name: random.choice(values) for name, values in sort["features"].items()}
                colour = random.choice(known["colours"])
                told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in features.items())
                yield Product(
                    **_offer(random, random.randint(lowest, highest) * 100 + 99),
                    title=f"{brand} {model} {sort['name']}, {colour}",
                    title_ja=f"{brand} {model} {sort['name_ja']}",
                    category=category,
                    kind=sort["name"],
                    maker=brand,
                    takes=tuple(sort.get("takes", ())),
                    fits=sort.get("fits", ""),
                    features={**features, "colour": colour},
                    description=f"{sort['name'].capitalize()} by {brand}: {told}.",
                )
