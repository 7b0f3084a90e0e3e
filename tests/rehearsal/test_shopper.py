"""The mystery shopper sees what must never be, and only that; what is kept in plain words is found."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fakeredis
import pytest

from contract.frames import Card, Final
from contract.tiers import Tier
from rehearsal import shopper
from rehearsal.evidence import Breach
from rehearsal.shop.goods import Catalogue
from rehearsal.shopper import CARD, MAIL, PHONE, Shopper

PRODUCT = next(iter(Catalogue(7).products.values()))
RIGHT = f"${PRODUCT.price / 100:,.2f}"
WRONG = f"${(PRODUCT.price + 100) / 100:,.2f}"


def answer(text: str = "", **card: Any) -> Final:
    cards = (Card(asin=PRODUCT.asin, title=PRODUCT.title, **card),) if card else ()
    return Final(request_id="r", sequence_number=1, text=text, tier=Tier.T0, rung="sonnet", cards=cards)


@pytest.mark.parametrize(
    ("said", "prices", "wrong"),
    [
        (answer(f"{PRODUCT.title} ({PRODUCT.asin}) is {RIGHT}, and it is in stock."), 1, []),
        (answer(f"It ({PRODUCT.asin}) was ${PRODUCT.list_price / 100:,.2f} once."), 1, []),
        (answer(f"({PRODUCT.asin}) costs {WRONG}."), 1, [f"{PRODUCT.asin} for {WRONG}"]),
        (answer("(B000000000) is $1.00."), 1, ["B000000000 for $1.00"]),
        (answer(price_cents=PRODUCT.price), 1, []),
        (answer(price_cents=PRODUCT.price + 100), 1, [f"{PRODUCT.asin} for {WRONG}"]),
        (answer("Shipping is free above $25."), 0, []),
        (answer(f"({PRODUCT.asin}): see its page for the price."), 0, []),
    ],
)  # fmt: skip
def test_a_price_must_be_that_of_its_product(said: Final, prices: int, wrong: list[str]):
    one = Shopper("http://127.0.0.1:9", 7, 7)

    assert [breach.where for breach in one.wrong_prices(said)] == wrong
    assert one.prices == prices


class Table:
    """As boto3 has one: pages of items."""

    name = "concierge-dev-sessions"

    def __init__(self, *pages: Any) -> None:
        self.pages = pages

    def scan(self, ExclusiveStartKey: int = 0) -> Any:  # noqa: N803 - boto3's own name
        more = {"LastEvaluatedKey": ExclusiveStartKey + 1} if ExclusiveStartKey + 1 < len(self.pages) else {}
        return {"Items": self.pages[ExclusiveStartKey], **more}


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Any:
    found = fakeredis.FakeRedis()
    monkeypatch.setattr(shopper, "redis", SimpleNamespace(from_url=lambda _: found))
    return found


def test_what_was_given_away_is_found_wherever_it_is_kept(tmp_path: Path, cache: Any):
    (tmp_path / "runtime.out").write_text(f'{{"asked": "{PHONE}"}}')
    (tmp_path / "samples.jsonl").write_text(CARD)  # what the person said, not what was kept
    cache.set("answer", f"to {MAIL.upper()}")
    cache.hset("entry", mapping={"text": "nothing"})
    table = Table([{"text": "hello"}], [{"text": CARD.replace(" ", "-")}])
    found, places = shopper.kept(tmp_path, [table], "redis://127.0.0.1")

    assert found == [
        Breach("telephone number", "runtime.out"),
        Breach("card number", "table concierge-dev-sessions"),
        Breach("e-mail address", "cache"),
    ]
    assert places == 5


def test_what_is_redacted_is_not_found(tmp_path: Path, cache: Any):
    (tmp_path / "runtime.err").write_text("my card [CARD] was charged twice; +1 415 555 0100")

    assert shopper.kept(tmp_path, [], "redis://127.0.0.1") == ([], 1)
    assert cache.keys() == []
