"""A mystery shopper: asks what things cost, gives away what must not be kept, and looks at what comes of it.

Beside the load, over a socket of its own. Prices are held against the shop's own; at the end every place
where something is kept is searched for what was given away (RUN-11, RUN-13).
"""

import asyncio
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import redis

from contract.errors import ConciergeError
from contract.frames import Final, ServerFrame
from rehearsal.chat_line import ChatLine
from rehearsal.evidence import Breach
from rehearsal.shop.goods import Catalogue

CARD, MAIL, PHONE = "4111 1111 1111 1111", "maria.quintero@example.org", "(415) 555-0132"
_TELLS = (
    f"My card {CARD} was charged twice, what can you do?",
    f"Please write to {MAIL} when it is in stock again.",
    f"Call me at {PHONE} when my parcel comes, will you?",
)
_ASKS = ("How much is the {}?", "What does the {} cost?", "Price of the {}?")
_EVERY_S = 3.0
# A product's id, and the price that follows it.
_PRICED = re.compile(r"\((B0[0-9A-Z]{8})\)[^$(]{0,60}\$(\d[\d,]*(?:\.\d{2})?)")
_GIVEN_AWAY = {
    "card number": re.compile(r"4111[\s-]?1111[\s-]?1111[\s-]?1111"),
    "e-mail address": re.compile(r"maria\.quintero@example\.org", re.IGNORECASE),
    "telephone number": re.compile(r"415\D{0,3}555\D?0132"),
}


class Shopper:
    """Between `start` and `stop`; `url` is the agent's."""

    def __init__(self, url: str, shop_seed: int, seed: int) -> None:
        self._url, self._random = url, Random(seed)  # noqa: S311 - repeatable, not secret
        self._products = Catalogue(shop_seed).products
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="shopper", daemon=True)
        self.breaches: list[Breach] = []
        self.prices = 0
        self.asked = 0

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        asyncio.run(self._shop())

    async def _shop(self) -> None:
        while not self._over.is_set():
            try:
                async with ChatLine.open(self._url, "c-00012", None) as line:
                    await self._talk(line)
            except (ConciergeError, aiohttp.ClientError):
                await asyncio.sleep(1.0)  # whether people are answered is the load's business

    async def _talk(self, line: ChatLine) -> None:
        chosen = [self._products[asin] for asin in sorted(self._products)]
        while not self._over.is_set():
            self.asked += 1
            if self.asked % 4 == 0:
                await self._ask(line, _TELLS[self.asked // 4 % len(_TELLS)])
            else:
                product = self._random.choice(chosen)
                answer = await self._ask(line, _ASKS[self.asked % len(_ASKS)].format(product.title))
                if isinstance(answer, Final):
                    self.breaches += self.wrong_prices(answer)
            await asyncio.sleep(_EVERY_S)

    async def _ask(self, line: ChatLine, text: str) -> ServerFrame | None:
        last = None
        async for frame in line.ask(text):
            last = frame
        return last

    def wrong_prices(self, answer: Final) -> Iterator[Breach]:
        """Every price beside a product, in the text and on the cards, must be that product's."""
        said = [
            (asin, round(float(price.replace(",", "")) * 100)) for asin, price in _PRICED.findall(answer.text)
        ]
        shown = [(card.asin, card.price_cents) for card in answer.cards if card.price_cents is not None]
        for asin, cents in (*said, *shown):
            self.prices += 1
            product = self._products.get(asin)
            if product is None or cents not in {product.price, product.list_price}:
                yield Breach("wrong price", f"{asin} for ${cents / 100:,.2f}")


def kept(folder: Path, tables: Sequence[Any], cache_url: str) -> tuple[list[Breach], int]:
    """What was given away and is kept in plain words, and how many places were searched.

    `tables`: DynamoDB tables as boto3 resources; `folder`: everything that programs wrote.
    """
    found: list[Breach] = []
    searched = 0
    for where, text in (*_files(folder), *_items(tables), *_cached(cache_url)):
        searched += 1
        found += [Breach(kind, where) for kind, pattern in _GIVEN_AWAY.items() if pattern.search(text)]
    return found, searched


def _files(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted((*folder.rglob("*.out"), *folder.rglob("*.err"))):
        yield path.name, path.read_text("utf-8", "replace")


def _items(tables: Sequence[Any]) -> Iterator[tuple[str, str]]:
    for table in tables:
        more: dict[str, Any] = {}
        while True:
            page = table.scan(**more)
            yield from ((f"table {table.name}", repr(item)) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                break
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def _cached(url: str) -> Iterator[tuple[str, str]]:
    with redis.from_url(url) as cache:
        for key in cache.scan_iter():
            kind = cache.type(key)
            value = cache.get(key) if kind == b"string" else cache.hgetall(key) if kind == b"hash" else b""
            yield "cache", f"{key!r} {value!r}"
